"""The data folder of a run: who holds it, which ports it uses, which processes run on it.

lock           held while a run uses the folder          state.json     what was applied
ports.json     ports, so that they stay the same          run.json       the processes of the run that is up
cloud/         the embedded cloud's state and objects     audit.jsonl, requests.jsonl, logs/
"""

import errno
import fcntl
import os
import socket
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from local.problems import CannotRun
from local.state import write_whole

_BACKLOG: Final = 512
_MAX_PORT: Final = 65_535


class Running(Struct, frozen=True, kw_only=True):
    """One process of a run, as run.json lists it; `port` is None for one that listens on none."""

    name: str
    pid: int
    port: int | None


class Folder:
    """One data folder, created if it is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    @property
    def state_file(self) -> Path:
        return self.path / "state.json"

    @property
    def run_file(self) -> Path:
        return self.path / "run.json"

    def log(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    def hold(self) -> None:
        """Take the folder for this process, until it ends; raises CannotRun if another run has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotRun(
                f"the data folder {self.path} cannot be used: {error.strerror}; choose another with DATA="
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._lock, 20, 0).decode(errors="replace").strip() or "unknown"
            self.release()
            raise CannotRun(
                f"another run (process {holder}) uses the folder {self.path}; stop it, or choose another with DATA="
            ) from None
        os.truncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        for log in sorted((self.path / "logs").glob("*.log")):
            log.replace(log.with_name(log.name + ".1"))
        (self.path / "logs").mkdir(exist_ok=True)
        (self.path / "tmp").mkdir(exist_ok=True)

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def usual_port_socket(self, name: str) -> socket.socket:
        """A listening socket on the port that `name` had last time here, or on a free one if that is taken."""
        file = self.path / "ports.json"
        try:
            ports = msgspec.json.decode(file.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.DecodeError):
            ports = {}
        try:
            listener = _listen(ports.get(name, 0))
        except OSError:
            listener = _listen(0)
        if ports.get(name) != listener.getsockname()[1]:
            write_whole(file, msgspec.json.encode({**ports, name: listener.getsockname()[1]}))
        return listener

    def write_run(self, processes: list[Running]) -> None:
        write_whole(self.run_file, msgspec.json.format(msgspec.json.encode(processes)))


def port_socket(port: int) -> socket.socket:
    """A listening socket on exactly this port; raises CannotRun if it cannot be had."""
    if not 0 <= port <= _MAX_PORT:
        raise CannotRun(f"{port} is not a port; choose one between 1 and {_MAX_PORT} with PORT=")
    try:
        return _listen(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotRun(f"port {port} is in use; stop what listens there, or choose another with PORT=") from None
        raise CannotRun(f"port {port} cannot be used: {error.strerror}; choose another with PORT=") from None


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
