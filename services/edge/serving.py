"""Serving a service: whether it takes work, the socket it listens on, and how it leaves."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Final

import structlog
import uvicorn
import uvloop
from litestar import Litestar

from services.edge.protocol import StrictProtocol

DRAIN_SECONDS: Final = 9
"""From SIGTERM to the end of the process, at most."""
LAST_WORDS_SECONDS: Final = 1
"""That idle connections have, once a drain has begun, to ask their last and be told to close."""
KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the balancer's idle time-out (60 s), so that it is never we who close under its request."""


_log: Final = structlog.get_logger()


class Stage(Enum):
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Readiness:
    """Whether this process takes work: starting, then ready, then draining; never back.

    One a process, made in its composition root; `serve` moves it. To be used from the event loop's thread.
    """

    def __init__(self, stage: Stage = Stage.STARTING) -> None:
        self.stage = stage
        self._draining = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def is_ready(self) -> bool:
        return self.stage is Stage.READY

    @property
    def is_draining(self) -> bool:
        return self.stage is Stage.DRAINING

    def begin(self) -> None:
        """Ready to take work; nothing once draining."""
        if self.stage is Stage.STARTING:
            self.stage = Stage.READY

    def drain(self) -> None:
        """Take no more work, finish what is in hand. Calls what `on_drain` was given, once."""
        if not self.is_draining:
            self.stage = Stage.DRAINING
            self._draining.set()
            for listener in self._listeners:
                listener()

    def on_drain(self, listener: Callable[[], None]) -> None:
        """Call this when draining begins; it must not block."""
        self._listeners.append(listener)

    async def drained(self) -> None:
        """Return when draining begins."""
        await self._draining.wait()


def listening_socket(environ: Mapping[str, str], *, port: int, everywhere: bool = False) -> socket.socket:
    """The socket that the supervisor made (`DARKROOM_LISTEN_FD`), else one of our own on `DARKROOM_HOST`/`_PORT`.

    The defaults are loopback and `port`; `everywhere` makes the default host all interfaces. Raises OSError when the
    address cannot be had.
    """
    inherited = environ.get("DARKROOM_LISTEN_FD")
    if inherited is not None:
        return socket.socket(fileno=int(inherited))
    host = environ.get("DARKROOM_HOST", "0.0.0.0" if everywhere else "127.0.0.1")  # noqa: S104 - only with auth
    return socket.create_server((host, int(environ.get("DARKROOM_PORT", port))), backlog=2048)


def serve(service: Litestar, *, listener: socket.socket, readiness: Readiness) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return, within DRAIN_SECONDS."""
    config = uvicorn.Config(
        service,
        http=StrictProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="error",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS - 2,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Server(config, readiness).serve([listener]))


class _Server(uvicorn.Server):
    """Uvicorn, but for its end: idle connections get a moment to ask their last, and are told to close."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._leaving: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: `startup` asks the loop for signals instead, and a drained process ends with 0, not by a signal."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._drain)
        await super().startup(sockets=sockets)
        self._readiness.begin()

    def _drain(self) -> None:
        if self._readiness.is_draining or not self.started:
            self.should_exit = True
            return
        _log.info("process.draining", connections=len(self.server_state.connections))
        self._readiness.drain()
        # from here new connections wait in the supervisor's socket for the next process
        for server in self.servers:
            server.close()
        self._leaving = asyncio.get_running_loop().create_task(self._leave())

    async def _leave(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_WORDS_SECONDS
        while self.server_state.connections and loop.time() < until:
            await asyncio.sleep(0.05)
        self.should_exit = True
