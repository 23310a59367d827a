"""What becomes of the pictures of an import: of each one, and of all of them."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from msgspec import Struct

from contracts.identifiers import JobId
from operations.sources import Picture


class Fate(StrEnum):
    """What becomes of a picture in this run."""

    TAKEN = "taken"
    THERE = "there"
    """An earlier run took it."""
    GONE = "gone"
    """An earlier run took it, and its job was deleted or its life is over: it is not brought back."""
    SKIPPED = "skipped"
    """It cannot be taken; `reason` says why, and that will not change by itself."""
    FAILED = "failed"
    """Something did not answer, or it changed meanwhile: the next run tries it again."""


class End(Struct, frozen=True, kw_only=True):
    """What became of one picture."""

    picture: Picture
    fate: Fate
    reason: str = ""
    job_id: JobId | None = None


class Waiting(Struct, frozen=True, kw_only=True):
    """A picture that is to be taken, as this job."""

    picture: Picture
    job_id: JobId


class Tally(Struct, frozen=True):
    """What a run came to; `told` are those that somebody has to hear of."""

    counts: Counter[Fate]
    told: list[End]

    @property
    def failed(self) -> int:
        return self.counts[Fate.FAILED]

    def text(self, taken: str) -> str:
        """One line for people; `taken` is the word for what was, or would be."""
        words = {Fate.TAKEN: taken, Fate.THERE: "there already", Fate.GONE: "deleted since"}
        return ", ".join(f"{self.counts[fate]} {words.get(fate, fate.value)}" for fate in Fate)

    def document(self) -> dict[str, Any]:
        return {
            "counts": {fate.value: self.counts[fate] for fate in Fate},
            "troubles": [{"key": end.picture.key, "fate": end.fate.value, "reason": end.reason} for end in self.told],
        }


def tally(ends: Iterable[End]) -> Tally:
    """Count them."""
    counts: Counter[Fate] = Counter()
    told = []
    for end in ends:
        counts[end.fate] += 1
        if end.fate in (Fate.SKIPPED, Fate.FAILED):
            told.append(end)
    return Tally(counts, told)
