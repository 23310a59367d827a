"""Events: what was seen or wanted, never what follows from a copy of the job.

`lifecycle.step` takes them. The function's answer, `messages.Finished`, is an event as it stands. Everything else is
computed inside `step`, on the job as it is at the write.
"""

from msgspec import Struct

from contracts.charges import Charge
from contracts.identifiers import JobId, Tenant
from contracts.job import Instant, Lane, Source
from contracts.messages import Finished
from contracts.variants import Variant


class Reserved(Struct, frozen=True, kw_only=True):
    """A client may upload. The only event that a job which does not exist takes. From: upload service."""

    id: JobId
    tenant: Tenant
    key: str
    upload_until: Instant
    fingerprint: str
    variants: tuple[Variant, ...]
    life_seconds: int
    direct: bool = False
    content_sha256: str | None = None
    source: Source = Source()
    lane: Lane = Lane.NORMAL
    preset: str | None = None
    meta: dict[str, str] = {}
    analyse: tuple[str, ...] | None = None
    assets: dict[str, str] = {}
    webhook: str | None = None
    public: bool = False
    request_id: str = ""
    charge: Charge | None = None
    """What was taken for it, if that is to be corrected by what arrives."""


class Stored(Struct, frozen=True, kw_only=True):
    """This version of the original is in the bucket, with these properties. From: upload service, sweeper."""

    version_id: str
    etag: str
    source: Source


class Refused(Struct, frozen=True, kw_only=True):
    """The bytes of a direct upload are not a picture we read; `code` says why. From: upload service, sweeper."""

    version_id: str
    code: str
    detail: str = ""


class Planned(Struct, frozen=True, kw_only=True):
    """Somebody wants the job planned. Carries no list: what is pending *now* is cut. From: jobs reader."""


class Crashed(Struct, frozen=True, kw_only=True):
    """The order with this token was received as often as allowed and never answered. From: dead letters' reader."""

    token: int


class LapsedDebt(Struct, frozen=True, kw_only=True):
    """A debt was looked at. From: sweeper.

    `queue_empty` is False while its queue holds messages: then waiting is the reason, the gap the longest at once.
    `purged` says that the queues were seen empty twice: then a debt that was sent a while ago is sent before it is due.
    """

    debt: int
    queue_empty: bool = True
    purged: bool = False


class LapsedAlarm(Struct, frozen=True, kw_only=True):
    """Time is up and no object is there. From: sweeper, which gives Stored or Refused where one is."""


class Notified(Struct, frozen=True, kw_only=True):
    """The delivery record of this debt exists. From: notifications reader."""

    debt: int


class Cancelled(Struct, frozen=True, kw_only=True):
    """From: API."""

    command: str


class Retried(Struct, frozen=True, kw_only=True):
    """Make the failed variants again; `revision` is the one that the caller saw. From: API."""

    command: str
    revision: int


class Deleted(Struct, frozen=True, kw_only=True):
    """From: API."""

    command: str


class Expired(Struct, frozen=True, kw_only=True):
    """The job's life may be over; `step` looks at the time itself. From: sweeper."""


class Erased(Struct, frozen=True, kw_only=True):
    """Everything that was listed after this debt was read is gone. From: sweeper."""

    debt: int


Event = (
    Reserved
    | Stored
    | Refused
    | Planned
    | Finished
    | Crashed
    | LapsedDebt
    | LapsedAlarm
    | Notified
    | Cancelled
    | Retried
    | Deleted
    | Expired
    | Erased
)
