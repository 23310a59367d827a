"""Webhook endpoints: what is kept of one, its secrets, and how what is sent to it is signed. Pure.

The form of names, headers and signatures is that of Standard Webhooks, so a receiver can check them with a library in
most languages: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

    webhook-id: 5f2c...                    the event's own id, the same at every try
    webhook-timestamp: 1795446245          of this try, seconds
    webhook-signature: v1,K5oZ... v1,9hTq...   one a live secret: HMAC-SHA-256 of "<id>.<timestamp>.<body>"
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from contracts.errors import NotFound
from contracts.identifiers import Tenant
from contracts.job import Instant
from contracts.limits import WEBHOOK_OVERLAP_SECONDS
from contracts.targets import MAX_URL_CHARS

WEBHOOK_ID_PATTERN: Final = "^wh_[a-z2-7]{16}(?!\\n)$"
WebhookId = Annotated[str, Meta(pattern=WEBHOOK_ID_PATTERN)]

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with
SECRET_BYTES: Final = 32
TOLERANCE_SECONDS: Final = 300
"""A receiver refuses what was signed longer ago, or later, than this."""
SCHEMA: Final = 1

_ID: Final = re.compile(WEBHOOK_ID_PATTERN)
_ID_CHARS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_VERSION: Final = "v1"

Randomness = Callable[[int], bytes]
"""So many random bytes that nobody can guess."""


class NewWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request for an endpoint says: where events are to be sent. https, port 443, a public host."""

    url: Annotated[str, Meta(min_length=1, max_length=MAX_URL_CHARS)]


class Secret(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A secret of an endpoint, `whsec_` and base64. It is not shown by `repr`, so that no log line holds one."""

    value: str
    ends_at: Instant | None = None
    """From when it signs nothing more, because another took its place."""

    def __repr__(self) -> str:
        return f"Secret(ends_at={self.ends_at})"


class Webhook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One endpoint of a tenant. `revision` rises with every write; the newest secret is the last."""

    schema: Annotated[int, Meta(ge=1)]
    """Always written: it must never be guessed from the reader's own default."""
    id: WebhookId
    tenant: Tenant
    url: str
    revision: int = 1
    created_at: Instant
    secrets: Annotated[tuple[Secret, ...], Meta(max_length=2)]
    disabled_at: Instant | None = None
    disabled_why: str | None = None
    deleted_at: Instant | None = None

    @property
    def is_live(self) -> bool:
        """Whether anything is sent to it."""
        return self.disabled_at is None and self.deleted_at is None

    def signing(self, now: Instant) -> tuple[str, ...]:
        """The secrets that sign now, the newest first."""
        live = [secret.value for secret in self.secrets if secret.ends_at is None or now < secret.ends_at]
        return tuple(reversed(live))


def parse_webhook_id(text: str) -> WebhookId:
    """The id, if `text` is one as we write them; raises NotFound otherwise (an address of nothing)."""
    if _ID.fullmatch(text) is None:
        raise NotFound("no webhook endpoint has an id like this one")
    return text


def new_webhook(tenant: Tenant, url: str, now: Instant, randomness: Randomness) -> Webhook:
    name = "".join(_ID_CHARS[byte % 32] for byte in randomness(16))
    return Webhook(
        schema=SCHEMA, id=f"wh_{name}", tenant=tenant, url=url, created_at=now, secrets=(_new_secret(randomness),)
    )


def rotated(webhook: Webhook, now: Instant, randomness: Randomness) -> Webhook:
    """With a new secret beside the one that was newest, which goes on signing for a day; older ones are gone."""
    last = webhook.secrets[-1]
    leaving = replace(last, ends_at=now + WEBHOOK_OVERLAP_SECONDS * 1000)
    return replace(webhook, revision=webhook.revision + 1, secrets=(leaving, _new_secret(randomness)))


def disabled(webhook: Webhook, now: Instant, why: str) -> Webhook:
    return replace(webhook, revision=webhook.revision + 1, disabled_at=now, disabled_why=why)


def enabled(webhook: Webhook) -> Webhook:
    return replace(webhook, revision=webhook.revision + 1, disabled_at=None, disabled_why=None)


def deleted(webhook: Webhook, now: Instant) -> Webhook:
    """What is left says that it was: no address, no secrets."""
    return replace(webhook, revision=webhook.revision + 1, deleted_at=now, url="", secrets=())


def signed_headers(event: str, now: Instant, body: bytes, secrets: tuple[str, ...]) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    timestamp = str(now // 1000)
    signatures = (_signature(secret, event, timestamp, body) for secret in secrets)
    return {
        "webhook-id": event,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"{_VERSION},{signature}" for signature in signatures),
    }


def is_signed(headers: Mapping[str, str], body: bytes, secret: str, now: Instant) -> bool:
    """Whether what came was signed with this secret, within the tolerance of now. Header names in any case.

    Never raises: whatever is wrong with what came, it is not signed. Takes as long for every wrong signature.
    """
    given = {name.lower(): value for name, value in headers.items()}
    event, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    try:
        expected = f"{_VERSION},{_signature(secret, event, timestamp, body)}".encode()
    except ValueError:
        return False
    offered = given.get("webhook-signature", "").split(" ")
    same = [hmac.compare_digest(one.encode(errors="replace"), expected) for one in offered]
    return any(same) and abs(int(timestamp) - now // 1000) <= TOLERANCE_SECONDS


def is_secret(text: str) -> bool:
    """Whether it has the form of a secret: `whsec_`, and the base64 of something."""
    try:
        return text.startswith(SECRET_PREFIX) and bool(_key(text))
    except ValueError:
        return False


def _key(secret: str) -> bytes:
    """Raises ValueError for what is no secret."""
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("this is no secret of a webhook") from error


def _signature(secret: str, event: str, timestamp: str, body: bytes) -> str:
    """Raises ValueError for what is no secret."""
    signed = f"{event}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _new_secret(randomness: Randomness) -> Secret:
    return Secret(value=SECRET_PREFIX + base64.b64encode(randomness(SECRET_BYTES)).decode())


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Webhook)


def encode_webhook(webhook: Webhook) -> bytes:
    return _ENCODER.encode(webhook)


def decode_webhook(document: bytes) -> Webhook:
    """Inverse of `encode_webhook`; raises msgspec.ValidationError for what no version of ours wrote, or a later did."""
    webhook = _DECODER.decode(document)
    if webhook.schema > SCHEMA:
        raise msgspec.ValidationError(f"schema {webhook.schema} of a webhook is not known here")
    return webhook
