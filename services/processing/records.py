"""The whole job as JSON for operators: every field that the document has, defaults too, times as RFC 3339."""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec import Struct

from contracts.job import Instant, Job
from contracts.ports import Depth

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES: Final = ("_at", "_until")
"""Ends of the names of fields that hold an Instant."""


def record_of(job: Job) -> dict[str, Any]:
    """Parts, tokens, tries, crashes, debts, timings, ids of the function's requests: all there is."""
    record = _shown(job)
    record["due_at"] = None if job.due_at is None else rfc3339(job.due_at)
    return record


def depth_of(depth: Depth) -> dict[str, int]:
    return msgspec.structs.asdict(depth) | {"total": depth.total}


def rfc3339(moment: Instant) -> str:
    """UTC, with the milliseconds that there always are."""
    text = (_EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def _shown(value: Any) -> Any:
    if isinstance(value, Struct):
        return {
            field: rfc3339(member) if field.endswith(_TIMES) and isinstance(member, int) else _shown(member)
            for field, member in msgspec.structs.asdict(value).items()
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_shown(member) for member in value]
    return value
