"""Watermarks: a picture over a picture takes its share, at its place, and mixes by alpha alone."""

from collections.abc import Iterator
from typing import Any, Final

from PIL import Image

from benchmarks.conformance.case import Case
from benchmarks.conformance.checks import Area, Colour, Coloured, Sized
from benchmarks.conformance.pictures import part, saved
from benchmarks.conformance.profiles import DISPLAY_P3, in_srgb, matrix_profile
from benchmarks.conformance.tolerances import Tolerance
from contracts.formats import ImageFormat

_GROUND: Final = (40, 80, 160)
_MARK: Final = (200, 60, 40)
_NAME: Final = "018f3a1c-52aa-7bbb-8ccc-0123456789ab.logo"
_SIZE: Final = (200, 120)
_LOGO: Final = (80, 40)


def _logo(colour: Colour = _MARK, **options: Any) -> bytes:
    return saved(Image.new("RGBA" if len(colour) == 4 else "RGB", _LOGO, colour), "PNG", **options)


def _case(
    name: str,
    promise: str,
    logo: bytes,
    areas: tuple[tuple[Area, Colour], ...],
    within: Tolerance,
    ground: Colour = _GROUND,
    **asked: object,
) -> Case:
    return Case(
        name=f"mark-{name}",
        group="watermarks",
        promise=promise,
        source=saved(Image.new("RGBA" if len(ground) == 4 else "RGB", _SIZE, ground), "PNG"),
        format=ImageFormat.PNG,
        request={"overlays": [{"asset": _NAME, **asked}], "output": {"format": "png"}},
        checks=(Sized(*_SIZE), Coloured(areas, within)),
        assets={_NAME: logo},
    )


def cases() -> Iterator[Case]:
    # a quarter of 200 is 50, and 40/80 of that 25: at the south-east from (150, 95) on
    corner = part(150 / 200, 95 / 120, 1, 1)
    around = ((part(0, 0, 1, 95 / 120), _GROUND), (part(0, 0, 150 / 200, 1), _GROUND))
    yield _case(
        "share",
        "a mark takes its share of the width, in its own shape, up to the very edge",
        _logo(),
        ((corner, _MARK), *around),
        Tolerance.ROUNDED,
    )
    yield _case(
        "larger",
        "a mark that is larger than the picture becomes as small as its share",
        saved(Image.new("RGB", (800, 400), _MARK), "PNG"),
        ((corner, _MARK), *around),
        Tolerance.ROUNDED,
    )
    # 60 of 255: (200 * 60 + 40 * 195) / 255 and so on
    mixed = tuple(round((over * 60 + under * 195) / 255) for over, under in zip(_MARK, _GROUND, strict=True))
    yield _case(
        "mixed",
        "a mark of an alpha of 60 mixes with what is below by 60 of 255",
        _logo((*_MARK, 60)),
        ((corner, mixed), *around),
        Tolerance.ROUNDED,
    )
    # over half of nothing: alpha 1 - (1 - a)(1 - b), colours by their shares of it
    below, over = 128 / 255, 60 / 255
    alpha = over + below * (1 - over)
    seen = tuple(
        round((top * over + under * below * (1 - over)) / alpha) for top, under in zip(_MARK, _GROUND, strict=True)
    )
    yield _case(
        "half-there",
        "a mark over what is half there mixes as Porter and Duff say, and leaves the rest half there",
        _logo((*_MARK, 60)),
        ((corner, (*seen, round(255 * alpha))), (part(0, 0, 1, 0.7), (*_GROUND, 128))),
        Tolerance.CONVERTED,
        ground=(*_GROUND, 128),
    )
    yield _case(
        "middle",
        "a mark at the centre has as much on one side as on the other",
        _logo(),
        ((part(0.25, 35 / 120, 0.75, 85 / 120), _MARK), (part(0, 0, 0.25, 1), _GROUND), (part(0.75, 0, 1, 1), _GROUND)),
        Tolerance.ROUNDED,
        anchor="center",
        scale=50,
    )
    yield _case(
        "tiles",
        "tiles without a gap leave nothing of what is below",
        _logo(),
        ((part(0, 0, 1, 1), _MARK),),
        Tolerance.ROUNDED,
        anchor="north-west",
        scale=15,
        tile=0,
    )
    yield _case(
        "wide",
        "a mark under a profile of its own looks the same on a picture without one",
        _logo((170, 80, 60), icc_profile=matrix_profile(DISPLAY_P3)),
        ((corner, in_srgb((170, 80, 60), DISPLAY_P3)), *around),
        Tolerance.CONVERTED,
    )
