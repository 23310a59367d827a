"""What stands before a service of compose.yaml: it waits, takes the environment, and becomes the service."""

import os
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from local import composed, handed
from tests.support.ports import held_port

ENVIRONMENTS = {"upload": {"DARKROOM_STACK": "local"}, "processing": {"DARKROOM_STACK": "local", "A": "B"}}


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where environments are asked for, and nobody hands any out yet."""
    with held_port() as held:
        monkeypatch.setattr(handed, "PORT", held)
        yield held


def _serving(port: int) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", port), composed._handler(ENVIRONMENTS))
    threading.Thread(target=server.serve_forever).start()
    return server


def test_each_service_is_handed_its_own(port: int) -> None:
    server = _serving(port)
    try:
        assert {name: handed.handed(name, 60) for name in ENVIRONMENTS} == ENVIRONMENTS
        assert handed.handed("nobody", 0.01) is None
    finally:
        server.shutdown()
        server.server_close()


def test_it_waits_until_there_is_one(port: int) -> None:
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(handed.handed("upload", 60)))
    waiting.start()
    server = _serving(port)
    waiting.join()
    server.shutdown()
    server.server_close()
    assert answers == [ENVIRONMENTS["upload"]]


def test_it_becomes_the_image_s_own_command(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[Any] = []
    monkeypatch.setattr(handed, "handed", lambda name, seconds: ENVIRONMENTS[name])
    monkeypatch.setattr(os, "execve", lambda *arguments: became.append(arguments))
    monkeypatch.setattr(handed.signal, "signal", lambda *_: None)
    monkeypatch.setenv("KEPT", "yes")
    handed.main("processing")
    ((program, arguments, environment),) = became
    assert (program, arguments) == (sys.executable, [sys.executable, "-m", "services.processing"])
    assert environment == {**os.environ, **ENVIRONMENTS["processing"]}


def test_one_that_is_never_handed_anything_ends_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handed, "handed", lambda name, seconds: None)
    monkeypatch.setattr(handed.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit, match="upload: was handed no environment"):
        handed.main("upload")
