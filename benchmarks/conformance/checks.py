"""What may be asked of an answer. Each check gives None, or one line that says what is wrong."""

import io
from collections.abc import Sequence
from typing import Final, TypeAlias

from msgspec import Struct
from PIL import Image, ImageSequence

from benchmarks.conformance.tolerances import Tolerance

Area: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the picture: every pixel that lies in it whole."""
Colour: TypeAlias = tuple[int, ...]
"""Red, green, blue; a fourth is alpha, and without it the pixel must be opaque."""
RING: Final = 0.1
"""Share by which Lanczos overshoots beside an edge: where alpha is cut at what is opaque, the colour is not."""
VISIBLE: Final = 16
"""Least alpha of a pixel whose colour is judged: a sixteenth."""


class Sized(Struct, frozen=True):
    """Exactly so many pixels."""

    width: int
    height: int

    def complaint(self, body: bytes) -> str | None:
        size = Image.open(io.BytesIO(body)).size
        return None if size == (self.width, self.height) else f"{size[0]}x{size[1]}, not {self.width}x{self.height}"


class Coloured(Struct, frozen=True):
    """Areas of one colour. Of a pixel that must be transparent the colour does not matter."""

    areas: tuple[tuple[Area, Colour], ...]
    within: Tolerance

    def complaint(self, body: bytes) -> str | None:
        return _off(_rgba(Image.open(io.BytesIO(body))), self.areas, self.within)


class Columns(Struct, frozen=True):
    """Gray values of the middle row, column by column, from column `first` on."""

    values: tuple[float, ...]
    within: Tolerance
    first: int = 0

    def complaint(self, body: bytes) -> str | None:
        image = _rgba(Image.open(io.BytesIO(body))).getchannel("R")
        row = list(image.crop((0, image.height // 2, image.width, image.height // 2 + 1)).tobytes())
        found = row[self.first : self.first + len(self.values)]
        if len(found) < len(self.values):
            return f"only {len(row)} columns"
        worst = max(range(len(found)), key=lambda index: abs(found[index] - self.values[index]))
        off = abs(found[worst] - self.values[worst])
        where = f"column {self.first + worst}"
        return None if off <= self.within + 0.5 else f"{where} is {found[worst]}, not {self.values[worst]:.1f}"


class Unfringed(Struct, frozen=True):
    """No visible pixel takes colour from what was transparent: channel `of` stays near `value` wherever alpha is.

    A colour times alpha in 8 bits has alpha levels: it may be off by 255 / alpha, once for the product and once for
    alpha itself, which is rounded too; and the filter rings. Pixels of an alpha below `VISIBLE` are not looked at.
    """

    of: int
    value: int

    def complaint(self, body: bytes) -> str | None:
        data = _rgba(Image.open(io.BytesIO(body))).tobytes()
        pixels = [(data[at + self.of], data[at + 3]) for at in range(0, len(data), 4)]
        seen = [pixel for pixel in pixels if pixel[1] >= VISIBLE]
        if not seen or len(seen) == len(pixels):
            return "nothing is transparent" if seen else "nothing is to be seen"
        off = next(((v, alpha) for v, alpha in seen if abs(v - self.value) > 2 * 255 / alpha + RING * self.value), None)
        return None if off is None else f"a pixel of alpha {off[1]} has {off[0]}, not {self.value}"


class Moving(Struct, frozen=True):
    """An animation: its frames as they are seen, how long each stays, how often all of it is played (0: for ever)."""

    frames: tuple[tuple[tuple[Area, Colour], ...], ...]
    milliseconds: tuple[int, ...]
    loop: int
    within: Tolerance

    def complaint(self, body: bytes) -> str | None:
        image = Image.open(io.BytesIO(_hinted(body)))
        shown, times = [], []
        for frame in ImageSequence.Iterator(image):
            frame.load()
            shown.append(_rgba(frame))
            times.append(round(frame.info.get("duration", 0)))
        if len(shown) != len(self.frames):
            return f"{len(shown)} frames, not {len(self.frames)}"
        if tuple(times) != self.milliseconds:
            return f"frames stay {times} ms, not {list(self.milliseconds)}"
        # a GIF that is played once says nothing; one that says n is played n + 1 times, as browsers have it
        loop = image.info.get("loop")
        if loop != self.loop:
            return f"loop is {loop}, not {self.loop}"
        for number, (frame, areas) in enumerate(zip(shown, self.frames, strict=True)):
            complaint = _off(frame, areas, self.within)
            if complaint:
                return f"frame {number}: {complaint}"
        return None


class Still(Struct, frozen=True):
    """One frame and no more."""

    def complaint(self, body: bytes) -> str | None:
        frames = getattr(Image.open(io.BytesIO(body)), "n_frames", 1)
        return None if frames == 1 else f"{frames} frames"


class Bare(Struct, frozen=True):
    """Nothing but pixels: none of these bytes, no EXIF, XMP, comment or profile when it is read again."""

    without: tuple[bytes, ...]

    def complaint(self, body: bytes) -> str | None:
        left = [mark.decode() for mark in self.without if mark in body]
        image = Image.open(io.BytesIO(body))
        image.load()
        left += [f"EXIF of {len(image.getexif())} tags"] if len(image.getexif()) else []
        left += [key for key in ("xmp", "comment", "icc_profile", "photoshop") if image.info.get(key)]
        return f"left: {', '.join(left)}" if left else None


Check: TypeAlias = Sized | Coloured | Columns | Unfringed | Moving | Still | Bare


def complaint(checks: Sequence[Check], body: bytes) -> str | None:
    """The first thing that is wrong with an answer, or None."""
    try:
        return next((said for check in checks if (said := check.complaint(body)) is not None), None)
    except Exception as error:  # an answer that cannot even be read
        return f"cannot be read: {type(error).__name__}: {str(error)[:80]}"


def _rgba(image: Image.Image) -> Image.Image:
    """In 8 bits; an answer of 16 is as good."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    return image.convert("RGBA")


def _hinted(body: bytes) -> bytes:
    """The file so that Pillow reads it as browsers do.

    Of a WebP it believes the header, in which some encoders forget that frames have alpha. A GIF's frame that is
    cleared leaves the background's colour for Pillow, unless it names a transparent index; it leaves nothing for
    browsers, whatever it names.
    """
    if body[:4] == b"RIFF" and body[12:16] == b"VP8X":
        return body[:20] + bytes((body[20] | 0x10,)) + body[21:]
    return _cleared(bytearray(body)) if body[:3] == b"GIF" else body


def _cleared(body: bytearray) -> bytes:
    """The GIF with a transparent index, the last one, in each frame that has none: the kit's films have few colours."""
    at = 13 + _table_bytes(body[10])
    while body[at] != 0x3B:
        if body[at] == 0x21:
            if body[at + 1] == 0xF9 and not body[at + 3] & 1:
                body[at + 3] |= 1
                body[at + 6] = 255
            at += 2
        else:
            at += 10 + _table_bytes(body[at + 9]) + 1
        while body[at]:
            at += body[at] + 1
        at += 1
    return bytes(body)


def _table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _off(image: Image.Image, areas: Sequence[tuple[Area, Colour]], within: int) -> str | None:
    for area, colour in areas:
        box = _box(area, image.size)
        wanted = colour if len(colour) == 4 else (*colour, 255)
        channels = image.crop(box).split()
        for channel, value, name in zip(reversed(channels), reversed(wanted), "ABGR", strict=True):
            low, high = channel.getextrema()
            assert isinstance(low, int)
            assert isinstance(high, int)
            worst = low if abs(low - value) > abs(high - value) else high
            if abs(worst - value) > within:
                return f"{name} at {box} is {worst}, not {value}"
            if name == "A" and value == 0:
                break
    return None


def _box(area: Area, size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = area[0] * size[0], area[1] * size[1], area[2] * size[0], area[3] * size[1]
    across, down = (-int(-left // 1), int(right)), (-int(-top // 1), int(bottom))
    # of a picture that is too small for that, the pixel where it begins
    first = min(across[0], size[0] - 1), min(down[0], size[1] - 1)
    return *first, max(across[1], first[0] + 1), max(down[1], first[1] + 1)
