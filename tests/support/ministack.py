"""MiniStack as a subprocess of a test, on a port of its own: nothing is kept, nothing is shared, only loopback listens.

Plain on purpose: what `local/` adds (checkpoints, the audit, shims) is tested there.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

REGION = "eu-central-1"
READY_SECONDS = 180


@contextlib.contextmanager
def running(*, auth: bool = True) -> Iterator[str]:
    """The endpoint's address, while it runs. With `auth` IAM is enforced for every session; key `test` is root."""
    with (
        tempfile.TemporaryDirectory(prefix="darkroom-ministack-") as folder,
        socket.create_server(("127.0.0.1", 0), backlog=256) as listening,
    ):
        port = listening.getsockname()[1]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "hypercorn", "ministack.app:app", "--bind", f"fd://{listening.fileno()}"],
                env=_environment(folder, port, auth),
                cwd=folder,
                pass_fds=[listening.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            # the process has the socket now: if it dies, whoever waits on it is told
            listening.close()
            _wait_until_ready(process, port, Path(folder) / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


def _environment(folder: str, port: int, auth: bool) -> dict[str, str]:
    # nothing of ours is inherited: functions that it runs would inherit it in turn
    return {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "TMPDIR": folder,
        "STATE_DIR": f"{folder}/state",
        "S3_DATA_DIR": f"{folder}/s3",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AUTH": "true" if auth else "false",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    # the socket listens already, so a request waits by itself until somebody answers, and the first answer may be 503
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/ready", timeout=READY_SECONDS) as answer:
                answer.read()
                return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"MiniStack did not start ({error}); it said:\n{log.read_text()[-4000:]}") from error
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
