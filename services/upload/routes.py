"""The public routes: each parses its request, calls, and replies. What is done is in `intake`, `watch` and `links`."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, Final, TypeVar

from litestar import Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from contracts.errors import Gone, NotFound
from contracts.identifiers import Tenant, parse_job_id
from contracts.job import Job, JobState
from contracts.keys import Scope
from contracts.limits import MAX_WAIT_SECONDS
from services import edge
from services.upload.arriving import arrived
from services.upload.auth import may, needs, tenant_of
from services.upload.desk import Desk
from services.upload.document import StatusDocument, status_document
from services.upload.headers import Known, known_tags, preferred_wait
from services.upload.intake import Accepted
from services.upload.links import Download, not_there, variant_of

AnyRequest = Request[Any, Any, Any]
Answer = TypeVar("Answer")

_DEAD: Final = frozenset({JobState.DELETING, JobState.DELETED})


class UploadAccepted(Struct, frozen=True, kw_only=True):
    """The upload is stored, and owned by this job."""

    id: str
    state: str
    status_url: str


def job_routes(desk: Desk) -> list[ControllerRouterHandler]:
    """Uploads, and what became of them."""

    @post("/uploads", status_code=202, summary="Send a picture", tags=["uploads"], opt=needs(Scope.UPLOADS_WRITE))
    async def upload(request: AnyRequest) -> Response[UploadAccepted]:
        accepted = await arrived(desk, request)
        return accepted_answer(accepted, BackgroundTask(desk.threads.call, desk.intake.announce, accepted.messages))

    @get("/status/{job_id:str}", summary="How a job stands", tags=["jobs"], opt=needs(Scope.JOBS_READ))
    async def status(
        request: AnyRequest,
        job_id: FromPath[str],
        wait: Annotated[
            int | None,
            QueryParameter(
                ge=1, le=MAX_WAIT_SECONDS, description="Seconds to wait for news: a long poll.", required=False
            ),
        ] = None,
    ) -> Response[StatusDocument | None]:
        known = known_tags(request.headers.get("if-none-match"))
        asked = preferred_wait(request.headers.get("prefer"))
        seconds = wait or asked
        tenant = tenant_of(request)
        job = visible_job(await desk.watcher.read(parse_job_id(job_id)), tenant)
        reply = await _status(desk, request, job, known)
        if seconds is not None and _is_worth_waiting(job, known, reply):
            job = visible_job(await _while_connected(request, _news(desk, job, known, seconds)), tenant)
            reply = await _status(desk, request, job, known)
        if asked is not None and wait is None:
            reply.headers["Preference-Applied"] = f"wait={asked}"
        return reply

    @get(
        "/jobs/{job_id:str}/variants/{name:str}",
        status_code=307,
        summary="A variant's bytes",
        tags=["jobs"],
        opt=needs(Scope.JOBS_READ),
    )
    async def variant(
        request: AnyRequest, job_id: FromPath[str], name: FromPath[str], download: Download = None
    ) -> Response[None]:
        job = visible_job(await desk.watcher.read(parse_job_id(job_id)), tenant_of(request))
        record = variant_of(job, name)
        link = await desk.threads.call(desk.links.one, job, record, download)
        if link is None:
            raise not_there(record)
        return Response(None, status_code=307, headers={"Location": link.url})

    return [upload, status, variant]


def accepted_answer(accepted: Accepted, announcement: BackgroundTask) -> Response[UploadAccepted]:
    """The 202 of an upload; what it promises is announced after it."""
    job = accepted.job
    headers = {"Location": f"/status/{job.id}", "Retry-After": "1"}
    if accepted.replayed:
        headers["Idempotency-Replayed"] = "?1"
    return Response(
        UploadAccepted(id=job.id, state=job.state, status_url=f"/status/{job.id}"),
        status_code=202,
        headers=headers,
        background=announcement,
    )


def visible_job(job: Job | None, tenant: Tenant) -> Job:
    """The job, if there is one for this tenant; a deleted one is gone, another tenant's was never there."""
    if job is None or job.tenant != tenant:
        raise NotFound("there is no such job")
    if job.state in _DEAD:
        raise Gone("the job was deleted")
    return job


async def _status(desk: Desk, request: AnyRequest, job: Job, known: Known) -> Response[StatusDocument | None]:
    links = await desk.threads.call(desk.links.of, job) if any(record.result for record in job.variants) else {}
    more = await desk.threads.call(desk.links.analysis, job) if job.facts and job.facts.more else None
    tag = f"{job.revision}-{desk.links.epoch(links)}"
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if known.has(tag):
        return Response(None, status_code=304, headers=headers)
    document = status_document(
        job, links, base=edge.base_url(request), more=more, private=may(request, Scope.META_PRIVATE)
    )
    return Response(document, headers=headers)


def _is_worth_waiting(job: Job, known: Known, reply: Response[Any]) -> bool:
    return reply.status_code == 304 if known else not job.is_final


async def _news(desk: Desk, job: Job, known: Known, seconds: float) -> Job | None:
    """The job once it is another than the sender knows, or once it is over; else as it was last seen."""
    revision = job.revision

    def is_news(seen: Job | None) -> bool:
        return seen is None or (seen.revision != revision if known else seen.is_final)

    return await desk.watcher.until(job.id, is_news, seconds, job)


async def _while_connected(request: AnyRequest, waiting: Coroutine[Any, Any, Answer]) -> Answer:
    """What is waited for; raises ClientGone as soon as nobody is there to be told."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    answered, left = asyncio.create_task(waiting), asyncio.create_task(gone())
    tasks: list[asyncio.Task[Any]] = [answered, left]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if answered.done():
            return answered.result()
        raise edge.ClientGone
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
