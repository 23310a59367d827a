"""The routes that change a job: cancel, retry, delete. What is done is in `commands`."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, post
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from contracts.errors import Malformed, SpecInvalid
from contracts.identifiers import parse_job_id
from contracts.job import JobState
from contracts.keys import Scope
from services.upload.auth import needs, tenant_of
from services.upload.commands import Carried
from services.upload.desk import Desk
from services.upload.headers import idempotency_key

AnyRequest = Request[Any, Any, Any]


class Retry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a retry says: the `revision` of the status that the sender decided by."""

    revision: int


class CommandAnswer(Struct, frozen=True, kw_only=True):
    """The state that the command brought the job to, and the revision that it made."""

    id: str
    state: str
    revision: int
    status_url: str


_RETRY: Final = msgspec.json.Decoder(Retry)


def command_routes(desk: Desk) -> list[ControllerRouterHandler]:
    """Each command may be sent again under its Idempotency-Key, and gets the same answer again."""

    async def carried(request: AnyRequest, command: Callable[..., Carried], job_id: str, *more: Any) -> Carried:
        key = idempotency_key(request.headers.getall("idempotency-key", []))
        return await desk.threads.call(command, tenant_of(request), parse_job_id(job_id), key, *more)

    def answered(done: Carried, status: int) -> Response[CommandAnswer | None]:
        headers = {"Location": f"/status/{done.job_id}"} if status == 202 else {}
        if done.replayed:
            headers["Idempotency-Replayed"] = "?1"
        answer = CommandAnswer(
            id=done.job_id, state=done.state, revision=done.revision, status_url=f"/status/{done.job_id}"
        )
        return Response(
            None if status == 204 else answer,
            status_code=status,
            headers=headers,
            background=BackgroundTask(desk.threads.call, desk.intake.announce, done.messages),
        )

    @post(
        "/jobs/{job_id:str}/cancel",
        status_code=200,
        summary="Stop a job",
        tags=["jobs"],
        opt=needs(Scope.JOBS_WRITE),
    )
    async def cancel(request: AnyRequest, job_id: FromPath[str]) -> Response[CommandAnswer | None]:
        """Variants that are done stay; a job that waits costs nothing any more."""
        return answered(await carried(request, desk.commands.cancel, job_id), 200)

    @post(
        "/jobs/{job_id:str}/retry",
        status_code=202,
        summary="Make the failed variants again",
        tags=["jobs"],
        opt=needs(Scope.JOBS_WRITE),
    )
    async def retry(request: AnyRequest, job_id: FromPath[str]) -> Response[CommandAnswer | None]:
        """Only if the job is still as the sender saw it."""
        wish = _retry_of(await request.body())
        return answered(await carried(request, desk.commands.retry, job_id, wish.revision), 202)

    @delete(
        "/jobs/{job_id:str}",
        status_code=202,
        summary="Erase a job and all its bytes",
        tags=["jobs"],
        opt=needs(Scope.JOBS_WRITE),
    )
    async def erase(request: AnyRequest, job_id: FromPath[str]) -> Response[CommandAnswer | None]:
        """202 while its bytes are being erased, 204 once nothing of it is left."""
        done = await carried(request, desk.commands.delete, job_id)
        return answered(done, 204 if done.state is JobState.DELETED else 202)

    return [cancel, retry, erase]


def _retry_of(body: bytes) -> Retry:
    """Raises Malformed for what is not JSON, SpecInvalid for what says no revision."""
    try:
        return _RETRY.decode(body)
    except msgspec.ValidationError:
        wanted = 'write {"revision": n}, n being the revision of the status that you saw'
        raise SpecInvalid(wanted, errors=[("#/revision", wanted)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("the body is not JSON") from error
