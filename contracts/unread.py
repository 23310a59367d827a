"""Formats that people send and that are not read here, by their first bytes: so that a refusal can name them.

Told from nothing but marks that their standards fix. Called by `formats` for a file that is none of those it knows.
"""

from typing import Final

from contracts.headers.boxes import brands

_MARKS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "PDF"),
    (b"8BPS\x00", "a Photoshop document"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (b"v/1\x01", "OpenEXR"),
    (b"qoif", "QOI"),
    (b"PK\x03\x04", "a ZIP archive"),
)
HEIC_BRANDS: Final = frozenset({b"heic", b"heix"})
"""Of still pictures that are coded by HEVC, of 8 bits and of more: ISO/IEC 23008-12, annex B."""
_MORE_HEVC: Final = frozenset({b"heim", b"heis", b"hevc", b"hevx"})
"""Of several views or layers, and of moving pictures."""
_CONTAINERS: Final = {b"mif1": "HEIF", b"msf1": "HEIF", b"crx ": "a camera's raw file", b"jxl ": "JPEG XL"}


def name_of(head: bytes) -> str | None:
    """What a file beginning with these bytes is, for people; None if nobody here knows. Never raises."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    said = brands(head)
    if said:
        if said & HEIC_BRANDS:
            return "HEIC"
        if said & _MORE_HEVC:
            return "HEIC of more than one picture"
        return _CONTAINERS.get(head[8:12], "a video")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return "SVG" if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text) else None
