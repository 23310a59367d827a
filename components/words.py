"""Words that both configurations, the pipeline's and the foundation's, are written in. Pure."""

import re
from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta

TagKey = Annotated[str, Meta(pattern=r"^(?!aws:)[A-Za-z0-9 _.:/=+@-]{1,128}\Z")]
TagValue = Annotated[str, Meta(pattern=r"^[A-Za-z0-9 _.:/=+@-]{0,256}\Z")]

Email = Annotated[str, Meta(pattern=r"^[^@\s]{1,64}@[A-Za-z0-9.-]{1,189}\Z")]
"""Somebody who is told."""

Domain = Annotated[str, Meta(pattern=r"^(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z")]
"""A full name in the DNS, in lower case, without a dot at its end."""

Date = Annotated[str, Meta(pattern=r"^20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])\Z")]
"""Year, month, day: when a value was true at its source."""

_BYTE: Final = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_LOOPBACK: Final = re.compile(rf"https?://(?:127(?:\.{_BYTE}){{3}}|localhost|\[::1\])(?::(?P<port>[1-9][0-9]{{0,4}}))?")


def is_loopback(endpoint: str) -> bool:
    """Whether it is the address of a server on this machine."""
    match = _LOOPBACK.fullmatch(endpoint)
    return match is not None and int(match["port"] or 80) <= 65_535


def tag_contradictions(tags: Iterable[str]) -> list[str]:
    """A line for each key that the program sets itself."""
    return [f"tags.{key}: is set by the program; choose another key" for key in ("project", "stack") if key in tags]
