"""The proxy breaks what it is told to break, and nothing else."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.support.proxy import (
    Bandwidth,
    Hold,
    Latency,
    LimitData,
    Proxy,
    ResetPeer,
    Slicer,
    Then,
    Timeout,
    Toxic,
    always,
    dynamodb,
    operation,
    put,
    s3,
    slow_down,
    throttled,
)

BODY = b"x" * 100_000


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[str]

    def do_POST(self) -> None:
        self.seen.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    _Echo.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None  # connections are broken on purpose
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(server: ThreadingHTTPServer) -> Iterator[Proxy]:
    proxy = Proxy(lambda: server.server_address[1])
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def http(proxy: Proxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, trust_env=False, timeout=60) as client:
        yield client


def call(http: httpx.Client, target: str = "AmazonSQS.SendMessage", timeout: float = 60) -> bytes:
    return http.post("/", content=BODY, headers={"X-Amz-Target": target}, timeout=timeout).content


def test_without_a_rule_everything_passes_on_one_connection(proxy: Proxy, http: httpx.Client) -> None:
    assert [call(http) for _ in range(3)] == [BODY] * 3
    assert proxy.calls == 3


@pytest.mark.parametrize("toxic", [lambda: Latency(0.01), lambda: Slicer(5_000, 0.001), lambda: Bandwidth(50_000_000)])
def test_what_only_slows_a_call_changes_no_byte(proxy: Proxy, http: httpx.Client, toxic: type[Toxic]) -> None:
    with proxy.breaking(always, toxic) as rule:
        assert call(http) == BODY
    assert rule.hits == 1


def test_a_reset_reply_belongs_to_a_call_that_was_carried_out(proxy: Proxy, http: httpx.Client) -> None:
    with proxy.breaking(always, ResetPeer, times=1), pytest.raises(httpx.TransportError):
        call(http)
    assert _Echo.seen == ["/"]
    assert call(http) == BODY


def test_a_request_that_is_cut_off_never_arrives_whole(proxy: Proxy, http: httpx.Client) -> None:
    with proxy.breaking(always, lambda: LimitData(1_000), times=1), pytest.raises(httpx.TransportError):
        call(http)
    assert call(http) == BODY


def test_a_host_that_is_cut_off_hears_nothing(proxy: Proxy, http: httpx.Client) -> None:
    with proxy.breaking(always, Timeout), pytest.raises(httpx.TimeoutException):
        call(http, timeout=0.3)
    assert _Echo.seen == []


def test_only_the_calls_that_are_meant_are_hit(proxy: Proxy, http: httpx.Client) -> None:
    with proxy.breaking(operation("PutItem"), ResetPeer) as rule:
        assert call(http, "DynamoDB_20120810.GetItem") == BODY
        assert call(http, "AmazonSQS.SendMessage") == BODY
        with pytest.raises(httpx.TransportError):
            call(http, "DynamoDB_20120810.PutItem")
    assert rule.hits == 1
    head = "POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\n"
    assert (dynamodb(head), s3(head), put(head)) == (True, False, False)
    assert (dynamodb("PUT /b/k HTTP/1.1\r\n"), s3("PUT /b/k HTTP/1.1\r\n"), put("PUT /b/k HTTP/1.1\r\n")) == (
        False,
        True,
        True,
    )


@pytest.mark.parametrize(("toxic", "status"), [(slow_down, 503), (throttled, 400)])
def test_a_refusal_is_answered_in_the_clouds_place(
    proxy: Proxy, http: httpx.Client, toxic: type[Toxic], status: int
) -> None:
    with proxy.breaking(always, toxic):
        assert http.post("/", content=b"x").status_code == status
    assert _Echo.seen == []


@pytest.mark.parametrize("before", [True, False])
def test_something_is_done_before_the_call_or_after_it(proxy: Proxy, http: httpx.Client, before: bool) -> None:
    callers: list[int] = []
    seen: list[int] = []

    def act(caller: int) -> None:
        callers.append(caller)
        seen.append(len(_Echo.seen))

    with proxy.breaking(always, lambda: Then(act, before=before), times=1), pytest.raises(httpx.TransportError):
        call(http)
    assert seen == [0 if before else 1]
    assert callers[0] > 0


def test_a_call_that_is_held_goes_on_when_it_is_let_go(proxy: Proxy, http: httpx.Client) -> None:
    go = threading.Event()
    held = Hold(go)
    with proxy.breaking(always, lambda: held, times=1):
        answers: list[bytes] = []
        caller = threading.Thread(target=lambda: answers.append(call(http)))
        caller.start()
        assert held.came.wait(60)
        assert (answers, _Echo.seen, held.over.is_set()) == ([], [], False)
        go.set()
        caller.join(60)
    assert (answers, held.over.is_set()) == ([BODY], True)


def test_a_cloud_that_is_not_there_resets_its_callers() -> None:
    # bound, so that nobody else has the port meanwhile, and listened on by nobody
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        proxy = Proxy(lambda: gone.getsockname()[1])
        proxy.start()
        try:
            with pytest.raises(httpx.TransportError):
                httpx.post(proxy.url, content=b"x", trust_env=False, timeout=60)
        finally:
            proxy.stop()
