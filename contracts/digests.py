"""Digests of contents as they stand in header fields and options: `sha-256=:<base64>:` (RFC 9530).

Within the house a SHA-256 is lower-case hex; S3 wants base64.
"""

import base64
import binascii
import re
from typing import Final

from contracts.errors import Malformed

SHA256_FIELD: Final = r"^sha-256=:[A-Za-z0-9+/]{43}=:(?!\n)$"
"""A field that names a SHA-256 and nothing else."""

_KEY: Final = r"[a-z*][a-z0-9_.*-]*"
_PARAMETERS: Final = rf"(?:; *{_KEY}(?:=[^\s,;]*)?)*"
_MEMBER: Final = re.compile(rf"(?P<key>{_KEY})=:(?P<value>[A-Za-z0-9+/=]*):{_PARAMETERS}")
"""One member of a Dictionary (RFC 9651) whose value is a Byte Sequence, as every digest is."""
_MAX_CHARS: Final = 2_048
_SHA256_BYTES: Final = 32


def sha256_named(field: str) -> str | None:
    """The SHA-256 that a field of digests names, in hex; None if it names digests of other kinds alone.

    Other kinds are not computed here, as the RFC allows. Raises Malformed for what is no such field: whoever sends a
    digest wants it compared.
    """
    found = None
    if len(field) > _MAX_CHARS:
        raise Malformed("the digest is too long")
    for text in field.split(","):
        member = _MEMBER.fullmatch(text.strip(" \t"))
        if member is None:
            raise Malformed("a digest is written sha-256=:<base64>:")
        if member["key"] == "sha-256":
            # of a key that is given twice the last one counts
            found = _hex(member["value"])
    return found


def sha256_spelled(text: str) -> str:
    """A bare SHA-256, in base64 as S3 has it or in hex, as lower-case hex. Raises Malformed."""
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        return text.lower()
    return _hex(text)


def in_base64(sha256: str) -> str:
    """Of a SHA-256 in hex."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def digest_field(sha256: str) -> str:
    """Inverse of `sha256_named`."""
    return f"sha-256=:{in_base64(sha256)}:"


def _hex(text: str) -> str:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("a SHA-256 is written in base64") from error
    if len(value) != _SHA256_BYTES:
        raise Malformed(f"a SHA-256 has {_SHA256_BYTES} bytes, not {len(value)}")
    return value.hex()
