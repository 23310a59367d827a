"""The images' health check: what it says of a service that answers, of one that does not, and of no service."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from services.health import check
from tests.support.ports import held_port

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(status: int) -> Iterator[int]:
    """A server on loopback that answers /healthz so, and anything else with 404; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("host", [None, "127.0.0.1", "0.0.0.0"])  # noqa: S104 - what a host sets
def test_a_service_that_answers_is_healthy_wherever_it_listens(host: str | None) -> None:
    with serving(200) as port:
        assert check({"DARKROOM_PORT": str(port), **({"DARKROOM_HOST": host} if host else {})}) is None


@pytest.mark.parametrize("status", [404, 500, 503])
def test_any_other_answer_is_told(status: int) -> None:
    with serving(status) as port:
        assert check({"DARKROOM_PORT": str(port)}) == f"/healthz on 127.0.0.1:{port} answered {status}"


def test_silence_is_told() -> None:
    with held_port() as port:
        assert str(check({"DARKROOM_PORT": str(port)})).startswith(f"no answer on 127.0.0.1:{port}: ")


@pytest.mark.parametrize("port", [None, "", "http", "-1"])
def test_a_port_that_is_none_is_told(port: str | None) -> None:
    told = check({} if port is None else {"DARKROOM_PORT": port})
    assert told == f"DARKROOM_PORT is {port or ''!r}; the image sets it to the port that its service listens on"


def test_its_exit_code_is_what_an_engine_reads() -> None:
    command = [sys.executable, "-m", "services.health"]
    with serving(200) as port:
        ended = subprocess.run(command, cwd=ROOT, env={"DARKROOM_PORT": str(port)}, capture_output=True, text=True)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    with held_port() as port:
        ended = subprocess.run(command, cwd=ROOT, env={"DARKROOM_PORT": str(port)}, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)


def test_it_loads_nothing_of_a_service() -> None:
    code = "import sys, services.health; print([name for name in sys.modules if name.split('.')[0] == 'litestar'])"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout == "[]\n"
