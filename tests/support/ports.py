"""Ports of this machine that are kept: one that is let go is given to whoever asks next, to another test perhaps."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """A port of loopback that is bound, so that nobody else is given it, and at which nobody listens.

    A connection to it is refused, until a server that may share addresses (SO_REUSEADDR, as servers do) listens there.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
