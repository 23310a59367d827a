"""Serving for real: a socket that is handed over, and an end that drops nothing. Processes of our own, on loopback."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

SERVICE = """
import asyncio, os, sys
from litestar import get, post, Request
from services import edge

@get("/slow")
async def slow() -> str:
    print("in hand", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    return "done"

@post("/takes", status_code=200)
async def takes(request: Request) -> dict:
    body = await request.body()
    return {"bytes": len(body), "headers": sorted(name for name, _ in request.headers.multi_items())}

@post("/refuses", status_code=200)
async def refuses() -> str:
    return "no, thank you"

readiness = edge.Readiness()
service = edge.app([slow, takes, refuses], process="test", readiness=readiness)
edge.serve(service, listener=edge.listening_socket(os.environ, port=0), readiness=readiness)
print("ended", flush=True)
"""


CHUNKED = b"POST /takes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
IMPATIENT = "from services.edge import protocol; protocol.HEAD_SECONDS = 0.2\n"
PATIENT = """
from services.edge import exchange, serving
serving.DRAIN_SECONDS, serving.LAST_WORDS_SECONDS, exchange.LINGER_SECONDS = 180, 120, 120
"""
"""For tests that have something to say in between, however slowly their machine lets them."""
PATIENCE_SECONDS = 60


@contextmanager
def serving(listener: socket.socket, prelude: str = "") -> Iterator[subprocess.Popen[str]]:
    """A process that serves on a socket of ours."""
    descriptor = listener.fileno()
    with subprocess.Popen(
        [sys.executable, "-c", prelude + SERVICE],
        env={"DARKROOM_LISTEN_FD": str(descriptor), "PYTHONPATH": "."},
        pass_fds=[descriptor],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def served(prelude: str = "") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The same on a socket of its own, and the port of that."""
    with socket.create_server(("127.0.0.1", 0)) as listener, serving(listener, prelude) as process:
        yield process, listener.getsockname()[1]


def connected(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)


def all_of(connection: socket.socket) -> bytes:
    reply = b""
    while piece := connection.recv(65_536):
        reply += piece
    return reply


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"the process ended without saying {text!r}")


@pytest.mark.slow
def test_what_is_in_hand_is_finished_and_the_process_ends_well() -> None:
    """SIGTERM while a request is answered and another connection idles: the answer comes, and says close."""
    with served(PATIENT) as (process, port):
        idle, busy = connected(port), connected(port)
        idle.request("GET", "/readyz")
        assert idle.getresponse().read() == b'{"process":"test","stage":"ready"}'
        busy.request("GET", "/slow")
        read_until(process, "in hand")
        process.send_signal(signal.SIGTERM)
        read_until(process, "process.draining")
        # the connection that was open is still answered, with the truth
        idle.request("GET", "/readyz")
        answer = idle.getresponse()
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        answer.read()
        assert process.stdin is not None
        process.stdin.write("go on\n")
        process.stdin.flush()
        answer = busy.getresponse()
        assert (answer.status, answer.headers["connection"], answer.read()) == (200, "close", b"done")
        read_until(process, "ended")
        assert process.wait(PATIENCE_SECONDS) == 0
        idle.close()
        busy.close()


@pytest.mark.slow
def test_a_body_that_nobody_wants_does_not_cost_the_sender_the_reply() -> None:
    """Closing on a sender who still sends would reset the connection under the reply it has not read."""
    with served(PATIENT) as (_, port), socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as sender:
        sender.sendall(b"POST /refuses HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n")
        for _ in range(20):
            sender.sendall(b"\0" * 1_000_000)
        reply = all_of(sender)
        assert reply.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in reply
        assert reply.endswith(b"no, thank you")


def answered(port: int, request: bytes) -> tuple[bytes, dict[str, object]]:
    """Status line and problem document of the reply to these very bytes."""
    reply = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as sender:
        # whoever is refused in the middle of a sentence may find the connection reset, behind the reply
        with suppress(ConnectionError):
            sender.sendall(request)
        with suppress(ConnectionError):
            while piece := sender.recv(65_536):
                reply += piece
    return problem_in(reply)


def problem_in(reply: bytes) -> tuple[bytes, dict[str, object]]:
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    return head.partition(b"\r\n")[0], json.loads(body)


@pytest.mark.slow
@pytest.mark.parametrize(
    "request_bytes",
    [
        b"no HTTP at all\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 70_000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /takes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"POST /takes HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        CHUNKED + b"0\r\nX-Long: " + b"a" * 70_000,
        CHUNKED + b"0\r\n" + b"X: a\r\n" * 12_000,
        CHUNKED + b"1;" + b"a" * 70_000,
    ],
    ids=[
        "words",
        "not ASCII",
        "negative length",
        "two lengths",
        "endless head",
        "no host",
        "two hosts",
        "a coding",
        "chunks before there were any",
        "endless trailer",
        "endless trailers",
        "endless words of a chunk",
    ],
)
def test_what_is_no_request_is_a_problem_too(request_bytes: bytes) -> None:
    with served() as (_, port):
        line, document = answered(port, request_bytes)
    assert (line, document["code"]) == (b"HTTP/1.1 400 Bad Request", "malformed")


@pytest.mark.slow
def test_a_body_in_chunks_of_one_byte_is_taken_and_its_trailers_are_nobodys_headers() -> None:
    with served() as (_, port), socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as sender:
        chunks = b"1\r\na\r\n" * 20_000
        sender.sendall(CHUNKED.replace(b"Host: x", b"Host: x\r\nConnection: close") + chunks)
        sender.sendall(b"0\r\nAuthorization: Bearer dk_another\r\n\r\n")
        reply = all_of(sender)
    document = json.loads(reply.partition(b"\r\n\r\n")[2])
    assert document == {"bytes": 20_000, "headers": ["connection", "host", "transfer-encoding"]}


@pytest.mark.slow
@pytest.mark.parametrize("head", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_nobody_waits_for_ever_for_the_head_of_a_request(head: bytes) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), PATIENCE_SECONDS) as sender,
    ):
        # all that it will ever say, before there is anybody who would not wait for it
        sender.sendall(head)
        with serving(listener, IMPATIENT):
            line, document = problem_in(all_of(sender))
    assert (line, document["code"]) == (b"HTTP/1.1 408 Request Timeout", "request-timeout")
