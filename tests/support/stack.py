"""A stack on the embedded cloud that the journeys share: started once a test process, when it is first asked for.

Tests that use it carry `on_the_stack`, so that all of them run in one process. They leave jobs behind and look at none
but their own. Tests that kill something start a run of their own (`Run`).
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from client import Darkroom
from local import folder
from local.supervisor import Supervisor
from local.temporary import temporary

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180
"""No test asserts a time; this ends one that waits for what will not come."""

on_the_stack = pytest.mark.xdist_group("stack")


@pytest.fixture(scope="session")
def stack() -> Iterator[Supervisor]:
    with temporary() as supervisor:
        yield supervisor


@pytest.fixture
def darkroom(stack: Supervisor) -> Iterator[Darkroom]:
    with Darkroom(stack.url) as client:
        yield client


class Run:
    """`python -m local run` as a person starts it; `lines` is what it has printed so far."""

    def __init__(self, data: Path, image: Path, *, port: int = 0) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "run", str(image), "--port", str(port), "--data", str(data)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []

    def wait_for(self, pattern: str) -> str:
        """Read until a line has it; that line. Fails if the run ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if re.search(pattern, line):
                return self.lines[-1]
        raise AssertionError(f"no line had {pattern!r} before the run ended:\n" + "\n".join(self.lines))

    @property
    def processes(self) -> list[folder.Running]:
        return msgspec.json.decode((self.data / "run.json").read_bytes(), type=list[folder.Running])

    @property
    def url(self) -> str:
        port = next(process.port for process in self.processes if process.name == "upload")
        return f"http://127.0.0.1:{port}"

    def pid_of(self, name: str) -> int:
        return next(process.pid for process in self.processes if process.name == name)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal it if it still runs, read the rest, and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.lines += self.process.stdout.read().splitlines()
            self.process.stdout.close()
        return self.process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def running(data: Path, image: Path, *, port: int = 0) -> Iterator[Run]:
    """A run that is up and has put its picture through."""
    run = Run(data, image, port=port)
    try:
        run.wait_for("The page is at")
        yield run
    finally:
        run.end()


def until(happened: Callable[[], bool], what: str) -> None:
    """Wait for what other processes do and give nothing to wait on."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not collected yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return _answers_signals(pid) and not Path("/proc/self").exists()
    return state != "Z"


def listening_addresses(pid: int) -> list[tuple[str, int]]:
    """Addresses and ports that a process listens on (Linux)."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(descriptor))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                address, _, port = fields[1].partition(":")
                # an IPv4 address is written backwards; any other is told of as it stands
                ip = socket.inet_ntoa(bytes.fromhex(address)[::-1]) if len(address) == 8 else address
                found.append((ip, int(port, 16)))
    return found


def _answers_signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
