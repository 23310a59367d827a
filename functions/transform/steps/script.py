"""Letters of a line as they are drawn, from left to right: right-to-left scripts turned round, Arabic letters joined.

Pillow does this where a system library (FriBiDi) is beside it, which the function's machine has not; here it is the
same everywhere, by the tables that Python has. What lines of text need is done, not all that paragraphs do: one
direction by the first strong letter, numbers, words of another script, neutrals between them; no isolates, no
embeddings.
Sources: Unicode Standard Annex #9, rules P2, W1 to W7, N1, N2, I1, I2, L2, L4; chapter 9.2 for the forms of Arabic.
"""

import unicodedata
from functools import cache
from itertools import groupby
from typing import Final

_RIGHT: Final = frozenset({"R", "AL"})
_NUMBERS: Final = frozenset({"EN", "AN"})
_STRONG: Final = _RIGHT | {"L"}
_MIRRORED: Final = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_TATWEEL: Final = "\u0640"
_FORMS: Final = (*range(0xFB50, 0xFBB2), *range(0xFBD3, 0xFC00), *range(0xFE80, 0xFEFD))
"""Where Unicode has Arabic letters by their form, each of which says which letter it is a form of."""


def drawn(text: str) -> str:
    """One line in the order and the forms in which it is drawn, a letter and its accent as one where there is such."""
    text = unicodedata.normalize("NFC", text)
    kinds = [unicodedata.bidirectional(char) for char in text]
    if _RIGHT.isdisjoint(kinds):
        return text
    joined = _joined(text)
    levels = _levels([unicodedata.bidirectional(char) for char in joined])
    order = list(range(len(joined)))
    for least in range(max(levels), 0, -1):
        # whatever is on this level or above is turned round, the innermost first
        order = [at for high, run in _runs(order, levels, least) for at in (reversed(run) if high else run)]
    return "".join(joined[at].translate(_MIRRORED) if levels[at] % 2 else joined[at] for at in order)


def _runs(order: list[int], levels: list[int], least: int) -> list[tuple[bool, list[int]]]:
    return [(high, list(run)) for high, run in groupby(order, lambda at: levels[at] >= least)]


def _levels(kinds: list[str]) -> list[int]:
    """Odd for what runs to the left."""
    base = next((int(kind in _RIGHT) for kind in kinds if kind in _STRONG), 0)
    settled: list[str] = []
    strong = "R" if base else "L"
    for kind in kinds:
        if kind in _STRONG:
            strong = "L" if kind == "L" else "R"
        if kind == "NSM":
            kind = settled[-1] if settled else strong
        elif kind == "EN" and strong == "L":
            kind = "L"
        settled.append("R" if kind == "AL" else kind)
    for at, kind in enumerate(settled):
        # a point or a sign within a number, or beside it
        around = {settled[other] for other in (at - 1, at + 1) if 0 <= other < len(settled)}
        if (kind in ("CS", "ES") and around == {"EN"} and 0 < at < len(settled) - 1) or (
            kind == "ET" and "EN" in around
        ):
            settled[at] = "EN"
    at = 0
    for known, run in groupby(list(settled), lambda kind: kind in ("L", "R") or kind in _NUMBERS):
        length = len(list(run))
        if not known:
            before = _side(settled[at - 1] if at else "", base)
            after = _side(settled[at + length] if at + length < len(settled) else "", base)
            settled[at : at + length] = [before if before == after else "LR"[base]] * length
        at += length
    return [_level(kind, base) for kind in settled]


def _side(kind: str, base: int) -> str:
    """The direction that a neutral sees: numbers are of the right-to-left text that they stand in."""
    return "LR"[base] if not kind else "R" if kind in _NUMBERS else kind


def _level(kind: str, base: int) -> int:
    if kind == "R":
        return 1
    return 2 if kind in _NUMBERS or base else 0


def _joined(text: str) -> str:
    """Arabic letters in the forms that they have beside each other; marks between letters part nothing."""
    forms = _arabic()
    letters = [at for at, char in enumerate(text) if unicodedata.bidirectional(char) != "NSM"]
    chars = list(text)
    for place, at in enumerate(letters):
        char = text[at]
        if char not in forms:
            continue
        previous = text[letters[place - 1]] if place else ""
        following = text[letters[place + 1]] if place + 1 < len(letters) else ""
        after = "final" in forms[char] and (previous == _TATWEEL or "initial" in forms.get(previous, {}))
        before = "initial" in forms[char] and (following == _TATWEEL or "final" in forms.get(following, {}))
        wanted = {(True, True): "medial", (True, False): "final", (False, True): "initial"}.get((after, before))
        chars[at] = forms[char].get(wanted or "isolated", char)
    return _ligated("".join(chars), text)


def _ligated(shaped: str, text: str) -> str:
    """Lam and alef are one letter."""
    found, skip = [], False
    for at, char in enumerate(shaped):
        if skip:
            skip = False
            continue
        pair = _ligatures().get(text[at : at + 2])
        if pair is not None:
            joins = char in (_arabic()["\u0644"]["medial"], _arabic()["\u0644"]["final"])
            found.append(pair["final" if joins else "isolated"])
            skip = True
        else:
            found.append(char)
    return "".join(found)


@cache
def _arabic() -> dict[str, dict[str, str]]:
    """Forms of each letter by their name."""
    forms: dict[str, dict[str, str]] = {}
    for code in _FORMS:
        name, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        if len(letters) == 1:
            forms.setdefault(chr(int(letters[0], 16)), {}).setdefault(name.strip("<>"), chr(code))
    return forms


@cache
def _ligatures() -> dict[str, dict[str, str]]:
    """Of lam and any alef, by the two letters."""
    pairs: dict[str, dict[str, str]] = {}
    for code in range(0xFEF5, 0xFEFD):
        name, *letters = unicodedata.decomposition(chr(code)).split()
        pairs.setdefault("".join(chr(int(letter, 16)) for letter in letters), {})[name.strip("<>")] = chr(code)
    return pairs
