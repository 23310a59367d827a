"""Bounded access to a file that nobody vouches for, and the answer that every parser gives.

The reader keeps one window of the file and a budget of work, so that a hostile file costs some tens of milliseconds
at the most, whatever its size.
"""

from typing import Final, Protocol

from msgspec import Struct

from contracts.errors import ImageCorrupt

_WINDOW_BYTES: Final = 64 * 1024
_BUDGET: Final = 50_000


class Seekable(Protocol):
    """As much of a binary file as is needed here."""

    def seek(self, offset: int, /) -> int: ...

    def read(self, size: int, /) -> bytes: ...


class Extent(Struct, frozen=True):
    """Size of the picture, and what its largest frame asks of a decoder.

    `frames` may be counted no further than one above the limit. `largest_pixels` and `longest_side` are over all frames
    (pages, sizes) of the file, so never below those of the picture itself.
    """

    width: int
    height: int
    frames: int = 1
    largest_pixels: int = 0
    longest_side: int = 0


class Reader:
    """Random reads of a file of `length` bytes. Raises ImageCorrupt where the file is too short or too convoluted."""

    def __init__(self, file: Seekable, length: int) -> None:
        self._file = file
        self.length = length
        self._start = 0
        self._window = b""
        self._left = _BUDGET

    def spend(self, steps: int = 1) -> None:
        """Account for work; one step is about a microsecond. Every loop over the file's own structure calls this."""
        self._left -= steps
        if self._left < 0:
            raise ImageCorrupt("the header is too convoluted to be read")

    def at(self, offset: int, size: int) -> bytes:
        """Exactly these bytes; `size` is at most a window's."""
        window, place = self.around(offset)
        if place + size > len(window):
            window, place = self._moved_to(offset)
        piece = window[place : place + size]
        if len(piece) != size:
            raise ImageCorrupt("the file ends in the middle of its header")
        return piece

    def around(self, offset: int) -> tuple[bytes, int]:
        """A window that holds this offset, and where in it; an empty one at the end of the file."""
        place = offset - self._start
        if 0 <= place < len(self._window):
            return self._window, place
        return self._moved_to(offset)

    def find(self, sought: bytes, offset: int) -> int:
        """Where this byte is found next; the end of the file if nowhere."""
        while offset < self.length:
            window, place = self.around(offset)
            found = window.find(sought, place)
            if found >= 0:
                return offset - place + found
            if not window:
                break
            offset += len(window) - place
        return self.length

    def _moved_to(self, offset: int) -> tuple[bytes, int]:
        self._start, self._window = offset, b""
        if offset < self.length:
            self._file.seek(offset)
            self._window = self._file.read(min(_WINDOW_BYTES, self.length - offset))
        return self._window, 0

    def int_at(self, offset: int, size: int, order: str = "big") -> int:
        """An unsigned integer of `size` bytes; `order` is `big` or `little`."""
        return int.from_bytes(self.at(offset, size), "little" if order == "little" else "big")
