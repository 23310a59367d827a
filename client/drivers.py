"""The two clients: `Darkroom` blocks, `AsyncDarkroom` awaits. What they say to the server is in `client.conversation`.

A driver carries out one flow at a time over httpx: it sends requests, waits, and turns every failure of the network
into `Silence`. Both have the same verbs with the same options; what a verb does is told there.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar, Unpack

import httpx

from client import wire
from client.answers import Accepted, Commanded, JobLine, JobPage, Status
from client.conversation import DEFAULT_ADDRESS, Conversation, Downloaded, JobOptions, ListFilters, UploadOptions
from client.effects import Answer, Ask, Flow, Pause, Silence
from client.endpoints import Delivery, Endpoint
from client.picture import Given
from client.presets import Given as Variants

_DIRECT: Final = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""Never through a proxy, whatever the environment says: the embedded cloud is on this machine."""

T = TypeVar("T")


class Darkroom:
    """A client of the Darkroom at `address` that blocks. Safe to share between threads; close it, or use `with`.

    `api_key` is needed where the server asks for one; raises BadInput for what cannot be one.
    """

    def __init__(self, address: str = DEFAULT_ADDRESS, api_key: str | None = None) -> None:
        self._conversation = _conversation(address, api_key)
        self._http = httpx.Client(mounts=dict.fromkeys(_DIRECT))

    def upload(self, picture: Given, **options: Unpack[UploadOptions]) -> Accepted:
        return self._run(self._conversation.upload(picture, options))

    def upload_url(self, url: str, **options: Unpack[JobOptions]) -> Accepted:
        return self._run(self._conversation.upload_url(url, options))

    def status(self, job_id: str, wait: int | None = None, etag: str | None = None) -> Status | None:
        return self._run(self._conversation.status(job_id, wait, etag))

    def wait(
        self, job_id: str, timeout: float | None = None, on_change: Callable[[Status], None] | None = None
    ) -> Status:
        return self._run(self._conversation.wait(job_id, timeout, on_change))

    def cancel(self, job_id: str, key: str | None = None) -> Commanded:
        return self._run(self._conversation.cancel(job_id, key))

    def retry(self, job_id: str, revision: int | None = None, key: str | None = None) -> Commanded:
        return self._run(self._conversation.retry(job_id, revision, key))

    def delete(self, job_id: str, key: str | None = None) -> Commanded:
        return self._run(self._conversation.delete(job_id, key))

    def page(self, cursor: str | None = None, **filters: Unpack[ListFilters]) -> JobPage:
        return self._run(self._conversation.page(cursor, filters))

    def jobs(self, **filters: Unpack[ListFilters]) -> Iterator[JobLine]:
        """Every job that fits, newest first, read page by page as they are asked for."""
        page = self.page(**filters)
        yield from page.jobs
        while page.next is not None:
            page = self.page(page.next, **filters)
            yield from page.jobs

    def download(self, job: str | Status, to: str | Path, variants: Iterable[str] | None = None) -> list[Downloaded]:
        return self._run(self._conversation.download(job, to, variants))

    def presets(self) -> list[dict[str, Any]]:
        return self._run(self._conversation.presets())

    def preset(self, name: str) -> dict[str, Any]:
        return self._run(self._conversation.preset(name))

    def put_preset(self, name: str, variants: Variants) -> dict[str, Any]:
        return self._run(self._conversation.put_preset(name, variants))

    def delete_preset(self, name: str) -> None:
        self._run(self._conversation.delete_preset(name))

    def create_webhook(self, url: str) -> Endpoint:
        return self._run(self._conversation.create_webhook(url))

    def webhooks(self) -> list[Endpoint]:
        return self._run(self._conversation.webhooks())

    def webhook(self, webhook_id: str) -> Endpoint:
        return self._run(self._conversation.webhook(webhook_id))

    def rotate_webhook(self, webhook_id: str) -> Endpoint:
        return self._run(self._conversation.rotate_webhook(webhook_id))

    def enable_webhook(self, webhook_id: str) -> Endpoint:
        return self._run(self._conversation.enable_webhook(webhook_id))

    def delete_webhook(self, webhook_id: str) -> None:
        self._run(self._conversation.delete_webhook(webhook_id))

    def deliveries(self, webhook_id: str, limit: int = 20) -> list[Delivery]:
        return self._run(self._conversation.deliveries(webhook_id, limit))

    def redeliver(self, webhook_id: str, event: str) -> Delivery:
        return self._run(self._conversation.redeliver(webhook_id, event))

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
            response = self._http.send(wire.request(self._http, ask), stream=True)
            with closing(response):
                if ask.sink is not None and response.status_code == 200:
                    for block in response.iter_raw():
                        ask.sink(block)
                    return wire.answer(response, b"")
                return wire.answer(response, response.read())
        except (httpx.TransportError, httpx.DecodingError) as error:
            return wire.silence(error)


class AsyncDarkroom:
    """The same for asyncio. Disks are read and written in blocks of 64 KiB between the awaits."""

    def __init__(self, address: str = DEFAULT_ADDRESS, api_key: str | None = None) -> None:
        self._conversation = _conversation(address, api_key)
        self._http = httpx.AsyncClient(mounts=dict.fromkeys(_DIRECT))

    async def upload(self, picture: Given, **options: Unpack[UploadOptions]) -> Accepted:
        return await self._run(self._conversation.upload(picture, options))

    async def upload_url(self, url: str, **options: Unpack[JobOptions]) -> Accepted:
        return await self._run(self._conversation.upload_url(url, options))

    async def status(self, job_id: str, wait: int | None = None, etag: str | None = None) -> Status | None:
        return await self._run(self._conversation.status(job_id, wait, etag))

    async def wait(
        self, job_id: str, timeout: float | None = None, on_change: Callable[[Status], None] | None = None
    ) -> Status:
        return await self._run(self._conversation.wait(job_id, timeout, on_change))

    async def cancel(self, job_id: str, key: str | None = None) -> Commanded:
        return await self._run(self._conversation.cancel(job_id, key))

    async def retry(self, job_id: str, revision: int | None = None, key: str | None = None) -> Commanded:
        return await self._run(self._conversation.retry(job_id, revision, key))

    async def delete(self, job_id: str, key: str | None = None) -> Commanded:
        return await self._run(self._conversation.delete(job_id, key))

    async def page(self, cursor: str | None = None, **filters: Unpack[ListFilters]) -> JobPage:
        return await self._run(self._conversation.page(cursor, filters))

    async def jobs(self, **filters: Unpack[ListFilters]) -> AsyncIterator[JobLine]:
        """Every job that fits, newest first, read page by page as they are asked for."""
        page = await self.page(**filters)
        for job in page.jobs:
            yield job
        while page.next is not None:
            page = await self.page(page.next, **filters)
            for job in page.jobs:
                yield job

    async def download(
        self, job: str | Status, to: str | Path, variants: Iterable[str] | None = None
    ) -> list[Downloaded]:
        return await self._run(self._conversation.download(job, to, variants))

    async def presets(self) -> list[dict[str, Any]]:
        return await self._run(self._conversation.presets())

    async def preset(self, name: str) -> dict[str, Any]:
        return await self._run(self._conversation.preset(name))

    async def put_preset(self, name: str, variants: Variants) -> dict[str, Any]:
        return await self._run(self._conversation.put_preset(name, variants))

    async def delete_preset(self, name: str) -> None:
        await self._run(self._conversation.delete_preset(name))

    async def create_webhook(self, url: str) -> Endpoint:
        return await self._run(self._conversation.create_webhook(url))

    async def webhooks(self) -> list[Endpoint]:
        return await self._run(self._conversation.webhooks())

    async def webhook(self, webhook_id: str) -> Endpoint:
        return await self._run(self._conversation.webhook(webhook_id))

    async def rotate_webhook(self, webhook_id: str) -> Endpoint:
        return await self._run(self._conversation.rotate_webhook(webhook_id))

    async def enable_webhook(self, webhook_id: str) -> Endpoint:
        return await self._run(self._conversation.enable_webhook(webhook_id))

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._run(self._conversation.delete_webhook(webhook_id))

    async def deliveries(self, webhook_id: str, limit: int = 20) -> list[Delivery]:
        return await self._run(self._conversation.deliveries(webhook_id, limit))

    async def redeliver(self, webhook_id: str, event: str) -> Delivery:
        return await self._run(self._conversation.redeliver(webhook_id, event))

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
            response = await self._http.send(wire.request(self._http, ask), stream=True)
            try:
                if ask.sink is not None and response.status_code == 200:
                    async for block in response.aiter_raw():
                        ask.sink(block)
                    return wire.answer(response, b"")
                return wire.answer(response, await response.aread())
            finally:
                await response.aclose()
        except (httpx.TransportError, httpx.DecodingError) as error:
            return wire.silence(error)


def _conversation(address: str, api_key: str | None) -> Conversation:
    # jitter only spreads retries; nothing secret hangs on it
    return Conversation(
        address,
        clock=time.monotonic,
        jitter=lambda: random.uniform(0.5, 1.5),  # noqa: S311
        api_key=api_key,
    )
