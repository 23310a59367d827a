"""Frames of a GIF as they are seen, one after the other: every frame on what the ones before it left.

Pillow decodes each frame's pixels; where they go, and what happens to them afterwards, is done here, because Pillow
disagrees with every browser there: it clears to the background colour, and not to nothing, and after a first frame it
forgets what was to be restored. No more than the screen and one copy of it is kept. Source: GIF89a specification, and
where it is silent (the background colour) what browsers have done since.
"""

import io
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from PIL import Image

Size = tuple[int, int]

_CLEARED: Final = 2
_RESTORED: Final = 3
_LOOPS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF


class _Control(Struct, frozen=True):
    """What a graphic control extension says of the frame behind it."""

    disposal: int = 0
    milliseconds: int = 0
    transparent: int | None = None


def gif_frames(data: bytes, screen: Size) -> Iterator[tuple[Image.Image, int]]:
    """Every frame in RGBA, of the screen's size, and its time in milliseconds.

    Raises whatever Pillow does over broken frames, IndexError or ValueError where the file ends too soon.
    """
    from PIL.GifImagePlugin import GifImageFile

    canvas = Image.new("RGBA", screen, (0, 0, 0, 0))
    at, shared = 13, b""
    if data[10] & 0x80:
        shared = data[13 : 13 + _table_bytes(data[10])]
        at += len(shared)
    control = _Control()
    while at < len(data) and data[at] != _TRAILER:
        if data[at] == _EXTENSION:
            if data[at + 1] == _CONTROL and data[at + 2] >= 4:
                control = _controlled(data[at + 3 : at + 7])
            at = _past(data, at + 2)
        elif data[at] == _IMAGE:
            head = data[at + 1 : at + 10]
            left, top, width, height = (int.from_bytes(head[n : n + 2], "little") for n in (0, 2, 4, 6))
            start = at + 10
            table = shared
            if head[8] & 0x80:
                table = data[start : start + _table_bytes(head[8])]
                start += len(table)
            at = _past(data, start + 1)
            before = canvas.copy() if control.disposal == _RESTORED else None
            if width and height:
                drawn = GifImageFile(io.BytesIO(_single(width, height, table, head[8] & 0x40, data[start:at])))
                drawn.load()
                canvas.paste(drawn.convert("RGB"), (left, top), _mask(drawn, control.transparent))
            yield canvas.copy(), control.milliseconds
            if before is not None:
                canvas = before
            elif control.disposal == _CLEARED:
                canvas.paste((0, 0, 0, 0), (left, top, left + width, top + height))
            control = _Control()
        else:
            # decoders step over what they do not know
            at += 1


def gif_plays(data: bytes) -> int:
    """How often the whole is shown; 0 for ever, 1 where nothing is said. A file says how often it is shown *again*."""
    for name in _LOOPS:
        at = data.find(b"\x21\xff\x0b" + name + b"\x03\x01")
        if at >= 0:
            again = int.from_bytes(data[at + 16 : at + 18], "little")
            return again + 1 if again else 0
    return 1


def _controlled(block: bytes) -> _Control:
    packed, transparent = block[0], block[3] if len(block) > 3 else None
    return _Control(packed >> 2 & 7, 10 * int.from_bytes(block[1:3], "little"), transparent if packed & 1 else None)


def _single(width: int, height: int, table: bytes, interlaced: int, coded: bytes) -> bytes:
    """A GIF of this frame alone, whose indices are its pixels: under a palette of greys that are none, Pillow would
    take the values for brightness."""
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    packed = 0x80 | (max(2, len(table) // 3) - 1).bit_length() - 1
    table = table.ljust(3 << (packed & 7) + 1, b"\0")
    return (
        b"GIF89a" + size + bytes((packed, 0, 0)) + table + b"\x2c\0\0\0\0" + size + bytes((interlaced,)) + coded + b";"
    )


def _mask(drawn: Image.Image, transparent: int | None) -> Image.Image | None:
    if transparent is None:
        return None
    indices = Image.frombytes("L", drawn.size, drawn.tobytes())
    return indices.point([0 if index == transparent else 255 for index in range(256)])


def _past(data: bytes, at: int) -> int:
    """Behind the sub-blocks that begin here."""
    while data[at]:
        at += data[at] + 1
    return at + 1


def _table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1
