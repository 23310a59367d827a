"""Uvicorn's HTTP/1.1 protocol, with the patience and the limits that it has not, and problems for what is no HTTP.

Uvicorn waits for the head of a request for ever, takes a head of any length, and answers plain text to what it cannot
read. It keeps trailers beside the headers, as many as come, takes any Host, and codings of a body that nobody decodes.
Everything else after the head is the app's own business (`exchange`, and the routes' body limits).
"""

import asyncio
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from contracts import errors
from services.edge.problems import PROBLEM_JSON, problem, status_of

HEAD_SECONDS: Final = 20
"""From the connection, or the first byte of a request, to the end of its head."""
HEAD_BYTES: Final = 64 * 1024
"""Of a request line and its headers: twice what balancers pass on. As much may come of trailers and chunks' words."""
CHUNK_WORDS: Final = 8
"""Bytes around each byte of a body that are nobody's fault: a chunk of one byte has five."""


class StrictProtocol(HttpToolsProtocol):
    """One connection. Names and callbacks are those of uvicorn and httptools."""

    _patience: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_body = False
    _around_bytes = 0
    _piece_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] - uvicorn narrows it too
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_has_come()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._patience is not None:
            self._head_bytes += len(data)
        elif self._in_body:
            self._around_bytes += len(data)
        self._piece_bytes = len(data)
        super().data_received(data)
        self._around_bytes = max(0, self._around_bytes)
        if self._in_body and self._around_bytes > HEAD_BYTES:
            self._refuse(errors.Malformed(f"there are more than {HEAD_BYTES} bytes around those of the body"))
        if self._patience is not None and self._head_bytes > HEAD_BYTES:
            self._refuse(errors.Malformed(f"the head of the request is longer than {HEAD_BYTES} bytes"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_body = False
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        # a trailer would be a header that no guard has seen; nobody here asks for one
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_has_come()
        # what came with the head's end: the head itself is too short to matter
        self._in_body, self._around_bytes = True, self._piece_bytes
        if not _is_sound(self.headers, self.parser.get_http_version()):
            raise ValueError("the parser answers it as it does what it cannot read itself")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._around_bytes -= (1 + CHUNK_WORDS) * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(errors.Malformed("this is no HTTP/1.1 request"))

    def _await_head(self) -> None:
        if self._patience is not None:
            return
        late = errors.RequestTimeout(f"the head of the request did not come within {HEAD_SECONDS} s")
        self._patience = self.loop.call_later(HEAD_SECONDS, self._refuse, late)

    def _head_has_come(self) -> None:
        self._head_bytes = 0
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, error: errors.PipelineError) -> None:
        """Answer what never became a request, and close."""
        self._head_has_come()
        if self.transport.is_closing():
            return
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            # a second answer in the middle of the first would be read as part of it
            self.transport.close()
            return
        status = status_of(error)
        document: dict[str, Any] = problem(error, base=f"http://{_authority(self.server)}", instance="", request_id="")
        body = msgspec.json.encode(document)
        head = (
            f"HTTP/1.1 {status} {_PHRASES[status]}\r\ncontent-type: {PROBLEM_JSON}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def _is_sound(headers: list[tuple[bytes, bytes]], version: str) -> bool:
    """Whether everybody on the way reads the request alike (RFC 9112, sections 3.2 and 6.1).

    One Host, which HTTP/1.0 may leave out, and no coding of the body but chunks, which HTTP/1.0 does not know.
    """
    hosts = sum(name == b"host" for name, _ in headers)
    codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    is_old = version == "1.0"
    return (hosts == 1 or (is_old and not hosts)) and codings in ([], [b"chunked"]) and not (is_old and codings)


_PHRASES: Final = {400: "Bad Request", 408: "Request Timeout"}


def _authority(server: tuple[str, int | None] | None) -> str:
    host, port = server or ("localhost", None)
    return f"{host}:{port}" if port else host
