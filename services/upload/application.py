"""The upload service as an app: its desk and its routes, put together. `__main__` runs it; tests make their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from litestar import Litestar
from litestar.openapi import OpenAPIConfig

from services import edge
from services.upload.about import about_routes
from services.upload.address_routes import address_routes
from services.upload.auth import guard
from services.upload.command_routes import command_routes
from services.upload.desk import Desk
from services.upload.direct_routes import direct_routes
from services.upload.list_routes import list_routes
from services.upload.preset_routes import preset_routes
from services.upload.routes import job_routes
from services.upload.stream_routes import stream_routes
from services.upload.usage_routes import usage_routes
from services.upload.web import page_routes
from services.upload.webhook_routes import webhook_routes

GIVE_BACK_SECONDS: Final = 1.0
"""That the end of the process waits for leases to be given back."""

PROCESS = "upload"
VERSION = "0.1.0"


def application(desk: Desk) -> Litestar:
    """The app over a desk; the desk's threads and watcher end with it."""

    @asynccontextmanager
    async def in_use(_: Litestar) -> AsyncIterator[None]:
        desk.readiness.on_drain(desk.watcher.stop)
        try:
            yield
        finally:
            desk.watcher.stop()
            if desk.threads.is_open:
                with suppress(TimeoutError):
                    # best effort: what is not given back counts as had until midnight
                    async with asyncio.timeout(GIVE_BACK_SECONDS):
                        await desk.threads.call(desk.meter.give_back)
            desk.threads.close()
            if desk.fetching is not None:
                desk.fetching.close()

    return edge.app(
        [
            *job_routes(desk),
            *address_routes(desk),
            *direct_routes(desk),
            *command_routes(desk),
            *list_routes(desk),
            *preset_routes(desk),
            *usage_routes(desk),
            *webhook_routes(desk),
            *stream_routes(desk),
            *about_routes(
                desk.timing, desk.read, asks_for_key=not desk.door.is_open, fetches=desk.fetching is not None
            ),
            *page_routes(desk.stack, desk.picture_origins, asks_for_key=not desk.door.is_open),
        ],
        process=PROCESS,
        readiness=desk.readiness,
        lifespan=[in_use],
        guards=[guard(desk.door, desk.meter, behind_balancer=desk.behind_balancer)],
        openapi=OpenAPIConfig(
            title="Darkroom",
            version=VERSION,
            description="Send a picture, say what you want of it, read what became of it.",
            use_handler_docstrings=True,
        ),
    )
