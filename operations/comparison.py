"""Pairs of renders, before and after, and what they say in numbers: which is better, and how all of them stand.

No pictures and no words of a page here: those are in `sidebyside`. Who makes pairs is in `preset_diff` and `upgrade`.
"""

import statistics
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from operations.renders import Render


class Verdict(StrEnum):
    """Of a pair; what is compared is what is shown: bytes, and the score to a tenth of a point."""

    SAME = "same"
    """The same bytes."""
    BETTER = "better"
    """No more bytes and no worse, and not alike in both."""
    WORSE = "worse"
    MIXED = "mixed"
    """Fewer bytes for a worse picture, or more for a better one."""
    ALIKE = "alike"
    """Other bytes, but as many, and as good."""
    SMALLER = "smaller"
    """Fewer bytes, and nothing is known of how good."""
    LARGER = "larger"
    OTHER = "other"
    """Asked for with another size, cut or look: its bytes and score are of something else."""
    ALONE = "alone"
    """On one side alone."""
    NONE = "none"
    """On neither: the picture cannot be read, say."""

    @property
    def words(self) -> str:
        """As people are told it, also after a number."""
        return _WORDS.get(self, self.value)


_WORDS: Final = {
    Verdict.SAME: "same bytes",
    Verdict.OTHER: "another picture",
    Verdict.ALONE: "on one side alone",
    Verdict.NONE: "not made",
}


class Pair(Struct, frozen=True, kw_only=True):
    """One variant of one picture, before and after; None where it is made on one side alone."""

    picture: str
    variant: str
    before: Render | None
    after: Render | None
    is_other: bool = False
    """Whether the two were asked for with another size, cut or look, and not only encoded otherwise."""

    @property
    def is_same(self) -> bool:
        """The same bytes on both sides."""
        return self.before is not None and self.after is not None and self.before.body == self.after.body != b""

    @property
    def made(self) -> tuple[Render, Render] | None:
        """Both sides, where both have a file."""
        if self.before is None or self.after is None:
            return None
        return (self.before, self.after) if self.before.body and self.after.body else None

    @property
    def growth(self) -> float | None:
        """In bytes, as a share of those before; None where a side is missing."""
        return None if self.made is None else len(self.made[1].body) / len(self.made[0].body) - 1

    @property
    def gain(self) -> float | None:
        """In points of score, or in its place in hundredths of SSIM, of one picture; None where it is not known."""
        if self.made is None or self.is_other or self.made[0].size != self.made[1].size:
            return None
        old, new = self.made
        if old.score is not None and new.score is not None:
            return round(round(new.score, 1) - round(old.score, 1), 1)
        if old.ssim is not None and new.ssim is not None:
            return round(100 * (new.ssim - old.ssim), 2)
        return None

    @property
    def verdict(self) -> Verdict:
        if self.made is None:
            is_there = any(one is not None and one.body for one in (self.before, self.after))
            return Verdict.ALONE if is_there else Verdict.NONE
        if self.is_same:
            return Verdict.SAME
        old, new = self.made
        if self.is_other or old.size != new.size:
            return Verdict.OTHER
        more, gain = len(new.body) - len(old.body), self.gain
        if gain is None:
            return Verdict.SMALLER if more < 0 else Verdict.LARGER if more > 0 else Verdict.ALIKE
        if more == 0 and gain == 0:
            return Verdict.ALIKE
        if more <= 0 and gain >= 0:
            return Verdict.BETTER
        return Verdict.WORSE if more >= 0 and gain <= 0 else Verdict.MIXED


class Totals(Struct, frozen=True, kw_only=True):
    """Of several pairs. Each list has the value before and the one after, of what both sides made; None: not known."""

    pairs: int
    same: int
    verdicts: dict[Verdict, int]
    bytes: list[int]
    score: list[float | None]
    """Medians, as those below."""
    ssim: list[float | None]
    ms: list[float | None]


def totals(pairs: Sequence[Pair]) -> Totals:
    """What only one side made is counted among the pairs, and in no other number."""
    both = [pair.made for pair in pairs if pair.made is not None]
    verdicts = [pair.verdict for pair in pairs]
    return Totals(
        pairs=len(pairs),
        same=sum(pair.is_same for pair in pairs),
        verdicts={verdict: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts},
        bytes=[sum(len(made[side].body) for made in both) for side in (0, 1)],
        score=[_median([made[side].score for made in both]) for side in (0, 1)],
        ssim=[_median([made[side].ssim for made in both]) for side in (0, 1)],
        ms=[_median([made[side].ms for made in both]) for side in (0, 1)],
    )


def by_variant(pairs: Sequence[Pair]) -> dict[str, Totals]:
    """The totals of each variant, in the order in which they come."""
    names = dict.fromkeys(pair.variant for pair in pairs)
    return {name: totals([pair for pair in pairs if pair.variant == name]) for name in names}


def has_scores(pairs: Sequence[Pair]) -> bool:
    """Whether SSIMULACRA2 was to be had."""
    return any(one is not None and one.score is not None for pair in pairs for one in (pair.before, pair.after))


def counted(found: Totals) -> str:
    """How many pairs there are of each verdict, in words."""
    return ", ".join(f"{count} {verdict.words}" for verdict, count in found.verdicts.items())


def in_numbers(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Everything that is known but the pictures themselves, as JSON has it."""
    whole = totals(pairs)
    return {
        "measure": "ssimulacra2" if has_scores(pairs) else "ssim",
        **_document(whole),
        "variants": {name: _document(found) for name, found in by_variant(pairs).items()},
        "details": [
            {
                "picture": pair.picture,
                "variant": pair.variant,
                "verdict": pair.verdict.value,
                "before": _side(pair.before),
                "after": _side(pair.after),
            }
            for pair in pairs
        ],
    }


def _document(found: Totals) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__struct_fields__}


def _side(one: Render | None) -> dict[str, Any] | None:
    if one is None:
        return None
    document: dict[str, Any] = {"bytes": len(one.body)}
    if one.format is not None:
        document |= {"format": one.format.value, "width": one.size[0], "height": one.size[1]}
    document |= {"score": one.score, "ssim": one.ssim, "ms": one.ms}
    return document | ({"trouble": one.trouble} if one.trouble else {})


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(statistics.median(known), 4) if known else None
