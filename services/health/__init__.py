"""Whether the service in this container answers: `python -m services.health`, the images' health check.

A service that drains is healthy: it is to end, not to be killed. This loads next to nothing, because it is started
every few seconds beside the service.
"""

import http.client
from collections.abc import Mapping
from typing import Final

SECONDS: Final = 4.0
"""Less than the image gives the check, so that it is we who say what was wrong."""
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound to: looked up
"""Addresses that mean all interfaces, and where one is found then."""


def check(environ: Mapping[str, str]) -> str | None:
    """What is wrong with the service on `DARKROOM_HOST` and `DARKROOM_PORT`; None if nothing is."""
    host, port = environ.get("DARKROOM_HOST", "127.0.0.1"), environ.get("DARKROOM_PORT", "")
    if not port.isdecimal():
        return f"DARKROOM_PORT is {port!r}; the image sets it to the port that its service listens on"
    connection = http.client.HTTPConnection(_ANY.get(host, host), int(port), timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer on {host}:{port}: {error or type(error).__name__}"
    finally:
        connection.close()
    return None if status == http.client.OK else f"/healthz on {host}:{port} answered {status}"
