"""The kit's files, made from their truth: by Pillow where it writes what is wanted, byte by byte where it does not."""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from PIL import Image, ImageChops

from benchmarks.conformance.checks import Area, Colour

RED, GREEN, BLUE, YELLOW = (220, 40, 40), (40, 180, 60), (50, 70, 210), (230, 210, 60)
WHITE, BLACK, GRAY = (255, 255, 255), (0, 0, 0), (128, 128, 128)
QUARTERS: Final = (RED, GREEN, BLUE, YELLOW)
INNER: Final = 0.12
"""Share of a part that is left out at each of its sides: edges ring and blur, and are not what is asked."""


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def ycck(inks: Image.Image) -> bytes:
    """A JPEG of four inks as Adobe's programs write it: three of them as brightness and two differences, all inverted.

    Pillow writes inks without that transform, and inverted; so it is given what comes out right, and the marker (APP14,
    the last of its bytes) is changed. Source: Adobe's Technical Note 5116, the DCT filter.
    """
    cyan, magenta, yellow, black = inks.split()
    coded = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
    stored = [ImageChops.invert(band) for band in coded]
    file = bytearray(saved(Image.merge("CMYK", (*stored, black)), "JPEG", quality=100, subsampling=0))
    file[file.index(b"Adobe") + 11] = 2
    return bytes(file)


def quarters(width: int, height: int) -> Image.Image:
    """Four colours: red and green above, blue and yellow below."""
    image = Image.new("RGB", (width, height))
    for index, colour in enumerate(QUARTERS):
        across, down = index % 2, index // 2
        image.paste(
            colour, (across * width // 2, down * height // 2, (across + 1) * width // 2, (down + 1) * height // 2)
        )
    return image


def quarter_areas(colours: Sequence[Colour] = QUARTERS) -> tuple[tuple[Area, Colour], ...]:
    """Where those colours are to be seen."""
    return tuple(
        (part((index % 2) / 2, (index // 2) / 2, (index % 2 + 1) / 2, (index // 2 + 1) / 2), colour)
        for index, colour in enumerate(colours)
    )


def part(left: float, top: float, right: float, bottom: float) -> Area:
    """The inside of a part of the picture."""
    across, down = INNER * (right - left), INNER * (bottom - top)
    return left + across, top + down, right - across, bottom - down


def stripes(colours: Sequence[Colour], width: int, height: int) -> Image.Image:
    """Colours side by side, in equal parts."""
    image = Image.new("RGB", (width, height))
    for index, colour in enumerate(colours):
        image.paste(colour, (index * width // len(colours), 0, (index + 1) * width // len(colours), height))
    return image


def stripe_areas(colours: Sequence[Colour]) -> tuple[tuple[Area, Colour], ...]:
    count = len(colours)
    return tuple((part(index / count, 0, (index + 1) / count, 1), colour) for index, colour in enumerate(colours))


def checkers(one: Colour, other: Colour, size: int) -> Image.Image:
    """One pixel of this, one of that, in both directions."""
    image = Image.new("RGB", (2, 2), one)
    image.putpixel((1, 0), other)
    image.putpixel((0, 1), other)
    result = Image.new("RGB", (size, size))
    for left in range(0, size, 2):
        for top in range(0, size, 2):
            result.paste(image, (left, top))
    return result


def ramp(width: int, height: int) -> Image.Image:
    """Gray from 0 to 255, evenly from left to right."""
    row = bytes(round(255 * x / (width - 1)) for x in range(width))
    return Image.frombytes("L", (width, height), row * height)


def reduced_ramp(width: int, to: int) -> tuple[float, ...]:
    """The ramp at another width: the gray in the middle of each new pixel."""
    return tuple(255 * ((x + 0.5) * width / to - 0.5) / (width - 1) for x in range(to))


def turned(upright: Image.Image, orientation: int) -> Image.Image:
    """The stored picture that this EXIF orientation makes the upright one of."""
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    return upright if turn is None else upright.transpose(turn)


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png16(rows: Sequence[Sequence[Sequence[int]]], colour_type: int) -> bytes:
    """A PNG of 16 bits a channel: 0 gray, 2 RGB, 4 gray and alpha, 6 RGBA (PNG, section 11.2.2)."""
    raw = b"".join(b"\0" + b"".join(struct.pack(f">{len(pixel)}H", *pixel) for pixel in row) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 16, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


class GifFrame(Struct, frozen=True):
    """A rectangle of indices into the palette, shown for so long; `disposal` is what happens to it after (0 to 3).

    Source: GIF89a, section 23. `hole` is the index that is transparent.
    """

    box: tuple[int, int, int, int]
    index: int
    centiseconds: int
    disposal: int
    hole: int | None = None
    pixels: tuple[int, ...] | None = None


def gif(size: tuple[int, int], palette: Sequence[Colour], frames: Sequence[GifFrame], loop: int | None) -> bytes:
    """Of up to 8 colours. `loop` is what the NETSCAPE extension says; None leaves it out."""
    table = b"".join(bytes(colour) for colour in palette).ljust(24, b"\0")
    data = b"GIF89a" + struct.pack("<HHBBB", *size, 0b1111_0010, 0, 0) + table
    if loop is not None:
        data += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loop) + b"\0"
    for frame in frames:
        left, top, right, bottom = frame.box
        flags = frame.disposal << 2 | (frame.hole is not None)
        data += b"\x21\xf9\x04" + struct.pack("<BHB", flags, frame.centiseconds, frame.hole or 0) + b"\0"
        data += b"\x2c" + struct.pack("<HHHHB", left, top, right - left, bottom - top, 0)
        count = (right - left) * (bottom - top)
        data += _lzw(frame.pixels or (frame.index,) * count)
    return data + b"\x3b"


def _lzw(indices: Sequence[int]) -> bytes:
    """Codes of 4 bits; the table is cleared before they would grow."""
    codes = []
    for number, index in enumerate(indices):
        codes += [8, index] if number % 5 == 0 else [index]
    codes.append(9)
    codes += [0] * (len(codes) % 2)
    packed = bytes(low | high << 4 for low, high in zip(codes[::2], codes[1::2], strict=True))
    blocks = (packed[at : at + 255] for at in range(0, len(packed), 255))
    return b"\x03" + b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"
