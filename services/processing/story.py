"""The log lines of a change of a job: the story as an operator reads it, in about six lines over the whole system.

Told by comparing two documents, so that readers and sweeper tell it alike and each fact is told once: by whoever's
write made it true. Ids, counts and times only; nothing of a client's.
"""

from collections.abc import Iterator
from typing import Any, Final

from contracts.job import Job, JobState, Part, VariantState
from services.edge.problems import STATUS_OF

Line = tuple[str, dict[str, Any]]
"""Event name and fields."""

_ENDS: Final = {
    JobState.COMPLETED: "job.completed",
    JobState.PARTIALLY_COMPLETED: "job.partially_completed",
    JobState.FAILED: "job.failed",
    JobState.REJECTED: "job.rejected",
    JobState.ABANDONED: "job.abandoned",
    JobState.DELETING: "job.expired",
    JobState.DELETED: "job.erased",
}


def told(before: Job, after: Job) -> Iterator[Line]:
    """The lines of one change, in order of what happened."""
    who = {"job_id": after.id, "request_id": after.request_id}
    if before.state is JobState.AWAITING_UPLOAD and after.state is JobState.QUEUED:
        name = "job.queued" if after.direct else "job.recovered"
        yield name, who | {"elapsed_ms": after.updated_at - after.created_at}
    if before.state is JobState.QUEUED and after.started_at is not None and before.started_at is None:
        yield "job.planned", who | _plan(after)
    open_before = {part.token for part in before.parts if part.is_open}
    for part in after.parts:
        if part.token in open_before and not part.is_open:
            yield "part.folded", who | _fold(part)
    if after.state is not before.state and after.state in _ENDS:
        yield _ENDS[after.state], who | _end(after)


def _plan(job: Job) -> dict[str, Any]:
    return {
        "run": job.run,
        "parts": sum(part.is_open for part in job.parts),
        "variants": len(job.variants),
        "elapsed_ms": job.updated_at - (job.queued_at or job.created_at),
    }


def _fold(part: Part) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "part": part.number,
        "token": part.token,
        "outcome": part.outcome,
        "variants": len(part.variants),
        "elapsed_ms": (part.closed_at or part.opened_at) - part.opened_at,
    }
    if part.timings is not None:
        fields["function_ms"] = round(part.timings.total_ms, 1)
    if part.function_request_id:
        fields["function_request_id"] = part.function_request_id
    return fields


def _end(job: Job) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "run": job.run,
        "variants": sum(record.state is VariantState.COMPLETED for record in job.variants),
        "of": len(job.variants),
        "elapsed_ms": job.updated_at - job.created_at,
    }
    if job.error is not None:
        # the function works on what strangers sent: a word that is none of ours is told of, not told
        fields["code"] = job.error.code if job.error.code in STATUS_OF else "unknown"
    return fields
