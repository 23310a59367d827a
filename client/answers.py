"""What Darkroom answers, as types. Unknown members are kept in `as_sent` and never an error: servers may be newer.

Built by `client.conversation`; shown by `client.table`. Problem documents are errors, in `client.errors`.
"""

import base64
import binascii
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from contracts.job import FINAL

_FINAL: Final = frozenset(str(state) for state in FINAL)
_DIGEST_PREFIX: Final = "sha-256=:"

T = TypeVar("T")


class Accepted(Struct, frozen=True, kw_only=True):
    """A 202: the upload is stored and owned by this job."""

    id: str
    state: str = "queued"
    status_url: str = ""
    """As the server names it, usually relative to its address."""
    replayed: bool = False
    """The same Idempotency-Key had been answered before; this is that answer."""
    as_sent: dict[str, Any] = field(default_factory=dict)


class Progress(Struct, frozen=True, kw_only=True):
    """Variants that have reached an end, of all that were asked for."""

    done: int = 0
    total: int = 0


class Source(Struct, frozen=True, kw_only=True):
    """What is known of the original; `sha256` in hex, sizes in pixels."""

    filename: str | None = None
    media_type: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    frames: int = 1
    sha256: str | None = None
    orientation_applied: int | None = None


class Fault(Struct, frozen=True, kw_only=True):
    """Why a job or a variant came to nothing; a problem document inside a status."""

    code: str = ""
    title: str = ""
    detail: str = ""
    status: int | None = None
    retryable: bool = False


class Probe(Struct, frozen=True, kw_only=True):
    """One try: at what quality, of a picture of what width, how many bytes, how like it still was (SSIM, 0 to 1)."""

    quality: int | None = None
    width: int = 0
    bytes: int = 0
    ssim: float | None = None


class Quality(Struct, frozen=True, kw_only=True):
    """The quality that was found, why it is that one, and what was tried."""

    chosen: int | None = None
    why: str = ""
    target_ssim: float | None = None
    curve: tuple[Probe, ...] = ()


class Focal(Struct, frozen=True, kw_only=True):
    """The point that what was cut stays around, as shares of the oriented picture."""

    x: float = 0.0
    y: float = 0.0


class VariantStatus(Struct, frozen=True, kw_only=True):
    """One variant. Everything but `name` and `state` is there only once it is completed (or failed: `error`)."""

    name: str
    state: str
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    digest: str | None = None
    """RFC 9530 form, `sha-256=:<base64>:`."""
    elapsed_ms: float | None = None
    """Milliseconds of resizing and encoding."""
    url: str | None = None
    """A link that works until `url_expires_at`; a fresh status has a fresh one."""
    url_expires_at: datetime | None = None
    stable_url: str | None = None
    """Leads to a fresh link as long as the job lives; anybody may follow it if the job is `public`."""
    warnings: tuple[str, ...] = ()
    engine: str | None = None
    """Version of the picture engine that made it."""
    frames: int = 1
    """More than one of an animation."""
    kept_source: bool = False
    """The bytes are the original's own, without what it told about itself: encoding again only made it larger."""
    quality: Quality | None = None
    """Of a quality that was to be found out."""
    palette: str | None = None
    """Who has chosen the colours of a palette: `pillow` or `imagequant`."""
    focal: Focal | None = None
    """As it was asked for; there from the beginning."""
    error: Fault | None = None


class Status(Struct, frozen=True, kw_only=True):
    """A status document. Times are aware datetimes in UTC; `as_sent` is the document as it came."""

    id: str
    state: str
    run: int = 1
    revision: int = 0
    created_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    progress: Progress = Progress()
    source: Source = Source()
    variants: tuple[VariantStatus, ...] = ()
    error: Fault | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    """Of this answer; give it to the next `status` to hear only of changes."""
    as_sent: dict[str, Any] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Nothing but a command or the passing of its life changes it any more."""
        return self.state in _FINAL

    @property
    def is_success(self) -> bool:
        """Every variant that was asked for is there."""
        return self.state == "completed"


class Commanded(Struct, frozen=True, kw_only=True):
    """The state that a command brought the job to, and the revision that it made."""

    id: str
    state: str
    revision: int = 0
    replayed: bool = False
    """The same command had been carried out before; this is the answer that it got."""
    as_sent: dict[str, Any] = field(default_factory=dict)


class JobLine(Struct, frozen=True, kw_only=True):
    """A job in a list. `errors` are codes, of the job or its variants."""

    id: str
    state: str
    run: int = 1
    revision: int = 0
    created_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    preset: str | None = None
    meta: dict[str, str] = field(default_factory=dict)
    filename: str | None = None
    progress: Progress = Progress()
    errors: tuple[str, ...] = ()
    as_sent: dict[str, Any] = field(default_factory=dict)


class JobPage(Struct, frozen=True, kw_only=True):
    """Jobs, newest first; `next` leads to the page after this one, None from the last. A page may be empty."""

    jobs: tuple[JobLine, ...] = ()
    next: str | None = None


def sha256_of(digest: str | None) -> bytes | None:
    """The 32 bytes of a digest in the form of RFC 9530; None for any other text."""
    text = digest or ""
    if not (text.startswith(_DIGEST_PREFIX) and text.endswith(":")):
        return None
    try:
        value = base64.b64decode(text[len(_DIGEST_PREFIX) : -1], validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if len(value) == 32 else None


def read_accepted(body: bytes, *, replayed: bool) -> Accepted:
    """Raises msgspec.MsgspecError or UnicodeDecodeError for what is not such an answer."""
    document = msgspec.json.decode(body, type=dict[str, Any])
    return msgspec.structs.replace(_convert(document, Accepted), replayed=replayed, as_sent=document)


def read_status(body: bytes, *, etag: str) -> Status:
    """Raises msgspec.MsgspecError or UnicodeDecodeError for what is not a status document."""
    document = msgspec.json.decode(body, type=dict[str, Any])
    return msgspec.structs.replace(_convert(document, Status), etag=etag, as_sent=document)


def read_commanded(body: bytes, *, replayed: bool) -> Commanded:
    """Raises msgspec.MsgspecError or UnicodeDecodeError for what is not such an answer."""
    document = msgspec.json.decode(body, type=dict[str, Any])
    return msgspec.structs.replace(_convert(document, Commanded), replayed=replayed, as_sent=document)


def read_page(body: bytes) -> JobPage:
    """Raises msgspec.MsgspecError or UnicodeDecodeError for what is not a page of a list."""
    document = msgspec.json.decode(body, type=dict[str, Any])
    page = _convert(document, JobPage)
    sent = document.get("jobs", [])
    jobs = (msgspec.structs.replace(job, as_sent=one) for job, one in zip(page.jobs, sent, strict=True))
    return msgspec.structs.replace(page, jobs=tuple(jobs))


def _convert(document: dict[str, Any], kind: type[T]) -> T:
    return msgspec.convert(without_nulls(document), kind)


def without_nulls(value: Any) -> Any:
    """A null member means the same as an absent one, so that a server may write either."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(member) for member in value]
    return value
