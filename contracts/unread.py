"""Formats that people send and that are not read here, by their first bytes: so that a refusal can name them.

Told from nothing but marks that their standards fix. Called by `formats` for a file that is none of those it knows.
"""

from typing import Final

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
_HEVC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
"""Brands of pictures and sequences that are coded by HEVC: ISO/IEC 23008-12, annex B."""
_CONTAINERS: Final = {b"mif1": "HEIF", b"msf1": "HEIF", b"crx ": "a camera's raw file", b"jxl ": "JPEG XL"}


def name_of(head: bytes) -> str | None:
    """What a file beginning with these bytes is, for people; None if nobody here knows. Never raises."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head[4:8] == b"ftyp":
        end = min(int.from_bytes(head[:4]), len(head))
        brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
        if brands & _HEVC:
            return "HEIC"
        return _CONTAINERS.get(head[8:12], "a video")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return "SVG" if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text) else None
