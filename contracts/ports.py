"""What adapters must offer, as the rooms that use it see it. Implementations: `adapters/` and `tests/support`.

The registry's are in `registry_ports`, the way out to other people's hosts is in `outside_ports`, what the function
works on in `storage_ports`.

Every method may raise Unavailable (ask again later); further errors are listed. All are safe to call from several
threads at once.
"""

from collections.abc import Collection, Sequence
from typing import BinaryIO, Protocol, TypeAlias

from msgspec import Struct

from contracts.deliveries import Delivery
from contracts.identifiers import JobId, Tenant
from contracts.job import Instant, Job, JobState
from contracts.messages import Outgoing, Queue
from contracts.webhooks import WebhookId

DeliveryKey: TypeAlias = tuple[str, WebhookId]
"""Event and endpoint."""


class Pinned(Struct, frozen=True, kw_only=True):
    """One version of an object."""

    version_id: str
    etag: str


class Head(Struct, frozen=True, kw_only=True):
    """What S3 says of an object's current version; `sha256` in hex, if it was stored with one."""

    version_id: str
    etag: str
    bytes: int
    sha256: str | None
    media_type: str = ""
    hops: int = 0


class Link(Struct, frozen=True, kw_only=True):
    """A presigned address and the moment it dies (never later than the credentials that signed it)."""

    url: str
    expires_at: Instant


class Post(Struct, frozen=True, kw_only=True):
    """A form that whoever has it may post, once its file is added as the last field, and the moment it dies."""

    url: str
    fields: dict[str, str]
    expires_at: Instant


class Received(Struct, frozen=True, kw_only=True):
    """One receive of a message; `receives` counts this one too, `reason` is what a dead letter was parked with."""

    queue: Queue
    body: str
    receipt: str
    receives: int
    reason: str | None = None
    sent_at: Instant = 0
    """When it was sent; a dead letter that went there by itself has kept the time of its first send."""


class Depth(Struct, frozen=True, kw_only=True):
    """Approximate counts of a queue: waiting, received but not deleted, and delayed."""

    visible: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        return self.visible + self.in_flight + self.delayed


class OriginalStore(Protocol):
    """The bucket of originals."""

    def put_original(
        self, key: str, body: BinaryIO, *, length: int, sha256: str, media_type: str, hops: int = 0
    ) -> Pinned:
        """Store once; the body is read from its start and its SHA-256 (hex) checked by S3. `hops` is its marker.

        Raises AlreadyStored if the key exists.
        """
        ...

    def head_original(self, key: str) -> Head | None:
        """The current version, or None."""
        ...


class RangeReader(Protocol):
    """Objects that are looked at in part."""

    def read_range(self, key: str, version_id: str, start: int, size: int) -> bytes:
        """These bytes of the key's current version, fewer at its end.

        Raises SourceMissing if the current version is another, or there is none.
        """
        ...


class OriginalRanges(OriginalStore, RangeReader, Protocol):
    """The bucket of originals to whoever has to see what was posted straight to it."""


class PostSigner(Protocol):
    """Signs forms for originals."""

    def post(
        self, key: str, *, media_type: str, least_bytes: int, most_bytes: int, sha256: str | None, until: Instant
    ) -> Post:
        """A form for this very key and type, a size within the bounds and, if given, these very bytes (hex).

        It dies at `until`, or earlier with the credentials that sign it. No call to AWS but their renewal.
        """
        ...


class LinkSigner(Protocol):
    """Signs links to results."""

    def link(self, key: str, *, seconds: int, filename: str, saved: bool = False) -> Link:
        """GET link. No call to AWS but the renewal of credentials.

        `filename` is offered to who saves it; with `saved` a browser does so instead of showing the picture.
        """
        ...


class Eraser(Protocol):
    """Deletes a job's bytes, with rights over that job's prefixes alone."""

    def erase(self, tenant: Tenant, job_id: JobId) -> int:
        """Delete every version and marker of the job's originals and results; how many there were."""
        ...


class Queues(Protocol):
    """The queues."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Send all, in batches of ten. Raises Unavailable if any could not be sent."""
        ...

    def receive(self, queue: Queue, *, most: int, wait_seconds: int, dead_letters: bool = False) -> list[Received]:
        """Up to `most` (1 to 10) messages, waiting 0 to 20 s for the first."""
        ...

    def delete(self, messages: Sequence[Received], *, dead_letters: bool = False) -> None:
        """Acknowledge. A stale receipt is no error: the message will come again and change nothing."""
        ...

    def park(self, message: Received, reason: str) -> None:
        """Send to the queue's dead letters with the reason, as attribute `reason`; the caller deletes it afterwards."""
        ...

    def release(self, messages: Sequence[Received], *, dead_letters: bool = False) -> None:
        """Let them be received again at once. A stale receipt is no error."""
        ...

    def redrive(self, letters: Sequence[Received]) -> None:
        """Send dead letters to their queues again, as they stand; the caller deletes them afterwards.

        Raises Unavailable if any could not be sent: then none may be deleted.
        """
        ...

    def depth(self, queue: Queue, *, dead_letters: bool = False) -> Depth:
        """Approximate counts."""
        ...


class Ledger(Protocol):
    """The table of jobs: the only truth."""

    def create(self, job: Job) -> Job | None:
        """Write a job that does not exist yet: None. If one does, nothing is written and that one is answered."""
        ...

    def read(self, job_ids: Sequence[JobId]) -> dict[JobId, Job]:
        """Consistent; ids without a job are absent from the answer."""
        ...

    def replace(self, job: Job, expected_revision: int, also: Sequence[Delivery] = ()) -> None:
        """Write the job whole; raises RevisionMoved if the row's revision is another, or there is no row.

        The same write corrects the tally of its charge, if it is the one that does (`Charge.correction`).

        `also` are deliveries that are born with this write, or not at all; RevisionMoved too if one is there already.
        """
        ...

    def due(self, shard: int, until: Instant, *, most: int = 100) -> list[JobId]:
        """Ids of jobs of the shard with `due_at` <= until, earliest first; eventually consistent."""
        ...


class Deliveries(Protocol):
    """Deliveries of final events, in the same table."""

    def read(self, keys: Sequence[DeliveryKey]) -> dict[DeliveryKey, Delivery]:
        """Consistent; keys without a delivery are absent from the answer."""
        ...

    def replace(self, delivery: Delivery, expected_revision: int) -> None:
        """Write it whole; raises RevisionMoved if the row's revision is another, or there is no row."""
        ...

    def due(self, shard: int, until: Instant, *, most: int = 100) -> list[DeliveryKey]:
        """Keys of deliveries of the shard (0 to `DELIVERY_SHARDS` - 1) with `due_at` <= until, earliest first."""
        ...

    def latest(self, webhook: WebhookId, *, most: int) -> list[DeliveryKey]:
        """Keys of the latest deliveries to an endpoint, newest first; eventually consistent."""
        ...


class Entry(Struct, frozen=True, order=True):
    """A place in a tenant's list: when a job was made, and which one it is."""

    created_at: Instant
    job_id: JobId


class Glance(Struct, frozen=True, kw_only=True):
    """Entries that were found, and where to look on; `go_on` None if there is nothing more to look at."""

    entries: tuple[Entry, ...]
    go_on: Entry | None = None


class Catalogue(Protocol):
    """Lists of a tenant's jobs, newest first; eventually consistent."""

    def made(
        self,
        tenant: Tenant,
        since: Instant,
        until: Instant,
        *,
        states: Collection[JobState],
        preset: str | None = None,
        after: Entry | None = None,
        most: int = 100,
    ) -> Glance:
        """Jobs made from `since` to before `until`, both of one day (UTC), that were in one of these states.

        `after` is where the last look ended. `most` rows are looked at, so fewer may be found, or none.
        """
        ...


class Clock(Protocol):
    """The time of day. Decides when to look again, never who wins."""

    def now(self) -> Instant:
        """Milliseconds since the epoch."""
        ...
