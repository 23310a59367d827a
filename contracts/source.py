"""What a job knows of its original."""

from msgspec import Struct

from contracts.formats import Header, ImageFormat


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of the original. Pixels are as its header says, before orientation."""

    filename: str | None = None
    """The client's name for it, sanitised; data for people."""
    format: ImageFormat | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    frames: int = 1
    sha256: str | None = None
    """Hex. Known at once for an inline upload; for a direct one without a checksum only once it was decoded."""
    hops: int = 0
    """How often it came out of a Darkroom before (`contracts.hops`)."""


def measured(header: Header, *, filename: str | None, bytes: int, sha256: str | None, hops: int = 0) -> Source:
    """What is known of a file of so many bytes, whose header this is."""
    return Source(
        filename=filename,
        format=header.format,
        bytes=bytes,
        width=header.width,
        height=header.height,
        frames=header.frames,
        sha256=sha256,
        hops=hops,
    )
