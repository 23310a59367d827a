"""Names of things: job ids and final event ids. Who makes them: upload service (jobs), lifecycle (events)."""

import hashlib
import re
import uuid
from typing import Annotated, Final

from msgspec import Meta

from contracts.errors import NotFound

# `$` alone would let a trailing newline through, wherever a Struct searches with the pattern
JOB_ID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?!\\n)$"
MAX_TENANT_CHARS: Final = 40
TENANT_PATTERN: Final = f"^[a-z0-9][a-z0-9-]{{0,{MAX_TENANT_CHARS - 1}}}(?!\\n)$"
VARIANT_NAME_PATTERN: Final = "^[a-z0-9_-]{1,40}(?!\\n)$"

JobId = Annotated[str, Meta(pattern=JOB_ID_PATTERN)]
"""Canonical lower-case text of a UUID of version 7 (random) or 8 (derived from an Idempotency-Key)."""
Tenant = Annotated[str, Meta(pattern=TENANT_PATTERN)]
VariantName = Annotated[str, Meta(pattern=VARIANT_NAME_PATTERN)]

OPEN_TENANT: Final = "default"
"""The tenant of every request where `auth` is open (a loopback deployment)."""

_JOB_ID: Final = re.compile(JOB_ID_PATTERN)
_KEY_DOMAIN: Final = b"darkroom job id\0"


def new_job_id(now_ms: int, randomness: bytes) -> JobId:
    """A UUIDv7 (RFC 9562, section 5.7): sortable by its millisecond.

    `randomness` is 10 bytes; 74 of their bits are used.
    """
    if len(randomness) != 10:
        raise ValueError("a UUIDv7 takes 10 random bytes")
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(randomness)
    return _stamped(value, 7)


def derived_job_id(tenant: str, idempotency_key: str) -> JobId:
    """A UUIDv8 (RFC 9562, section 5.8) that the same tenant and key always give.

    The tenant is length-prefixed, so no two pairs share their text.
    """
    text = tenant.encode()
    digest = hashlib.sha256(_KEY_DOMAIN + len(text).to_bytes(2) + text + idempotency_key.encode()).digest()
    return _stamped(int.from_bytes(digest[:16]), 8)


def parse_job_id(text: str) -> JobId:
    """The id, if `text` is exactly one as we write them; raises NotFound otherwise (an address of nothing)."""
    if _JOB_ID.fullmatch(text) is None:
        raise NotFound("no job has an id like this one")
    return text


def event_id(job_id: JobId, run: int, state: str) -> str:
    """Stable id of a job's final event of one run, 32 hex digits: receivers use it to drop repeats."""
    return hashlib.sha256(f"darkroom event\0{job_id}\0{run}\0{state}".encode()).hexdigest()[:32]


def command_id(idempotency_key: str) -> str:
    """Id of a command that was sent under this key, 32 hex digits.

    A digest: a job's tombstone still has its last commands, and may have no words of a client's.
    """
    return hashlib.sha256(b"darkroom command\0" + idempotency_key.encode()).hexdigest()[:32]


def _stamped(value: int, version: int) -> JobId:
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return str(uuid.UUID(int=value | version << 76 | 0x2 << 62))
