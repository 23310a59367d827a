"""Colours: light, profiles, 16 bits, palettes."""

import io
from collections.abc import Iterator
from typing import Final

from PIL import Image

from benchmarks.conformance.case import Case
from benchmarks.conformance.checks import Coloured, Columns, Sized
from benchmarks.conformance.pictures import (
    BLUE,
    GREEN,
    RED,
    YELLOW,
    checkers,
    part,
    png16,
    quarter_areas,
    quarters,
    saved,
    stripe_areas,
    stripes,
)
from benchmarks.conformance.profiles import (
    DISPLAY_P3,
    SRGB,
    gray_in_srgb,
    gray_profile,
    in_srgb,
    matrix_profile,
    mean_light,
)
from benchmarks.conformance.tolerances import Tolerance
from contracts.formats import ImageFormat

PNG: Final = {"format": "png"}
ALL: Final = part(0, 0, 1, 1)
_PATCHES: Final = ((200, 100, 60), (60, 110, 180), (128, 128, 128), (230, 220, 210))
"""Colours that Display P3 and sRGB both have."""


def cases() -> Iterator[Case]:
    yield from _light()
    yield from _gamuts()
    yield from _deep()
    yield from _indexed()


def _light() -> Iterator[Case]:
    """Fine checkers seen from afar: half the pixels of each level give half the light of each."""
    for name, one, other in (
        ("black-white", (0, 0, 0), (255, 255, 255)),
        ("gray", (64, 64, 64), (192, 192, 192)),
        ("red-green", (255, 0, 0), (0, 255, 0)),
        ("magenta-green", (255, 0, 255), (0, 255, 0)),
    ):
        source = saved(checkers(one, other, 256), "PNG")
        light = tuple(round(mean_light(pair)) for pair in zip(one, other, strict=True))
        coded = tuple(round(sum(pair) / 2) for pair in zip(one, other, strict=True))
        yield Case(
            name=f"linear-{name}",
            group="linear light",
            promise=f"{name} checkers at an eighth, in linear light, are {light}",
            source=source,
            format=ImageFormat.PNG,
            request={"resize": {"width": 32, "linear": True}, "output": PNG},
            checks=(Sized(32, 32), Coloured(((ALL, light),), Tolerance.LIGHT)),
        )
        yield Case(
            name=f"coded-{name}",
            group="linear light",
            promise=f"{name} checkers at an eighth, unless light is asked for, are {coded}",
            source=source,
            format=ImageFormat.PNG,
            request={"resize": {"width": 32}, "output": PNG},
            checks=(Sized(32, 32), Coloured(((ALL, coded),), Tolerance.CONVERTED)),
        )


def _gamuts() -> Iterator[Case]:
    """Profiles whose colours differ from sRGB's by known matrices; ignoring one, or naming it sRGB, shows at once."""
    swapped = (SRGB[1], SRGB[2], SRGB[0])
    for name, primaries, gamma in (
        ("display-p3", DISPLAY_P3, None),
        ("p3-gamma-1.8", DISPLAY_P3, 1.8),
        ("swapped", swapped, None),
        ("srgb-gamma-1", SRGB, 1.0),
    ):
        profile = matrix_profile(primaries, gamma=gamma, name=name)
        truth = tuple(in_srgb(colour, primaries, gamma) for colour in _PATCHES)
        for form, options, within in (
            ("PNG", {}, Tolerance.CONVERTED),
            ("JPEG", {"quality": 100, "subsampling": 0}, Tolerance.CODED),
        ):
            if form == "JPEG" and gamma == 1.0:
                continue  # a step of a linear curve is many of sRGB's
            yield Case(
                name=f"profile-{name.replace('.', '-')}-{form.lower()}",
                group="colour profiles",
                promise=f"a {form} with the profile {name} comes out in sRGB",
                source=saved(stripes(_PATCHES, 256, 64), form, icc_profile=profile, **options),
                format=ImageFormat(form.lower()),
                request={"resize": {"width": 128}, "output": PNG},
                checks=(Sized(128, 32), Coloured(stripe_areas(truth), within)),
            )
    levels = (20, 55, 128, 220)
    gray = tuple((value,) * 3 for value in (gray_in_srgb(level, 1.0) for level in levels))
    yield Case(
        name="profile-gray-gamma-1",
        group="colour profiles",
        promise="a gray picture with a linear profile comes out in sRGB's curve",
        source=saved(
            stripes([(level,) * 3 for level in levels], 256, 64).convert("L"), "PNG", icc_profile=gray_profile(1.0)
        ),
        format=ImageFormat.PNG,
        request={"resize": {"width": 128}, "output": PNG},
        checks=(Sized(128, 32), Coloured(stripe_areas(gray), Tolerance.CONVERTED)),
    )
    yield Case(
        name="profile-broken",
        group="colour profiles",
        promise="a profile that is none does not keep a picture from being made",
        source=saved(quarters(128, 128), "PNG", icc_profile=b"this is no profile" * 20),
        format=ImageFormat.PNG,
        request={"resize": {"width": 64}, "output": PNG},
        checks=(Sized(64, 64), Coloured(quarter_areas(), Tolerance.ROUNDED)),
    )


def _deep() -> Iterator[Case]:
    """16 bits: the nearest of 256 levels, v / 257."""
    levels = (0, 257 * 10, 257 * 77 + 60, 257 * 128, 257 * 200 - 60, 65535)
    truth = tuple((round(level / 257),) * 3 for level in levels)
    gray = [[(level,) for level in levels for _ in range(16)]] * 32
    yield Case(
        name="deep-gray-png",
        group="16 bits",
        promise="a gray PNG of 16 bits keeps its levels",
        source=png16(gray, 0),
        format=ImageFormat.PNG,
        request={"resize": {"width": 96}, "output": PNG},
        checks=(Sized(96, 32), Coloured(stripe_areas(truth), Tolerance.ROUNDED)),
    )
    tiff = Image.frombytes("I;16", (96, 32), b"".join(level.to_bytes(2, "little") * 16 for level in levels) * 32)
    yield Case(
        name="deep-gray-tiff",
        group="16 bits",
        promise="a gray TIFF of 16 bits keeps its levels",
        source=saved(tiff, "TIFF"),
        format=ImageFormat.TIFF,
        request={"resize": {"width": 96}, "output": PNG},
        checks=(Sized(96, 32), Coloured(stripe_areas(truth), Tolerance.ROUNDED)),
    )
    colours = tuple(tuple(257 * value for value in colour) for colour in (RED, GREEN, BLUE, YELLOW))
    rgb = [[colour for colour in colours for _ in range(16)]] * 32
    yield Case(
        name="deep-rgb-png",
        group="16 bits",
        promise="an RGB PNG of 16 bits keeps its colours",
        source=png16(rgb, 2),
        format=ImageFormat.PNG,
        request={"resize": {"width": 64}, "output": PNG},
        checks=(Sized(64, 32), Coloured(stripe_areas((RED, GREEN, BLUE, YELLOW)), Tolerance.ROUNDED)),
    )
    half = [[(*colour, 32896) for colour in colours for _ in range(16)]] * 32
    yield Case(
        name="deep-rgba-png",
        group="16 bits",
        promise="an RGBA PNG of 16 bits keeps its colours and its alpha",
        source=png16(half, 6),
        format=ImageFormat.PNG,
        request={"resize": {"width": 64}, "output": PNG},
        checks=(
            Coloured(stripe_areas([(*colour, 128) for colour in (RED, GREEN, BLUE, YELLOW)]), Tolerance.CONVERTED),
        ),
    )
    slope = [[(257 * x,) for x in range(256)]] * 16
    yield Case(
        name="deep-ramp",
        group="16 bits",
        promise="a ramp of 16 bits keeps every level in its order",
        source=png16(slope, 0),
        format=ImageFormat.PNG,
        request={"output": PNG},
        checks=(Sized(256, 16), Columns(tuple(float(x) for x in range(256)), Tolerance.ROUNDED)),
    )


def _indexed() -> Iterator[Case]:
    colours = (RED, GREEN, BLUE, YELLOW)
    flat = quarters(128, 128).quantize(4, dither=Image.Dither.NONE)
    for form, options in (("PNG", {}), ("GIF", {}), ("BMP", {}), ("TIFF", {})):
        yield Case(
            name=f"palette-{form.lower()}",
            group="palettes",
            promise=f"a {form} with a palette is resized by its colours, not by its indices",
            source=saved(flat, form, **options),
            format=ImageFormat(form.lower()),
            request={"resize": {"width": 64}, "output": PNG},
            checks=(Sized(64, 64), Coloured(quarter_areas(colours), Tolerance.ROUNDED)),
        )
    yield Case(
        name="one-bit-png",
        group="palettes",
        promise="a PNG of one bit is gray when it is small",
        source=saved(checkers((0, 0, 0), (255, 255, 255), 64).convert("1", dither=Image.Dither.NONE), "PNG"),
        format=ImageFormat.PNG,
        request={"resize": {"width": 16}, "output": PNG},
        checks=(Sized(16, 16), Coloured(((ALL, (128, 128, 128)),), Tolerance.CONVERTED)),
    )
    progressive = io.BytesIO()
    quarters(64, 64).save(progressive, "JPEG", quality=95, subsampling=0, progressive=True)
    yield Case(
        name="progressive-jpeg",
        group="palettes",
        promise="a progressive JPEG is read to its last scan",
        source=progressive.getvalue(),
        format=ImageFormat.JPEG,
        request={"resize": {"width": 32}, "output": PNG},
        checks=(Sized(32, 32), Coloured(quarter_areas(), Tolerance.CODED)),
    )
