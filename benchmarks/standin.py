"""As much of S3 and SQS as one order needs, on threads of this process: one original, puts, answers that arrive."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter


class StandIn:
    """`url` is its endpoint; `answered` gets the moment (perf_counter) at which a message came to its queue."""

    def __init__(self, original: bytes) -> None:
        self.answered: queue.SimpleQueue[float] = queue.SimpleQueue()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._reply(original, "image/jpeg")

            def do_PUT(self) -> None:
                self._body()
                self._reply(b"", "text/plain")

            def do_POST(self) -> None:
                sent = json.loads(self._body())["Entries"]
                entries = [{"Id": one["Id"], "MessageId": one["Id"], "MD5OfMessageBody": ""} for one in sent]
                stand_in.answered.put(perf_counter())
                self._reply(json.dumps({"Successful": entries}).encode(), "application/x-amz-json-1.0")

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: what matters is in the answers."""

            def _body(self) -> bytes:
                if self.headers.get("Expect") == "100-continue":
                    self.send_response_only(100)
                    self.end_headers()
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _reply(self, body: bytes, media_type: str) -> None:
                self.send_response(200)
                for name, value in (("Content-Type", media_type), ("Content-Length", str(len(body))), ("ETag", '"0"')):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def stand_in(original: bytes) -> Iterator[StandIn]:
    """One that answers until the block ends."""
    one = StandIn(original)
    thread = threading.Thread(target=one.server.serve_forever, name="stand-in")
    thread.start()
    try:
        yield one
    finally:
        one.server.shutdown()
        one.server.server_close()
        thread.join()
