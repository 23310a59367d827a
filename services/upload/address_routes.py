"""Stable addresses of variants: `/i/<job>/<variant>`, for pages that outlive any signed link.

    GET    302 to a link that lives, and is the same for all who ask; may be kept for half of what the link has left
    HEAD   what the variant is, from the job's row: no link is signed for a HEAD, and S3 would refuse one

A job that was sent with `public` answers anybody here; every other job its own tenant's keys alone, and to all others
it is as if there were none. Where a job is erased, the link of an answer that somebody kept leads to nothing.
"""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from contracts.digests import digest_field
from contracts.errors import NotFound, ScopeMissing
from contracts.identifiers import parse_job_id
from contracts.job import Job, Result
from contracts.keys import Scope
from services import edge
from services.upload.auth import HEARD, known_tenant, may
from services.upload.desk import Desk
from services.upload.headers import known_tags
from services.upload.links import Download, not_there, offered, variant_of
from services.upload.routes import visible_job

AnyRequest = Request[Any, Any, Any]


def address_routes(desk: Desk) -> list[ControllerRouterHandler]:
    """Without a key public jobs are shown; with one its tenant's own too."""

    @get(
        "/i/{job_id:str}/{name:str}",
        status_code=302,
        summary="A variant at its stable address",
        tags=["jobs"],
        opt=HEARD,
    )
    async def shown(
        request: AnyRequest, job_id: FromPath[str], name: FromPath[str], download: Download = None
    ) -> Response[None]:
        """Leads to the bytes; the answer may be kept for half of the time that its link has left. A HEAD is answered by
        what the variant is: type, size, digest, name, and 304 for an ETag that still holds."""
        job = _visible(request, await desk.watcher.read(parse_job_id(job_id)))
        record = variant_of(job, name)
        if record.result is None:
            raise not_there(record)
        if edge.is_head(request):
            known = known_tags(request.headers.get("if-none-match")).has(record.result.digest)
            facts = {} if known else {**_facts(record.result), "Content-Disposition": offered(job, record, download)}
            headers = {"ETag": f'"{record.result.digest}"', **facts, **_kept(job, desk.links.kept_seconds)}
            return Response(None, status_code=304 if known else 200, headers=headers)
        link = await desk.threads.call(desk.links.one, job, record, download)
        if link is None:
            raise not_there(record)
        headers = {"Location": link.url, **_kept(job, desk.links.keeping_seconds(link))}
        return Response(None, status_code=302, headers=headers)

    return [shown]


def _visible(request: AnyRequest, job: Job | None) -> Job:
    """The job, if who asks may see its variants. A private one without a key is answered as one that is not there."""
    tenant = known_tenant(request)
    if job is not None and job.public:
        return visible_job(job, job.tenant)
    if tenant is None:
        raise NotFound("there is no public job of this id; another is shown to its tenant's keys alone")
    if not may(request, Scope.JOBS_READ):
        raise ScopeMissing(f"the key has no scope {Scope.JOBS_READ}", scope=str(Scope.JOBS_READ))
    return visible_job(job, tenant)


def _kept(job: Job, seconds: int) -> dict[str, str]:
    """How long an answer may be kept and by whom, and on whose pages the picture may stand."""
    if job.public:
        return {"Cache-Control": f"public, max-age={seconds}", "Cross-Origin-Resource-Policy": "cross-origin"}
    return {"Cache-Control": f"private, max-age={seconds}", "Vary": "Authorization"}


def _facts(done: Result) -> dict[str, str]:
    return {
        "Content-Type": done.format.media_type,
        "Content-Length": str(done.bytes),
        "Repr-Digest": digest_field(done.digest),
    }
