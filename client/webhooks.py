"""For who receives webhooks: whether what came is Darkroom's, and what it says.

event = verify(body, headers, secret)     the bytes as they came, before anything parsed them

What is checked is Standard Webhooks, by the very code that signs (`contracts.webhooks`); endpoints themselves are made
and shown by `client.endpoints`.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct, field

from client.answers import without_nulls
from client.errors import BadInput, StrangeEvent, Unverified
from contracts.webhooks import SECRET_PREFIX, TOLERANCE_SECONDS, is_secret, is_signed

_NEEDED: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_MS: Final = 1000


class Headers(Protocol):
    """Names and values, as a mapping or as what most frameworks call headers. Names may be in any case."""

    def items(self) -> Iterable[tuple[str, str]]: ...


class ToldVariant(Struct, frozen=True, kw_only=True):
    """A variant as an event tells of it: `bytes` once it is completed, `code` of what went wrong with it."""

    name: str
    state: str
    bytes: int | None = None
    code: str | None = None


class Event(Struct, frozen=True, kw_only=True):
    """The end of one run of a job. There are no links in it: read the status of `job_id` for fresh ones."""

    id: str
    """The same however often the event is sent: drop what you have seen."""
    type: str
    """`job.` and the state; another type than those of docs/api.md is of a newer Darkroom."""
    timestamp: datetime
    job_id: str = ""
    run: int = 1
    revision: int = 0
    state: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    variants: tuple[ToldVariant, ...] = ()
    code: str | None = None
    """Of why the whole job was rejected or failed."""
    status_url: str = ""
    as_sent: dict[str, Any] = field(default_factory=dict)


class _Fault(Struct):
    code: str = ""


class _Data(Struct, kw_only=True):
    id: str = ""
    run: int = 1
    revision: int = 0
    state: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    variants: tuple[ToldVariant, ...] = ()
    error: _Fault | None = None
    status_url: str = ""


class _Body(Struct, kw_only=True):
    type: str
    timestamp: datetime
    data: _Data = field(default_factory=_Data)


def verify(
    body: bytes, headers: Headers, secret: str | Sequence[str], *, clock: Callable[[], float] = time.time
) -> Event:
    """The event in a delivery that was signed with this secret, or one of these, within five minutes of now.

    While a secret is being changed Darkroom signs with both, so either alone will do; a receiver that holds both may
    give both. `clock` is in seconds since the epoch. Raises Unverified: answer 400 and believe nothing of it;
    StrangeEvent: it is Darkroom's, but of a kind that this version cannot read; BadInput for what is no secret.
    """
    if not isinstance(body, bytes | bytearray | memoryview):
        raise BadInput("the body is not bytes", "give it as it came, before anything decoded or parsed it")
    # a secret that was kept in a file ends with a newline
    secrets = [one.strip() for one in ([secret] if isinstance(secret, str) else secret)]
    if not secrets or not all(map(is_secret, secrets)):
        # which one is not said: it may be a good one but for a typing mistake
        raise BadInput(
            "that is no secret of a webhook",
            f"one begins with {SECRET_PREFIX}; `darkroom webhooks rotate ID` makes one",
        )
    given = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in _NEEDED if not given.get(name)]
    if missing:
        raise Unverified("headers", f"there is no {missing[0]}")
    came, now = bytes(body), int(clock() * _MS)
    if not any([is_signed(given, came, one, now) for one in secrets]):
        raise _unverified(given["webhook-timestamp"], now)
    return _read(given["webhook-id"], came)


def _unverified(timestamp: str, now: int) -> Unverified:
    usable = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16
    if usable and abs(int(timestamp) - now // _MS) > TOLERANCE_SECONDS:
        return Unverified("timestamp", "it was signed more than five minutes ago, or is yet to be")
    return Unverified("signature", "it was not signed with this secret")


def _read(event: str, body: bytes) -> Event:
    try:
        document = msgspec.json.decode(body, type=dict[str, Any])
        said = msgspec.convert(without_nulls(document), _Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StrangeEvent(event) from error
    data = said.data
    return Event(
        id=event,
        type=said.type,
        timestamp=said.timestamp,
        job_id=data.id,
        run=data.run,
        revision=data.revision,
        state=data.state,
        meta=data.meta,
        variants=data.variants,
        code=None if data.error is None else data.error.code,
        status_url=data.status_url,
        as_sent=document,
    )
