"""Transparency: colours of what cannot be seen never show, and what is half there stays so."""

from collections.abc import Iterator
from typing import Final

from PIL import Image, ImageDraw

from benchmarks.conformance.case import Case
from benchmarks.conformance.checks import Coloured, Sized, Unfringed
from benchmarks.conformance.pictures import part, saved
from benchmarks.conformance.tolerances import Tolerance
from contracts.formats import ImageFormat

_SEEN: Final = (200, 60, 40)
_HIDDEN: Final = (20, 250, 120)
_SIDE: Final = 256


def _disc(hidden: tuple[int, int, int]) -> Image.Image:
    """A disc of one colour; around it another that is wholly transparent."""
    image = Image.new("RGBA", (_SIDE, _SIDE), (*hidden, 0))
    ImageDraw.Draw(image).ellipse((40, 40, _SIDE - 40, _SIDE - 40), fill=(*_SEEN, 255))
    return image


def cases() -> Iterator[Case]:
    middle, corner = (0.35, 0.35, 0.65, 0.65), (0, 0, 0.1, 0.1)
    for form, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        for width in (64, 97):
            yield Case(
                name=f"fringe-{form.lower()}-{width}",
                group="transparency",
                promise=f"what is transparent in a {form} gives no colour to its neighbours at {width} pixels",
                source=saved(_disc(_HIDDEN), form, **options),
                format=ImageFormat(form.lower()),
                request={"resize": {"width": width}, "output": {"format": "png"}},
                checks=(
                    Sized(width, width),
                    Unfringed(of=1, value=_SEEN[1]),
                    Coloured(((middle, _SEEN), (corner, (0, 0, 0, 0))), Tolerance.ROUNDED),
                ),
            )
    half = Image.new("RGBA", (128, 128), (*_SEEN, 128))
    half.paste((*_HIDDEN, 64), (64, 0, 128, 128))
    yield Case(
        name="half-there",
        group="transparency",
        promise="colours behind an alpha of a half and of a quarter stay what they are",
        source=saved(half, "PNG"),
        format=ImageFormat.PNG,
        request={"resize": {"width": 64}, "output": {"format": "png"}},
        checks=(
            Sized(64, 64),
            Coloured(((part(0, 0, 0.5, 1), (*_SEEN, 128)), (part(0.5, 0, 1, 1), (*_HIDDEN, 64))), Tolerance.CONVERTED),
        ),
    )
    gray = Image.new("LA", (64, 64), (180, 128))
    yield Case(
        name="gray-alpha",
        group="transparency",
        promise="gray with alpha keeps both",
        source=saved(gray, "PNG"),
        format=ImageFormat.PNG,
        request={"resize": {"width": 32}, "output": {"format": "png"}},
        checks=(
            Sized(32, 32),
            Coloured(((part(0, 0, 1, 1), (180, 180, 180, 128)),), Tolerance.CONVERTED),
        ),
    )
    hole = Image.new("P", (64, 64), 0)
    hole.putpalette([*_HIDDEN, *_SEEN])
    hole.paste(1, (32, 0, 64, 64))
    for form in ("PNG", "GIF"):
        yield Case(
            name=f"palette-hole-{form.lower()}",
            group="transparency",
            promise=f"a transparent entry of a {form}'s palette is transparent",
            source=saved(hole, form, transparency=0),
            format=ImageFormat(form.lower()),
            request={"resize": {"width": 32}, "output": {"format": "png"}},
            checks=(
                Sized(32, 32),
                Coloured(((part(0, 0, 0.5, 1), (0, 0, 0, 0)), (part(0.5, 0, 1, 1), _SEEN)), Tolerance.ROUNDED),
            ),
        )
    keyed = Image.new("RGB", (64, 64), _HIDDEN)
    keyed.paste(_SEEN, (32, 0, 64, 64))
    yield Case(
        name="colour-key-png",
        group="transparency",
        promise="the one colour that a PNG names transparent is transparent",
        source=saved(keyed, "PNG", transparency=_HIDDEN),
        format=ImageFormat.PNG,
        request={"resize": {"width": 32}, "output": {"format": "png"}},
        checks=(
            Sized(32, 32),
            Coloured(((part(0, 0, 0.5, 1), (0, 0, 0, 0)), (part(0.5, 0, 1, 1), _SEEN)), Tolerance.ROUNDED),
        ),
    )
    for form in ("webp", "avif"):
        yield Case(
            name=f"alpha-into-{form}",
            group="transparency",
            promise=f"{form.upper()} keeps what is transparent",
            source=saved(_disc(_HIDDEN), "PNG"),
            format=ImageFormat.PNG,
            request={"resize": {"width": 128}, "output": {"format": form, "quality": 80}},
            checks=(
                Sized(128, 128),
                Coloured(((middle, _SEEN), (corner, (0, 0, 0, 0))), Tolerance.SMALL),
            ),
        )
