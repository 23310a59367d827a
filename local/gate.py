"""Passes connections that arrive from outside a container on to a server on the container's loopback.

A published port leads to the container's own address and not to its loopback, where everything of a local run listens
and nothing else does. So each published port has a gate inside.
"""

import asyncio
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
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", inner, limit=_CHUNK)
        except OSError:
            # nobody is at home
            writer.close()
            return
        try:
            await asyncio.gather(_pass(reader, onward), _pass(onward_reader, writer))
        finally:
            writer.close()
            onward.close()

    # reached through what the container's engine publishes, and compose.yaml publishes on the machine's loopback only
    await asyncio.start_server(arrived, "0.0.0.0", outer, limit=_CHUNK)  # noqa: S104


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, to its end. Where it breaks, the other direction ends too."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()
