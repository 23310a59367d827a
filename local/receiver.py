"""A receiver of webhooks on this machine that wants to hear nothing, for the report of permissions."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Gone(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(410)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the report is what is printed."""


@contextmanager
def gone() -> Iterator[str]:
    """The address of an endpoint that answers 410 to whatever it is sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gone)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
