"""The courier of a host: calls endpoints, a few at a time, in threads of its own.

A slow endpoint keeps a thread for as long as a call may take, so no reader and no sweeper ever waits for one; and it
gets few threads, so the others' events go on. What finds no room waits in the table, and costs no try.

    reserve ──▶ delivery taken (dated ahead) ──▶ hand over ──▶ call ──▶ written: delivered, due again, exhausted
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

from contracts.deliveries import Attempt, Delivery, DeliveryState, attempted, exhausted
from contracts.errors import PipelineError, RevisionMoved, SourceForbidden, SourceUnreachable, Unavailable
from contracts.limits import Timing
from contracts.outside_ports import Outside
from contracts.ports import Clock, Deliveries
from contracts.registry_ports import Webhooks
from contracts.webhooks import Webhook, WebhookId, disabled, signed_headers

CALLS: Final = 16
"""Under way at once on a host: with half a second for a call, 32 events a second."""
CALLS_OF_ONE: Final = 4
"""Of these, to one endpoint."""
GONE: Final = "it answered 410"

_log: Final = structlog.get_logger()


Start = Callable[[Callable[[], None]], None]
"""Has a call made, now or beside."""


def in_a_thread(call: Callable[[], None]) -> None:
    # a daemon: a call that hangs beyond the drain must not keep the process
    threading.Thread(target=call, name="courier", daemon=True).start()


class Courier:
    """Safe to use from several threads. `carry` is one call; `reserve` and `hand_over` have it done in a thread."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        webhooks: Webhooks,
        outside: Outside,
        clock: Clock,
        timing: Timing,
        monotonic: Callable[[], float] = time.monotonic,
        start: Start = in_a_thread,
    ) -> None:
        self._deliveries, self._webhooks, self._outside = deliveries, webhooks, outside
        self._clock, self._timing, self._monotonic = clock, timing, monotonic
        self._start = start
        self._lock = threading.Condition()
        self._stopped = False
        self._reserved: Counter[WebhookId] = Counter()

    @property
    def is_full(self) -> bool:
        """Whether no call to anybody can begin."""
        with self._lock:
            return self._reserved.total() >= CALLS

    def reserve(self, webhook: WebhookId) -> bool:
        """Room for a call to this endpoint, to be handed over or given back; False: there is none."""
        with self._lock:
            if self._stopped or self._reserved.total() >= CALLS or self._reserved[webhook] >= CALLS_OF_ONE:
                return False
            self._reserved[webhook] += 1
            return True

    def give_back(self, webhook: WebhookId) -> None:
        with self._lock:
            self._reserved[webhook] -= 1
            self._reserved += Counter()  # forgets those that are 0
            self._lock.notify_all()

    def hand_over(self, delivery: Delivery) -> None:
        """Call in a thread; the delivery was taken, and room reserved for it."""
        self._start(lambda: self._carried(delivery))

    def stop(self, seconds: float) -> bool:
        """Begin no more, and wait for what is under way; whether all of it ended. What did not is made again."""
        with self._lock:
            self._stopped = True
            return self._lock.wait_for(lambda: not self._reserved.total(), seconds)

    def carry(self, delivery: Delivery) -> Delivery | None:
        """One call, and what came of it written; None if somebody else changed the delivery meanwhile."""
        webhook = self._webhooks.webhook(delivery.tenant, delivery.webhook)
        if webhook is None or not webhook.is_live:
            gone = webhook is None or webhook.deleted_at is not None
            return self._written(delivery, exhausted(delivery, _LEFT[gone], self._clock.now()))
        attempt, retry_after = self._called(webhook, delivery)
        if attempt.status == 410:
            self._disable(webhook)
        return self._written(delivery, attempted(delivery, attempt, retry_after, self._clock.now(), self._timing))

    def _carried(self, delivery: Delivery) -> None:
        try:
            self.carry(delivery)
        except Unavailable as error:
            _log.warning("delivery.left", reason=error.detail, **_who(delivery))
        except Exception:
            _log.exception("delivery.failed_to_send", **_who(delivery))
        finally:
            self.give_back(delivery.webhook)

    def _called(self, webhook: Webhook, delivery: Delivery) -> tuple[Attempt, str | None]:
        at, begun, body = self._clock.now(), self._monotonic(), delivery.body.encode()
        headers = signed_headers(delivery.event, at, body, webhook.signing(at))
        status, error, retry_after = None, None, None
        try:
            reply = self._outside.post(
                webhook.url,
                {"Content-Type": "application/json", **headers},
                body,
                seconds=self._timing.webhook_seconds,
            )
        except (SourceForbidden, SourceUnreachable) as failure:
            error = failure.code
        else:
            status, retry_after = reply.status, reply.retry_after
        elapsed_ms = round((self._monotonic() - begun) * 1000)
        return Attempt(at=at, elapsed_ms=elapsed_ms, status=status, error=error), retry_after

    def _disable(self, webhook: Webhook) -> None:
        try:
            self._webhooks.keep(disabled(webhook, self._clock.now(), GONE), webhook.revision)
        except RevisionMoved:
            # changed meanwhile by its owner, who may have mended it: the next 410 says so again
            return
        except PipelineError as error:
            _log.warning("webhook.not_disabled", webhook=webhook.id, reason=error.detail)
            return
        _log.info("webhook.disabled", webhook=webhook.id)

    def _written(self, delivery: Delivery, after: Delivery) -> Delivery | None:
        try:
            self._deliveries.replace(after, delivery.revision)
        except RevisionMoved:
            _log.info("delivery.changed_meanwhile", **_who(delivery))
            return None
        last = after.attempts[-1] if after.attempts else None
        _log.info(
            _STORY[after.state],
            tries=after.tries,
            status=last.status if last else None,
            code=last.error if last else None,
            elapsed_ms=last.elapsed_ms if last else 0,
            **({} if after.reason is None else {"reason": after.reason}),
            **_who(after),
        )
        return after


_LEFT: Final = {True: "endpoint-removed", False: "endpoint-disabled"}
"""Why nothing is sent: by whether the endpoint is gone for ever."""
_STORY: Final = {
    DeliveryState.DELIVERED: "delivery.delivered",
    DeliveryState.PENDING: "delivery.postponed",
    DeliveryState.EXHAUSTED: "delivery.exhausted",
}


def _who(delivery: Delivery) -> dict[str, str]:
    return {"job_id": delivery.job_id, "event_id": delivery.event, "webhook": delivery.webhook}
