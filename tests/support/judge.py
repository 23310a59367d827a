"""The invariants of the protocol as a judge of every write and every send, apart from the code that makes them.

`JudgedLedger` and `JudgedQueues` are the ports in memory with that judge in them: whatever drives the actors, a write
or a message that breaks an invariant raises `Broken` with its number.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from contracts.deliveries import TOLD, Delivery, keys_of
from contracts.identifiers import JobId, event_id
from contracts.job import DebtKind, Job, JobState, VariantState
from contracts.messages import Outgoing, Transform, encode
from contracts.places import parse_original, parse_result
from contracts.ports import DeliveryKey
from tests.support.invariants import hold, judge_change, judge_document
from tests.support.memory import MemoryDeliveries, MemoryLedger, MemoryObjects, MemoryQueues


class JudgedLedger(MemoryLedger):
    """Judges each write by the row that it replaces."""

    def __init__(self, shards: int = 1) -> None:
        super().__init__(shards)
        self._splits: Counter[tuple[JobId, int]] = Counter()
        self._planned: dict[JobId, int] = {}
        self.promised: dict[DeliveryKey, JobId] = {}
        """Events that some endpoint is to be told of, and of which job."""
        self.heard: Callable[[Sequence[Delivery]], None] = lambda born: None
        """Hears of deliveries that were born."""

    def create(self, job: Job) -> Job | None:
        judge_document(job)
        return super().create(job)

    def replace(self, job: Job, expected_revision: int, also: Sequence[Delivery] = ()) -> None:
        with self._lock:
            before = self.read([job.id]).get(job.id)
            super().replace(job, expected_revision, also)
            assert before is not None
            judge_births(before, job, also)
            self.heard(also)
            judge_document(job)
            judge_change(before, job)
            self._judge_dispatches(before, job)
            self._judge_events(before, job)

    def _judge_dispatches(self, before: Job, job: Job) -> None:
        """13: dispatches under new tokens are explained by tries, splits and closed variants."""
        if before.state is JobState.QUEUED and job.state is JobState.PROCESSING:
            self._planned[job.id] = job.last_token
            return
        opened = {part.token: part for part in before.parts if part.is_open}
        for part in job.parts:
            parted = part.token in opened and part.outcome == "crashed" and len(part.variants) > 1
            self._splits[job.id, job.run] += parted
        if job.state is JobState.PROCESSING:
            tries = sum(record.tries for record in job.variants)
            closed = sum(record.state is not VariantState.PENDING for record in job.variants)
            explained = tries + 2 * self._splits[job.id, job.run] + closed
            fresh = job.last_token - self._planned[job.id]
            hold("13: dispatches are explained by tries, splits and closed variants", fresh <= explained)

    def _judge_events(self, before: Job, job: Job) -> None:
        if job.webhook is not None and job.state in TOLD and job.state is not before.state:
            ends = [key for key, job_id in self.promised.items() if job_id == job.id]
            self.promised[event_id(job.id, job.run, job.state), job.webhook] = job.id
            runs = sum(job_id == job.id for job_id in self.promised.values())
            hold("8: a run of a job ends once", runs == len(ends) + 1 and runs <= job.run)
        if job.state is JobState.DELETED and before.state is JobState.DELETING:
            left = MemoryDeliveries(self).read(keys_of(before)).values()
            hold("15: after deleted no delivery holds what it told", not any(one.body for one in left), when=bool(left))


class JudgedQueues(MemoryQueues):
    """Judges each order by the job that it is sent for. `ledger` is set by whoever puts them together."""

    ledger: MemoryLedger

    def deliver(self, messages: list[Outgoing]) -> list:
        for outgoing in messages:
            if isinstance(outgoing.message, Transform):
                self._judge_order(outgoing.message)
        return super().deliver(messages)

    def _judge_order(self, order: Transform) -> None:
        orders = self.__dict__.setdefault("_orders", {})
        same = orders.setdefault((order.job_id, order.token), encode(order)) == encode(order)
        hold("10: an order of the same token is the same order", same)
        job = self.ledger.read([order.job_id])[order.job_id]
        pinned = job.original is not None and (job.original.key, job.original.version_id)
        ordered = (order.key, order.version_id)
        hold("14: only the pinned version is read", pinned == ordered, when=job.state is not JobState.DELETED)


def judge_births(before: Job, after: Job, born: Sequence[Delivery]) -> None:
    """8, 20: an event is born with the settling of its debt, and no other way."""
    open_after = {debt.id for debt in after.debts}
    settled = [debt for debt in before.debts if debt.kind is DebtKind.NOTIFY and debt.id not in open_after]
    if after.state is JobState.DELETING and before.state is not JobState.DELETING:
        settled = []
    wanted = [(event_id(after.id, debt.run or 0, debt.state or ""), before.webhook) for debt in settled]
    told = sorted(delivery.key for delivery in born) == sorted(wanted)
    hold("8, 20: an event is born with the end of its debt", told, when=bool(born or wanted))


def judge_storage(ledger: MemoryLedger, objects: MemoryObjects) -> None:
    """7, 11: what the jobs promise is there, and what is there belongs to a job."""
    jobs = {job.id: job for job in ledger.jobs()}
    places = {parse_original(key).job_id for key in objects.originals}
    places |= {parse_result(key).job_id for key in objects.results}
    hold("11: bytes have a row", places <= jobs.keys())
    for job in jobs.values():
        erasing = job.id not in places or any(debt.kind is DebtKind.ERASE for debt in job.debts)
        hold(
            "11, 15: of a deleted job nothing is there that is not being erased",
            erasing,
            when=job.state is JobState.DELETED,
        )
        if job.state in {JobState.DELETING, JobState.DELETED}:
            continue
        for record in job.variants:
            if record.result is not None:
                versions = objects.results.get(record.result.key, [])
                there = [version.sha256 for version in versions] == [record.result.digest]
                hold("7: an output that is promised is there, and has its digest", there)
        if job.state in {JobState.QUEUED, JobState.PROCESSING, JobState.COMPLETED} and job.original is not None:
            known = [version.id for version in objects.originals.get(job.original.key, [])]
            hold("11: the original of a live job is there", job.original.version_id in known)
