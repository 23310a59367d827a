"""What is uploaded: a path, bytes or an open file, made into one thing that can be read from its start more than once.

Used by `client.conversation`; nothing here knows HTTP.
"""

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePath
from typing import IO, Final

from client.errors import BadInput
from contracts.formats import SNIFF_BYTES, ImageFormat, sniff

Given = str | os.PathLike[str] | bytes | IO[bytes]
"""A path, the bytes themselves, or a file opened in binary mode (sent from its very start)."""

OnProgress = Callable[[int, int], None]
"""Called with (bytes sent, bytes in all) while a file goes out, once more from 0 when it has to be sent again."""

UNNAMED: Final = "picture"
"""File name of bytes that come without one."""

UNKNOWN_TYPE: Final = "application/octet-stream"
"""Of a file that nobody knows anything of."""

_SPOOL_BYTES: Final = 1024 * 1024
_HASHED_BYTES: Final = 256 * 1024
_TYPES: Final = {f".{fmt.value}": fmt.media_type for fmt in ImageFormat} | {
    ".jpg": ImageFormat.JPEG.media_type,
    ".jpe": ImageFormat.JPEG.media_type,
    ".tif": ImageFormat.TIFF.media_type,
}


class Metered(io.RawIOBase):
    """A seekable file that tells how far it was read. `length` is in bytes."""

    def __init__(self, file: IO[bytes], on_progress: OnProgress | None) -> None:
        self._file = file
        self._on_progress = on_progress
        self.length = file.seek(0, os.SEEK_END)
        file.seek(0)

    def sha256(self) -> bytes:
        """Of all of it; nobody is told of this reading."""
        self._file.seek(0)
        try:
            digest = hashlib.sha256()
            while block := self._file.read(_HASHED_BYTES):
                digest.update(block)
        except OSError as error:
            raise BadInput(f"the picture cannot be read to its end: {error.strerror or error}") from error
        self._file.seek(0)
        return digest.digest()

    def media_type(self) -> str:
        """What its first bytes are; `application/octet-stream` for anything that is not read by Darkroom."""
        self._file.seek(0)
        found = sniff(self._file.read(SNIFF_BYTES))
        self._file.seek(0)
        return UNKNOWN_TYPE if found is None else found.media_type

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            block = self._file.read(size)
        except OSError as error:
            raise BadInput(f"the picture cannot be read to its end: {error.strerror or error}") from error
        if self._on_progress is not None:
            self._on_progress(self._file.tell(), self.length)
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def opened(given: Given, on_progress: OnProgress | None) -> Iterator[Metered]:
    """The picture, ready to be read; closes what it opened itself.

    A file that cannot seek (a pipe) is copied to the temporary directory first: a retry has to read it again.
    Raises BadInput if it cannot be read.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(_seekable(given))
            picture = Metered(file, on_progress)
        except OSError as error:
            raise BadInput(f"{_called(given)} cannot be read: {error.strerror or error}") from error
        yield picture


@contextmanager
def _seekable(given: Given) -> Iterator[IO[bytes]]:
    if isinstance(given, bytes | bytearray | memoryview):
        yield io.BytesIO(given)
    elif isinstance(given, str | os.PathLike):
        with open(given, "rb") as file, _seekable(file) as usable:
            yield usable
    elif given.seekable():
        yield given
    else:
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
            shutil.copyfileobj(given, spool)
            yield spool


def name_of(given: Given) -> str:
    """The file name to send: the last part of the path, in well-formed UTF-8."""
    name = given if isinstance(given, str | os.PathLike) else getattr(given, "name", None)
    if not isinstance(name, str | os.PathLike):
        return UNNAMED
    # a name that is not UTF-8 on this disk reaches us as lone surrogates, which no header can carry
    return PurePath(os.fspath(name)).name.encode("utf-8", "replace").decode() or UNNAMED


def _called(given: Given) -> str:
    return os.fspath(given) if isinstance(given, str | os.PathLike) else name_of(given)


def type_of(filename: str) -> str:
    """The media type that the name promises; `application/octet-stream`, a promise of nothing, for any other name."""
    return _TYPES.get(Path(filename).suffix.lower(), UNKNOWN_TYPE)
