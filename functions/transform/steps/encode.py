"""Pixels to bytes: nothing but the pixels, and what is given to be carried with them.

Effort is fixed by the order, never by the time left: the same order gives the same bytes on the same number of threads.
Measured at 800w (2026-11): WebP method 4 takes 43 ms on 2 cores (method 1: 13.5 ms and 16 % more bytes). AVIF at speed
6 takes 350 ms of processor time and is 2.6 points of SSIMULACRA2 better at equal bytes than at 8, which takes 100.
"""

import io
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from msgspec import Struct
from PIL import Image

from contracts.encoding import effort_spent
from contracts.outputs import Output, OutputFormat, Quantizer
from functions.transform.steps.picture import straight

if TYPE_CHECKING:
    from functions.transform.steps.gif import GifWriter

# by effort, 0 to 9; 5 is what is done when nothing is said; `contracts/encoding.py` says what each takes
_PNG_LEVEL: Final = (1, 1, 2, 3, 4, 6, 6, 7, 8, 9)
"""Level 6 makes 5 % more than level 9."""
_WEBP_METHOD: Final = (0, 1, 2, 3, 4, 4, 5, 5, 6, 6)
_WEBP_METHOD_ALPHA: Final = (0, 1, 2, 3, 3, 3, 4, 4, 5, 5)
"""With alpha, most of the work: 4 takes half as long again as 3 for 0 to 8 % less, and 6 sixty times as long."""
_WEBP_LOSSLESS: Final = ((0, 0), (10, 1), (25, 2), (50, 3), (60, 3), (75, 4), (75, 4), (80, 4), (80, 4), (90, 5))
"""Effort in libwebp's own words, and method; the most that there is would take ten times as long, for 2 % less."""
_AVIF_SPEED: Final = (10, 10, 8, 8, 7, 6, 6, 6, 5, 4)
_AVIF_OPTIONS: Final = {"subsampling": "4:4:4", "advanced": {"tune": "ssimulacra2"}}
"""At equal bytes 2 points of SSIMULACRA2 above libaom's own tuning, and coloured edges stay sharp."""
_LEAST_OPTIMISED: Final = 3
"""Effort from which a JPEG gets Huffman tables of its own (12 ms to 17, and 12 % less), and a palette is cut with care
(25 ms to 160)."""

_PLUGINS: Final = {
    "JPEG": "JpegImagePlugin",
    "PNG": "PngImagePlugin",
    "WEBP": "WebPImagePlugin",
    "AVIF": "AvifImagePlugin",
    "GIF": "GifImagePlugin",
    "TIFF": "TiffImagePlugin",
}
_SUBSAMPLING_420: Final = 2
_HORIZONTAL: Final = 2
_PREDICTOR: Final = 317
_XMP: Final = 700
_WHITE: Final = (255, 255, 255)
MOST_COLORS: Final = 256


class Carried(Struct, frozen=True):
    """What a file holds beside its pixels; empty for nothing."""

    profile: bytes = b""
    exif: bytes = b""
    """As a TIFF, without the six bytes that JPEG begins it with."""
    xmp: bytes = b""


NOTHING: Final = Carried()


def encode(
    pixels: Image.Image,
    output: Output,
    quality: int | None,
    carried: Carried = NOTHING,
    palettes: Quantizer = Quantizer.PILLOW,
) -> bytes:
    """The file of one picture, at this quality (None for what has none); a palette by this one, where it can.

    Raises what Pillow raises: nothing here depends on the original's bytes any more.
    """
    seen = straight(pixels)
    # a handle of its own: Pillow keeps the options of a save on the picture, where another thread's save of the same
    # pixels would find them
    pixels = seen._new(seen.im)
    has_alpha, effort = pixels.mode == "RGBA", effort_of(pixels, output)
    by = quantizer(output, pixels.size, palettes)
    match output.format:
        case OutputFormat.JPEG:
            return _jpeg(_flat(pixels), output, effort, quality, carried)
        case OutputFormat.WEBP:
            return _saved(
                pixels, "WEBP", **webp_options(output, quality, effort, has_alpha=has_alpha), **_beside(carried)
            )
        case OutputFormat.AVIF:
            options = _AVIF_OPTIONS | {"quality": quality, "speed": _AVIF_SPEED[effort]}
            return _saved(pixels, "AVIF", **options, **_beside(carried))
        case OutputFormat.PNG:
            return _png(pixels, output, effort, carried, by)
        case OutputFormat.GIF:
            writer = gif_writer(pixels.size, output, effort, None, by)
            writer.add(pixels)
            return writer.file()
        case OutputFormat.TIFF:
            return _tiff(pixels, carried)


def quantizer(output: Output, size: tuple[int, int], wanted: Quantizer) -> Quantizer | None:
    """Who makes the palette of an output of this size; None: it has none. The same for the same process and order."""
    if output.colors is None and output.format is not OutputFormat.GIF:
        return None
    pixels = size[0] * size[1]
    if wanted is Quantizer.PILLOW or effort_spent(output, pixels) < _LEAST_OPTIMISED:
        return Quantizer.PILLOW
    from functions.transform.steps.fine_palette import can_cut  # not at module level: few stacks have it

    return Quantizer.IMAGEQUANT if can_cut(pixels) else Quantizer.PILLOW


def effort_of(pixels: Image.Image, output: Output) -> int:
    """0 to 9: what is spent on these pixels, straight or premultiplied."""
    return effort_spent(output, pixels.width * pixels.height, has_alpha=pixels.mode in ("RGBA", "RGBa"))


def opened(body: bytes, form: OutputFormat) -> Image.Image:
    """The pixels of a file that `encode` made."""
    name = _PLUGINS[form.upper()]
    decoder: Any = getattr(import_module(f"PIL.{name}"), name.replace("Plugin", "File"))
    image: Image.Image = decoder(io.BytesIO(body))
    image.load()
    return image


def shrunk(pixels: Image.Image, scale: float) -> Image.Image:
    """At this share of its size, at least one pixel; itself at 1."""
    if scale >= 1:
        return pixels
    size = max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale))
    pixels = pixels.convert("RGBa") if pixels.mode == "RGBA" else pixels
    return straight(pixels.resize(size, Image.Resampling.LANCZOS))


def webp_options(output: Output, quality: int | None, effort: int, *, has_alpha: bool) -> dict[str, Any]:
    """Of a still or moving WebP."""
    if output.lossless:
        inner, method = _WEBP_LOSSLESS[effort]
        return {"lossless": True, "quality": inner, "method": method, "exact": True}
    return {"quality": quality, "method": (_WEBP_METHOD_ALPHA if has_alpha else _WEBP_METHOD)[effort]}


def gif_writer(
    size: tuple[int, int], output: Output, effort: int, loop: int | None, by: Quantizer | None = None
) -> "GifWriter":
    """Where the frames of a GIF go."""
    from functions.transform.steps.gif import GifWriter  # not at module level: most pictures become no GIF

    _load_plugin("GIF")
    careful = effort >= _LEAST_OPTIMISED
    return GifWriter(size, colors=output.colors or MOST_COLORS, careful=careful, loop=loop, by=by)


def _jpeg(pixels: Image.Image, output: Output, effort: int, quality: int | None, carried: Carried) -> bytes:
    """4:2:0, baseline unless asked otherwise.

    Into a file and not into memory: Pillow keeps the interpreter's lock through an encode into a BytesIO (two at once:
    26.8 ms against 13.7).
    """
    _load_plugin("JPEG")
    options: dict[str, Any] = {"quality": quality, **_beside(carried)}
    if pixels.mode != "L":
        options["subsampling"] = _SUBSAMPLING_420
    if output.progressive:
        options["progressive"] = True
    if carried.exif:
        options["exif"] = b"Exif\0\0" + carried.exif
    for optimize in (True, False) if effort >= _LEAST_OPTIMISED else (False,):
        with _scratch() as file:
            try:
                pixels.save(file, "JPEG", optimize=optimize, **options)
            except OSError:
                # optimising needs one buffer for the whole picture, whose size Pillow guesses: noise can exceed it
                if not optimize:
                    raise
                continue
            file.seek(0)
            return file.read()
    raise AssertionError("the second way returns or raises")


def _png(pixels: Image.Image, output: Output, effort: int, carried: Carried, by: Quantizer | None) -> bytes:
    options: dict[str, Any] = {"compress_level": _PNG_LEVEL[effort]}
    if output.colors is not None:
        from functions.transform.steps.palette import paletted  # not at module level: few pictures get one

        pixels = paletted(pixels, output.colors, careful=effort >= _LEAST_OPTIMISED, by=by)
    beside = _beside(carried)
    xmp = beside.pop("xmp", None)
    if xmp:
        from PIL.PngImagePlugin import PngInfo

        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    return _saved(pixels, "PNG", **options, **beside)


def _tiff(pixels: Image.Image, carried: Carried) -> bytes:
    """LZW over differences: as small as deflate, in an eighth of the time."""
    tags = Image.Exif()
    tags[_PREDICTOR] = _HORIZONTAL
    if carried.xmp:
        tags[_XMP] = carried.xmp
    options: dict[str, Any] = {"compression": "tiff_lzw", "tiffinfo": tags}
    if carried.profile:
        options["icc_profile"] = carried.profile
    body = _saved(pixels, "TIFF", **options)
    if not carried.exif:
        return body
    from functions.transform.steps.inherited import grafted  # not at module level: few variants carry anything

    return grafted(body, carried.exif)


def _beside(carried: Carried) -> dict[str, bytes]:
    """What is carried, under the names that Pillow's writers have for it."""
    named = {"icc_profile": carried.profile, "exif": carried.exif, "xmp": carried.xmp}
    return {name: value for name, value in named.items() if value}


def _saved(pixels: Image.Image, name: str, **options: Any) -> bytes:
    target = io.BytesIO()
    _load_plugin(name)
    pixels.save(target, name, **options)
    return target.getvalue()


def _load_plugin(name: str) -> None:
    """By name, since a sealed Pillow (`decode.seal`) finds none by itself."""
    import_module(f"PIL.{_PLUGINS[name]}")


def _scratch() -> BinaryIO:
    """A file that is memory, where the system has such."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("variant"), "w+b", buffering=0)
    import tempfile  # not at module level: it loads three compressions, 10 ms of a cold start

    return tempfile.TemporaryFile(buffering=0)


def _flat(pixels: Image.Image) -> Image.Image:
    """Without alpha: on white."""
    if pixels.mode != "RGBA":
        return pixels
    ground = Image.new("RGB", pixels.size, _WHITE)
    ground.paste(pixels, mask=pixels.getchannel("A"))
    return ground
