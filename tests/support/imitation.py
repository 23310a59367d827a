"""An imitation of Darkroom on loopback that answers by script: what a real one does rarely, on demand."""

import base64
import hashlib
import io
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from multipart import MultipartParser

JOB: Final = "0192f0c4-7d1e-7c3a-9a55-3f1f0c9d2b77"


class Heard(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def parts(self) -> list[tuple[str, str | None, str, bytes]]:
        """Of a multipart body, in order: name, file name, type, bytes."""
        boundary = self.headers["content-type"].partition("boundary=")[2]
        parts = []
        for part in MultipartParser(io.BytesIO(self.body), boundary):
            parts.append((part.name, part.filename, part.content_type, part.raw))
            part.close()
        return parts


class Reply(NamedTuple):
    """What to answer. `break_after` closes the connection after so many bytes of the body, before all of it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})
    break_after: int | None = None


HANG_UP: Final = Reply(0, b"")
"""Close the connection without a word."""


def json_reply(status: int, document: Any, **headers: str) -> Reply:
    return Reply(status, msgspec.json.encode(document), {"Content-Type": "application/json", **headers})


def problem_reply(
    status: int, code: str, detail: str = "", *, headers: dict[str, str] | None = None, **more: Any
) -> Reply:
    document = {
        "type": f"http://x/problems/{code}",
        "title": code.capitalize().replace("-", " "),
        "status": status,
        "code": code,
        "detail": detail,
        "retryable": status >= 500,
        "request_id": "req-1",
        **more,
    }
    return Reply(status, msgspec.json.encode(document), {"Content-Type": "application/problem+json", **(headers or {})})


def accepted_reply(job_id: str = JOB) -> Reply:
    document = {"id": job_id, "state": "queued", "status_url": f"/status/{job_id}"}
    return json_reply(202, document, Location=f"/status/{job_id}")


def variant(name: str, data: bytes, *, url: str, width: int = 400, height: int = 300) -> dict[str, Any]:
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return {
        "name": name,
        "state": "completed",
        "media_type": "image/jpeg",
        "width": width,
        "height": height,
        "bytes": len(data),
        "digest": f"sha-256=:{digest}:",
        "elapsed_ms": 12.4,
        "url": url,
        "url_expires_at": "2026-11-23T15:19:05Z",
        "warnings": [],
    }


def status_reply(state: str = "completed", *variants: dict[str, Any], revision: int = 7, **more: Any) -> Reply:
    document = {
        "id": JOB,
        "run": 1,
        "revision": revision,
        "state": state,
        "created_at": "2026-11-23T15:04:05.120Z",
        "finished_at": "2026-11-23T15:04:05.611Z" if state not in ("queued", "processing") else None,
        "progress": {"done": sum(entry["state"] != "pending" for entry in variants), "total": len(variants)},
        "source": {"filename": "chair.jpg", "media_type": "image/jpeg", "bytes": 1000, "width": 4032, "height": 3024},
        "variants": list(variants),
        **more,
    }
    return json_reply(200, document, ETag=f'"{revision}-1"')


class Imitation:
    """Answers each request with the next reply of its script, 404 beyond it; `heard` has all that came."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.heard: list[Heard] = []
        self._script: deque[Reply] = deque()
        self._news = threading.Condition()

    def will(self, *replies: Reply) -> None:
        self._script.extend(replies)

    @property
    def is_done(self) -> bool:
        """Everything of the script was said."""
        return not self._script

    def listen(self, requests: int) -> None:
        """Return once so many requests came."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.heard) >= requests, timeout=300)

    def next_reply(self, heard: Heard) -> Reply:
        with self._news:
            self.heard.append(heard)
            self._news.notify_all()
        return self._script.popleft() if self._script else problem_reply(404, "not-found", "off the script")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    imitation: Imitation

    def do_GET(self) -> None:
        # whoever asked may have left meanwhile
        with suppress(ConnectionError):
            self._answer()

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        reply = self.imitation.next_reply(Heard(self.command, self.path, headers, body))
        if reply is HANG_UP:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.break_after is not None:
            self.wfile.write(reply.body[: reply.break_after])
            self.close_connection = True
        elif reply.status != 304:
            self.wfile.write(reply.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # a client that hangs up between two requests is no error, and would stand among what a command says
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def imitation() -> Iterator[Imitation]:
    """One that listens on a free port of 127.0.0.1 for as long as the block lasts."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        handler.imitation = Imitation(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield handler.imitation
        finally:
            server.shutdown()
            thread.join()
