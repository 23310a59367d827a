"""Faults F29 and F30: receivers that misbehave, and a host that dies between a call and its record."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.siege import Siege, until

pytestmark = pytest.mark.xdist_group("siege")

SEEN = threading.Lock()


class Receiver:
    """One server with a path for each way to behave. `events` counts what came, by path and event."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        self.on_call: Callable[[], None] = lambda: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.home = threading.Event()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def calls(self, path: str) -> int:
        with SEEN:
            return sum(count for (place, _), count in self.events.items() if place == path)

    def close(self) -> None:
        self.home.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Asked(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with SEEN:
                receiver.events[self.path, self.headers["webhook-id"]] += 1
                first = receiver.events[self.path, self.headers["webhook-id"]] == 1
            if self.path == "/slow":
                receiver.home.wait(30)
            if self.path == "/dies" and first:
                receiver.on_call()
            codes = {"/down": 503, "/500": 500, "/429": 429, "/410": 410, "/redirect": 302}
            mends = self.path in ("/500", "/429") and not first
            self.send_response(200 if mends else codes.get(self.path, 200))
            if self.path == "/redirect":
                self.send_header("Location", f"{receiver.url}/elsewhere")
            if self.path == "/429":
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Asked


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


def endpoint(world: Siege, url: str) -> str:
    answer = world.http.post("/webhooks", json={"url": url})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def told(world: Siege, webhook: str, state: str = "delivered") -> dict[str, Any]:
    """The one delivery of an endpoint, once it is in this state."""

    def deliveries() -> list[dict[str, Any]]:
        return world.http.get(f"/webhooks/{webhook}/deliveries").raise_for_status().json()["deliveries"]

    until(lambda: [one["state"] for one in deliveries()] == [state], f"the event to be {state}")
    return deliveries()[0]


OPTIONS = '{"variants":[{"name":"a","resize":{"width":64}}],"webhook":"%s"}'


def test_f29_receivers_that_are_down_slow_refusing_gone_or_leading_away_change_no_job(
    world: Siege, receiver: Receiver
) -> None:
    """F29: each behaviour has an endpoint and a job of its own. The jobs complete; each delivery comes to an end."""
    behaviours = {
        "/ok": "delivered",
        "/500": "delivered",  # the second time
        "/429": "delivered",
        "/down": "exhausted",
        "/410": "exhausted",
        "/redirect": "exhausted",
        "/slow": "exhausted",
    }
    hooks = {path: endpoint(world, f"{receiver.url}{path}") for path in behaviours}
    jobs = {path: world.accepted(options=OPTIONS % hook) for path, hook in hooks.items()}
    world.once(list(jobs.values()))
    seen = {path: told(world, hook, behaviours[path]) for path, hook in hooks.items()}
    assert seen["/410"]["reason"] == "endpoint-gone"
    assert world.http.get(f"/webhooks/{hooks['/410']}").json()["state"] == "disabled"
    assert {seen[path]["reason"] for path in ("/down", "/redirect", "/slow")} == {"tries-spent"}
    assert receiver.calls("/elsewhere") == 0, "nobody is led away"
    assert receiver.calls("/410") == 1
    assert receiver.calls("/500") == receiver.calls("/429") == 2
    assert set(world.all_final(jobs.values()).values()) == {"completed"}


def test_f30_a_host_that_dies_between_the_call_and_its_record_calls_again_under_the_same_id(
    world: Siege, receiver: Receiver
) -> None:
    """F30: the receiver has it, nobody knows. It is told twice, with one webhook-id by which it can tell."""
    receiver.on_call = lambda: world.kill("processing")
    pid = world.pid("processing")
    hook = endpoint(world, f"{receiver.url}/dies")
    job = world.accepted(options=OPTIONS % hook)
    world.once([job])
    until(lambda: receiver.calls("/dies") > 0, "the first call")
    world.restarted("processing", pid)
    told(world, hook)
    assert list(receiver.events.values()) == [2], "one event, twice"
