"""Digests that a client sends with its bytes: Content-Digest and Repr-Digest (RFC 9530), and `digest` of the options.

Both fields mean the same here, since no content coding is read. In the head of a part they are of the file, in that of
a request of its whole body, boundaries of a form included.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable
from typing import Final

from contracts.digests import digest_field, sha256_named
from contracts.errors import DigestMismatch

_FIELDS: Final = frozenset({"content-digest", "repr-digest"})


def promised(headers: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Every SHA-256 that these headers name, in hex. Raises Malformed for a digest that cannot be read."""
    named = (sha256_named(value) for name, value in headers if name.lower() in _FIELDS)
    return frozenset(sha256 for sha256 in named if sha256 is not None)


def check(wanted: Iterable[str | None], sha256: str, what: str) -> None:
    """Raises DigestMismatch unless the bytes of `what` are those of every digest that was named."""
    if any(one is not None and one != sha256 for one in wanted):
        raise DigestMismatch(f"the {what} that arrived has another digest: {digest_field(sha256)}")


class Hashed:
    """Chunks on their way, hashed as they pass. `sha256` (hex) is theirs once they are through."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._hash = hashlib.sha256()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self._hash.update(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()
