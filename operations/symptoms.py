"""What a job's row shows by itself of something that ought not to be. Pure: no call, the caller brings the time.

The promises are those that docs/architecture.md makes: a job owes what its state needs, looks again at some time, ends
as its variants did, and leaves nothing of a person behind.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Final

from msgspec import Struct

from adapters.ledger import item_of
from contracts.job import FINAL, DebtKind, Instant, Job, JobState, Source, VariantState
from contracts.limits import MAX_PARTS, Timing
from contracts.tables import DUE
from operations.standing import Item

_S: Final = JobState
_V: Final = VariantState
_WORK: Final = frozenset({DebtKind.PROCESS, DebtKind.TRANSFORM})
_OF_DELETED: Final = frozenset({DebtKind.ERASE})


class Check(Enum):
    """What is looked at. `promise` is what holds where nothing is found, `fix` what to do where something is."""

    ROWS = ("rows", "every row can be read", "deploy the version that wrote it, or restore it: make restore")
    ENVELOPES = ("envelopes", "every row is found by what is in it", "darkroom doctor --repair writes it anew")
    COUNTERS = ("counters", "nothing was given out twice", "stop deploying, keep the row, and report it as a bug")
    PROMISES = (
        "promises",
        "every job owes what its state needs, or is looked at again",
        "darkroom cancel it and send the picture again; keep the row, and report it as a bug",
    )
    OVERDUE = (
        "overdue",
        "nobody waits for a look that was missed",
        "is the processing service up? darkroom doctor --repair sends what is owed meanwhile",
    )
    ENDS = ("ends", "every job ended as its variants did", "keep the row, and report it as a bug")
    TRIES = ("tries", "no try was spent but on work", "keep the row, and report it as a bug")
    TOMBSTONES = (
        "tombstones",
        "a deleted job left nothing but that it was",
        "darkroom doctor --repair has bytes erased; a row with more than it may have is a bug to report",
    )
    OUTPUTS = (
        "outputs",
        "every variant that a job names is there, with its own bytes",
        "restore it from a copy, or delete the job and send the picture again",
    )
    ORIGINALS = (
        "originals",
        "every original that is worked on is there",
        "docs/operations.md, getting an original back; otherwise send the picture again",
    )
    STRANGERS = (
        "strangers",
        "every object belongs to a job",
        "nobody reaches it, and S3 collects it in time; look at it, then: aws s3api delete-object",
    )
    DELIVERIES = (
        "deliveries",
        "every event is on its way to its endpoint, or came to an end with a reason",
        "keep the row, and report it as a bug; POST .../redeliver sends it again",
    )
    MESSAGES = (
        "messages",
        "what is owed is on its way",
        "the sweeper sends it again within a minute or so; darkroom doctor --repair at once",
    )
    LETTERS = ("dead letters", "there are none", "darkroom dead-letters says why; then darkroom redrive --dry-run")
    UPLOADS = ("uploads", "no upload in parts was left half way", "S3 gives it up after a day; if not, abort it")
    AT_REST = ("at rest", "nothing is under way", "wait, and look again")

    def __init__(self, called: str, promise: str, fix: str) -> None:
        self.called = called
        self.promise = promise
        self.fix = fix


class Symptom(Struct, frozen=True, kw_only=True):
    """One thing that ought not to be: at which job, key or queue, and what it is."""

    check: Check
    where: str
    says: str


def of_row(item: Item, job: Job, shards: int) -> Iterator[Symptom]:
    """What a row shows beside its document: how it is found is made from that, and must not have come apart."""
    wanted = item_of(job, shards)
    shard = item.get(DUE.hash_key)
    if shard is not None and DUE.hash_key in wanted and 0 <= int(shard["N"]) < shards:
        # a row keeps its shard until it is next written, also when there are more of them
        wanted[DUE.hash_key] = dict(shard)
    apart = sorted(
        name for name in {*wanted, *item} - {"document"} if dict(item.get(name, {})) != dict(wanted.get(name, {}))
    )
    if apart:
        yield Symptom(check=Check.ENVELOPES, where=job.id, says=f"{', '.join(apart)} is not what its document says")


def of_document(job: Job, now: Instant, timing: Timing, patience: Instant) -> Iterator[Symptom]:
    """Everything that a document shows. `patience` is how long, in ms, after its time a look is missed."""
    for check, sayings in (
        (Check.COUNTERS, _counters(job)),
        (Check.PROMISES, _promises(job)),
        (Check.OVERDUE, _overdue(job, now, patience)),
        (Check.ENDS, _ends(job)),
        (Check.TRIES, _tries(job, timing)),
        (Check.TOMBSTONES, _tombstone(job)),
    ):
        for says in sayings:
            yield Symptom(check=check, where=job.id, says=says)


def under_way(job: Job) -> Iterator[Symptom]:
    """What keeps a job from being at rest."""
    if job.state not in FINAL:
        yield Symptom(check=Check.AT_REST, where=job.id, says=f"is {job.state}")
    elif job.debts:
        yield Symptom(check=Check.AT_REST, where=job.id, says=f"still owes {_kinds(job)}")


def _counters(job: Job) -> Iterator[str]:
    tokens, debts = [part.token for part in job.parts], [debt.id for debt in job.debts]
    if len(set(tokens)) < len(tokens) or max(tokens, default=0) > job.last_token:
        yield "a token was given out twice"
    if len(set(debts)) < len(debts) or max(debts, default=0) > job.last_debt:
        yield "the id of a debt was given out twice"
    if max((part.number for part in job.parts), default=0) > job.last_part:
        yield "the number of a part was given out twice"


def _promises(job: Job) -> Iterator[str]:
    kinds = {debt.kind for debt in job.debts}
    if job.state is not _S.DELETED and (job.alarm_at is None or job.due_at is None):
        yield f"is {job.state}, and nobody will look at it again"
    if job.state is _S.QUEUED and DebtKind.PROCESS not in kinds:
        yield "is queued and owes no planning"
    if job.state is _S.DELETING and DebtKind.ERASE not in kinds:
        yield "is being deleted and owes no erasure"
    open_parts = [part for part in job.parts if part.is_open]
    owed = sorted(debt.token or 0 for debt in job.debts if debt.kind is DebtKind.TRANSFORM)
    if owed != sorted(part.token for part in open_parts):
        yield "what it owes the function is not what it waits for"
    pending = sorted(record.spec.name for record in job.variants if record.state is _V.PENDING)
    if job.state is _S.PROCESSING and sorted(name for part in open_parts for name in part.variants) != pending:
        yield "a variant that is pending was given to nobody"
    if job.state in {_S.QUEUED, _S.PROCESSING, _S.COMPLETED, _S.PARTIALLY_COMPLETED} and job.original is None:
        yield f"is {job.state} and has no original"
    if job.is_final and kinds & _WORK:
        yield f"is {job.state} and owes work"
    if job.state in {_S.DELETING, _S.DELETED} and kinds - _OF_DELETED:
        yield f"is {job.state} and owes {_kinds(job)}"


def _overdue(job: Job, now: Instant, patience: Instant) -> Iterator[str]:
    due = job.due_at
    if due is not None and due < now - patience:
        what = _kinds(job, due) or "a look at its state"
        yield f"{what} has been due for {(now - due) // 1_000} s"


def _ends(job: Job) -> Iterator[str]:
    states = {record.state for record in job.variants}
    said = f"is {job.state} with variants {', '.join(sorted(states)) or 'none'}"
    if (
        (job.state is _S.COMPLETED and states != {_V.COMPLETED})
        or (job.state is _S.PARTIALLY_COMPLETED and states != {_V.COMPLETED, _V.FAILED})
        or (job.state in {_S.FAILED, _S.REJECTED} and _V.COMPLETED in states)
        or (job.state is _S.CANCELLED and _V.PENDING in states)
    ):
        yield said
    for record in job.variants:
        if (record.state is _V.COMPLETED) != (record.result is not None):
            yield f"{record.spec.name} is {record.state} {'without' if record.result is None else 'with'} a result"
        if record.state is _V.FAILED and record.error is None:
            yield f"{record.spec.name} failed without a reason"


def _tries(job: Job, timing: Timing) -> Iterator[str]:
    for record in job.variants:
        if record.tries > timing.variant_tries:
            yield f"{record.spec.name} was tried {record.tries} times"
    if job.run > 1 or len(job.parts) < job.last_part:
        # earlier runs, and the oldest closed parts, are not in the row any more
        return
    splits = sum(part.outcome == "crashed" and len(part.variants) > 1 for part in job.parts)
    closed = sum(record.state is not _V.PENDING for record in job.variants)
    tries = sum(record.tries for record in job.variants)
    if job.last_token > MAX_PARTS + tries + 2 * splits + closed:
        yield f"{job.last_token} orders were given, more than tries, splits and results explain"


def _tombstone(job: Job) -> Iterator[str]:
    if job.state is not _S.DELETED:
        return
    kept = [
        name
        for name, there in (
            ("the picture", job.source != Source() or job.facts is not None),
            ("variants", bool(job.variants or job.parts)),
            ("meta", bool(job.meta)),
        )
        if there
    ]
    if kept:
        yield f"is deleted and still knows {', '.join(kept)}"
    if job.forget_at is None:
        yield "is deleted and will never be forgotten"


def _kinds(job: Job, due: Instant | None = None) -> str:
    return ", ".join(dict.fromkeys(debt.kind.value for debt in job.debts if due is None or debt.due_at == due))
