"""Gates: what goes in at one port comes out at another, both ways, whole, and ends when either side does."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from local.gate import open_gates


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


@pytest.fixture
def gate(server: socket.socket) -> int:
    """A port whose gate leads to the server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    open_gates({port: server.getsockname()[1]})
    return port


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
    with socket.create_connection(("127.0.0.1", gate), timeout=10) as client:
        client.sendall(body)
        client.shutdown(socket.SHUT_WR)
        assert _all_of(client) == hashlib.sha256(body).digest() + body
    answering.join()


def test_a_server_that_leaves_is_gone_for_the_client(server: socket.socket, gate: int) -> None:
    with socket.create_connection(("127.0.0.1", gate), timeout=10) as client:
        connection, _ = server.accept()
        connection.close()
        assert client.recv(1) == b""


def test_a_client_that_leaves_is_gone_for_the_server(server: socket.socket, gate: int) -> None:
    with socket.create_connection(("127.0.0.1", gate), timeout=10):
        connection, _ = server.accept()
        connection.settimeout(10)
    with connection:
        assert connection.recv(1) == b""


def test_where_nobody_listens_the_connection_ends(server: socket.socket, gate: int) -> None:
    server.close()
    with socket.create_connection(("127.0.0.1", gate), timeout=10) as client:
        assert client.recv(1) == b""
