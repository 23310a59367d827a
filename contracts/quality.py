"""Why a variant has the quality it has: what was tried, and by what it was decided. Shown in the status.

Made by `functions/transform/quality.py` for variants with `quality: "auto"` or `max_bytes`.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

MAX_PROBES: Final = 20
"""Tries that are told of one variant: five on the proxy, six of its file, and a step of size each for the rest."""


class Reason(StrEnum):
    """What decided."""

    LIKENESS = "ssim"
    """The lowest quality that is as like the picture as it should be."""
    HIGHEST = "ssim-unreached"
    """Not even the highest quality that is tried is as like: it is used."""
    ASKED = "asked"
    """The quality that was asked for, or its default, keeps within the budget."""
    BUDGET = "budget"
    """The highest quality that keeps within the budget."""
    SIZE = "budget-size"
    """Only a smaller picture keeps within the budget."""


class Probe(Struct, frozen=True, array_like=True):
    """One try. `quality` is 0 for what has none; `width` in pixels tells the proxy's tries from the file's."""

    quality: Annotated[int, Meta(ge=0, le=100)]
    bytes: Annotated[int, Meta(ge=1)]
    width: Annotated[int, Meta(ge=1)]
    ssim: Annotated[float, Meta(ge=-1, le=1)] | None = None
    """Structural similarity to the picture before encoding, where it was measured."""


class Choice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The quality that was chosen (None for what has none), and why."""

    quality: Annotated[int, Meta(ge=1, le=100)] | None = None
    why: Reason
    target: Annotated[float, Meta(gt=0, le=1)] | None = None
    """The likeness that was aimed at."""
    probes: Annotated[tuple[Probe, ...], Meta(max_length=MAX_PROBES)] = ()
