"""Imports every module of the rooms it is given and prints, as JSON, what any of them did beside defining things.

Run as a process of its own with an empty environment: `python -m tests.support.importing contracts adapters ...`. What
a library does when a module of ours imports it is its own affair; what a module of ours does itself is not.
"""

import importlib
import json
import os
import sys
import traceback
from types import FrameType
from typing import Any

from tests.support.tree import ROOT, files, module_name

_CLOSED = ("socket.connect", "socket.getaddrinfo", "socket.sendto")
"""Nobody's to do, not even a library's."""
_OWN = ("open", "socket.", "subprocess.", "os.", "sqlite3.connect", "tempfile.", "urllib.Request")
"""Not ours to do."""
_OURS = [str(ROOT / room) + os.sep for room in sys.argv[1:]]

_done: list[str] = []
_told: set[tuple[str, str]] = set()


def _who(frame: FrameType | None) -> str | None:
    """File and line of ours that caused this, or None if a library or the import system did."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib"):
            return None
        if name.startswith(tuple(_OURS)):
            return f"{os.path.relpath(name, ROOT)}:{frame.f_lineno}"
        if "site-packages" in name:
            return None
        frame = frame.f_back
    return None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_CLOSED):
        _tell(_who(sys._getframe(1)) or "a library", f"{event} {arguments!r}")
    elif event.startswith(_OWN) and (place := _who(sys._getframe(1))):
        _tell(place, f"{event} {arguments!r}")


def _tell(place: str, what: str) -> None:
    """Once for each kind of thing that a line does."""
    kind = (place, what.partition(" ")[0])
    if kind not in _told:
        _told.add(kind)
        _done.append(f"{place}: {what}"[:300])


class _WatchedEnvironment(dict[str, str]):
    """An empty environment that tells when one of our modules looks into it."""

    def _look(self) -> None:
        if place := _who(sys._getframe(2)):
            _tell(place, "reads the environment")

    def __getitem__(self, name: str) -> str:
        self._look()
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._look()
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._look()
        return super().get(name, default)

    def items(self) -> Any:
        self._look()
        return super().items()


def main() -> None:
    modules = [module_name(path) for room in sys.argv[1:] for path in files(room) if path.suffix == ".py"]
    vars(os)["environ"] = _WatchedEnvironment()  # where os.getenv and every library look
    sys.addaudithook(_watch)
    for name in modules:
        try:
            importlib.import_module(name)
        except BaseException:
            _done.append(f"{name} cannot be imported: {traceback.format_exc(limit=-2)}")
    sys.stdout.write(json.dumps({"modules": modules, "done": _done}))


if __name__ == "__main__":
    main()
