"""The public document of a job: what GET /status answers. Which fields exist, and who may see them, is decided here.

Nothing of tokens, parts, keys, versions or debts is in it; that is the processing service's own document.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from contracts.digests import digest_field
from contracts.framing import Point
from contracts.job import Instant, Job, JobState, Source, VariantRecord, VariantState
from contracts.messages import Facts
from contracts.outputs import Quantizer
from contracts.ports import Link
from services import edge
from services.upload import findings
from services.upload.plan import PlannedPart, planned_parts
from services.upload.qualities import QualityDocument, quality_document

_DONE: Final = frozenset({VariantState.COMPLETED, VariantState.FAILED, VariantState.CANCELLED})
_RETRYABLE: Final = frozenset({JobState.FAILED, JobState.PARTIALLY_COMPLETED})


class Progress(Struct, frozen=True, kw_only=True):
    """Variants that have come to an end, of all."""

    done: int
    total: int


class SourceDocument(Struct, frozen=True, kw_only=True):
    """The original. Sizes in pixels as its header says, before `orientation_applied` (an EXIF value, 1 to 8)."""

    filename: str | None
    media_type: str | None
    bytes: int | None
    width: int | None
    height: int | None
    frames: int
    sha256: str | None
    """Hex."""
    orientation_applied: int | None


class VariantDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One variant; `focal` is there from the beginning, `error` once it failed, the rest once it is completed."""

    name: str
    state: str
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    digest: str | None = None
    """RFC 9530 form: `sha-256=:<base64>:`."""
    url: str | None = None
    url_expires_at: str | None = None
    stable_url: str | None = None
    """Its address for pages: leads to a fresh link as long as the job lives."""
    elapsed_ms: float | None = None
    """Milliseconds of resizing and encoding."""
    warnings: tuple[str, ...] | None = None
    engine: str | None = None
    """Version of the picture engine that made it."""
    frames: int | None = None
    """Of an animation."""
    kept_source: bool = False
    """The bytes are the original's own, without what it told about itself: encoding again only made it larger."""
    quality: QualityDocument | None = None
    """Of a quality that was to be found out."""
    palette: Quantizer | None = None
    """Who has chosen the colours of a palette."""
    focal: Point | None = None
    """What is cut stays around it: as it was asked for, of the oriented picture, 0 to 1."""
    error: dict[str, Any] | None = None
    """A problem document."""


class LeaksDocument(Struct, frozen=True, kw_only=True):
    """What the upload carried beside its pixels, and what its results carry, by parsing them again.

    `outputs` is `clean`, or `kept` if a variant asked for that: then `kept` says what each of them carries; `unknown`
    without a result that was parsed.
    """

    found: tuple[dict[str, Any], ...]
    outputs: str
    kept: dict[str, tuple[str, ...]]


class StatusDocument(Struct, frozen=True, kw_only=True):
    """A job as its owner sees it. Times are RFC 3339 in UTC."""

    id: str
    run: int
    revision: int
    state: str
    created_at: str
    finished_at: str | None
    expires_at: str
    preset: str | None
    meta: dict[str, str]
    progress: Progress
    source: SourceDocument
    variants: tuple[VariantDocument, ...]
    plan: tuple[PlannedPart, ...]
    """How the work of this run was, or is to be, done: by parts, which are made beside each other."""
    timings_ms: dict[str, float]
    analysis: dict[str, Any]
    """What the original is and what its pixels show, as far as was asked for."""
    metadata: dict[str, Any]
    """What the original told about itself, typed: EXIF, with `iptc` and `xmp` in it, and `private` (where, whose, which
    camera) for a key with the scope `meta:private`. Where it is long, `links.analysis` leads to it."""
    leaks: LeaksDocument | None
    error: dict[str, Any] | None
    links: dict[str, str | None]


class JobSummary(Struct, frozen=True, kw_only=True):
    """A job in a list: what does not need a link or a look at its variants one by one."""

    id: str
    run: int
    revision: int
    state: str
    created_at: str
    finished_at: str | None
    expires_at: str
    preset: str | None
    meta: dict[str, str]
    filename: str | None
    progress: Progress
    errors: tuple[str, ...]
    """Codes of what went wrong, on the job or any of its variants."""
    status_url: str


def rfc3339(instant: Instant) -> str:
    """An instant as text, UTC, with its milliseconds."""
    moment = datetime.fromtimestamp(instant // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{instant % 1000:03d}Z"


def status_document(
    job: Job, links: Mapping[str, Link], *, base: str, more: Link | None = None, private: bool = False
) -> StatusDocument:
    """The public part of a job; `links` by variant, `base` as `edge.base_url` says.

    `more` is the link to a long analysis, `private` whether the reader may see what is private in the metadata.
    """
    return StatusDocument(
        id=job.id,
        run=job.run,
        revision=job.revision,
        state=job.state,
        created_at=rfc3339(job.created_at),
        finished_at=None if job.finished_at is None else rfc3339(job.finished_at),
        expires_at=rfc3339(job.expires_at),
        preset=job.preset,
        meta=job.meta,
        progress=progress_of(job),
        source=_source(job.source, job.facts),
        variants=tuple(_variant(job, record, links.get(record.spec.name), base) for record in job.variants),
        plan=planned_parts(job),
        timings_ms=timings(job),
        analysis=findings.analysis(job.facts),
        metadata=findings.metadata(job.facts, private=private),
        leaks=_leaks(job),
        error=None if job.error is None else edge.fault_problem(job.error, base=base),
        links={
            "self": f"/status/{job.id}",
            "cancel": None if job.is_final else f"/jobs/{job.id}/cancel",
            "retry": f"/jobs/{job.id}/retry" if job.state in _RETRYABLE else None,
            "delete": f"/jobs/{job.id}",
            **({"analysis": more.url} if more else {}),
        },
    )


def job_summary(job: Job) -> JobSummary:
    """The line of a job in a list."""
    return JobSummary(
        id=job.id,
        run=job.run,
        revision=job.revision,
        state=job.state,
        created_at=rfc3339(job.created_at),
        finished_at=None if job.finished_at is None else rfc3339(job.finished_at),
        expires_at=rfc3339(job.expires_at),
        preset=job.preset,
        meta=job.meta,
        filename=job.source.filename,
        progress=progress_of(job),
        errors=tuple(sorted(error_codes(job))),
        status_url=f"/status/{job.id}",
    )


def error_codes(job: Job) -> frozenset[str]:
    """Of the job itself and of its failed variants."""
    codes = [record.error.code for record in job.variants if record.state is VariantState.FAILED and record.error]
    return frozenset(codes if job.error is None else [*codes, job.error.code])


def progress_of(job: Job) -> Progress:
    return Progress(done=sum(record.state in _DONE for record in job.variants), total=len(job.variants))


def timings(job: Job) -> dict[str, float]:
    """Where the time of the current run went, in ms: waiting for a plan, and the function's work on the slowest part.

    `total` is from the upload's end to the job's.
    """
    spent: dict[str, float] = {}
    if job.queued_at is not None and job.started_at is not None:
        spent["queued"] = job.started_at - job.queued_at
    measured = [part.timings for part in job.parts if part.run == job.run and part.timings is not None]
    for name in ("fetch", "decode", "transform", "store"):
        values = [getattr(timing, f"{name}_ms") for timing in measured]
        if values:
            spent[name] = round(max(values), 1)
    if job.queued_at is not None and job.finished_at is not None and job.state not in _OVER_WITHOUT_WORK:
        spent["total"] = job.finished_at - job.queued_at
    return spent


_OVER_WITHOUT_WORK: Final = frozenset({JobState.CANCELLED, JobState.ABANDONED})


def _source(source: Source, facts: Facts | None) -> SourceDocument:
    return SourceDocument(
        filename=source.filename,
        media_type=source.format.media_type if source.format else None,
        bytes=source.bytes,
        width=source.width,
        height=source.height,
        frames=source.frames,
        sha256=source.sha256 or (facts.sha256 if facts else None),
        orientation_applied=facts.orientation if facts else None,
    )


def _variant(job: Job, record: VariantRecord, link: Link | None, base: str) -> VariantDocument:
    result = record.result
    if result is None:
        error = None if record.error is None else edge.fault_problem(record.error, base=base)
        return VariantDocument(name=record.spec.name, state=record.state, focal=record.spec.focal, error=error)
    return VariantDocument(
        name=record.spec.name,
        state=record.state,
        media_type=result.format.media_type,
        width=result.width,
        height=result.height,
        bytes=result.bytes,
        digest=digest_field(result.digest),
        url=link.url if link else None,
        url_expires_at=rfc3339(link.expires_at) if link else None,
        stable_url=f"{base}/i/{job.id}/{record.spec.name}",
        elapsed_ms=round(result.elapsed_ms, 1),
        warnings=result.warnings,
        engine=result.engine or None,
        frames=result.frames if result.frames > 1 else None,
        kept_source=result.kept_source,
        palette=result.palette,
        focal=record.spec.focal,
        quality=None if result.choice is None else quality_document(result.choice),
    )


def _leaks(job: Job) -> LeaksDocument | None:
    if job.facts is None or job.facts.carried is None:
        return None
    carried = findings.carried(job)
    kept = {name: kinds for name, kinds in carried.items() if kinds}
    return LeaksDocument(
        found=findings.found(job.facts),
        outputs="kept" if kept else "clean" if carried else "unknown",
        kept=kept,
    )
