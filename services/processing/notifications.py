"""What is done with the messages of `notifications`, and with deliveries whose time has come.

    Notify ─▶ read the job ─▶ delivery born and debt settled (one transaction) ─▶ acknowledge ─▶ the courier calls
    due delivery ─▶ taken under its revision ─▶ the courier calls

From the transaction on the delivery has a date, so whatever dies after it, somebody finds it due.
"""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from msgspec.structs import replace

from contracts.debts import find
from contracts.deliveries import Delivery, DeliveryState, lease, postponed, taken
from contracts.errors import BadMessage, RevisionMoved, Unavailable
from contracts.events import Notified
from contracts.job import Job
from contracts.limits import Timing
from contracts.messages import Message, Notify, Outgoing, Queue, decode
from contracts.ports import Clock, Deliveries, Received
from contracts.tables import DELIVERY_SHARDS
from services.processing.announcing import delivery_of
from services.processing.batches import Clerk, End, Settled
from services.processing.changes import Change, advance, readable
from services.processing.courier import Courier

MOST_DUE: Final = 100
"""Deliveries of a shard looked at in one round."""
LAST_CALLS_SECONDS: Final = 8
"""For calls under way when the process is to end: within the time that it has, and enough for all but hanging ones."""
_JITTER: Final = (1.0, 1.2)

_log: Final = structlog.get_logger()


def notify_seen(message: Message, job: Job) -> Notified:
    """Of `notifications`: an endpoint is owed an event."""
    if not isinstance(message, Notify):
        raise BadMessage("only Notify belongs here")
    return Notified(debt=message.debt)


class NotifyDesk(Clerk):
    """Settles the batches of `notifications`. `base` is the public address of the API, or empty."""

    def __init__(self, *, courier: Courier, base: str, **ports: Any) -> None:
        super().__init__(queue=Queue.NOTIFICATIONS, **ports)
        self._courier, self._base = courier, base

    def settle(self, batch: Sequence[Received]) -> Settled:
        """Everything that this batch asks for."""
        ends: list[End] = []
        born: list[Delivery] = []
        outgoing: list[Outgoing] = []
        for received in batch:
            ends.append(self._taken(received, born, outgoing))
        if not self._send(outgoing):
            ends = [End.LEFT if end is End.ACKNOWLEDGED else end for end in ends]
        self._delete([received for received, end in zip(batch, ends, strict=True) if end is not End.LEFT])
        for delivery in born:
            self._courier.hand_over(delivery)
        return Settled(ends=tuple(ends), dispatched=0)

    def _taken(self, received: Received, born: list[Delivery], outgoing: list[Outgoing]) -> End:
        """How a message ends; adds the delivery to hand over, room for it reserved, and what is to be sent."""
        try:
            message = decode(received.body)
            job = readable(self._ledger, [message.job_id]).get(message.job_id)
            if job is None:
                return self._wait_for_job(received, message.job_id)
            change, delivery = self._settled(job, notify_seen(message, job))
            outgoing += change.messages([received.receives > 1], self._clock.now())
            born += [] if delivery is None else [delivery]
            return End.ACKNOWLEDGED
        except BadMessage as error:
            return self._refuse(received, error.detail)
        except Unavailable as error:
            _log.warning("message.left", queue=Queue.NOTIFICATIONS, reason=error.detail)
        except Exception:
            _log.exception("message.failed", queue=Queue.NOTIFICATIONS)
        return End.LEFT

    def _settled(self, job: Job, event: Notified) -> tuple[Change, Delivery | None]:
        """The delivery that the debt is settled by, if there is room to send it now; else it is due in the table."""
        webhook = job.webhook or ""
        reserved = find(job, event.debt) is not None and self._courier.reserve(webhook)
        born: list[Delivery] = []

        def birth(before: Job) -> Sequence[Delivery]:
            debt, now = find(before, event.debt), self._clock.now()
            if debt is None:
                return ()
            delivery = delivery_of(before, debt, webhook, now, base=self._base)
            born[:] = [replace(delivery, due_at=now + lease(self._timing)) if reserved else delivery]
            return born

        written = False
        try:
            change = advance(self._ledger, self._clock, self._timing, job, [event], birth)
            written = change.changed
        finally:
            if reserved and not written:
                self._courier.give_back(webhook)
        if not written:
            return change, None
        [delivery] = born
        _log.info("delivery.born", job_id=job.id, event_id=delivery.event, webhook=webhook)
        return change, delivery if reserved else None


def _never() -> bool:
    return False


class Rounds:
    """Looks for deliveries whose time has come, and has them sent. Use from one thread."""

    def __init__(self, *, deliveries: Deliveries, courier: Courier, clock: Clock, timing: Timing) -> None:
        self._deliveries, self._courier, self._clock, self._timing = deliveries, courier, clock, timing

    def run(self, stop: threading.Event) -> None:
        """Rounds until `stop` is set."""
        while not stop.is_set():
            self.make(stop.is_set)
            stop.wait(self._timing.sweep_seconds * random.uniform(*_JITTER))  # noqa: S311 - spreads hosts
        self._courier.stop(LAST_CALLS_SECONDS)

    def make(self, stopped: Callable[[], bool] = _never) -> None:
        """One look at every shard, in random order. What fails is logged and left for the next round."""
        shards = list(range(DELIVERY_SHARDS))
        random.shuffle(shards)
        for shard in shards:
            if stopped() or self._courier.is_full:
                return
            try:
                keys = self._deliveries.due(shard, self._clock.now(), most=MOST_DUE)
                found = self._deliveries.read(keys) if keys else {}
            except Unavailable as error:
                _log.warning("deliveries.left", shard=shard, reason=error.detail)
                continue
            for delivery in found.values():
                if stopped() or self._courier.is_full:
                    return
                self._look_at(delivery)

    def _look_at(self, delivery: Delivery) -> None:
        """Have it sent, or, while its endpoint is busy, date it later: it must not stand before others'."""
        now = self._clock.now()
        if delivery.state is not DeliveryState.PENDING or delivery.due_at is None or delivery.due_at > now:
            return  # the index was behind
        reserved = self._courier.reserve(delivery.webhook)
        after = (taken if reserved else postponed)(delivery, now, self._timing)
        try:
            self._deliveries.replace(after, delivery.revision)
        except (RevisionMoved, Unavailable):
            if reserved:
                self._courier.give_back(delivery.webhook)
        else:
            if reserved:
                self._courier.hand_over(after)
