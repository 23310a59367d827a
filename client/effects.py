"""What a conversation wants done, and what came of it: all that `client.conversation` and `client.drivers` share."""

from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, Literal, TypeVar

from msgspec import Struct

TIMEOUT_SECONDS: Final = 30
"""Of the network, between two blocks of bytes."""

T = TypeVar("T")


class Ask(Struct, frozen=True, kw_only=True):
    """One request. The body of a 200 goes to `sink`, if there is one, as it comes, and not into the answer."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    url: str
    headers: dict[str, str] = {}
    parts: tuple[tuple[str, tuple[str | None, Any, str | None]], ...] = ()
    """Of a multipart body, in order: name, (file name, bytes or readable file, media type)."""
    content: bytes | None = None
    """A body of JSON, instead of parts."""
    to_storage: bool = False
    """Goes to where pictures are stored, which has answers of its own."""
    once: str | None = None
    """Of what would be done twice if it were sent twice: what to do where nobody knows whether it was done."""
    timeout_seconds: float = TIMEOUT_SECONDS
    sink: Callable[[bytes], None] | None = None


class Pause(Struct, frozen=True):
    """Nothing to do for so long."""

    seconds: float


class Answer(Struct, frozen=True):
    """Names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Silence(Struct, frozen=True):
    """No answer, or half of one; `reason` is for people."""

    reason: str
    unsent: bool = False
    """Nothing can have come of it: there was no connection."""


Flow = Generator[Ask | Pause, Answer | Silence | None, T]
"""A verb: yields what it wants, is sent what came of it (nothing after a pause), returns its result."""
