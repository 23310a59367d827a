"""The public routes of direct uploads: a form to post a file with, straight to S3, and the word that it is done."""

from typing import Any

from litestar import Request, Response, post
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from contracts.direct import decode_direct
from contracts.errors import UnsupportedMediaType
from contracts.identifiers import parse_job_id
from contracts.keys import Scope
from contracts.limits import MAX_OPTIONS_BYTES
from services import edge
from services.upload.auth import limits_of, needs, tenant_of
from services.upload.body import small_body
from services.upload.desk import Desk
from services.upload.direct import Granted, Wish
from services.upload.document import rfc3339
from services.upload.headers import idempotency_key
from services.upload.routes import UploadAccepted, accepted_answer, visible_job

AnyRequest = Request[Any, Any, Any]


class PresignedForm(Struct, frozen=True, kw_only=True):
    """A form for one file: its fields, in any order, and then the file itself in a field named `file`.

    `max_bytes` is the most that S3 takes. After `expires_at` the form is worth nothing; once it was posted, say so at
    `complete_url`, or wait: S3 says it too.
    """

    id: str
    state: str
    method: str = "POST"
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_at: str
    complete_url: str
    status_url: str


def direct_routes(desk: Desk) -> list[ControllerRouterHandler]:
    """Uploads that do not come through this service."""

    @post(
        "/uploads/presign",
        status_code=201,
        summary="Ask for a form to post a large picture with",
        tags=["uploads"],
        opt=needs(Scope.UPLOADS_WRITE),
    )
    async def presign(request: AnyRequest) -> Response[PresignedForm | UploadAccepted]:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMediaType("say what is to be posted as application/json")
        key = idempotency_key(request.headers.getall("idempotency-key", []))
        asked = decode_direct(await small_body(request, desk.pace, MAX_OPTIONS_BYTES), desk.read)
        tenant = tenant_of(request)
        await desk.threads.call(desk.endpoints.check, tenant, asked.webhook)
        wish = Wish(
            tenant=tenant,
            limits=limits_of(request),
            idempotency_key=key,
            asked=asked,
            request_id=edge.request_id(request),
            variants=await desk.threads.call(desk.presets.variants, tenant, asked),
        )
        granted = await desk.threads.call(desk.direct.presign, wish)
        return _granted(granted, asked.bounds[1])

    @post(
        "/uploads/{job_id:str}/complete",
        status_code=202,
        summary="Say that the picture was posted",
        tags=["uploads"],
        opt=needs(Scope.UPLOADS_WRITE),
    )
    async def complete(request: AnyRequest, job_id: FromPath[str]) -> Response[UploadAccepted]:
        job = visible_job(await desk.watcher.read(parse_job_id(job_id)), tenant_of(request))
        accepted = await desk.threads.call(desk.direct.complete, job)
        return accepted_answer(accepted, BackgroundTask(desk.threads.call, desk.intake.announce, accepted.messages))

    return [presign, complete]


def _granted(granted: Granted, most_bytes: int) -> Response[PresignedForm | UploadAccepted]:
    job, form = granted.job, granted.post
    status_url = f"/status/{job.id}"
    headers = {"Location": status_url}
    if granted.replayed:
        headers["Idempotency-Replayed"] = "?1"
    if form is None:
        stored = UploadAccepted(id=job.id, state=job.state, status_url=status_url)
        return Response(stored, status_code=202, headers=headers)
    document = PresignedForm(
        id=job.id,
        state=job.state,
        url=form.url,
        fields=form.fields,
        max_bytes=most_bytes,
        expires_at=rfc3339(form.expires_at),
        complete_url=f"/uploads/{job.id}/complete",
        status_url=status_url,
    )
    return Response(document, headers=headers)
