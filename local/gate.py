"""Passes connections that arrive from outside a container on to a server on the container's loopback.

A published port of a container leads to the container's own address, not to its loopback, where everything of a local
run listens and nothing else. So each published port has a gate inside.
"""

import asyncio
import contextlib
import threading
from collections.abc import Mapping
from typing import Final

_CHUNK: Final = 256 * 1024


def open_gates(ports: Mapping[int, int]) -> None:
    """Pass what connects to each of these ports on to the loopback port it stands for, until the process ends.

    Returns once all gates listen; raises OSError if one cannot.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True, name="gates").start()
    for outer, inner in ports.items():
        asyncio.run_coroutine_threadsafe(_open(outer, inner), loop).result()


async def _open(outer: int, inner: int) -> None:
    async def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", inner, limit=_CHUNK)
        except OSError:
            # nobody is at home yet: a client sees what it would see without a gate
            writer.transport.abort()
            return
        await asyncio.gather(_pass(reader, onward_writer), _pass(onward_reader, writer))

    # reached through the ports that the container's engine publishes, and those are bound to the machine's loopback
    await asyncio.start_server(arrived, "0.0.0.0", outer, limit=_CHUNK)  # noqa: S104


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, to its end; a connection that breaks ends both."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()
    finally:
        # the other direction may still be under way: a closed one only says that nothing more comes
        if reader.exception() is not None:
            with contextlib.suppress(OSError):
                writer.close()
