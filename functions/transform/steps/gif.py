"""Pictures to a GIF, frame by frame: the file grows, and no frame but the last two is kept.

    frame   full        only what changed       full, then cleared         what is there
            ┌─────┐     ┌─────┐                 ┌─────┐                    ┌─────┐
            │▒▒▒▒▒│     │  ┌─┐│ over the last   │▒▒▒  │ because here ────▶ │ ▒▒  │ something vanished
            └─────┘     └──┴─┘┘                 └─────┘                    └─────┘

A GIF cannot draw transparency over what is there: where a pixel vanishes from one frame to the next, the earlier one is
written whole and cleared after it was shown. Pixels are opaque from half upwards. Source: GIF89a specification; the
LZW coding is Pillow's.
"""

import io
from typing import Final

from PIL import Image, ImageChops

from contracts.outputs import Quantizer
from functions.transform.steps.palette import paletted

Size = tuple[int, int]
Box = tuple[int, int, int, int]

_KEPT, _CLEARED = 1, 2
_LONGEST: Final = 0xFFFF
"""Hundredths of a second: about eleven minutes."""
_HALF: Final = 128


class GifWriter:
    """The file of an animation (or of one picture) of this size: `add` its frames, then take its `file`.

    `loop` is how often it is shown again, 0 for ever; None for a single showing.
    """

    def __init__(
        self, size: Size, *, colors: int, careful: bool, loop: int | None = None, by: Quantizer | None = None
    ) -> None:
        self._size = size
        self._colors = colors
        self._careful = careful
        self._by = by
        self._loop = loop
        self._blocks: list[bytes] = []
        self._table = b""
        self._base: Image.Image | None = None
        """What is on the screen when the waiting frame is drawn; None for nothing."""
        self._waiting: tuple[Image.Image, int] | None = None
        self._elapsed_ms = self._elapsed = 0

    def add(self, pixels: Image.Image, milliseconds: int = 0) -> None:
        """The next frame, whole and of the file's size, shown for so long."""
        frame = _hard_edged(pixels)
        if self._waiting is not None:
            self._draw(*self._waiting, after=frame)
        self._waiting = frame, milliseconds

    def file(self) -> bytes:
        """All frames that were added, at least one."""
        if self._waiting is not None:
            self._draw(*self._waiting, after=None)
            self._waiting = None
        width, height = self._size
        bits = _table_bits(self._table)
        screen = width.to_bytes(2, "little") + height.to_bytes(2, "little") + bytes((0xF0 | bits, 0, 0))
        loop = b""
        if self._loop is not None:
            loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + min(self._loop, _LONGEST).to_bytes(2, "little") + b"\0"
        return b"".join((b"GIF89a", screen, self._table, loop, *self._blocks, b"\x3b"))

    def _draw(self, frame: Image.Image, milliseconds: int, after: Image.Image | None) -> None:
        """Write one frame, now that it is known whether anything vanishes `after` it."""
        clears = after is not None and _vanishes(frame, after)
        unchanged = None if self._base is None else _same(frame, self._base)
        box: Box = (0, 0, *self._size)
        if unchanged is not None and not clears:
            # of a frame that changes nothing one pixel is drawn, so that its time is kept
            box = ImageChops.invert(unchanged).getbbox() or (0, 0, 1, 1)
        hidden = ImageChops.invert(frame.getchannel("A"))
        if unchanged is not None:
            hidden = ImageChops.lighter(hidden, unchanged)
        self._blocks.append(self._block(frame.crop(box), hidden.crop(box), box, milliseconds, clears=clears))
        self._base = None if clears else frame

    def _block(self, part: Image.Image, hidden: Image.Image, box: Box, milliseconds: int, *, clears: bool) -> bytes:
        has_hidden = hidden.getbbox() is not None
        part = part.convert("RGB")
        if has_hidden:
            # a colour that is there already, so that the palette is not asked for one that nobody sees
            part.paste(_seen(part, hidden), mask=hidden)
        indexed = paletted(part, self._colors - has_hidden, careful=self._careful, by=self._by)
        last = max(index for index, count in enumerate(indexed.histogram()) if count)
        table = (indexed.getpalette("RGB") or [])[: 3 * (last + 1)]
        transparent = len(table) // 3
        if has_hidden:
            indexed.paste(transparent, mask=hidden)
            table += [0, 0, 0]
        colours = bytes(table).ljust(3 << _bits(len(table) // 3) + 1, b"\0")
        self._table = self._table or colours
        local = b"" if colours == self._table else colours
        left, top, right, bottom = box
        flags = 0x80 | _table_bits(local) if local else 0
        place = b"".join(n.to_bytes(2, "little") for n in (left, top, right - left, bottom - top))
        packed = (_CLEARED if clears else _KEPT) << 2 | has_hidden
        control = bytes((0x21, 0xF9, 4, packed, *self._delay(milliseconds).to_bytes(2, "little"), 0, 0))
        if has_hidden:
            control = control[:6] + bytes((transparent, 0))
        return control + b"\x2c" + place + bytes((flags,)) + local + _coded(indexed)

    def _delay(self, milliseconds: int) -> int:
        """In hundredths, so that the whole lasts as long as it should however the parts are rounded."""
        self._elapsed_ms += milliseconds
        delay = max(0, min(_LONGEST, (self._elapsed_ms + 5) // 10 - self._elapsed))
        self._elapsed += delay
        return delay


def _hard_edged(pixels: Image.Image) -> Image.Image:
    """RGBA without half transparency; what cannot be seen has no colour, so that it never differs."""
    pixels = pixels.convert("RGBA")
    alpha = pixels.getchannel("A").point(lambda value: 255 if value >= _HALF else 0)
    frame = Image.new("RGBA", pixels.size, (0, 0, 0, 0))
    pixels.putalpha(255)
    frame.paste(pixels, mask=alpha)
    return frame


def _seen(part: Image.Image, hidden: Image.Image) -> tuple[int, ...] | float:
    """The colour of a pixel that is not hidden; any, if all are."""
    shown = ImageChops.invert(hidden)
    box = shown.getbbox()
    if box is None:
        return (0, 0, 0)
    row = shown.crop((0, box[1], shown.width, box[1] + 1)).getbbox()
    assert row is not None  # the box begins with a row that has one
    return part.getpixel((row[0], box[1])) or (0, 0, 0)


def _vanishes(frame: Image.Image, after: Image.Image) -> bool:
    """Whether a pixel that is seen is not, in the next frame."""
    return ImageChops.subtract(frame.getchannel("A"), after.getchannel("A")).getbbox() is not None


def _same(frame: Image.Image, other: Image.Image) -> Image.Image:
    """Mask of the pixels that are alike."""
    red, green, blue, alpha = ImageChops.difference(frame, other).split()
    differs = ImageChops.lighter(ImageChops.lighter(red, green), ImageChops.lighter(blue, alpha))
    return differs.point(lambda value: 0 if value else 255)


def _bits(colours: int) -> int:
    """Size field of a table that holds so many."""
    return max(1, (colours - 1).bit_length()) - 1


def _table_bits(table: bytes) -> int:
    return _bits(len(table) // 3)


def _coded(indexed: Image.Image) -> bytes:
    """The image data alone, of the file that Pillow makes of it."""
    target = io.BytesIO()
    # sorted out of use, a palette would change the indices
    indexed.save(target, "GIF", optimize=False, interlace=0)
    file = target.getvalue()
    at = 13 + (3 << (file[10] & 7) + 1 if file[10] & 0x80 else 0)
    while file[at] == 0x21:
        at += 2
        while file[at]:
            at += file[at] + 1
        at += 1
    flags = file[at + 9]
    return file[at + 10 + (3 << (flags & 7) + 1 if flags & 0x80 else 0) : -1]
