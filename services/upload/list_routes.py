"""The route that lists a tenant's jobs. What is done is in `listing`."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from contracts.errors import Malformed
from contracts.job import Instant, JobState
from contracts.keys import Scope
from contracts.limits import MAX_META_BYTES, MAX_PAGE
from services.upload.auth import needs, tenant_of
from services.upload.desk import Desk
from services.upload.document import JobSummary, job_summary
from services.upload.listing import SHOWN, Wanted, cursor_of, place_of

AnyRequest = Request[Any, Any, Any]

_PARAMETERS: Final = ("state", "preset", "error", "tag", "created_after", "created_before", "limit", "cursor")
_USUAL: Final = 50
_MAX_CURSOR_CHARS: Final = 200


class JobList(Struct, frozen=True, kw_only=True):
    """Jobs, newest first; `next` is the cursor of the page after this one, null on the last."""

    jobs: tuple[JobSummary, ...]
    next: str | None


def _filter(text: str) -> Any:
    return QueryParameter(description=text, required=False)


def list_routes(desk: Desk) -> list[ControllerRouterHandler]:
    """One route."""

    @get("/jobs", summary="Jobs, newest first", tags=["jobs"], opt=needs(Scope.JOBS_READ))
    async def jobs(
        request: AnyRequest,
        states: Annotated[
            list[str] | None,
            # Litestar keeps the name `state` for itself
            QueryParameter(name="state", description="A state, as often as wanted.", required=False),
        ] = None,
        preset: Annotated[str | None, _filter("Name of the preset.")] = None,
        error: Annotated[str | None, _filter("Code of a problem, of the job or a variant.")] = None,
        tag: Annotated[str | None, _filter("A key of `meta`, or `key:value`.")] = None,
        created_after: Annotated[str | None, _filter("RFC 3339; made then or later.")] = None,
        created_before: Annotated[str | None, _filter("RFC 3339; made earlier.")] = None,
        limit: Annotated[
            int, QueryParameter(ge=1, le=MAX_PAGE, description="Jobs on the page, at most.", required=False)
        ] = _USUAL,
        cursor: Annotated[str | None, _filter("`next` of the page before, with the same filters.")] = None,
    ) -> Response[JobList]:
        """While `next` leads on, a page may be short. A job that was just made may be missing for a moment."""
        _check_known(request)
        tenant = tenant_of(request)
        wanted = Wanted(
            states=frozenset(map(_state, states or ())),
            preset=preset,
            error=error,
            tag=None if tag is None else _tag(tag),
            since=None if created_after is None else _moment("created_after", created_after),
            until=None if created_before is None else _moment("created_before", created_before),
        )
        after = None if cursor is None else place_of(cursor[:_MAX_CURSOR_CHARS], tenant, wanted)
        page = await desk.threads.call(desk.listing.page, tenant, wanted, limit, after)
        following = None if page.go_on is None else cursor_of(page.go_on, tenant, wanted)
        return Response(
            JobList(jobs=tuple(map(job_summary, page.jobs)), next=following),
            headers={} if following is None else {"Link": f'<{_address(request, following)}>; rel="next"'},
        )

    return [jobs]


def _check_known(request: AnyRequest) -> None:
    """A filter that is misspelt would otherwise list what nobody asked for."""
    for name in request.query_params:
        if name not in _PARAMETERS:
            raise Malformed(f"a list has no parameter of that name; there are {', '.join(_PARAMETERS)}")


def _state(text: str) -> JobState:
    shown = {str(state): state for state in SHOWN}
    if text not in shown:
        raise Malformed(f"state is one of {', '.join(sorted(shown))}")
    return shown[text]


def _tag(text: str) -> tuple[str, str | None]:
    key, colon, value = text.partition(":")
    if not key or len(text.encode(errors="replace")) > MAX_META_BYTES:
        raise Malformed("tag is a key of meta, or key:value")
    return key, value if colon else None


def _moment(name: str, text: str) -> Instant:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    except (ValueError, OverflowError):
        raise Malformed(f"{name} is a time as RFC 3339 has it, such as 2026-11-23T15:04:05Z") from None


def _address(request: AnyRequest, cursor: str) -> str:
    """This list again, from there on."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"/jobs?{urlencode([*asked, ('cursor', cursor)])}"
