"""Where pixels go: orientations, sizes, crops, padding, and that nothing is shifted."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from PIL import Image

from benchmarks.conformance.case import Case
from benchmarks.conformance.checks import Coloured, Columns, Sized
from benchmarks.conformance.pictures import (
    BLUE,
    GRAY,
    GREEN,
    RED,
    oriented,
    part,
    quarter_areas,
    quarters,
    ramp,
    reduced_ramp,
    saved,
    stripe_areas,
    stripes,
    turned,
)
from benchmarks.conformance.tolerances import Tolerance
from contracts.formats import ImageFormat

PNG: Final = {"format": "png"}
_CLEAR: Final = (0, 0, 0, 0)


def cases() -> Iterator[Case]:
    yield from _orientations()
    yield from _sizes()
    yield from _fits()
    yield from _phases()


def _orientations() -> Iterator[Case]:
    """Eight values of EXIF tag 0x0112, in each container that has EXIF and is read by all."""
    upright = quarters(96, 64)
    for value in range(1, 9):
        stored = turned(upright, value)
        yield Case(
            name=f"orientation-jpeg-{value}",
            group="orientation",
            promise=f"EXIF orientation {value} of a JPEG is applied",
            source=saved(stored, "JPEG", quality=95, subsampling=0, exif=oriented(value)),
            format=ImageFormat.JPEG,
            request={"resize": {"width": 48}, "output": PNG},
            checks=(Sized(48, 32), Coloured(quarter_areas(), Tolerance.CODED)),
        )
    for form, value, options in (("PNG", 6, {}), ("WEBP", 8, {"lossless": True}), ("TIFF", 3, {})):
        yield Case(
            name=f"orientation-{form.lower()}-{value}",
            group="orientation",
            promise=f"EXIF orientation {value} of a {form} is applied",
            source=saved(turned(upright, value), form, exif=oriented(value), **options),
            format=ImageFormat(form.lower()),
            request={"resize": {"width": 48}, "output": PNG},
            checks=(Sized(48, 32), Coloured(quarter_areas(), Tolerance.ROUNDED)),
        )
    yield Case(
        name="orientation-and-crop",
        group="orientation",
        promise="a crop is of the picture as it is seen, not as it is stored",
        source=saved(
            turned(stripes((RED, GREEN, BLUE), 96, 32), 6), "JPEG", quality=95, subsampling=0, exif=oriented(6)
        ),
        format=ImageFormat.JPEG,
        request={"resize": {"width": 16, "height": 16, "fit": "cover"}, "output": PNG},
        checks=(Sized(16, 16), Coloured((((0.2, 0, 0.8, 1), GREEN),), Tolerance.RINGING)),
    )


_SIZES: Final[tuple[tuple[str, tuple[int, int], dict[str, Any]], ...]] = (
    ("inside-wide", (400, 300), {"width": 100, "height": 100, "fit": "inside"}),
    ("inside-tall", (300, 400), {"width": 100, "height": 100, "fit": "inside"}),
    ("inside-odd", (997, 613), {"width": 250, "height": 250, "fit": "inside"}),
    ("outside-wide", (400, 300), {"width": 100, "height": 100, "fit": "outside"}),
    ("outside-tall", (300, 401), {"width": 100, "height": 100, "fit": "outside"}),
    ("cover", (640, 480), {"width": 123, "height": 77, "fit": "cover"}),
    ("contain", (640, 480), {"width": 123, "height": 77, "fit": "contain"}),
    ("fill", (640, 480), {"width": 123, "height": 77, "fit": "fill"}),
    ("width-alone", (641, 480), {"width": 320}),
    ("height-alone", (641, 480), {"height": 239}),
    ("prime-sides", (1009, 701), {"width": 503}),
    ("up", (40, 30), {"width": 100, "enlarge": True}),
    ("not-up", (40, 30), {"width": 100}),
    ("not-up-inside", (40, 30), {"width": 100, "height": 20, "fit": "inside"}),
    ("line-across", (10_000, 1), {"width": 100, "height": 100, "fit": "inside"}),
    ("line-down", (1, 10_000), {"width": 100, "height": 100, "fit": "inside"}),
    ("thin", (5_000, 7), {"width": 50}),
    ("one-pixel", (1, 1), {"width": 10}),
    ("one-pixel-up", (1, 1), {"width": 10, "height": 10, "fit": "fill", "enlarge": True}),
    ("to-one-pixel", (512, 512), {"width": 1, "height": 1, "fit": "fill"}),
    ("one-wide", (300, 1), {"width": 30}),
    ("one-high", (1, 300), {"height": 30}),
)


def _sizes() -> Iterator[Case]:
    for name, source, resize in _SIZES:
        for form in ("PNG", "JPEG"):
            yield Case(
                name=f"size-{name}-{form.lower()}",
                group="sizes",
                promise=f"{source[0]}x{source[1]} asked for as {_said(resize)} has the size that arithmetic gives",
                source=saved(Image.new("RGB", source, GRAY), form),
                format=ImageFormat(form.lower()),
                request={"resize": resize, "output": PNG},
                checks=(Sized(*_law(source, resize)), Coloured((((0.45, 0, 0.55, 1), GRAY),), Tolerance.ROUNDED))
                if resize.get("fit") != "contain"
                else (Sized(*_law(source, resize)),),
            )


def _law(source: tuple[int, int], resize: dict[str, Any]) -> tuple[int, int]:
    """CSS Images 3, object-fit; a free side is the nearest whole number of pixels, and at least one.

    None of the kit's cases has a free side that ends in exactly a half: there laws differ, and none is right.
    """
    width, height, fit = resize.get("width"), resize.get("height"), resize.get("fit", "inside")
    if width is not None and height is not None and fit in ("cover", "contain", "fill"):
        return width, height
    scales = [Fraction(width, source[0])] if width is not None else []
    scales += [Fraction(height, source[1])] if height is not None else []
    scale = max(scales) if fit == "outside" else min(scales)
    scale = scale if resize.get("enlarge") else min(scale, Fraction(1))
    across, down = (max(1, int(side * scale + Fraction(1, 2))) for side in source)
    return across, down


def _said(resize: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in resize.items())


def _fits() -> Iterator[Case]:
    three = (RED, GREEN, BLUE)
    wide = saved(stripes(three, 300, 100), "PNG")
    tall = saved(stripes(three, 300, 100).transpose(Image.Transpose.ROTATE_270), "PNG")
    yield Case(
        name="cover-takes-the-middle-across",
        group="fits",
        promise="cover cuts the same from both sides",
        source=wide,
        format=ImageFormat.PNG,
        request={"resize": {"width": 50, "height": 50, "fit": "cover"}, "output": PNG},
        checks=(Sized(50, 50), Coloured((((0.08, 0, 0.92, 1), GREEN),), Tolerance.ROUNDED)),
    )
    yield Case(
        name="cover-takes-the-middle-down",
        group="fits",
        promise="cover cuts the same from above and below",
        source=tall,
        format=ImageFormat.PNG,
        request={"resize": {"width": 50, "height": 50, "fit": "cover"}, "output": PNG},
        checks=(Sized(50, 50), Coloured((((0, 0.08, 1, 0.92), GREEN),), Tolerance.ROUNDED)),
    )
    yield Case(
        name="contain-centres",
        group="fits",
        promise="contain puts the picture in the middle, with nothing around it",
        source=wide,
        format=ImageFormat.PNG,
        request={"resize": {"width": 90, "height": 90, "fit": "contain"}, "output": PNG},
        checks=(
            Sized(90, 90),
            Coloured(
                (
                    ((0, 0, 1, 28 / 90), _CLEAR),
                    ((0, 62 / 90, 1, 1), _CLEAR),
                    ((0.05, 32 / 90, 0.28, 58 / 90), RED),
                    ((0.40, 32 / 90, 0.60, 58 / 90), GREEN),
                    ((0.72, 32 / 90, 0.95, 58 / 90), BLUE),
                ),
                Tolerance.ROUNDED,
            ),
        ),
    )
    yield Case(
        name="fill-keeps-all",
        group="fits",
        promise="fill shows the whole picture, its shape not kept",
        source=wide,
        format=ImageFormat.PNG,
        request={"resize": {"width": 60, "height": 60, "fit": "fill"}, "output": PNG},
        checks=(Sized(60, 60), Coloured(stripe_areas(three), Tolerance.RINGING)),
    )
    yield Case(
        name="cover-of-a-line",
        group="fits",
        promise="cover of a picture a hundred times as wide as high takes its middle",
        source=saved(stripes(three, 8_001, 80), "JPEG", quality=95, subsampling=0),
        format=ImageFormat.JPEG,
        request={"resize": {"width": 64, "height": 64, "fit": "cover"}, "output": PNG},
        checks=(Sized(64, 64), Coloured(((part(0, 0, 1, 1), GREEN),), Tolerance.CODED)),
    )


def _phases() -> Iterator[Case]:
    """An even ramp has one right answer at every size: the gray in the middle of each pixel. A shift would show."""
    for name, width, to in (("eighth", 1024, 128), ("third", 900, 300), ("odd", 1000, 333), ("half", 512, 256)):
        for form, options in (("PNG", {}), ("JPEG", {"quality": 98})):
            values = reduced_ramp(width, to)
            yield Case(
                name=f"phase-{name}-{form.lower()}",
                group="phase",
                promise=f"a ramp of {width} pixels at {to} is not shifted",
                source=saved(ramp(width, 64), form, **options),
                format=ImageFormat(form.lower()),
                request={"resize": {"width": to}, "output": PNG},
                # beside the rims a filter has nothing to look at
                checks=(Columns(values[4:-4], Tolerance.CONVERTED if form == "JPEG" else Tolerance.ROUNDED, first=4),),
            )
