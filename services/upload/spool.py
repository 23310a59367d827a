"""Where an upload waits until it is whole: up to 1 MiB in memory, then an unlinked file, hashed on the way.

S3 wants the length and the SHA-256 before the first byte, and a body that can be read twice. A file without a name
cannot be left behind: whatever ends the upload, or the process, the disk has its blocks back.
"""

import errno
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO, Final

from msgspec import Struct

from contracts.errors import Overloaded, PayloadTooLarge
from contracts.formats import SNIFF_BYTES
from contracts.identifiers import Tenant
from contracts.limits import MAX_BODY_BYTES, MIB
from services.upload.threads import Threads

MEMORY_BYTES: Final = MIB
"""Held of one upload before it goes to the disk."""
WRITE_BYTES: Final = MIB // 4
"""Held between two writes, once it is there: 32 large uploads at once are 8 MiB and not 32."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Spooled(Struct, frozen=True, kw_only=True):
    """A whole upload: `file` reads from any place, `sha256` is hex, `head` its first bytes for whoever sniffs."""

    file: BinaryIO
    length: int
    sha256: str
    head: bytes


class Spool:
    """One upload on its way. Writes come one after the other; `whole` ends them, `close` gives everything back."""

    def __init__(self, directory: str | None, threads: Threads, most: int = MAX_BODY_BYTES) -> None:
        self._directory = directory
        self._threads = threads
        self._most = most
        # one buffer, not a list of pieces: a sender of tiny pieces would fill the memory with their overhead
        self._waiting = bytearray()
        self._length = 0
        self._head = b""
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None

    @property
    def length(self) -> int:
        return self._length

    async def write(self, chunk: bytes | bytearray) -> None:
        """Take these bytes. Raises PayloadTooLarge beyond the limit, Overloaded if the disk has no room."""
        if self._taken(chunk):
            await self._threads.call(self._to_disk)

    def fill(self, pieces: Iterable[bytes]) -> None:
        """Take all of these bytes, in the thread that calls and is not the event loop's. Raises as `write`."""
        for piece in pieces:
            if self._taken(piece):
                self._to_disk()

    async def whole(self) -> Spooled:
        """All of it. The file belongs to the spool still."""
        return await self._threads.call(self._finished)

    def close(self) -> None:
        """Give memory and disk back; safe to repeat, and while a write is under way elsewhere."""
        self._waiting = bytearray()
        if self._file is not None:
            self._file.close()

    def _taken(self, chunk: bytes | bytearray) -> bool:
        """Whether so much waits now that it has to go to the disk."""
        self._length += len(chunk)
        if self._length > self._most:
            raise PayloadTooLarge(f"the file has more than {self._most} bytes", max_bytes=self._most)
        if len(self._head) < SNIFF_BYTES:
            self._head += chunk[: SNIFF_BYTES - len(self._head)]
        self._waiting += chunk
        return len(self._waiting) > (MEMORY_BYTES if self._file is None else WRITE_BYTES)

    def _finished(self) -> Spooled:
        if self._file is None:
            self._hash.update(self._waiting)
            file: BinaryIO = BytesIO(self._waiting)
            self._file = file
        else:
            self._to_disk()
            file = self._file
        self._waiting = bytearray()
        file.seek(0)
        return Spooled(file=file, length=self._length, sha256=self._hash.hexdigest(), head=self._head)

    def _to_disk(self) -> None:
        content, self._waiting = self._waiting, bytearray()
        self._hash.update(content)
        try:
            if self._file is None:
                self._file = _nameless_file(self._directory)
            written = 0
            while written < len(content):
                written += self._file.write(memoryview(content)[written:])
        except OSError as error:
            if error.errno in _FULL:
                raise _no_room() from error
            raise


def _nameless_file(directory: str | None) -> BinaryIO:
    # refused before the disk is full: one upload of the largest size must still fit
    filesystem = os.statvfs(directory or tempfile.gettempdir())
    if filesystem.f_bavail * filesystem.f_frsize < MAX_BODY_BYTES:
        raise _no_room()
    return tempfile.TemporaryFile(dir=directory, buffering=0)  # type: ignore[return-value] - typed as a wrapper


def _no_room() -> Overloaded:
    return Overloaded("the disk that uploads wait on is full", retry_after=5)


GREED: Final = 3
"""A tenant may hold this many times as many places as are free: alone three quarters of them, and whoever comes next
still finds one, however slowly the others' bodies come. (Choudhury and Hahne, "Dynamic queue length thresholds for
shared-memory packet switches", 1998.)"""


class SpoolRoom:
    """How many uploads may be in hand at once. One a process; used from the event loop's thread."""

    def __init__(self, most: int, *, shared: bool = False) -> None:
        """`shared`: between tenants, none of whom may take it all."""
        self._most, self._shared = most, shared
        self._inside: Counter[Tenant] = Counter()

    @property
    def inside(self) -> int:
        return self._inside.total()

    @contextmanager
    def place(self, tenant: Tenant) -> Iterator[None]:
        """Room for one upload; raises Overloaded at once if there is none: a queue here would only grow."""
        free, held = self._most - self.inside, self._inside[tenant]
        if free <= 0:
            raise Overloaded(f"{self._most} uploads are in hand already", retry_after=1)
        if self._shared and held >= GREED * free:
            raise Overloaded(f"{held} uploads of this tenant are in hand already", retry_after=1)
        self._inside[tenant] += 1
        try:
            yield
        finally:
            self._inside[tenant] -= 1
            if not self._inside[tenant]:
                del self._inside[tenant]
