"""The invariants of final events as a judge of every write of a delivery and of every call to an endpoint.

`JudgedDeliveries`, `JudgedWebhooks` and `JudgedReceiver` are the ports in memory with that judge in them, as those of
`judge` are for jobs. Every move of a delivery is noted by its row: what it was, what befell it, what it is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from contracts.deliveries import Delivery, DeliveryState, lease
from contracts.identifiers import JobId, event_id
from contracts.job import JobState
from contracts.limits import Timing
from contracts.outside_ports import Reply
from contracts.ports import DeliveryKey
from contracts.webhooks import Webhook, is_signed
from tests.support.invariants import Broken, hold
from tests.support.memory import MemoryDeliveries, MemoryLedger, MemoryReceiver, MemoryWebhooks, VirtualClock

DeliveryRow = tuple[str, str, str]
"""State before, what befell the delivery, state after."""

DELIVERY_ROWS: Final[frozenset[DeliveryRow]] = frozenset(
    {
        ("none", "born", "pending"),
        ("pending", "taken", "pending"),
        ("pending", "its endpoint is busy", "pending"),
        ("pending", "taken by its endpoint", "delivered"),
        ("pending", "tried in vain", "pending"),
        ("pending", "endpoint-gone", "exhausted"),
        ("pending", "tries-spent", "exhausted"),
        ("pending", "endpoint-disabled", "exhausted"),
        ("pending", "endpoint-removed", "exhausted"),
        ("pending", "deleted", "exhausted"),
        ("delivered", "emptied", "delivered"),
        ("exhausted", "deleted", "exhausted"),
        ("pending", "asked for", "pending"),
        ("delivered", "asked for", "pending"),
        ("exhausted", "asked for", "pending"),
    }
)
"""All that may befall a delivery, written down apart from the code of `contracts.deliveries`."""

_FIXED: Final = ("event", "webhook", "tenant", "job_id", "run", "type", "created_at")


class JudgedDeliveries(MemoryDeliveries):
    """Judges each write by the row that it replaces; `rows` counts what befell them."""

    def __init__(self, ledger: MemoryLedger, clock: VirtualClock, timing: Timing) -> None:
        super().__init__(ledger)
        self._clock, self._timing = clock, timing
        self.rows: Counter[DeliveryRow] = Counter()

    def born(self, deliveries: Sequence[Delivery]) -> None:
        """They came into the table with the write of their job."""
        for delivery in deliveries:
            self.rows["none", "born", delivery.state.value] += 1

    def replace(self, delivery: Delivery, expected_revision: int) -> None:
        with self._lock:
            before = self.read([delivery.key]).get(delivery.key)
            super().replace(delivery, expected_revision)
            assert before is not None
            row = self._befell(before, delivery)
            if row not in DELIVERY_ROWS:
                raise Broken(f"20: {row} is no move of a delivery")
            self.rows[row] += 1
            self._judge(before, delivery, row)

    def _befell(self, before: Delivery, after: Delivery) -> DeliveryRow:
        return before.state.value, self._what(before, after), after.state.value

    def _what(self, before: Delivery, after: Delivery) -> str:
        if before.body and not after.body:
            return "emptied" if after.state is DeliveryState.DELIVERED else after.reason or "for no reason"
        if after.state is DeliveryState.DELIVERED:
            return "taken by its endpoint"
        if after.state is DeliveryState.EXHAUSTED:
            return after.reason or "for no reason"
        if after.tries > before.tries:
            return "tried in vain"
        # by how far ahead it is dated, as others may have acted for some seconds between the date and the write
        ahead = (after.due_at or 0) - self._clock.now()
        if ahead <= 0:
            return "asked for"
        return "taken" if ahead > lease(self._timing) / 2 else "its endpoint is busy"

    def _judge(self, before: Delivery, after: Delivery, row: DeliveryRow) -> None:
        hold("3: a write raises the revision of a delivery by one", after.revision == before.revision + 1)
        unsaid = after.body in (before.body, "")
        same = all(getattr(before, name) == getattr(after, name) for name in _FIXED)
        hold("8, 15: an event stays the one that it was, and what was emptied stays empty", same and unsaid)
        job = self._ledger.read([after.job_id])[after.job_id]
        going = job.state in {JobState.DELETING, JobState.DELETED}
        hold("20: an event is emptied with its job, and no other way", going, when=bool(before.body and not after.body))
        over = after.state is not DeliveryState.PENDING
        dated = after.due_at is not None
        hold("20: what is pending has a date, what is over has none", dated is not over)
        hold("20: what is exhausted says why", bool(after.reason), when=after.state is DeliveryState.EXHAUSTED)
        tried = after.tries > before.tries
        hold("24: a try is spent by a call, and recorded", after.attempts[-1:] != (), when=tried)
        hold("24: waiting costs no try", after.tries == before.tries, when=row[1] in ("taken", "its endpoint is busy"))
        tries = len(self._timing.webhook_gaps_seconds) + 1
        hold("20: nobody is given up on early", after.tries == tries, when=row[1] == "tries-spent")


class JudgedWebhooks(MemoryWebhooks):
    """Remembers the secrets of an endpoint, which a deletion throws away."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, tuple[str, ...]] = {}
        """By endpoint: its last two secrets."""

    def keep(self, webhook: Webhook, expected_revision: int) -> None:
        super().keep(webhook, expected_revision)
        if webhook.secrets:
            self.known[webhook.id] = tuple(secret.value for secret in webhook.secrets)


class JudgedReceiver(MemoryReceiver):
    """Judges each call by the delivery that it is of, as a receiver would and as one who sees the table."""

    def __init__(self, deliveries: MemoryDeliveries, webhooks: JudgedWebhooks) -> None:
        super().__init__()
        self._deliveries, self._webhooks = deliveries, webhooks
        self.took: set[str] = set()
        """Events that were answered 2xx."""
        self._bodies: dict[str, bytes] = {}
        self._events: dict[tuple[JobId, int], str] = {}

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, seconds: float) -> Reply:
        event, timestamp = headers["webhook-id"], int(headers["webhook-timestamp"])
        told: dict[str, Any] = msgspec.json.decode(body)["data"]
        whose = (told["id"], told["run"])
        hold("8: an event has one id", event == event_id(*whose, told["state"]))
        hold("8: a run of a job has one final event", self._events.setdefault(whose, event) == event)
        hold("8: an event has one body", self._bodies.setdefault(event, body) == body)
        [key] = [delivery.key for delivery in self._deliveries.all() if delivery.event == event]
        secrets = self._webhooks.known[key[1]]
        signed = [secret for secret in secrets if is_signed(headers, body, secret, timestamp * 1000)]
        hold("17: an event is signed with a secret that its receiver has", bool(signed))
        reply = super().post(url, headers, body, seconds=seconds)
        if 200 <= reply.status < 300:
            self.took.add(event)
        return reply


def judge_events(
    promised: Mapping[DeliveryKey, JobId], ledger: MemoryLedger, deliveries: MemoryDeliveries, took: set[str]
) -> None:
    """20, once everything has come to rest: every final event has come to an end that can be told."""
    states = {job.id: job.state for job in ledger.jobs()}
    found = deliveries.read(list(promised))
    for key, job_id in promised.items():
        delivery = found.get(key)
        if delivery is None:
            gone = states[job_id] in {JobState.DELETING, JobState.DELETED}
            hold("20: an event that nobody was told of is of a job that was deleted", gone)
            continue
        over = delivery.state is DeliveryState.DELIVERED or delivery.reason is not None
        hold("20: an event is delivered, or given up for a reason", over)
        delivered = delivery.state is DeliveryState.DELIVERED
        hold("20: what is called delivered was taken by its endpoint", delivery.event in took, when=delivered)
