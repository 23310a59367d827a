"""The route that a client listens at. What it hears is in `streams`."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from contracts.identifiers import parse_job_id
from contracts.keys import Scope
from services.upload.auth import needs, tenant_of
from services.upload.desk import Desk
from services.upload.routes import visible_job

AnyRequest = Request[Any, Any, Any]

_MOST_DIGITS: Final = 12


def stream_routes(desk: Desk) -> list[ControllerRouterHandler]:
    """One route."""

    @get(
        "/status/{job_id:str}/events",
        summary="Listen to a job",
        tags=["jobs"],
        opt=needs(Scope.JOBS_READ),
        media_type="text/event-stream",
    )
    async def events(request: AnyRequest, job_id: FromPath[str]) -> Response[None] | Stream:
        """Server-sent events, until the job is over. 204: it is, and you know it: do not listen again."""
        job = visible_job(await desk.watcher.read(parse_job_id(job_id)), tenant_of(request))
        known = _revision(request.headers.get("last-event-id", ""))
        if job.is_final and job.revision == known:
            return Response(None, status_code=204)
        desk.streams.check_room()
        # a proxy that gathers before it passes on would make a stream of news one of old news
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Stream(desk.streams.of(job, known), media_type="text/event-stream", headers=headers)

    return [events]


def _revision(text: str) -> int | None:
    """What a Last-Event-ID says; None for what is none of ours: then everything is said again."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
