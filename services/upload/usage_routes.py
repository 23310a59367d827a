"""The public route of a tenant's usage: what it had of a day, and how its quotas stand."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from contracts.errors import Malformed
from contracts.job import Instant
from contracts.keys import Scope
from contracts.limits import DAY_SECONDS
from services.upload.auth import limits_of, needs, tenant_of
from services.upload.desk import Desk
from services.upload.document import rfc3339
from services.upload.meter import Used

_YEARS: Final = range(2020, 2200)

AnyRequest = Request[Any, Any, Any]


class QuotaDocument(Struct, frozen=True, kw_only=True):
    """One quota; `left` as far as this host knows. `window_seconds` null: what is in flight has no window."""

    name: str
    quota: int
    left: int
    window_seconds: int | None


class UsageDocument(Struct, frozen=True, kw_only=True):
    """What was had on a day (UTC) that ends at `resets_at`: jobs, bytes and pixels of originals. `in_flight` is now."""

    day: str
    resets_at: str
    jobs: int
    bytes: int
    pixels: int
    in_flight: int
    quotas: tuple[QuotaDocument, ...]


def usage_routes(desk: Desk) -> list[ControllerRouterHandler]:
    """What a tenant had."""

    @get("/usage", summary="What was used of a day", tags=["about"], opt=needs(Scope.ADMIN))
    async def usage(
        request: AnyRequest,
        day: Annotated[
            str | None, QueryParameter(description="As 2026-11-30; today if absent.", required=False)
        ] = None,
    ) -> UsageDocument:
        wanted = None if day is None else _midnight(day)
        used = await desk.threads.call(desk.meter.used, tenant_of(request), wanted, limits_of(request))
        return _document(used)

    return [usage]


def _midnight(text: str) -> Instant:
    """Raises Malformed for what is no day as it is written here."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text or day.year not in _YEARS:
        raise Malformed("day is a date, as 2026-11-30")
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000


def _document(used: Used) -> UsageDocument:
    return UsageDocument(
        day=rfc3339(used.day)[:10],
        resets_at=rfc3339(used.day + DAY_SECONDS * 1_000),
        jobs=used.amounts.jobs,
        bytes=used.amounts.bytes,
        pixels=used.amounts.pixels,
        in_flight=used.in_flight,
        quotas=tuple(
            QuotaDocument(name=one.name, quota=one.quota, left=max(0, one.left), window_seconds=one.window_seconds)
            for one in used.policies
        ),
    )
