"""GIFs written by hand, frame by frame, and what is seen of them by the letter of the specification."""

import io
import struct
from typing import Final

from msgspec import Struct
from PIL import Image

TABLE: Final = bytes((255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255))
"""Red, green, blue, white."""


class Frame(Struct):
    """A picture of indices into TABLE, where it goes, how long it stays, and what happens to it then."""

    at: tuple[int, int]
    picture: Image.Image
    hundredths: int = 10
    disposal: int = 0
    transparent: int | None = None


def patch(size: tuple[int, int], index: int) -> Image.Image:
    """Of one colour."""
    picture = Image.new("P", size, index)
    picture.putpalette(TABLE)
    return picture


def gif(size: tuple[int, int], frames: list[Frame], *, again: int | None = 0) -> bytes:
    """The file; shown once and then `again` so often (0 for ever), or once alone (None)."""
    out = b"GIF89a" + struct.pack("<2H3B", *size, 0xF1, 0, 0) + TABLE
    if again is not None:
        out += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", again) + b"\0"
    for frame in frames:
        packed = frame.disposal << 2 | (frame.transparent is not None)
        out += struct.pack("<4BHBB", 0x21, 0xF9, 4, packed, frame.hundredths, frame.transparent or 0, 0)
        out += b"\x2c" + struct.pack("<4HB", *frame.at, *frame.picture.size, 0) + _coded(frame.picture)
    return out + b"\x3b"


def composed(size: tuple[int, int], frames: list[Frame]) -> list[Image.Image]:
    """What is seen of each frame, in RGBA."""
    screen, seen = Image.new("RGBA", size, (0, 0, 0, 0)), []
    for frame in frames:
        before = screen.copy()
        for y in range(frame.picture.height):
            for x in range(frame.picture.width):
                index = frame.picture.getpixel((x, y))
                if index != frame.transparent:
                    colour = (*TABLE[3 * index : 3 * index + 3], 255)
                    screen.putpixel((frame.at[0] + x, frame.at[1] + y), colour)
        seen.append(screen.copy())
        left, top = frame.at
        if frame.disposal == 2:
            screen.paste((0, 0, 0, 0), (left, top, left + frame.picture.width, top + frame.picture.height))
        elif frame.disposal == 3:
            screen = before
    return seen


def _coded(picture: Image.Image) -> bytes:
    """The image data of the file that Pillow makes of it."""
    target = io.BytesIO()
    picture.save(target, "GIF", optimize=False, interlace=0)
    data = target.getvalue()
    at = 13 + (3 << (data[10] & 7) + 1)
    while data[at] == 0x21:
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    flags = data[at + 9]
    return data[at + 10 + (3 << (flags & 7) + 1 if flags & 0x80 else 0) : -1]
