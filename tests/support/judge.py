"""The invariants of the protocol as a judge of every write and every send, apart from the code that makes them.

`JudgedLedger` and `JudgedQueues` are the ports in memory with that judge in them: whatever drives the actors, a write
or a message that breaks an invariant raises `Broken` with its number.
"""

from collections import Counter
from collections.abc import Sequence

from contracts.deliveries import Delivery
from contracts.identifiers import JobId, event_id
from contracts.job import DebtKind, Job, JobState, Source, VariantState
from contracts.messages import Outgoing, Transform, encode
from contracts.places import parse_original, parse_result
from tests.support.memory import MemoryLedger, MemoryObjects, MemoryQueues
from tests.support.walk import MOVES, Broken

_RANK = {
    JobState.AWAITING_UPLOAD: 0,
    JobState.QUEUED: 1,
    JobState.PROCESSING: 2,
    JobState.DELETING: 4,
    JobState.DELETED: 5,
}
"""How far a client has seen a job come within one run; every other state is 3."""


class JudgedLedger(MemoryLedger):
    """Judges each write by the row that it replaces."""

    def __init__(self, shards: int = 1) -> None:
        super().__init__(shards)
        self._splits: Counter[tuple[JobId, int]] = Counter()
        self._planned: dict[JobId, int] = {}

    def create(self, job: Job) -> Job | None:
        judge_document(job)
        return super().create(job)

    def replace(self, job: Job, expected_revision: int, also: Sequence[Delivery] = ()) -> None:
        with self._lock:
            before = self.read([job.id]).get(job.id)
            super().replace(job, expected_revision, also)
            assert before is not None
            judge_births(before, job, also)
            judge_document(job)
            judge_change(before, job)
            self._judge_dispatches(before, job)

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
            if job.last_token - self._planned[job.id] > explained:
                raise Broken("13: more dispatches than tries, splits and closed variants explain")


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
        if orders.setdefault((order.job_id, order.token), encode(order)) != encode(order):
            raise Broken("a message of the same token is the same message")
        job = self.ledger.read([order.job_id])[order.job_id]
        pinned = job.original
        if job.state is not JobState.DELETED and (
            pinned is None or (pinned.key, pinned.version_id) != (order.key, order.version_id)
        ):
            raise Broken("14: only the pinned version is read")


def judge_document(job: Job) -> None:
    """What one document shows by itself."""
    pending = sorted(record.spec.name for record in job.variants if record.state is VariantState.PENDING)
    states = {record.state for record in job.variants}
    tokens = sorted(part.token for part in job.parts if part.is_open)
    dispatched = sorted(name for part in job.parts if part.is_open for name in part.variants)
    owed = sorted(debt.token or 0 for debt in job.debts if debt.kind is DebtKind.TRANSFORM)
    kinds = {debt.kind for debt in job.debts}
    _hold(job.state is JobState.DELETED or (job.alarm_at is not None and job.due_at is not None), "12: no alarm")
    _hold(owed == tokens, "12: every open part is owed, and nothing else is")
    _hold(job.state is not JobState.PROCESSING or dispatched == pending, "19: a pending variant waits for nobody")
    _hold(job.state is not JobState.QUEUED or DebtKind.PROCESS in kinds, "12: a queued job owes its planning")
    if job.is_final:
        _hold(not tokens and not kinds & {DebtKind.PROCESS, DebtKind.TRANSFORM}, "5: a final job owes no work")
    if job.state is JobState.DELETED:
        _hold(job.source == Source() and not job.variants and not job.meta, "15: a tombstone knows nothing")
    if job.state is JobState.COMPLETED:
        _hold(states == {VariantState.COMPLETED}, "7: completed means all of it")
    if job.state is JobState.PARTIALLY_COMPLETED:
        _hold(states == {VariantState.COMPLETED, VariantState.FAILED}, "7: partially means some of each")
    if job.state in {JobState.FAILED, JobState.REJECTED}:
        _hold(VariantState.COMPLETED not in states, "7: what was made is not lost to a failure")
    _hold(len({debt.id for debt in job.debts}) == len(job.debts), "3: a debt's id is given out once")
    _hold(len({part.token for part in job.parts}) == len(job.parts), "3: a token is given out once")


def judge_births(before: Job, after: Job, born: Sequence[Delivery]) -> None:
    """8, 20: an event is born with the settling of its debt, and no other way."""
    open_after = {debt.id for debt in after.debts}
    settled = [debt for debt in before.debts if debt.kind is DebtKind.NOTIFY and debt.id not in open_after]
    if after.state is JobState.DELETING and before.state is not JobState.DELETING:
        settled = []
    wanted = [(event_id(after.id, debt.run or 0, debt.state or ""), before.webhook) for debt in settled]
    _hold(
        sorted(delivery.key for delivery in born) == sorted(wanted), "8, 20: an event without its debt, or a debt's end"
    )


def judge_change(before: Job, after: Job) -> None:
    """What two successive documents of a job show."""
    _hold(after.revision == before.revision + 1, "3: a write raises the revision by one")
    for counter in ("run", "last_token", "last_debt", "last_part"):
        _hold(getattr(after, counter) >= getattr(before, counter), f"3: {counter} never falls")
    if after.state is not before.state:
        _hold((before.state, after.state) in MOVES, f"2: {before.state} -> {after.state} is no move")
    if after.run == before.run:
        _hold(_RANK.get(after.state, 3) >= _RANK.get(before.state, 3), "9: the state went back")
    if before.is_final and after.state is before.state:
        kept = ("variants", "parts", "original", "facts", "error", "last_token", "run")
        _hold(all(getattr(before, name) == getattr(after, name) for name in kept), "5: a final job was changed")
    made = {record.spec.name: record.result for record in before.variants if record.result is not None}
    for record in after.variants:
        _hold(record.spec.name not in made or record.result == made[record.spec.name], "4: a result was replaced")
    answered = {part.token for part in before.parts if part.is_open} - {p.token for p in after.parts if p.is_open}
    if not answered and after.run == before.run and after.variants:
        spent = [(record.tries, record.crashes) for record in after.variants]
        _hold(spent == [(r.tries, r.crashes) for r in before.variants], "24: waiting cost a try")


def judge_storage(ledger: MemoryLedger, objects: MemoryObjects) -> None:
    """7, 11: what the jobs promise is there, and what is there belongs to a job."""
    jobs = {job.id: job for job in ledger.jobs()}
    places = [parse_original(key).job_id for key in objects.originals]
    places += [parse_result(key).job_id for key in objects.results]
    for job_id in places:
        job = jobs.get(job_id)
        _hold(job is not None, "11: bytes without a row")
        _hold(
            job is None or job.state is not JobState.DELETED or any(d.kind is DebtKind.ERASE for d in job.debts),
            "11: bytes of a deleted job",
        )
    for job in jobs.values():
        if job.state in {JobState.DELETING, JobState.DELETED}:
            continue
        for record in job.variants:
            if record.result is not None:
                versions = objects.results.get(record.result.key, [])
                _hold([version.sha256 for version in versions] == [record.result.digest], "7: a promised result")
        if job.state in {JobState.QUEUED, JobState.PROCESSING, JobState.COMPLETED} and job.original is not None:
            there = [version.id for version in objects.originals.get(job.original.key, [])]
            _hold(job.original.version_id in there, "11: the original of a live job is gone")


def _hold(true: bool, promise: str) -> None:
    if not true:
        raise Broken(promise)
