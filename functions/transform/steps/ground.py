"""What lies behind a picture and around it: padding, a colour, the picture's own colour, or the picture blurred."""

from typing import Final

from PIL import Image, ImageFilter

from contracts.outputs import OutputFormat
from contracts.variants import Variant
from functions.transform.geometry import Frame, Size
from functions.transform.steps.colour import named
from functions.transform.steps.picture import Picture, straight

WHITE: Final = (255, 255, 255, 255)
NOTHING: Final = (255, 255, 255, 0)

_SAMPLE: Final = 64
"""Longer side, in pixels, of what the dominant colour is found in."""
_PALETTE: Final = 8
_BLURRED_SIDE: Final = 160
"""Longer side of the ground that is blurred and then enlarged: its detail is gone in any case."""
_BLUR_SHARE: Final = 1 / 24
"""Standard deviation of that blur, of the longer side."""


def apply(picture: Picture, variant: Variant, frame: Frame) -> Picture:
    """The picture at its place in its canvas, over its background; white where the format must show something."""
    pixels = straight(picture.pixels)
    if variant.background is None and variant.output.format is not OutputFormat.JPEG:
        canvas = Image.new("RGBA", frame.canvas, NOTHING)
        canvas.paste(pixels.convert("RGBA"), frame.offset)
        return picture.of(canvas)
    canvas = ground(pixels, variant.background, frame.canvas, picture.profile)
    if pixels.mode == "RGBA":
        canvas.alpha_composite(pixels, frame.offset)
    else:
        canvas.paste(pixels.convert("RGBA"), frame.offset)
    is_opaque = canvas.getchannel("A").getextrema()[0] == 255
    return picture.of(canvas.convert("RGB") if is_opaque else canvas)


def ground(pixels: Image.Image, background: str | None, size: Size, profile: bytes | None) -> Image.Image:
    """The background alone, RGBA, in the colours of pixels under this profile; white if none is named."""
    match background:
        case None:
            return Image.new("RGBA", size, WHITE)
        case "dominant":
            return Image.new("RGBA", size, (*dominant(pixels), 255))
        case "blur":
            return _blurred(pixels, size)
        case _:
            return Image.new("RGBA", size, named(background, profile))


def dominant(pixels: Image.Image) -> tuple[int, int, int]:
    """The mean of the largest group of like colours; what is transparent has no say. White if all is."""
    small = pixels.convert("RGBA")
    small.thumbnail((_SAMPLE, _SAMPLE), Image.Resampling.BOX)
    levels = small.tobytes()
    seen = b"".join(levels[at : at + 3] for at in range(0, len(levels), 4) if levels[at + 3] > 127)
    if not seen:
        return WHITE[:3]
    groups = Image.frombytes("RGB", (len(seen) // 3, 1), seen).quantize(_PALETTE, Image.Quantize.MEDIANCUT)
    counts, palette = groups.histogram(), groups.getpalette() or []
    largest = max(range(len(counts)), key=lambda number: (counts[number], -number))
    red, green, blue = palette[3 * largest : 3 * largest + 3]
    return red, green, blue


def _blurred(pixels: Image.Image, size: Size) -> Image.Image:
    """The picture covering all of the size, out of focus."""
    scale = _BLURRED_SIDE / max(size)
    small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    cover = max(small[0] / pixels.width, small[1] / pixels.height)
    across, down = small[0] / cover, small[1] / cover
    left, top = (pixels.width - across) / 2, (pixels.height - down) / 2
    box = (max(0.0, left), max(0.0, top), min(left + across, pixels.width), min(top + down, pixels.height))
    # its own transparency would let through what the ground is there to cover
    solid = Image.new("RGB", pixels.size, dominant(pixels)) if pixels.mode == "RGBA" else pixels.convert("RGB")
    if pixels.mode == "RGBA":
        solid.paste(pixels, mask=pixels.getchannel("A"))
    soft = solid.resize(small, Image.Resampling.BILINEAR, box).filter(
        ImageFilter.GaussianBlur(_BLURRED_SIDE * _BLUR_SHARE)
    )
    return soft.resize(size, Image.Resampling.BICUBIC).convert("RGBA")
