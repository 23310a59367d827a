"""What the row of a delivery shows of something that ought not to be, beside the row of its job. Pure."""

from collections.abc import Iterator

from adapters.rows import delivery_item
from contracts.deliveries import Delivery, DeliveryState
from contracts.identifiers import event_id
from contracts.job import Instant, Job, JobState
from contracts.tables import delivery_key
from operations.standing import Item
from operations.symptoms import Check, Symptom

_OVER = frozenset({JobState.DELETED})


def of_delivery(item: Item, delivery: Delivery, job: Job | None, now: Instant, patience: Instant) -> Iterator[Symptom]:
    """Everything that it shows. `job` is None where there is no such row any more: it was forgotten, or never was."""
    where = delivery_key(*delivery.key)
    wanted = delivery_item(delivery)
    apart = sorted(name for name in {*wanted, *item} - {"document"} if dict(item.get(name, {})) != wanted.get(name, {}))
    if apart:
        yield Symptom(check=Check.ENVELOPES, where=where, says=f"{', '.join(apart)} is not what its document says")
    for says in _ends(delivery):
        yield Symptom(check=Check.DELIVERIES, where=where, says=says)
    if delivery.due_at is not None and delivery.due_at < now - patience:
        seconds = (now - delivery.due_at) // 1_000
        yield Symptom(check=Check.OVERDUE, where=where, says=f"has been due for {seconds} s")
    if job is not None and not _is_of(delivery, job):
        yield Symptom(check=Check.DELIVERIES, where=where, says=f"is no event of {job.id}")
    if delivery.body and job is not None and job.state in _OVER:
        yield Symptom(check=Check.TOMBSTONES, where=where, says=f"still says what {job.id} was, which is deleted")


def is_delivery_key(key: str) -> bool:
    return key.startswith("delivery#")


def on_its_way(delivery: Delivery) -> Iterator[Symptom]:
    if delivery.state is DeliveryState.PENDING:
        yield Symptom(check=Check.AT_REST, where=delivery_key(*delivery.key), says="is on its way")


def _ends(delivery: Delivery) -> Iterator[str]:
    pending = delivery.state is DeliveryState.PENDING
    if pending != (delivery.due_at is not None):
        yield "is on its way, and nobody will look at it" if pending else "is over, and somebody will look at it"
    if pending == (delivery.ended_at is not None):
        yield f"is {delivery.state} and {'has' if pending else 'has not'} ended"
    if delivery.state is DeliveryState.EXHAUSTED and not delivery.reason:
        yield "was given up without a reason"


def _is_of(delivery: Delivery, job: Job) -> bool:
    """One event id a run and final state, and no run that never was."""
    known = {event_id(job.id, delivery.run, state) for state in JobState}
    return delivery.event in known and 1 <= delivery.run <= job.run and delivery.tenant == job.tenant
