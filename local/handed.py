"""Starts a service of compose.yaml with the environment that the program made for it: `handed.py <name>`.

It stands in front of the image's own command, in a container that shares the loopback of the embedded cloud's
(local/composed.py answers there), and is replaced by that command. The standard library only: the image has no `local`.
"""

import http.client
import json
import os
import signal
import sys
import time

PORT = 18080
"""Where local/composed.py answers."""
PATIENCE_SECONDS = 120.0


def main(name: str) -> None:
    # the first process of a container has no default answer to a signal
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    environment = handed(name, PATIENCE_SECONDS)
    if environment is None:
        sys.exit(f"{name}: was handed no environment on port {PORT}; see what the container `cloud` says")
    python = sys.executable
    os.execve(python, [python, "-m", f"services.{name}"], {**os.environ, **environment})  # noqa: S606


def handed(name: str, seconds: float) -> dict[str, str] | None:
    """The environment once there is one; None if there is none in that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
        try:
            connection.request("GET", f"/environment/{name}")
            answer = connection.getresponse()
            if answer.status == 200:
                return dict(json.load(answer))
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        # there is no event to wait for across containers
        time.sleep(0.1)
    return None


if __name__ == "__main__":
    main(sys.argv[1])
