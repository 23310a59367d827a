"""API keys: how they look, what they may be used for, and what is kept of them. Pure.

    dk_7f3k9q2m4xw8_0aB3...            the whole key: shown once, when it is made, and kept by nobody but its holder
       └─ prefix     └─ secret         what it is looked up by, no secret; 256 random bits in base 62

Kept is HMAC-SHA-256(pepper, whole key). The pepper is not in the table, so whoever reads the table can neither use a
key nor try one out. A key belongs to one tenant, and a request has no other way to say whose it is.
"""

import hashlib
import hmac
import re
import string
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from contracts.identifiers import Tenant
from contracts.job import Instant
from contracts.limits import DAY_SECONDS
from contracts.quotas import KeyLimits, Quotas

PEPPER_BYTES: Final = 32

CACHE_SECONDS: Final = 30
"""How long a host goes by what it last read of a key: so long may a revoked key still be taken."""

KEPT_DAYS: Final = 90
"""From the end of a key's life until its row goes: so long it is listed, and can be told from a key that never was."""

SCHEMA: Final = 1

_PREFIX_CHARS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_SECRET_CHARS: Final = string.digits + string.ascii_letters
_PREFIX_LENGTH: Final = 12
_SECRET_LENGTH: Final = 43
"""Of 62 characters each: the first length that 256 bits fit into."""

PREFIX_PATTERN: Final = f"^[a-z2-7]{{{_PREFIX_LENGTH}}}(?!\\n)$"
Prefix = Annotated[str, Meta(pattern=PREFIX_PATTERN)]

_KEY: Final = re.compile(f"dk_([a-z2-7]{{{_PREFIX_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}}", re.ASCII)

Randomness: TypeAlias = Callable[[int], bytes]
"""So many random bytes that nobody can guess."""


class Scope(StrEnum):
    """What a key is for. `admin` stands beside the others and contains none of them."""

    UPLOADS_WRITE = "uploads:write"
    """Send pictures."""
    JOBS_READ = "jobs:read"
    """Read jobs, and fetch what was made."""
    JOBS_WRITE = "jobs:write"
    """Cancel, retry and delete jobs."""
    PRESETS_WRITE = "presets:write"
    """Make and replace presets."""
    META_PRIVATE = "meta:private"
    """See what is private in a picture's metadata, such as where it was taken."""
    ADMIN = "admin"
    """Look after the tenant itself: its webhook endpoints, its usage."""


BURST_SECONDS: Final = 4
"""Of requests that a limited key may send at once, after a pause that is long enough."""


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a key may ask for, whatever else its tenant may. None: no limit of its own."""

    requests_per_second: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    """Of each host."""
    jobs_per_day: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    """Asked for, from midnight to midnight UTC."""


NO_LIMITS: Final = Limits()


class KeyRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a key. Its holder's name for it is for people."""

    schema: Annotated[int, Meta(ge=1)]
    """Always written: it must never be guessed from the reader's own default."""
    prefix: Prefix
    tenant: Tenant
    scopes: tuple[str, ...]
    """Names as they were written: one that a reader does not know gives nothing."""
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}(?!\\n)$")]
    created_at: Instant
    expires_at: Instant | None = None
    revoked_at: Instant | None = None
    """From then on it is refused; may lie ahead, when another key takes its place."""
    limits: Limits = NO_LIMITS

    @property
    def ends_at(self) -> Instant | None:
        """The moment from which it is refused; None: it has no end."""
        ends = [moment for moment in (self.expires_at, self.revoked_at) if moment is not None]
        return min(ends, default=None)

    @property
    def key_limits(self) -> KeyLimits | None:
        """Its limits as they are counted; None if it has none."""
        if self.limits == NO_LIMITS:
            return None
        rate = self.limits.requests_per_second
        quotas = Quotas(
            requests_per_second=rate,
            burst_requests=BURST_SECONDS * (rate or 1),
            jobs_per_day=self.limits.jobs_per_day,
        )
        # no tenant's name has a colon
        return KeyLimits(account=f"key:{self.prefix}", quotas=quotas)

    def is_live(self, now: Instant) -> bool:
        return self.ends_at is None or now < self.ends_at


def prefix_of(key: str) -> Prefix | None:
    """What the key is looked up by; None if it is no key at all."""
    match = _KEY.fullmatch(key)
    return None if match is None else match[1]


def digest_of(pepper: bytes, key: str) -> str:
    """What is kept of a key, in hex."""
    return hmac.new(pepper, key.encode(), hashlib.sha256).hexdigest()


def is_key_of(record: KeyRecord | None, pepper: bytes, key: str, now: Instant) -> bool:
    """Whether this is the key that was recorded, and still live. Takes as long when there is no record."""
    same = hmac.compare_digest(digest_of(pepper, key), _NOBODYS if record is None else record.digest)
    return same and record is not None and record.is_live(now)


_NOBODYS: Final = "0" * 64


def new_key(
    pepper: bytes,
    tenant: Tenant,
    scopes: Iterable[Scope],
    *,
    now: Instant,
    life_seconds: int | None,
    randomness: Randomness,
    limits: Limits = NO_LIMITS,
) -> tuple[str, KeyRecord]:
    """A key, and what is to be kept of it. Without `life_seconds` it does not expire."""
    prefix = "".join(_PREFIX_CHARS[byte % 32] for byte in randomness(_PREFIX_LENGTH))
    number, secret = int.from_bytes(randomness(32)), ""
    for _ in range(_SECRET_LENGTH):
        number, digit = divmod(number, 62)
        secret += _SECRET_CHARS[digit]
    key = f"dk_{prefix}_{secret}"
    record = KeyRecord(
        schema=SCHEMA,
        prefix=prefix,
        tenant=tenant,
        scopes=tuple(sorted(set(scopes))),
        digest=digest_of(pepper, key),
        created_at=now,
        expires_at=None if life_seconds is None else now + life_seconds * 1000,
        limits=limits,
    )
    return key, record


def revoked(record: KeyRecord, at: Instant) -> KeyRecord:
    """The record of a key that is refused from `at` on, or from earlier if that was said already."""
    earlier = record.revoked_at is not None and record.revoked_at <= at
    return record if earlier else msgspec.structs.replace(record, revoked_at=at)


def forget_at(record: KeyRecord) -> Instant | None:
    """When its row may go; None: never."""
    return None if record.ends_at is None else record.ends_at + KEPT_DAYS * DAY_SECONDS * 1000


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(KeyRecord)


def encode_key(record: KeyRecord) -> bytes:
    return _ENCODER.encode(record)


def decode_key(document: bytes) -> KeyRecord:
    """Inverse of `encode_key`; raises msgspec.ValidationError for what no version of ours wrote, or a later one did."""
    record = _DECODER.decode(document)
    if record.schema > SCHEMA:
        raise msgspec.ValidationError(f"schema {record.schema} of a key is not known here")
    return record
