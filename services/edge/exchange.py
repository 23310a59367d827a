"""One request and its reply as the edge sees them: id, headers, counting, the access line, and a polite end."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec
import structlog
from litestar.types import HTTPScope, Message, Receive, ReceiveMessage, Scope, Send

from contracts import errors
from services.edge.problems import PROBLEM_JSON, problem, status_of
from services.edge.serving import Readiness

STRICT_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of every answer that brings none of its own."""

LINGER_SECONDS: Final = 2
LINGER_BYTES: Final = 64 * 1024 * 1024
"""How long and how much of an unwanted body is read and dropped after the reply: closing at once would reset the
connection, and the client would never read why."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other is a word of the client's own."""
_SAFE_TOKEN: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SAFE_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,255}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", STRICT_POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

_log: Final = structlog.get_logger()


class Exchange:
    """One request and its reply, as the edge sees them."""

    def __init__(self, scope: HTTPScope, receive: Receive, send: Send, readiness: Readiness) -> None:
        headers = {name: value for name, value in scope["headers"]}
        offered = headers.get(b"x-request-id", b"").decode("latin-1")
        self.request_id = offered if _SAFE_TOKEN.fullmatch(offered) else secrets.token_hex(16)
        self.code: str | None = None
        self.fields: Callable[[], Sequence[tuple[str, str]]] = tuple
        self._scope, self._receive, self._send = scope, receive, send
        self._readiness = readiness
        self._begun = self._ended = time.perf_counter()
        self._status = 0
        self._bytes_in = self._bytes_out = 0
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        self._body_ended = not has_body
        self._closes = False

    @property
    def is_head(self) -> bool:
        return self._scope["method"] == "HEAD"

    async def receive(self) -> ReceiveMessage:
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes_in += len(message.get("body", b""))
            self._body_ended = not message.get("more_body", False)
        else:
            self._body_ended = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._closes = not self._body_ended
            await self._send({**message, "headers": self._headers(message.get("headers", ()))})
        elif message["type"] == "http.response.body":
            body = b"" if self.is_head else message.get("body", b"")
            last = not message.get("more_body", False)
            self._bytes_out += len(body)
            self._ended = time.perf_counter()
            if last and self._closes:
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
                await self._linger()
                body = b""
            await self._send({"type": "http.response.body", "body": body, "more_body": not last})
        else:
            await self._send(message)

    async def fail(self, error: Exception) -> None:
        """What came through every handler: a reply broken off in the middle, or a bug in the handlers."""
        _log.error("http.failed", request_id=self.request_id, exc_info=error)
        if not self._status:
            await self.refuse(errors.InternalError("an unexpected error; it was logged"))

    async def refuse(self, error: errors.PipelineError) -> None:
        """Reply with its problem, past every handler."""
        document = problem(
            error, base=base_of(self._scope), instance=instance_of(self._scope), request_id=self.request_id
        )
        self.code = error.code
        headers = [(b"content-type", PROBLEM_JSON.encode())]
        if "retry_after" in error.facts:
            headers.append((b"retry-after", str(error.facts["retry_after"]).encode()))
        await self.send({"type": "http.response.start", "status": status_of(error), "headers": headers})
        await self.send({"type": "http.response.body", "body": msgspec.json.encode(document), "more_body": False})

    def log(self, route: str | None) -> None:
        """The access line: the route's template, never the path, which is the client's."""
        healthy = route in ("/healthz", "/readyz")
        (_log.debug if healthy else _log.info)(
            "http.answered",
            method=self._scope["method"] if self._scope["method"] in _METHODS else "other",
            route=route or "-",
            status=self._status,
            elapsed_ms=round((self._ended - self._begun) * 1000, 1),
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            request_id=self.request_id,
            **({"code": self.code} if self.code else {}),
        )

    def _headers(self, given: Any) -> list[tuple[bytes, bytes]]:
        headers = list(given)
        names = {name.lower() for name, _ in headers}
        added = [*_HEADERS, (b"x-request-id", self.request_id.encode())]
        added += [(name.lower().encode(), value.encode()) for name, value in self.fields()]
        if self._scope.get("scheme") == "https":
            added.append((b"strict-transport-security", b"max-age=31536000"))
        if self._closes or self._readiness.is_draining:
            added.append((b"connection", b"close"))
        return headers + [(name, value) for name, value in added if name not in names]

    async def _linger(self) -> None:
        limit = self._bytes_in + LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._body_ended and self._bytes_in < limit:
                    await self.receive()
        except TimeoutError:
            return


def base_of(scope: Scope) -> str:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    if not _SAFE_HOST.fullmatch(host):
        name, port = scope.get("server") or ("localhost", None)
        host = f"{name}:{port}" if port else name
    return f"{scope['scheme']}://{host}"


def instance_of(scope: Scope) -> str:
    return quote(scope["path"], safe="/:@!$&'()*+,;=-._~", errors="replace")[:256]
