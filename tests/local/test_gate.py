"""Gates: what goes in at one port comes out at another, both ways, whole, and ends when either side does."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from local.gate import open_gates
from tests.support.ports import held_port

PATIENCE_SECONDS: Final = 60


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        yield listener


@pytest.fixture
def gate(server: socket.socket) -> Iterator[int]:
    """A port whose gate leads to the server."""
    with _gate_to(server.getsockname()[1]) as port:
        yield port


@contextmanager
def _gate_to(inner: int) -> Iterator[int]:
    with held_port() as port:
        open_gates({port: inner})
        yield port


def _entered(gate: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gate), timeout=PATIENCE_SECONDS)


def _all_of(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
    return received


def test_both_directions_are_passed_whole(server: socket.socket, gate: int) -> None:
    """The client says that it is done and hears the answer all the same: a half-closed connection stays half open."""
    body = os.urandom(3_000_000)

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(hashlib.sha256(_all_of(connection)).digest() + body)

    answering = threading.Thread(target=answer)
    answering.start()
    with _entered(gate) as client:
        client.sendall(body)
        client.shutdown(socket.SHUT_WR)
        assert _all_of(client) == hashlib.sha256(body).digest() + body
    answering.join()


def test_a_server_that_leaves_is_gone_for_the_client(server: socket.socket, gate: int) -> None:
    with _entered(gate) as client:
        connection, _ = server.accept()
        connection.close()
        assert client.recv(1) == b""


def test_a_client_that_leaves_is_gone_for_the_server(server: socket.socket, gate: int) -> None:
    with _entered(gate):
        connection, _ = server.accept()
        connection.settimeout(PATIENCE_SECONDS)
    with connection:
        assert connection.recv(1) == b""


def test_where_nobody_listens_the_connection_ends() -> None:
    with held_port() as nobody, _gate_to(nobody) as gate, _entered(gate) as client:
        assert client.recv(1) == b""
