"""Rooms without the outside are tested without it; and what other rooms' tests have running beside is left alone."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest


def attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=60).close()


def test_a_test_of_a_pure_room_opens_no_socket() -> None:
    with pytest.raises(AssertionError, match="these tests use none"):
        attempt()


def test_a_stack_that_another_room_keeps_goes_on_beside_it() -> None:
    """Its threads were refused too, whenever a worker had a stack and then a test of a pure room."""
    with ThreadPoolExecutor(1) as beside:
        beside.submit(attempt).result()
