"""Hosts that somebody else named, as the rooms that call them see it. Implementation: `adapters/outside`."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from msgspec import Struct


class Reply(Struct, frozen=True, kw_only=True):
    """What a stranger's host answered: as much of it as anybody needs. `retry_after` is the header as it stands."""

    status: int
    retry_after: str | None = None


class Fetched(Struct, frozen=True, kw_only=True):
    """A file that is coming. `marker` is the header that `contracts.hops` knows, as it stands."""

    pieces: Iterator[bytes]
    marker: str | None = None


class Outside(Protocol):
    """Hosts that somebody else named. No connection is made to an address that is not public."""

    def check(self, url: str) -> None:
        """Raises SourceForbidden if an address like this one is not called from here, wherever its name may lead."""
        ...

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, seconds: float) -> Reply:
        """Send once, follow nothing. Raises SourceForbidden, and SourceUnreachable if no answer came in time."""
        ...

    def fetch(self, url: str, *, seconds: float, most_bytes: int) -> AbstractContextManager[Fetched]:
        """The bytes of a file as they come, following a few redirects.

        Entering and reading raise SourceForbidden, SourceUnreachable for whatever is no whole file in time, and
        PayloadTooLarge beyond `most_bytes`, if the file's length is said before a byte is read.
        """
        ...
