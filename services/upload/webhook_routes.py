"""The routes of webhook endpoints and of what was sent to them. What is done is in `endpoints`."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from contracts.deliveries import Delivery
from contracts.errors import Malformed, SpecInvalid
from contracts.keys import Scope
from contracts.limits import MAX_OPTIONS_BYTES, MAX_PAGE
from contracts.webhooks import NewWebhook, Webhook
from services.upload.auth import needs, tenant_of
from services.upload.body import small_body
from services.upload.desk import Desk
from services.upload.document import rfc3339

AnyRequest = Request[Any, Any, Any]

_USUAL: Final = 20


class WebhookDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An endpoint. `secret` is there in the one answer that made it; nobody can ask for it again."""

    id: str
    url: str
    state: str
    """`enabled` or `disabled`; the latter since it answered 410."""
    created_at: str
    disabled_at: str | None = None
    disabled_why: str | None = None
    secret: str | None = None


class WebhookList(Struct, frozen=True, kw_only=True):
    """A tenant's endpoints, the oldest first."""

    webhooks: tuple[WebhookDocument, ...]


class AttemptDocument(Struct, frozen=True, kw_only=True):
    """One try: the status that the endpoint answered, or the code of why there was no answer."""

    at: str
    elapsed_ms: int
    status: int | None
    error: str | None


class DeliveryDocument(Struct, frozen=True, kw_only=True):
    """An event on its way to an endpoint. `event` is what the endpoint gets as `webhook-id`."""

    event: str
    type: str
    job_id: str
    run: int
    state: str
    created_at: str
    due_at: str | None
    """When it is sent next, or is looked at again if it is being sent."""
    ended_at: str | None
    reason: str | None
    """Of one that is exhausted."""
    attempts: tuple[AttemptDocument, ...]


class DeliveryList(Struct, frozen=True, kw_only=True):
    """The latest deliveries to an endpoint, newest first."""

    deliveries: tuple[DeliveryDocument, ...]


_NEW: Final = msgspec.json.Decoder(NewWebhook)
_ASKS: Final = needs(Scope.ADMIN)


def webhook_routes(desk: Desk) -> list[ControllerRouterHandler]:
    """All ask for `admin`: who names an endpoint, is told of every job that names it."""
    call, endpoints = desk.threads.call, desk.endpoints

    @post("/webhooks", status_code=201, summary="Make a webhook endpoint", tags=["webhooks"], opt=_ASKS)
    async def create(request: AnyRequest) -> Response[WebhookDocument]:
        """The answer holds its secret, which is not shown again."""
        wanted = _wanted(await small_body(request, desk.pace, MAX_OPTIONS_BYTES))
        made = await call(endpoints.create, tenant_of(request), wanted.url)
        return Response(_document(made, shown=True), headers={"Location": f"/webhooks/{made.id}"})

    @get("/webhooks", summary="Webhook endpoints", tags=["webhooks"], opt=_ASKS)
    async def listed(request: AnyRequest) -> WebhookList:
        found = await call(endpoints.all, tenant_of(request))
        return WebhookList(webhooks=tuple(map(_document, found)))

    @get("/webhooks/{webhook_id:str}", summary="A webhook endpoint", tags=["webhooks"], opt=_ASKS)
    async def one(request: AnyRequest, webhook_id: FromPath[str]) -> WebhookDocument:
        return _document(await call(endpoints.one, tenant_of(request), webhook_id))

    @delete(
        "/webhooks/{webhook_id:str}",
        status_code=204,
        summary="Send nothing more to an endpoint",
        tags=["webhooks"],
        opt=_ASKS,
    )
    async def remove(request: AnyRequest, webhook_id: FromPath[str]) -> None:
        """What is still to be sent to it is given up."""
        await call(endpoints.delete, tenant_of(request), webhook_id)

    @post(
        "/webhooks/{webhook_id:str}/secret",
        status_code=201,
        summary="Give an endpoint a new secret",
        tags=["webhooks"],
        opt=_ASKS,
    )
    async def rotate(request: AnyRequest, webhook_id: FromPath[str]) -> WebhookDocument:
        """For a day every event is signed with both, the new one and the one before it."""
        return _document(await call(endpoints.rotate, tenant_of(request), webhook_id), shown=True)

    @post(
        "/webhooks/{webhook_id:str}/enable",
        status_code=200,
        summary="Send to an endpoint again",
        tags=["webhooks"],
        opt=_ASKS,
    )
    async def enable(request: AnyRequest, webhook_id: FromPath[str]) -> WebhookDocument:
        """One that answered 410 is sent nothing until somebody says this."""
        return _document(await call(endpoints.enable, tenant_of(request), webhook_id))

    @get(
        "/webhooks/{webhook_id:str}/deliveries",
        summary="What was sent to an endpoint",
        tags=["webhooks"],
        opt=_ASKS,
    )
    async def deliveries(
        request: AnyRequest,
        webhook_id: FromPath[str],
        limit: Annotated[
            int, QueryParameter(ge=1, le=MAX_PAGE, description="Deliveries, at most.", required=False)
        ] = _USUAL,
    ) -> DeliveryList:
        """For thirty days after the event."""
        known = await call(endpoints.sent, tenant_of(request), webhook_id, limit)
        return DeliveryList(deliveries=tuple(map(_delivery, known.deliveries)))

    @post(
        "/webhooks/{webhook_id:str}/deliveries/{event:str}/redeliver",
        status_code=202,
        summary="Send an event again",
        tags=["webhooks"],
        opt=_ASKS,
    )
    async def redeliver(request: AnyRequest, webhook_id: FromPath[str], event: FromPath[str]) -> DeliveryDocument:
        """Within seconds, whatever became of it before, under the id that it had."""
        return _delivery(await call(endpoints.redeliver, tenant_of(request), webhook_id, event))

    return [create, listed, one, remove, rotate, enable, deliveries, redeliver]


def _wanted(body: bytes) -> NewWebhook:
    try:
        return _NEW.decode(body)
    except msgspec.ValidationError:
        wanted = 'write {"url": "https://..."}'
        raise SpecInvalid(wanted, errors=[("#/url", wanted)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("the body is not JSON") from error


def _document(webhook: Webhook, *, shown: bool = False) -> WebhookDocument:
    return WebhookDocument(
        id=webhook.id,
        url=webhook.url,
        state="enabled" if webhook.is_live else "disabled",
        created_at=rfc3339(webhook.created_at),
        disabled_at=None if webhook.disabled_at is None else rfc3339(webhook.disabled_at),
        disabled_why=webhook.disabled_why,
        secret=webhook.secrets[-1].value if shown else None,
    )


def _delivery(delivery: Delivery) -> DeliveryDocument:
    return DeliveryDocument(
        event=delivery.event,
        type=delivery.type,
        job_id=delivery.job_id,
        run=delivery.run,
        state=delivery.state,
        created_at=rfc3339(delivery.created_at),
        due_at=None if delivery.due_at is None else rfc3339(delivery.due_at),
        ended_at=None if delivery.ended_at is None else rfc3339(delivery.ended_at),
        reason=delivery.reason,
        attempts=tuple(
            AttemptDocument(at=rfc3339(one.at), elapsed_ms=one.elapsed_ms, status=one.status, error=one.error)
            for one in delivery.attempts
        ),
    )
