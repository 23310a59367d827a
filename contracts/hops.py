"""How often a picture has come out of a Darkroom: the marker that ends a loop which feeds results back. Pure.

    a picture ──▶ original (0) ──▶ results (1) ──fed back──▶ original (1) ──▶ results (2) ──fed back──▶ refused

It stands in the metadata of every object that we write, S3 gives it with the object to whoever reads or fetches it, and
whatever takes in objects that have metadata looks at it: uploads by an address, imports, and what was put straight to
the originals. Bytes that a client sends have none, and count as fresh.
"""

import re
from collections.abc import Mapping
from typing import Final

from contracts.errors import HopLimit
from contracts.limits import MAX_HOPS

HOP: Final = "darkroom-hop"
"""Name of the metadata."""
HOP_HEADER: Final = f"x-amz-meta-{HOP}"
"""As S3, and CloudFront before it, send it with the object."""
BEYOND: Final = MAX_HOPS + 1
"""What a marker counts as that is no number of ours: somebody has been at it."""

_NUMBER: Final = re.compile(r"[0-9]{1,3}", re.ASCII)


def hops(marker: str | None) -> int:
    """The number of a marker as it stands; none is 0."""
    if marker is None:
        return 0
    return int(marker) if _NUMBER.fullmatch(marker) else BEYOND


def hops_in(metadata: Mapping[str, str]) -> int:
    """Of an object with this metadata."""
    return hops(metadata.get(HOP))


def marked(count: int) -> dict[str, str]:
    """The metadata of an object of so many hops."""
    return {HOP: str(count)}


def check_hops(count: int) -> None:
    """Raises HopLimit for a picture that has been here too often."""
    if count > MAX_HOPS:
        raise HopLimit(
            "the picture is a result of a result: something feeds results back", limit=MAX_HOPS, actual=count
        )
