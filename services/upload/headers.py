"""Request headers that this service understands, read strictly where a mistake would cost the sender something."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from contracts.errors import Malformed
from contracts.limits import MAX_IDEMPOTENCY_KEY_CHARS, MAX_WAIT_SECONDS

_QUOTED: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A Structured Field String, RFC 9651, section 3.3.3."""
_BARE: Final = re.compile(r"[ !#-~]*")
"""Visible ASCII and spaces without a quote: what clients send that never heard of Structured Fields."""
_TAG: Final = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')
_WAIT: Final = re.compile(r"\s*wait\s*=\s*\"?(\d{1,6})\"?\s*", re.IGNORECASE | re.ASCII)


def idempotency_key(values: Sequence[str]) -> str | None:
    """The key that the Idempotency-Key headers of a request name; None without one.

    Quoted (draft-ietf-httpapi-idempotency-key-header) and bare mean the same key. Raises Malformed for an empty one,
    one that is too long, one with anything but visible ASCII and spaces, and for two headers.
    """
    if not values:
        return None
    if len(values) > 1:
        raise Malformed("there is more than one Idempotency-Key")
    text = values[0].strip(" ")
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        key = re.sub(r'\\(["\\])', r"\1", quoted[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        raise Malformed("the Idempotency-Key is neither a quoted string nor plain visible ASCII")
    if not key.strip():
        raise Malformed("the Idempotency-Key is empty")
    if len(key) > MAX_IDEMPOTENCY_KEY_CHARS:
        raise Malformed(f"the Idempotency-Key has more than {MAX_IDEMPOTENCY_KEY_CHARS} characters")
    return key


class Known(Struct, frozen=True):
    """What the sender of If-None-Match has already: entity tags, or anything at all (`*`)."""

    tags: frozenset[str] = frozenset()
    anything: bool = False

    def __bool__(self) -> bool:
        return bool(self.tags) or self.anything

    def has(self, tag: str) -> bool:
        """Whether the document of this tag need not be sent again."""
        return self.anything or tag in self.tags


def known_tags(text: str | None) -> Known:
    """If-None-Match, compared weakly (RFC 9110, section 13.1.2); what is no entity tag is not looked at."""
    if text is None:
        return Known()
    return Known(frozenset(_TAG.findall(text)), text.strip() == "*")


def preferred_wait(text: str | None) -> int | None:
    """Seconds of `Prefer: wait=n` (RFC 7240), at most what is granted here; None if nobody asked for it.

    A preference that cannot be read or met is ignored, as the RFC has it.
    """
    for preference in (text or "").split(","):
        match = _WAIT.fullmatch(preference.partition(";")[0])
        if match and int(match[1]) > 0:
            return min(int(match[1]), MAX_WAIT_SECONDS)
    return None
