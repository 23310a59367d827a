"""The embedded cloud as a process: settings, start, readiness, stop. What runs inside it is `local.launcher`."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from local.problems import CannotRun

_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
ROOT = Path(__file__).resolve().parent.parent
"""The checkout: where the program, the services and the function's code are."""


class LauncherSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `local.launcher` is started with, as JSON in its one argument."""

    folder: str
    """State, objects and temporary files of the cloud."""
    listen_fd: int
    region: str
    parent: int
    """Process id that it must not outlive."""
    audit: str
    requests: str
    """Files of the IAM decisions and of the requests."""


def decode_settings(text: str) -> LauncherSettings:
    return msgspec.json.decode(text, type=LauncherSettings)


def clean_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment of what a process needs and nothing of the person's: no keys, no AWS configuration, no proxies."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    return {"LANG": "C.UTF-8", **kept, "HOME": str(home), "PYTHONUNBUFFERED": "1", **(extra or {})}


class Cloud:
    """One embedded cloud on a folder. The listening socket is the caller's: it outlives a restart of the process."""

    def __init__(self, folder: Path, *, region: str, listener: socket.socket, log: Path) -> None:
        self.folder = folder / "cloud"
        self.audit = folder / "audit.jsonl"
        self.requests = folder / "requests.jsonl"
        self.region = region
        self.port: int = listener.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._listener = listener
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the process; requests wait in the socket's queue until it is ready."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        settings = LauncherSettings(
            folder=str(self.folder.resolve()),
            listen_fd=self._listener.fileno(),
            region=self.region,
            parent=os.getpid(),
            audit=str(self.audit.resolve()),
            requests=str(self.requests.resolve()),
        )
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.launcher", msgspec.json.encode(settings).decode()],
                cwd=ROOT,
                env=clean_environment(home),
                pass_fds=(self._listener.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # a Ctrl-C at the terminal is the supervisor's to handle
                start_new_session=True,
            )
        return self.process

    def wait_until_ready(self) -> None:
        """Return once it answers; raises CannotRun if it ends or stays silent."""
        if not answers(self.port, "/_ministack/ready", _READY_SECONDS, self.process):
            raise CannotRun(f"the embedded cloud did not start; its log is {self._log}")

    def stop(self) -> None:
        """Stop it in good order (it saves its state); kill it if it takes longer than that may take."""
        if self.process is not None:
            end(self.process, _STOP_SECONDS)


def answers(port: int, path: str, seconds: float, process: "subprocess.Popen[bytes] | None") -> bool:
    """Whether `path` on the port answered 200 within that time, with the process alive."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=max(0.1, min(2.0, seconds)))
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        # readiness has no event to wait for across processes
        time.sleep(0.03)
    return False


def end(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """SIGTERM, and after that time SIGKILL, for it and for what it leaves in its session."""
    if process.poll() is not None:
        return
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    # every process of ours leads a session: this reaches workers that it did not end itself
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
