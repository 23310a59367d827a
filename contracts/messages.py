"""What travels on queues: frozen, tagged, versioned; tolerant of fields from a newer writer.

A message carries ids and tokens, never bytes and never truth: its reader looks at the job. One exception: `Transform`
is a work order, fixed for its token, because the function reads no table. Bytes written by an earlier version decode
for ever (tests/contracts/golden). A new field has a default; a changed meaning is a new `v`.
"""

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from contracts.analysis import Find, Seen
from contracts.errors import BadMessage
from contracts.formats import ImageFormat
from contracts.identifiers import MAX_TENANT_CHARS, JobId, Tenant, VariantName
from contracts.limits import MAX_FRAMES, MAX_MESSAGE_BYTES, MAX_VARIANTS
from contracts.outputs import OutputFormat, Quantizer
from contracts.plans import PartPlan
from contracts.quality import Choice
from contracts.variants import Variant

VERSION: Final = 1
_MAX_REASON_CHARS: Final = 200


class Queue(StrEnum):
    """The queues of the pipeline; each has dead letters of its own and one reader."""

    INGEST = "ingest"
    """S3's own notices of what was posted straight to it (`contracts.notices`). Read by the processing service."""

    JOBS = "jobs"
    """`Process`, in the order that people wait for. Read by the processing service."""
    JOBS_BULK = "jobs-bulk"
    """`Process`, of work that asked to be bulk and of tenants with more than their share in flight. Read by the
    processing service, once for eight reads of `jobs`."""
    TRANSFORMS = "transforms"
    """`Transform`. Read by the transform function."""
    COMPLETIONS = "completions"
    """`Finished`. Read by the processing service."""
    NOTIFICATIONS = "notifications"
    """`Notify`. Read by the processing service."""


class _Message(Struct, frozen=True, kw_only=True, tag_field="type"):
    # defaults are written out: `v` must never be guessed from the reader's own default
    v: Annotated[int, Meta(ge=1)] = VERSION
    job_id: JobId
    request_id: str = ""
    """Of the request that made the job; for logs only."""


class Process(_Message, frozen=True, kw_only=True, tag="process"):
    """A job waits to be planned. From: upload service, sweeper. To: processing service (`jobs`, `jobs-bulk`)."""

    run: int
    tenant: Annotated[str, Meta(max_length=MAX_TENANT_CHARS)] = ""
    """Whose job it is, so that a reader can be fair without reading the job; empty in what an earlier version sent."""


class Transform(_Message, frozen=True, kw_only=True, tag="transform"):
    """Make these variants of that version of an original. From: processing service. To: function (`transforms`).

    `format` is what the header said at the upload: the function opens the bytes as nothing else.
    """

    tenant: Tenant
    part: int
    token: int
    key: str
    version_id: str
    bytes: int
    format: ImageFormat
    variants: Annotated[tuple[Variant, ...], Meta(min_length=1, max_length=MAX_VARIANTS)]
    analyse: tuple[str, ...] | None = None
    """Names of `analysis.Trait`; None stands for the usual ones."""
    assets: dict[str, str] = {}
    """Pictures that variants are marked with: keys of results of the same tenant, by the names overlays call them."""
    hops: int = 0
    """Of the original (`contracts.hops`); its results are marked with one more."""


class Done(Struct, frozen=True, kw_only=True, tag_field="answer", tag="done", omit_defaults=True):
    """A variant that is stored. `key` is its `ResultPlace`; sizes in pixels; `elapsed_ms` is resize and encode."""

    name: VariantName
    key: str
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}(?!\\n)$")]
    bytes: Annotated[int, Meta(ge=1)]
    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]
    format: OutputFormat
    elapsed_ms: Annotated[float, Meta(ge=0)] = 0
    warnings: tuple[str, ...] = ()
    frames: Annotated[int, Meta(ge=1, le=MAX_FRAMES)] = 1
    kept_source: bool = False
    """The bytes are the original's own, without what it told about itself: encoding again only made it larger."""
    choice: Choice | None = None
    """Of a quality that was to be found out."""
    palette: Quantizer | None = None
    """Who has chosen its colours; None: it has no palette, or is by an earlier engine, whose palettes were Pillow's."""
    carries: tuple[str, ...] | None = None
    """What parsing the file again found in it beside its pixels: nothing, or what was asked to be kept. None: it was
    not parsed, by an earlier engine."""


class Failed(Struct, frozen=True, kw_only=True, tag_field="answer", tag="failed", omit_defaults=True):
    """A variant that can never be made; `code` is of `contracts.errors`."""

    name: VariantName
    code: str
    detail: str = ""


class Retryable(Struct, frozen=True, kw_only=True, tag_field="answer", tag="retryable", omit_defaults=True):
    """A variant that may succeed at another try (storage did not answer, say)."""

    name: VariantName
    code: str
    detail: str = ""


class Undone(Struct, frozen=True, kw_only=True, tag_field="answer", tag="undone", omit_defaults=True):
    """A variant that the function's deadline left no time for."""

    name: VariantName


Answer = Done | Failed | Retryable | Undone


class Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decoding the original showed. Pixels are after orientation; `orientation` is the EXIF value, 1 to 8."""

    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]
    frames: Annotated[int, Meta(ge=1)] = 1
    orientation: Annotated[int, Meta(ge=1, le=8)] = 1
    sha256: str | None = None
    has_alpha: bool = False
    icc: str | None = None
    """Description of the embedded colour profile."""
    metadata: dict[str, str | int | float | list[str]] = {}
    """Typed EXIF without anything private; at most 4 KB."""
    iptc: dict[str, str | int | float | list[str]] = {}
    xmp: dict[str, str | int | float | list[str]] = {}
    private: dict[str, str | int | float] = {}
    """Of all three what is shown under a scope of its own: where, whose, which camera."""
    seen: Seen | None = None
    """What the pixels show."""
    carried: tuple[Find, ...] | None = None
    """What the file held beside its pixels; None: an earlier engine did not look."""
    more: str | None = None
    """Key of the `places.AnalysisPlace` with `metadata`, `iptc` and `xmp`, where they are too long for the row."""


class Timings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Milliseconds of the function's work on one part."""

    fetch_ms: float = 0
    decode_ms: float = 0
    transform_ms: float = 0
    """Resizing and encoding, from the first to the last: wall time, not a sum over threads."""
    store_ms: float = 0
    total_ms: float = 0
    cold: bool = False


class Finished(_Message, frozen=True, kw_only=True, tag="finished"):
    """The function's answer for one part. From: function. To: processing service (`completions`).

    `answers` has exactly the part's variants, unless `undecodable` names why none of them can ever be made.
    """

    token: int
    answers: tuple[Answer, ...] = ()
    undecodable: str | None = None
    """Code of `contracts.errors`: the whole original is at fault."""
    detail: str = ""
    facts: Facts | None = None
    timings: Timings = Timings()
    function_request_id: str = ""
    engine: str = ""
    """Version of the picture engine that did the work."""
    plan: PartPlan | None = None
    """How it was done; None: nothing was, or by an earlier engine."""


class Notify(_Message, frozen=True, kw_only=True, tag="notify"):
    """An endpoint is owed the final event of a run. From: who ended it. To: processing service (`notifications`)."""

    debt: int
    """Of the job: what is owed names run and state."""


Message = Process | Transform | Finished | Notify


class Outgoing(Struct, frozen=True):
    """A message and the queue it goes to."""

    queue: Queue
    message: Message


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """JSON in UTF-8, the type and every non-default field named."""
    return _ENCODER.encode(message)


def decode(body: bytes | str) -> Message:
    """Inverse of `encode`.

    Raises BadMessage (with a short reason, never the body) for anything that is not a message of a version known here.
    """
    if len(body) > MAX_MESSAGE_BYTES:
        raise BadMessage(f"longer than {MAX_MESSAGE_BYTES} bytes")
    try:
        message = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        # the reason may quote a value, and travels on with the dead letter
        raise BadMessage(str(error)[:_MAX_REASON_CHARS]) from error
    if message.v > VERSION:
        raise BadMessage(f"version {message.v} of {type(message).__name__} is not known here")
    return message
