"""A request as bytes: spoken over a socket to a running service, or to one in this process."""

import asyncio
import contextlib
import json
import socket
from http.client import HTTPException, HTTPResponse
from typing import Any, Final

from litestar import Litestar
from msgspec import Struct

from tests.support.upload_room import Spoken, in_pieces

PATIENCE_SECONDS: Final = 60


class Asked(Struct, frozen=True, kw_only=True):
    """A request, as wrong as can be: nothing here is checked or put right.

    A `key` other than None is sent as the request's own; a Content-Length is, unless the headers have one.
    """

    method: str = "POST"
    path: str = "/uploads"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    host: str | None = "127.0.0.1"
    is_keyed: bool = True
    """Whether a valid key goes with it."""
    names: bool = False
    """Whether the case is about the file's name."""
    breaks_off: bool = False
    """The sender leaves after the body, without waiting for an answer."""

    def head(self, key: str | None) -> bytes:
        """Everything before the body."""
        named = {name.lower() for name, _ in self.headers}
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        if self.host is not None:
            lines.append(f"Host: {self.host}")
        if key is not None and self.is_keyed:
            lines.append(f"Authorization: Bearer {key}")
        if not named & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(self.body)}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("utf-8", "surrogateescape")


class Answer(Struct, frozen=True):
    """Status 0: the other side said nothing."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON of it; empty for anything else."""
        with contextlib.suppress(ValueError):
            found = json.loads(self.body)
            return found if isinstance(found, dict) else {}
        return {}

    @property
    def code(self) -> str | None:
        return self.document.get("code")


SILENCE: Final = Answer(0, {}, b"")


def spoken(port: int, asked: Asked, key: str | None) -> Answer:
    """What a service on this port answers."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as line:
        # whoever refuses early may close before everything was said
        with contextlib.suppress(OSError):
            line.sendall(asked.head(key) + asked.body)
        return SILENCE if asked.breaks_off else heard(line, asked.method)


def heard(line: socket.socket, method: str = "POST") -> Answer:
    """The answer that comes next."""
    reply = HTTPResponse(line, method=method)
    try:
        reply.begin()
        body = reply.read()
    except (OSError, HTTPException):
        return SILENCE
    return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, body)


def spoken_here(app: Litestar, asked: Asked) -> Answer:
    """What a service in this process answers, with no HTTP parser between."""
    messages = in_pieces(asked.body, 1 << 16)
    if asked.breaks_off:
        messages[-1]["more_body"] = True
        messages.append({"type": "http.disconnect"})
    said = Spoken(asked.method, asked.path, {}, messages)
    said.scope["headers"] = [
        (name.lower().encode("latin-1"), value.encode("utf-8", "surrogateescape")) for name, value in asked.headers
    ]
    asyncio.run(said.to(app))
    return SILENCE if asked.breaks_off else Answer(said.status, said.headers, said.body)
