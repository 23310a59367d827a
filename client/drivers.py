"""The two clients: `Darkroom` blocks, `AsyncDarkroom` awaits. What they say to the server is in `client.conversation`.

A driver carries out one flow at a time over httpx: it sends requests, waits, and turns every failure of the network
into `Silence`. Both have the same verbs with the same options; what a verb does is told there.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar, Unpack

import httpx

from client.answers import Accepted, Status
from client.conversation import DEFAULT_ADDRESS, Conversation, Downloaded, UploadOptions
from client.effects import Answer, Ask, Flow, Pause, Silence
from client.errors import BadInput
from client.picture import Given

_CONNECT_SECONDS: Final = 5
_DIRECT: Final = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""Never through a proxy, whatever the environment says: the embedded cloud is on this machine."""

T = TypeVar("T")


class Darkroom:
    """A client of the Darkroom at `address` that blocks. Safe to share between threads; close it, or use `with`."""

    def __init__(self, address: str = DEFAULT_ADDRESS) -> None:
        self._conversation = _conversation(address)
        self._http = httpx.Client(mounts=dict.fromkeys(_DIRECT))

    def upload(self, picture: Given, **options: Unpack[UploadOptions]) -> Accepted:
        return self._run(self._conversation.upload(picture, options))

    def status(self, job_id: str, wait: int | None = None, etag: str | None = None) -> Status | None:
        return self._run(self._conversation.status(job_id, wait, etag))

    def wait(
        self, job_id: str, timeout: float | None = None, on_change: Callable[[Status], None] | None = None
    ) -> Status:
        return self._run(self._conversation.wait(job_id, timeout, on_change))

    def download(self, job: str | Status, to: str | Path, variants: Iterable[str] | None = None) -> list[Downloaded]:
        return self._run(self._conversation.download(job, to, variants))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Darkroom":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, flow: Flow[T]) -> T:
        came: Answer | Silence | None = None
        with closing(flow):
            while True:
                try:
                    wish = flow.send(came)
                except StopIteration as end:
                    return end.value
                if isinstance(wish, Pause):
                    time.sleep(wish.seconds)
                    came = None
                else:
                    came = self._sent(wish)

    def _sent(self, ask: Ask) -> Answer | Silence:
        try:
            response = self._http.send(_request(self._http, ask), stream=True)
            with closing(response):
                if ask.sink is not None and response.status_code == 200:
                    for block in response.iter_raw():
                        ask.sink(block)
                    return _answer(response, b"")
                return _answer(response, response.read())
        except (httpx.TransportError, httpx.DecodingError) as error:
            return _silence(error)


class AsyncDarkroom:
    """The same for asyncio. Disks are read and written in blocks of 64 KiB between the awaits."""

    def __init__(self, address: str = DEFAULT_ADDRESS) -> None:
        self._conversation = _conversation(address)
        self._http = httpx.AsyncClient(mounts=dict.fromkeys(_DIRECT))

    async def upload(self, picture: Given, **options: Unpack[UploadOptions]) -> Accepted:
        return await self._run(self._conversation.upload(picture, options))

    async def status(self, job_id: str, wait: int | None = None, etag: str | None = None) -> Status | None:
        return await self._run(self._conversation.status(job_id, wait, etag))

    async def wait(
        self, job_id: str, timeout: float | None = None, on_change: Callable[[Status], None] | None = None
    ) -> Status:
        return await self._run(self._conversation.wait(job_id, timeout, on_change))

    async def download(
        self, job: str | Status, to: str | Path, variants: Iterable[str] | None = None
    ) -> list[Downloaded]:
        return await self._run(self._conversation.download(job, to, variants))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncDarkroom":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, flow: Flow[T]) -> T:
        came: Answer | Silence | None = None
        with closing(flow):
            while True:
                try:
                    wish = flow.send(came)
                except StopIteration as end:
                    return end.value
                if isinstance(wish, Pause):
                    await asyncio.sleep(wish.seconds)
                    came = None
                else:
                    came = await self._sent(wish)

    async def _sent(self, ask: Ask) -> Answer | Silence:
        try:
            response = await self._http.send(_request(self._http, ask), stream=True)
            try:
                if ask.sink is not None and response.status_code == 200:
                    async for block in response.aiter_raw():
                        ask.sink(block)
                    return _answer(response, b"")
                return _answer(response, await response.aread())
            finally:
                await response.aclose()
        except (httpx.TransportError, httpx.DecodingError) as error:
            return _silence(error)


def _conversation(address: str) -> Conversation:
    # jitter only spreads retries; nothing secret hangs on it
    return Conversation(address, clock=time.monotonic, jitter=lambda: random.uniform(0.5, 1.5))  # noqa: S311


def _request(http: httpx.Client | httpx.AsyncClient, ask: Ask) -> httpx.Request:
    try:
        return http.build_request(
            ask.method,
            ask.url,
            headers=ask.headers,
            files=list(ask.parts) or None,
            timeout=httpx.Timeout(ask.timeout_seconds, connect=_CONNECT_SECONDS),
        )
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise BadInput(f"an address cannot be used: {error}") from error


def _answer(response: httpx.Response, body: bytes) -> Answer:
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


def _silence(error: httpx.RequestError) -> Silence:
    """What happened, in words that need no knowledge of sockets."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return Silence("nothing listens there")
        if isinstance(cause, ssl.SSLError):
            return Silence(f"no secure connection: {cause.reason or cause}")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return Silence("it cannot be reached")
    if isinstance(error, httpx.TimeoutException):
        return Silence("it took too long")
    return Silence("the connection broke")
