"""Pictures made by code with a known truth: samples of every readable format, and of everything that goes wrong.

Deterministic, without files. `photo` looks like a photograph to a codec (large soft areas, edges, fine texture, grain);
`corners` tells which way is up. Bytes made here carry private metadata on purpose, under the marks in `MARKS`.
"""

import io
import random
import struct
import zlib
from functools import lru_cache
from typing import Any, Final

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageDraw,
    ImageFilter,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from pillow_heif import HeifImagePlugin

from contracts.formats import ImageFormat

PLUGINS: Final = {
    ImageFormat.JPEG: JpegImagePlugin,
    ImageFormat.PNG: PngImagePlugin,
    ImageFormat.WEBP: WebPImagePlugin,
    ImageFormat.GIF: GifImagePlugin,
    ImageFormat.AVIF: AvifImagePlugin,
    ImageFormat.TIFF: TiffImagePlugin,
    ImageFormat.BMP: BmpImagePlugin,
    ImageFormat.ICO: IcoImagePlugin,
    ImageFormat.HEIC: HeifImagePlugin,
}
"""Imported by name, so that these tests do not depend on what else has registered itself."""

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 170, 60), (40, 60, 210), (230, 210, 40)
"""Colours of `corners`: top left, top right, bottom left, bottom right."""

MARKS: Final = {
    "owner": b"Private Owner",
    "serial": b"SERIAL-0123456789",
    "gps": b"GPS-MARK",
    "xmp": b"xmp-private-mark",
    "comment": b"comment-private-mark",
    "thumbnail": b"thumbnail-private-mark",
}
"""Byte strings that must be found in an input made by `jpeg_with_exif` and in no output."""

_STORED_AS: Final = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""EXIF orientation -> how an upright picture is turned before it is stored under that value."""


# pictures ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _photo(width: int, height: int, seed: int) -> Image.Image:
    rng = random.Random(seed)
    size = (width, height)
    land = ImageOps.colorize(_fractal(size, 7, rng), (28, 44, 18), (214, 196, 150), mid=(96, 110, 58))
    sky = ImageOps.colorize(_fractal(size, 4, rng), (86, 138, 206), (248, 244, 236), mid=(158, 190, 226))
    horizon = Image.new("L", size, 0)
    pen = ImageDraw.Draw(horizon)
    crest = _fractal((width, 1), 6, rng).tobytes()
    for x, value in enumerate(crest):
        pen.line((x, round(height * (0.30 + 0.30 * value / 255)), x, height), fill=255)
    picture = Image.composite(land, sky, horizon)
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = rng.uniform(0, width), rng.uniform(0.5 * height, height)
        reach = rng.uniform(0.02, 0.09) * min(size)
        colour = rng.choice([(168, 52, 40), (236, 226, 208), (48, 50, 58), (202, 152, 60)])
        pen.rectangle((x, y, x + reach, y + 0.7 * reach), fill=colour)
        pen.polygon([(x, y), (x + reach, y), (x + reach / 2, y - reach / 2)], fill=(84, 40, 34))
    grain = Image.frombytes("L", size, rng.randbytes(width * height)).filter(ImageFilter.BoxBlur(1))
    return Image.blend(picture, Image.merge("RGB", (grain, grain, grain)), 0.06)


def photo(width: int, height: int, seed: int = 1) -> Image.Image:
    """An RGB landscape: sky, ridges, houses, texture, grain. The same arguments give the same pixels."""
    return _photo(width, height, seed).copy()


def corners(width: int, height: int) -> Image.Image:
    """Four quadrants: red and green above blue and yellow."""
    picture = Image.new("RGB", (width, height), RED)
    across, down = width // 2, height // 2
    picture.paste(GREEN, (across, 0, width, down))
    picture.paste(BLUE, (0, down, across, height))
    picture.paste(YELLOW, (across, down, width, height))
    return picture


def corner_colours(picture: Image.Image) -> list[str]:
    """Names of the nearest colours of `corners` in the middles of the four quadrants: reading order."""
    width, height = picture.size
    named = {"red": RED, "green": GREEN, "blue": BLUE, "yellow": YELLOW}
    found = []
    for y in (height // 4, height - 1 - height // 4):
        for x in (width // 4, width - 1 - width // 4):
            pixel = picture.convert("RGB").getpixel((x, y))
            found.append(min(named, key=lambda name: sum(abs(a - b) for a, b in zip(named[name], pixel, strict=True))))
    return found


def stored_as(upright: Image.Image, orientation: int) -> Image.Image:
    """The pixels that a camera would store so that `orientation` makes them `upright` again."""
    turn = _STORED_AS[orientation]
    return upright if turn is None else upright.transpose(turn)


def gradient_alpha(width: int, height: int) -> Image.Image:
    """RGBA: a photograph whose opacity rises from left to right; fully transparent pixels are garish on purpose."""
    picture = photo(width, height).convert("RGBA")
    alpha = Image.linear_gradient("L").rotate(90).resize((width, height))
    garish = Image.new("RGBA", (width, height), (255, 0, 255, 255))
    picture = Image.composite(picture, garish, alpha.point(lambda value: 255 if value else 0))
    picture.putalpha(alpha)
    return picture


def disc(width: int, height: int, colour: tuple[int, int, int], hidden: tuple[int, int, int]) -> Image.Image:
    """RGBA: an opaque disc of one colour; the transparent rest has another colour that must never show."""
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).ellipse((width // 8, height // 8, width - width // 8, height - height // 8), fill=255)
    picture = Image.new("RGBA", (width, height), (*hidden, 0))
    picture.paste((*colour, 255), mask=mask)
    return picture


def _fractal(size: tuple[int, int], octaves: int, rng: random.Random) -> Image.Image:
    """Noise with the spectrum of nature: each octave twice as fine and half as strong."""
    width, height = size
    result: Image.Image | None = None
    for octave in range(octaves, 0, -1):
        cells = (min(width, 2**octave + 1), min(height, 2**octave + 1))
        layer = Image.frombytes("L", cells, rng.randbytes(cells[0] * cells[1])).resize(size, Image.Resampling.BICUBIC)
        result = layer if result is None else Image.blend(result, layer, 0.5)
    return ImageOps.autocontrast(result) if result is not None else Image.new("L", size)


# bytes ---------------------------------------------------------------------------------------------------------------


def encoded(picture: Image.Image, form: ImageFormat | str, **options: Any) -> bytes:
    """The picture as a file of that format."""
    target = io.BytesIO()
    picture.save(target, pillow_name(form), **options)
    return target.getvalue()


def pillow_name(form: ImageFormat | str) -> str:
    """As Pillow calls it."""
    return "HEIF" if form == ImageFormat.HEIC else str(form).upper()


def opened(data: bytes | memoryview) -> Image.Image:
    """The decoded picture; raises what Pillow raises."""
    picture = Image.open(io.BytesIO(data), formats=[pillow_name(form) for form in PLUGINS])
    picture.load()
    return picture


def sample(form: ImageFormat, width: int = 96, height: int = 64) -> bytes:
    """A small photograph in one of the readable formats. An ICO is at most 256 px wide and has an alpha channel."""
    picture = photo(width, height)
    options: dict[str, Any] = {}
    match form:
        case ImageFormat.GIF:
            picture = picture.quantize(128)
        case ImageFormat.ICO:
            picture = picture.convert("RGBA")
            options = {"sizes": [(width, height)]}
        case ImageFormat.JPEG | ImageFormat.WEBP:
            options = {"quality": 90}
        case ImageFormat.AVIF:
            options = {"quality": 80, "speed": 10}
        case _:
            pass
    return encoded(picture, form, **options)


def animated(form: ImageFormat, frames: int = 3, width: int = 48, height: int = 32) -> bytes:
    """An animation (GIF, WebP, PNG, AVIF): the first frame is `corners`, the others are plain grey."""
    pictures = [corners(width, height)] + [
        Image.new("RGB", (width, height), (60 + 150 * (i % 2),) * 3) for i in range(1, frames)
    ]
    if form is ImageFormat.GIF:
        pictures = [picture.quantize(16) for picture in pictures]
    options: dict[str, Any] = {"duration": 100}
    if form is ImageFormat.AVIF:
        options["speed"] = 10
    return encoded(pictures[0], form, save_all=True, append_images=pictures[1:], **options)


def exif_block(orientation: int | None = 6, *, gps: bool = True, private: bool = True, **tags: Any) -> bytes:
    """A TIFF-structured EXIF block beginning with `Exif\\0\\0`; `tags` are further tags of IFD0 as `t<number>`."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    exif[0x010F] = "Darkroom Optics"
    exif[0x0110] = "Model One"
    exif[0x0131] = "firmware 1.2"
    if private:
        exif[0x013B] = MARKS["owner"].decode()
        exif[0x8298] = MARKS["owner"].decode()
    details = exif.get_ifd(0x8769)
    details[0x829A] = TiffImagePlugin.IFDRational(1, 250)
    details[0x829D] = TiffImagePlugin.IFDRational(28, 10)
    details[0x8827] = 400
    details[0x9003] = "2024:05:06 07:08:09"
    details[0x9011] = "+02:00"
    details[0x920A] = TiffImagePlugin.IFDRational(35, 1)
    details[0xA405] = 52
    details[0xA434] = "Darkroom 35mm F2.8"
    if private:
        details[0xA431] = MARKS["serial"].decode()
        details[0xA430] = MARKS["owner"].decode()
        details[0x927C] = b"maker " + MARKS["serial"]
    if gps:
        where = exif.get_ifd(0x8825)
        where[1], where[2] = "N", (48.0, 8.0, 14.0)
        where[3], where[4] = "E", (11.0, 34.0, 31.0)
        where[27] = MARKS["gps"]
    for name, value in tags.items():
        exif[int(name.removeprefix("t"), 0)] = value
    return exif.tobytes()


def jpeg_with_exif(
    orientation: int | None = 6,
    *,
    gps: bool = True,
    icc: bytes | None = None,
    width: int = 120,
    height: int = 80,
    upright: Image.Image | None = None,
    quality: int = 92,
) -> bytes:
    """A camera's JPEG: turned, with EXIF, GPS, owner, serials, XMP, a comment and trailing bytes.

    `upright` (default: `corners` of width and height) is what must be seen after the orientation is applied.
    """
    picture = stored_as(upright or corners(width, height), orientation or 1)
    options: dict[str, Any] = {"icc_profile": icc} if icc else {}
    data = encoded(
        picture,
        ImageFormat.JPEG,
        quality=quality,
        subsampling=0,
        exif=exif_block(orientation, gps=gps),
        xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + MARKS["xmp"] + b"</x:xmpmeta>",
        comment=MARKS["comment"],
        **options,
    )
    return data + MARKS["thumbnail"]


def truncated(data: bytes, share: float = 0.5) -> bytes:
    """The first part of a file."""
    return data[: max(1, int(len(data) * share))]


def cmyk_jpeg(colour: tuple[int, int, int, int] = (0, 255, 255, 0), width: int = 64, height: int = 48) -> bytes:
    """A CMYK JPEG of one colour (0 is no ink), stored inverted under an Adobe marker, as Photoshop does."""
    return encoded(Image.new("CMYK", (width, height), colour), ImageFormat.JPEG, quality=95)


def gray16_png(values: tuple[int, ...] = (0, 257, 32768, 65535), side: int = 16) -> bytes:
    """A 16-bit gray PNG: vertical stripes of these values."""
    row = b"".join(struct.pack("<H", value) * side for value in values)
    return encoded(Image.frombytes("I;16", (side * len(values), side), row * side), ImageFormat.PNG)


def rgb16_png(colour: tuple[int, int, int] = (65535, 32896, 0), width: int = 16, height: int = 16) -> bytes:
    """A 16-bit RGB PNG of one colour, written by hand (Pillow writes none)."""
    row = b"\0" + struct.pack(">3H", *colour) * width
    return _png(width, height, depth=16, kind=2, pixels=row * height)


def png_header(width: int, height: int, *, depth: int = 8, kind: int = 2) -> bytes:
    """A PNG that claims a size and holds almost no data."""
    return _png(width, height, depth=depth, kind=kind, pixels=b"\0" * 64)


def png_bomb(width: int = 12_000, height: int = 12_000) -> bytes:
    """A real decompression bomb: all of its rows are there, in a few kilobytes (1 bit a pixel)."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return _png(width, height, depth=1, kind=0, compressed=pixels)


def ico_bomb(width: int = 12_000, height: int = 12_000) -> bytes:
    """An icon that says 32x32 and holds `png_bomb`."""
    inside = png_bomb(width, height)
    return struct.pack("<3H4B2H2I", 0, 1, 1, 32, 32, 0, 0, 1, 32, len(inside), 22) + inside


def gif_bomb(width: int = 20_000, height: int = 20_000) -> bytes:
    """A GIF with a 1x1 screen whose second frame claims to be huge."""
    palette = b"\0\0\0\xff\xff\xff"
    small = b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    huge = b"\x2c" + struct.pack("<4HB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<2H3B", 1, 1, 0x80, 0, 0) + palette + small + huge + b"\x3b"


def gif_frames(frames: int) -> bytes:
    """A GIF of this many 1x1 frames."""
    frame = b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<2H3B", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + frame * frames + b"\x3b"


def _png(
    width: int, height: int, *, depth: int, kind: int, pixels: bytes = b"", compressed: bytes | None = None
) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">2I5B", width, height, depth, kind, 0, 0, 0)
    data = zlib.compress(pixels) if compressed is None else compressed
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


# colour profiles -----------------------------------------------------------------------------------------------------

_COLORANTS: Final = {
    "Display P3": ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    "Adobe RGB (1998)": ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
    "sRGB": ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
}
"""Colorants (XYZ of red, green, blue) adapted to D50, as these profiles hold them."""


def rgb_profile(name: str) -> bytes:
    """An ICC v2 matrix profile: "Display P3", "Adobe RGB (1998)" or "sRGB"."""
    curve = _gamma_curve(563 / 256) if name.startswith("Adobe") else _srgb_curve()
    red, green, blue = (_xyz(value) for value in _COLORANTS[name])
    tags = {"wtpt": _xyz((0.96420, 1.0, 0.82491)), "rXYZ": red, "gXYZ": green, "bXYZ": blue}
    tags |= {"rTRC": curve, "gTRC": curve, "bTRC": curve}
    return _profile(name, b"RGB ", tags)


def gray_profile(gamma: float = 1.0) -> bytes:
    """An ICC v2 gray profile with this gamma."""
    return _profile(f"Gray {gamma}", b"GRAY", {"wtpt": _xyz((0.96420, 1.0, 0.82491)), "kTRC": _gamma_curve(gamma)})


def _profile(name: str, space: bytes, tags: dict[str, bytes]) -> bytes:
    text = name.encode()
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + b"\0" * 78
    entries, blobs = b"", b""
    all_tags = {"desc": described, "cprt": b"text\0\0\0\0public domain\0"} | tags
    offset = 128 + 4 + 12 * len(all_tags)
    for tag, blob in all_tags.items():
        entries += tag.encode() + struct.pack(">2I", offset + len(blobs), len(blob))
        blobs += blob + b"\0" * (-len(blob) % 4)
    header = struct.pack(">I4sI4s4s4s", offset + len(blobs), b"\0" * 4, 0x02400000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + _xyz((0.96420, 1.0, 0.82491))[8:]
    return header.ljust(128, b"\0") + struct.pack(">I", len(all_tags)) + entries + blobs


def _xyz(value: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(part * 65536) for part in value))


def _gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _srgb_curve() -> bytes:
    points = []
    for step in range(1024):
        value = step / 1023
        points.append(round(65535 * (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)))
    return b"curv\0\0\0\0" + struct.pack(f">I{len(points)}H", len(points), *points)
