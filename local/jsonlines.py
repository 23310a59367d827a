"""A file of JSON lines: buffered, appended, rotated once it is large. The launcher writes them, the counters read."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

_ENCODER = msgspec.json.Encoder()


class JsonLines:
    """Appends records; what is not flushed yet is lost with the process.

    A file past `most_bytes` becomes `<name>.1`, replacing the one before: at most twice that much is kept.
    """

    def __init__(self, path: Path, most_bytes: int = 32 * 1024 * 1024) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._lines: list[bytes] = []
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, record: dict[str, object]) -> None:
        self._lines.append(_ENCODER.encode(record))

    def flush(self) -> None:
        if not self._lines:
            return
        with self._lock:
            # only what is here now leaves: another thread may be adding to this very list
            lines = self._lines[:]
            del self._lines[: len(lines)]
            with self._path.open("ab") as file:
                file.write(b"\n".join(lines) + b"\n")
                size = file.tell()
            if size > self._most_bytes:
                self._path.replace(self._path.with_name(self._path.name + ".1"))


def read(path: Path) -> Iterator[dict[str, object]]:
    """The records, oldest first, rotated ones included. A line cut short by a crash is left out."""
    for part in (path.with_name(path.name + ".1"), path):
        if not part.exists():
            continue
        for line in part.read_bytes().splitlines():
            try:
                yield msgspec.json.decode(line)
            except msgspec.DecodeError:
                continue
