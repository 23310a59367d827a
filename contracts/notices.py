"""What S3 writes to a queue about a bucket: its notices, as far as they matter here.

Source: "Event message structure", Amazon S3 user guide (event versions 2.1 and later). A notice says that something was
seen, and its reader looks for itself: nothing is believed but the key.
"""

from typing import Annotated, Final
from urllib.parse import unquote_plus

import msgspec
from msgspec import Meta, Struct

from contracts.errors import BadMessage
from contracts.limits import MAX_MESSAGE_BYTES
from contracts.places import DIRECT, OriginalPlace, parse_original

_MAX_REASON_CHARS: Final = 200
_CREATED: Final = "ObjectCreated:"
_TEST: Final = "s3:TestEvent"


class Notice(Struct, frozen=True, kw_only=True):
    """Something was stored at a place of ours; which version, if S3 says so."""

    place: OriginalPlace
    version_id: str | None


class _Bucket(Struct):
    name: str


class _Object(Struct, rename="camel"):
    key: str
    version_id: str | None = None


class _Entity(Struct):
    bucket: _Bucket
    object: _Object


class _Record(Struct, rename="camel"):
    event_source: str
    event_version: Annotated[str, Meta(pattern=r"^2\.")]
    event_name: str
    s3: _Entity


class _Envelope(Struct):
    records: Annotated[list[_Record], Meta(min_length=1, max_length=100)] | None = msgspec.field(
        name="Records", default=None
    )
    event: str | None = msgspec.field(name="Event", default=None)


_DECODER: Final = msgspec.json.Decoder(_Envelope)


def decode_notices(body: str, bucket: str) -> tuple[Notice, ...]:
    """What was stored under `direct/` in this bucket; nothing for a test of S3's or for what was removed.

    Raises BadMessage, with a reason that quotes no key, for anything else: another bucket, another place, no notice.
    """
    if len(body) > MAX_MESSAGE_BYTES:
        raise BadMessage(f"longer than {MAX_MESSAGE_BYTES} bytes")
    try:
        envelope = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadMessage(str(error)[:_MAX_REASON_CHARS]) from error
    if envelope.records is None:
        if envelope.event == _TEST:
            return ()
        raise BadMessage("not a notice of S3")
    for record in envelope.records:
        _check_bucket(record, bucket)
    return tuple(_notice(record) for record in envelope.records if record.event_name.startswith(_CREATED))


def _check_bucket(record: _Record, bucket: str) -> None:
    if record.event_source != "aws:s3":
        raise BadMessage("not a notice of S3")
    if record.s3.bucket.name != bucket:
        raise BadMessage("a notice of another bucket")


def _notice(record: _Record) -> Notice:
    # a key is written as in a form: a space is a plus, and everything else is in per cent
    place = parse_original(unquote_plus(record.s3.object.key, errors="replace"))
    if place.way != DIRECT:
        raise BadMessage("only what is posted straight to S3 is announced here")
    return Notice(place=place, version_id=record.s3.object.version_id)
