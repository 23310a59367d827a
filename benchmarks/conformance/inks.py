"""Inks: with a profile they are what it says, without one those of a press that might have printed them."""

from collections.abc import Iterator, Sequence
from typing import Final

from PIL import Image

from benchmarks.conformance.case import Case
from benchmarks.conformance.checks import Coloured, Sized
from benchmarks.conformance.pictures import part, saved, stripe_areas, ycck
from benchmarks.conformance.profiles import ink_in_srgb, ink_profile, lab_in_srgb
from benchmarks.conformance.tolerances import Tolerance
from benchmarks.inks.measured import NO_INK, patches
from contracts.formats import ImageFormat

PNG: Final = {"format": "png"}
INKS: Final = ((0.10, 0.55, 0.85), (0.80, 0.15, 0.50), (0.95, 0.85, 0.20), (0.0, 0.0, 0.0))
"""What full cyan, magenta, yellow and black pass of red, green and blue: not what ideal inks would."""
_SOLIDS: Final = (NO_INK, (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (1, 1, 0, 0), (0, 0, 0, 1))
_OVERPRINTS: Final = ((1, 0, 1, 0), (0, 1, 1, 0))
"""No press lays all four over each other, and whether black is then the screen's is a question of taste."""


def cases() -> Iterator[Case]:
    yield from _described()
    yield from _undescribed()


def _described() -> Iterator[Case]:
    printed, profile = _stripes(_SOLIDS), ink_profile(INKS)
    truth = tuple(ink_in_srgb(INKS, amounts) for amounts in _SOLIDS)
    sources = {
        "jpeg": saved(printed, "JPEG", quality=100, subsampling=0, icc_profile=profile),
        "tiff": saved(printed, "TIFF", icc_profile=profile),
    }
    for form, source in sources.items():
        yield Case(
            name=f"inks-profile-{form}",
            group="inks",
            promise=f"four inks of a {form.upper()} are what its profile says, not what ideal inks would be",
            source=source,
            format=ImageFormat(form),
            request={"resize": {"width": 32 * len(_SOLIDS)}, "output": PNG},
            checks=(Coloured(stripe_areas(truth), Tolerance.INKS),),
        )


def _undescribed() -> Iterator[Case]:
    """Any press will do, but it has to be one: the truth was measured at one, the tolerance is for all others."""
    amounts = _SOLIDS + _OVERPRINTS
    printed = _stripes(amounts)
    truth = [lab_in_srgb(patches()[each].shown) for each in amounts]
    for name, form, source in (
        ("jpeg", ImageFormat.JPEG, saved(printed, "JPEG", quality=100, subsampling=0)),
        ("ycck", ImageFormat.JPEG, ycck(printed)),
        ("tiff", ImageFormat.TIFF, saved(printed, "TIFF")),
    ):
        yield Case(
            name=f"inks-undescribed-{name}",
            group="inks",
            promise=f"inks without a profile, in a {name.upper()}, are those of a press and not ideal ones",
            source=source,
            format=form,
            request={"resize": {"width": 32 * len(amounts)}, "output": PNG},
            checks=(Coloured(stripe_areas(truth), Tolerance.PRESSES),),
        )
    yield Case(
        name="inks-paper",
        group="inks",
        promise="bare paper of a CMYK JPEG without a profile is white",
        source=saved(Image.new("CMYK", (64, 64), (0, 0, 0, 0)), "JPEG", quality=100),
        format=ImageFormat.JPEG,
        request={"resize": {"width": 32}, "output": PNG},
        checks=(
            Sized(32, 32),
            Coloured(((part(0, 0, 1, 1), (255, 255, 255)),), Tolerance.INKS),
        ),
    )


def _stripes(amounts: Sequence[Sequence[float]]) -> Image.Image:
    """64 pixels of each."""
    image = Image.new("CMYK", (64 * len(amounts), 64))
    for index, each in enumerate(amounts):
        image.paste(tuple(round(255 * value) for value in each), (64 * index, 0, 64 * (index + 1), 64))
    return image
