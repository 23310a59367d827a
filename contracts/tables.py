"""Names of the tables' keys and indexes: what `components` declares and `adapters` reads and writes.

An item of `jobs` is an envelope around the encoded document:

    pk            S  job#<id>
    document      B  the msgspec-encoded Job
    revision      N  the condition of every replace
    kind          S  job
    tenant        S
    tenant_day    S  <tenant>#<YYYY-MM-DD of created_at, UTC>: hash key of by_tenant
    created_at    N  ms: range key of by_tenant
    state, preset S  projected into by_tenant
    shard         N  of `due`; absent when nothing is due, so that the index stays sparse
    due_at        N  ms: range key of `due`
    ttl           N  seconds (DynamoDB's time to live); only in a tombstone

Beside it lie the deliveries of its final events, each in an envelope of the same attributes:

    pk            S  delivery#<event>#<endpoint>
    document      B  the msgspec-encoded Delivery
    kind          S  delivery
    tenant_day    S  deliveries#<endpoint>: what was sent to one endpoint, by created_at
    shard         N  of `due`, above every job's, so that no backlog of deliveries stands before a job
    ttl           N  thirty days after it was born

Beside them stand small items that are no jobs: `tally#<tenant>#<day>`, what hosts were given of a tenant's day, and
`tally#<tenant>#<day>#<n>`, what writes of its jobs put right of it.
"""

import zlib
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct


class Index(Struct, frozen=True, kw_only=True):
    """A global secondary index; `keys` is (hash, range); `projected` None means keys only."""

    name: str
    hash_key: str
    range_key: str
    projected: tuple[str, ...] | None = None


class Table(Struct, frozen=True, kw_only=True):
    """A table with one hash key; `attributes` gives the DynamoDB type (S, N, B) of every key attribute."""

    name: str
    hash_key: str
    range_key: str | None = None
    attributes: dict[str, str]
    indexes: tuple[Index, ...] = ()
    ttl: str | None = None


DUE: Final = Index(name="due", hash_key="shard", range_key="due_at")
BY_TENANT: Final = Index(name="by_tenant", hash_key="tenant_day", range_key="created_at", projected=("state", "preset"))

JOBS: Final = Table(
    name="jobs",
    hash_key="pk",
    attributes={"pk": "S", "shard": "N", "due_at": "N", "tenant_day": "S", "created_at": "N"},
    indexes=(DUE, BY_TENANT),
    ttl="ttl",
)
"""Jobs and what belongs to one job; and tallies."""

REGISTRY: Final = Table(name="registry", hash_key="pk", range_key="sk", attributes={"pk": "S", "sk": "S"}, ttl="ttl")
"""What outlives jobs: tenants, API keys, presets, webhook endpoints, batches."""

MAX_DUE_SHARDS: Final = 256
"""Of jobs; those of deliveries are numbered from here."""
DELIVERY_SHARDS: Final = 4
"""Each takes about a thousand writes a second, and one query a sweep of every host."""

API_KEYS: Final = "keys"
"""Hash key of the rows that list all API keys."""


def job_key(job_id: str) -> str:
    """Hash key of a job's item."""
    return f"job#{job_id}"


def job_id_of(key: str) -> str:
    """Inverse of `job_key`."""
    return key.removeprefix("job#")


def tenant_day(tenant: str, created_at: int) -> str:
    """Hash key of `by_tenant` for a job of this tenant that was made at this moment (ms)."""
    return f"{tenant}#{datetime.fromtimestamp(created_at // 1000, UTC):%Y-%m-%d}"


TALLY: Final = "tally#"
"""What the hash keys of tallies begin with."""
CORRECTION_ROWS: Final = 8
"""Of each tenant and day: transactions that meet on a row refuse each other."""


def tally_key(tenant: str, day: int) -> str:
    """Hash key of what a tenant had of the day (UTC) that this moment (ms) is of."""
    return f"{TALLY}{tenant_day(tenant, day)}"


def correction_key(tenant: str, day: int, job_id: str) -> str:
    """Hash key of the row that a job's correction of that day goes to."""
    return correction_keys(tenant, day)[shard_of(job_id, CORRECTION_ROWS)]


def correction_keys(tenant: str, day: int) -> list[str]:
    """Hash keys of all rows that corrections of this day are in."""
    return [f"{tally_key(tenant, day)}#{number}" for number in range(CORRECTION_ROWS)]


def api_key_key(prefix: str) -> str:
    """Hash key of an API key's own row."""
    return f"key#{prefix}"


def api_key_listing(tenant: str, prefix: str) -> str:
    """Range key of the row that lists an API key; without a prefix, what those of a tenant begin with."""
    return f"{tenant}#{prefix}"


def presets_key(tenant: str) -> str:
    """Hash key of a tenant's presets; their range keys are their names."""
    return f"presets#{tenant}"


def delivery_key(event: str, webhook: str) -> str:
    """Hash key of a delivery's item."""
    return f"delivery#{event}#{webhook}"


def delivery_of(key: str) -> tuple[str, str]:
    """Inverse of `delivery_key`."""
    _, event, webhook = key.split("#")
    return event, webhook


def deliveries_to(webhook: str) -> str:
    """Hash key of `by_tenant` for the deliveries of one endpoint; no tenant and no day look like it."""
    return f"deliveries#{webhook}"


def webhook_key(tenant: str) -> str:
    """Hash key of a tenant's endpoints; their range key is their id."""
    return f"webhooks#{tenant}"


def delivery_shard(event: str) -> int:
    """The shard of the `due` index that a delivery belongs to."""
    return MAX_DUE_SHARDS + zlib.crc32(event.encode()) % DELIVERY_SHARDS


def shard_of(job_id: str, shards: int) -> int:
    """The shard of the `due` index that a job belongs to, 0 to shards - 1; even over random ids."""
    return zlib.crc32(job_id.encode()) % shards
