"""Namespaces that container engines are tried in: whatever they start, mount or listen on is gone when they are closed.

Root on Linux only. Processes, mounts and, if asked for, the network are apart from the machine's; files are not.
"""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from msgspec import Struct

PATIENCE_SECONDS: Final = 600
"""No test asserts a time; this ends one that waits for what will not come."""

_HOLDER: Final = """
import fcntl, socket, struct, sys
if "network" in sys.argv:
    with socket.socket() as any_socket:  # SIOCSIFFLAGS: up and running
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
print(flush=True)
sys.stdin.read()
"""
_FETCHER: Final = """
import base64, json, sys, urllib.error, urllib.request
try:
    answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=60)
except urllib.error.HTTPError as error:
    answer = error
body = base64.b64encode(answer.read()).decode()
print(json.dumps({"status": answer.status, "headers": dict(answer.headers), "body": body}))
"""


class Reply(Struct, frozen=True, kw_only=True):
    """What a server in an enclosure answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Enclosure:
    """To be used in a `with`. Commands run inside it with this environment and no other."""

    def __init__(self, environ: Mapping[str, str], *, own_network: bool) -> None:
        self._environ = dict(environ)
        self._own_network = own_network
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        kinds = ["--net"] if self._own_network else []
        unshare = ["unshare", *kinds, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self._holder = subprocess.Popen(
            [*unshare, sys.executable, "-c", _HOLDER, *(["network"] if self._own_network else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"\n", "no namespace could be made"
        first = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()[0]
        self._enter = ["nsenter", "--target", first, "--mount", "--pid", *kinds, "--"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # the first process of a namespace takes all others with it
        self._holder.kill()
        self._holder.communicate()
        for process in self._started:
            process.wait()

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run to its end, whatever that is."""
        return subprocess.run(
            [*self._enter, *_in(cwd), *command],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_SECONDS,
        )

    def out(self, *command: str, cwd: Path | None = None) -> str:
        """What it printed; it must end well."""
        ended = self.run(*command, cwd=cwd)
        assert ended.returncode == 0, f"{' '.join(command)[:200]}\n{ended.stdout[-3_000:]}\n{ended.stderr[-3_000:]}"
        return ended.stdout.strip()

    def start(self, *command: str, cwd: Path, log: Path) -> "subprocess.Popen[bytes]":
        """Start it; it ends with the enclosure at the latest."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self._enter, *_in(cwd), *command],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def fetch(self, url: str) -> Reply | None:
        """The answer to a GET from within; None if nobody answers."""
        ended = self.run(sys.executable, "-I", "-c", _FETCHER, url)
        if ended.returncode != 0:
            return None
        answer: dict[str, Any] = json.loads(ended.stdout)
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        return Reply(status=answer["status"], headers=headers, body=base64.b64decode(answer["body"]))

    def answers(self, url: str) -> bool:
        reply = self.fetch(url)
        return reply is not None and reply.status == 200


def _in(folder: Path | None) -> list[str]:
    # whoever enters a namespace of mounts stands at its root
    return [] if folder is None else ["env", f"--chdir={folder}"]


def until(happened: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait for what others do and give nothing to wait on."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, what()
        time.sleep(0.2)


def plain_environment() -> dict[str, str]:
    """What commands need of this process's environment: where programs are, and the way to a package index."""
    kept = ("PATH", "HOME", "LANG", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    # Debian keeps what only root runs apart from what everybody's PATH has
    return {**found, "PATH": f"{found.get('PATH', '')}:/usr/sbin:/sbin"}
