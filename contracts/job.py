"""The job document: everything that is true of a job, one DynamoDB item, replaced whole under its revision.

Of times `None` means not yet, or never. Only `lifecycle.step` makes a changed one. The services show it, or a part.
"""

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from contracts.charges import Charge
from contracts.identifiers import JobId, Tenant, VariantName
from contracts.limits import MAX_COMMANDS, MAX_VARIANTS
from contracts.messages import Facts, Timings
from contracts.outputs import OutputFormat, Quantizer
from contracts.plans import PartPlan
from contracts.quality import Choice
from contracts.source import Source
from contracts.variants import Variant

SCHEMA: Final = 1
"""Version of the document. A reader accepts this one and the one before."""

Instant = int
"""Milliseconds since 1970-01-01 UTC."""


class JobState(StrEnum):
    """Where a job is. The transition table is in `lifecycle`."""

    AWAITING_UPLOAD = "awaiting_upload"
    """The row owns a key; the original may not be there yet."""
    QUEUED = "queued"
    """The original is pinned; the job waits to be planned."""
    PROCESSING = "processing"
    """Parts are dispatched, or wait to be dispatched again."""
    COMPLETED = "completed"
    PARTIALLY_COMPLETED = "partially_completed"
    """At least one variant is completed and at least one failed."""
    FAILED = "failed"
    """No variant could be made; a retry may help."""
    REJECTED = "rejected"
    """The original itself is at fault; its bytes are erased."""
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    """Nobody uploaded in time."""
    DELETING = "deleting"
    DELETED = "deleted"
    """A tombstone: no personal data, answers 410 until it is forgotten."""


FINAL: Final = frozenset(
    {
        *(JobState.COMPLETED, JobState.PARTIALLY_COMPLETED, JobState.FAILED, JobState.REJECTED),
        *(JobState.CANCELLED, JobState.ABANDONED, JobState.DELETING, JobState.DELETED),
    }
)
"""States that nothing but a command or the passing of its life changes."""


class VariantState(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Lane(StrEnum):
    """Which of the two job queues a job waits in."""

    NORMAL = "normal"
    BULK = "bulk"


class Original(Struct, frozen=True, kw_only=True):
    """The pinned version of the original: the only bytes that are ever read for this job."""

    key: str
    version_id: str
    etag: str


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One stored variant; `key` is a `places.ResultPlace`, `digest` the SHA-256 of its bytes in hex."""

    key: str
    digest: str
    bytes: int
    width: int
    height: int
    format: OutputFormat
    elapsed_ms: float = 0
    warnings: tuple[str, ...] = ()
    engine: str = ""
    frames: int = 1
    kept_source: bool = False
    choice: Choice | None = None
    palette: Quantizer | None = None
    carries: tuple[str, ...] | None = None
    """What the file carries beside its pixels, by a parser that took no part in writing it; None: not parsed."""


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something was not made; `code` is of `contracts.errors`."""

    code: str
    detail: str = ""
    retryable: bool = False


class VariantRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One variant of a job. `tries` and `crashes` count within the current run."""

    spec: Variant
    state: VariantState = VariantState.PENDING
    tries: int = 0
    crashes: int = 0
    result: Result | None = None
    error: Fault | None = None


class Part(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Variants that were dispatched together, under one token.

    `number` counts the parts of a job from 1; `token` counts its dispatches that were meant to be new. An answer counts
    only while the part with its token is open.
    """

    number: int
    token: int
    run: int
    variants: tuple[VariantName, ...]
    opened_at: Instant
    closed_at: Instant | None = None
    outcome: str | None = None
    """How it was closed: finished, undecodable, crashed, cancelled, dropped."""
    timings: Timings | None = None
    plan: PartPlan | None = None
    """As the function carried it out."""
    function_request_id: str = ""

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class DebtKind(StrEnum):
    """What a job can owe."""

    PROCESS = "process"
    """A `Process` message, settled by Planned."""
    TRANSFORM = "transform"
    """A `Transform` message, settled by the answer that closes its part."""
    NOTIFY = "notify"
    """The final event of a run to a webhook endpoint, settled by Notified."""
    ERASE = "erase"
    """The deletion of the job's bytes, settled by Erased."""


class Debt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a transition promised. Settled only by the transition that answers it, naming its id."""

    id: int
    kind: DebtKind
    due_at: Instant
    """When to look again: send again, or, while backing off, send for the first time."""
    sent_at: Instant | None = None
    """When it was last sent; None while it is backing off."""
    lapses: int = 0
    token: int | None = None
    """Of a transform: its part's."""
    run: int | None = None
    """Of a notify: the run that ended, with `state`."""
    state: JobState | None = None
    round: int | None = None
    """Of an erase while deleting: 1, then 2."""

    def is_backing_off(self, now: Instant) -> bool:
        """Not sent yet, and not to be sent before it is due."""
        return self.sent_at is None and now < self.due_at


class Command(Struct, frozen=True, kw_only=True):
    """A command the job has already carried out; a repeat of its id gets the same answer."""

    id: str
    kind: str
    revision: int


class Job(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One job. Counters only rise: `revision` by every write, `run` by a retry, and the `last_` ones."""

    schema: Annotated[int, Meta(ge=1)]
    """Always written: it must never be guessed from the reader's own default."""
    id: JobId
    tenant: Tenant
    state: JobState
    run: int = 1
    revision: int = 1
    created_at: Instant
    updated_at: Instant
    queued_at: Instant | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None
    expires_at: Instant
    alarm_at: Instant | None = None
    """When to look again without owing anything; None only in a tombstone."""
    forget_at: Instant | None = None
    """Of a tombstone: when the row itself goes."""

    key: str
    """Where the original goes; its version is pinned in `original` once it is stored."""
    upload_until: Instant
    """End of the right to upload: a POST policy's expiry, or the deadline of an inline put."""
    direct: bool = False
    fingerprint: str
    """SHA-256 of the canonical options, in hex."""
    content_sha256: str | None = None
    """SHA-256 that the bytes must have, in hex; known before the put of an inline upload."""
    request_id: str = ""
    lane: Lane = Lane.NORMAL
    preset: str | None = None
    meta: dict[str, str] = {}
    analyse: tuple[str, ...] | None = None
    """Names of `analysis.Trait`; None stands for the usual ones."""
    assets: dict[str, str] = {}
    """Keys of results that variants are marked with, by the names overlays call them; fixed when it was taken in."""
    webhook: str | None = None
    """Id of the endpoint that is owed the final events; None owes nobody."""
    charge: Charge | None = None
    """Of a direct upload: what was taken of its tenant's day. None: nothing that is to be corrected."""
    public: bool = False
    """Whether its variants are shown at their stable addresses to who brings no key."""

    source: Source = Source()
    original: Original | None = None
    facts: Facts | None = None
    error: Fault | None = None
    """Why the whole job was rejected or failed."""
    variants: Annotated[tuple[VariantRecord, ...], Meta(max_length=MAX_VARIANTS)] = ()
    parts: tuple[Part, ...] = ()
    debts: tuple[Debt, ...] = ()
    commands: Annotated[tuple[Command, ...], Meta(max_length=MAX_COMMANDS)] = ()
    last_token: int = 0
    last_debt: int = 0
    last_part: int = 0

    @property
    def due_at(self) -> Instant | None:
        """The earliest moment at which the sweeper has to look; None only in a tombstone that owes nothing."""
        moments = [debt.due_at for debt in self.debts]
        if self.alarm_at is not None:
            moments.append(self.alarm_at)
        return min(moments, default=None)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    def open_part(self, token: int) -> Part | None:
        """The open part with this token, if there is one."""
        return next((part for part in self.parts if part.token == token and part.is_open), None)


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Job)


def encode_job(job: Job) -> bytes:
    return _ENCODER.encode(job)


def decode_job(document: bytes) -> Job:
    """Inverse of `encode_job`; raises msgspec.ValidationError for what no version of ours wrote, or a later one did.

    A later version's document is not read at all: written again, it would have lost what this version does not know.
    """
    job = _DECODER.decode(document)
    if job.schema > SCHEMA:
        raise msgspec.ValidationError(f"schema {job.schema} of a job is not known here")
    return job
