"""Webhook endpoints of a tenant, and what was sent to them. Over ports and without HTTP.

Nothing is sent from here: a delivery that is to go out again is dated now in the table, and the processing service
finds it due.
"""

import re
from collections.abc import Callable
from typing import Final

import structlog
from msgspec import Struct

from contracts import deliveries as moves
from contracts.deliveries import EVENT_PATTERN, Delivery
from contracts.errors import Gone, NotFound, RevisionMoved, StateConflict, Unavailable
from contracts.identifiers import Tenant
from contracts.limits import MAX_WEBHOOKS
from contracts.options import invalid
from contracts.outside_ports import Outside
from contracts.ports import Clock, Deliveries
from contracts.registry_ports import Webhooks
from contracts.webhooks import (
    Randomness,
    Webhook,
    WebhookId,
    deleted,
    enabled,
    new_webhook,
    parse_webhook_id,
    rotated,
)

_EVENT: Final = re.compile(EVENT_PATTERN)

ROUNDS: Final = 4
"""Writes tried: an endpoint is changed by people, and once by whom it tells that it is gone."""

_log: Final = structlog.get_logger()


class Known(Struct, frozen=True, kw_only=True):
    """An endpoint and its latest deliveries."""

    webhook: Webhook
    deliveries: tuple[Delivery, ...]


class Endpoints:
    """The use case. Every method blocks on its ports: to be called from a thread.

    All but `create` and `all` raise NotFound, also for another tenant's endpoint; all raise Unavailable.
    """

    def __init__(
        self, *, webhooks: Webhooks, deliveries: Deliveries, outside: Outside, clock: Clock, randomness: Randomness
    ) -> None:
        self._webhooks, self._deliveries, self._outside = webhooks, deliveries, outside
        self._clock, self._randomness = clock, randomness

    def create(self, tenant: Tenant, url: str) -> Webhook:
        """A new endpoint. Raises SourceForbidden for an address that is not called from here, StateConflict if there
        are as many as there may be."""
        self._outside.check(url)
        if len(self.all(tenant)) >= MAX_WEBHOOKS:
            raise StateConflict(f"there are {MAX_WEBHOOKS} endpoints, the most; delete one first", limit=MAX_WEBHOOKS)
        webhook = new_webhook(tenant, url, self._clock.now(), self._randomness)
        self._webhooks.keep(webhook, 0)
        _log.info("webhook.created", webhook=webhook.id)
        return webhook

    def all(self, tenant: Tenant) -> list[Webhook]:
        """The endpoints that there are, the oldest first."""
        living = (webhook for webhook in self._webhooks.webhooks(tenant) if webhook.deleted_at is None)
        return sorted(living, key=lambda webhook: (webhook.created_at, webhook.id))

    def one(self, tenant: Tenant, name: str) -> Webhook:
        webhook = self._webhooks.webhook(tenant, parse_webhook_id(name))
        if webhook is None or webhook.deleted_at is not None:
            raise NotFound("there is no such webhook endpoint")
        return webhook

    def check(self, tenant: Tenant, webhook_id: WebhookId | None) -> None:
        """Raises SpecInvalid if a job names an endpoint that there is not. A disabled one may be mended in time."""
        try:
            if webhook_id is not None:
                self.one(tenant, webhook_id)
        except NotFound:
            raise invalid("#/webhook", "there is no such endpoint; make one at /webhooks") from None

    def rotate(self, tenant: Tenant, name: str) -> Webhook:
        """A new secret; the one before it goes on signing for a day, beside it."""
        return self._changed(
            tenant, name, "webhook.rotated", lambda webhook: rotated(webhook, self._clock.now(), self._randomness)
        )

    def enable(self, tenant: Tenant, name: str) -> Webhook:
        """Send to it again; what was exhausted meanwhile can be sent again one by one."""
        return self._changed(
            tenant, name, "webhook.enabled", lambda webhook: webhook if webhook.is_live else enabled(webhook)
        )

    def delete(self, tenant: Tenant, name: str) -> None:
        """Send nothing to it any more; again is no error while it is remembered."""
        found = self._webhooks.webhook(tenant, parse_webhook_id(name))
        if found is not None and found.deleted_at is not None:
            return
        self._changed(tenant, name, "webhook.deleted", lambda webhook: deleted(webhook, self._clock.now()))

    def sent(self, tenant: Tenant, name: str, most: int) -> Known:
        """The latest deliveries, newest first."""
        webhook = self.one(tenant, name)
        keys = self._deliveries.latest(webhook.id, most=most)
        found = self._deliveries.read(keys) if keys else {}
        listed = (found[key] for key in keys if key in found and found[key].tenant == tenant)
        return Known(webhook=webhook, deliveries=tuple(listed))

    def redeliver(self, tenant: Tenant, name: str, event: str) -> Delivery:
        """Send an event once more, now, and from the beginning of the schedule.

        Raises NotFound for an event that the endpoint was never owed, Gone if its job was deleted.
        """
        webhook = self.one(tenant, name)
        if _EVENT.fullmatch(event) is None:
            raise NotFound("there is no such delivery")
        key = (event, webhook.id)
        for _ in range(ROUNDS):
            found = self._deliveries.read([key]).get(key)
            if found is None or found.tenant != tenant:
                raise NotFound("there is no such delivery")
            if not found.body:
                raise Gone("the job of this event was deleted")
            after = moves.again(found, self._clock.now())
            try:
                self._deliveries.replace(after, found.revision)
            except RevisionMoved:
                continue
            _log.info("delivery.asked_for", job_id=after.job_id, event_id=event, webhook=after.webhook)
            return after
        raise Unavailable("the delivery is being changed by too many at once")

    def _changed(self, tenant: Tenant, name: str, told: str, change: Callable[[Webhook], Webhook]) -> Webhook:
        for _ in range(ROUNDS):
            webhook = self.one(tenant, name)
            after = change(webhook)
            if after is webhook:
                return webhook
            try:
                self._webhooks.keep(after, webhook.revision)
            except RevisionMoved:
                continue
            _log.info(told, webhook=webhook.id)
            return after
        raise Unavailable("the endpoint is being changed by too many at once")
