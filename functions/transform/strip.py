"""A file without what it tells about itself, its pixels untouched: for originals that encoding only makes larger.

Only what makes the pixels is kept: no EXIF, XMP, comment, thumbnail, nothing behind the end. What is laid out in any
way that is not as plain as can be gives None, and then the encoded file is used: here is no decoder that could be
mistaken. Called by `pipeline`; knows JPEG, PNG, WebP and GIF.
"""

import zlib
from collections.abc import Callable
from typing import Final

from contracts.formats import ImageFormat

_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""JPEG's markers without a length: TEM, and those that restart."""
_DRAWN: Final = frozenset({0xC4, 0xDB, 0xDD, *range(0xC0, 0xD0)}) - {0xC8, 0xCC}
"""Tables, restart interval and frames of JPEG."""
_JFIF, _ADOBE, _SCAN, _END = 0xE0, 0xEE, 0xDA, 0xD9
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_WEBP_KEPT: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
_WEBP_INNER: Final = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_FRAME_HEAD: Final = 16
_ALPHA_AND_MOTION: Final = 0x12
"""Flags of a VP8X that are about pixels; the others announce a profile, EXIF and XMP."""
_GIF_LOOPS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def stripped(data: bytes, form: ImageFormat) -> bytes | None:
    """The file with its pixels alone; None if that cannot be said for sure."""
    way = _WAYS.get(form)
    try:
        return None if way is None else way(data)
    except (IndexError, ValueError):
        return None


def _jpeg(data: bytes) -> bytes | None:
    kept, at = [b"\xff\xd8"], 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _END:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        if marker in _ALONE or marker == 0xFF or marker < 0xC0:
            return None
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if end > len(data) or end < at + 4:
            return None
        segment = data[at:end]
        if marker == _SCAN:
            end = _past_scan(data, end)
            kept.append(data[at:end])
        elif marker in _DRAWN:
            kept.append(segment)
        elif marker == _JFIF and segment[4:9] == b"JFIF\0" and len(segment) >= 18:
            # without the thumbnail that it may have
            kept.append(b"\xff\xe0\0\x10" + segment[4:16] + b"\0\0")
        elif marker == _ADOBE and segment[4:9] == b"Adobe":
            # says how the colours are stored
            kept.append(b"\xff\xee\0\x0e" + segment[4:16])
        at = end
    return None


def _past_scan(data: bytes, at: int) -> int:
    """Behind the entropy-coded data that begins here."""
    while True:
        at = data.index(b"\xff", at)
        if data[at + 1] == 0 or data[at + 1] in _ALONE:
            at += 2
        else:
            return at


def _png(data: bytes) -> bytes | None:
    kept, at = [_PNG], 8
    while True:
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return None
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        elif not kind[0] & 0x20:
            # says of itself that nobody may pass it over
            return None
        at = end
        if kind == b"IEND":
            return b"".join(kept)


def _webp(data: bytes) -> bytes | None:
    chunks = _chunks(data, 12, 8 + int.from_bytes(data[4:8], "little"))
    if chunks is None:
        return None
    kept = []
    for kind, body in chunks:
        if kind not in _WEBP_KEPT:
            continue
        if kind == b"VP8X":
            body = bytes((body[0] & _ALPHA_AND_MOTION,)) + body[1:]
        elif kind == b"ANMF":
            inner = _chunks(body, _FRAME_HEAD, len(body))
            if inner is None:
                return None
            body = body[:_FRAME_HEAD] + b"".join(_chunk(*one) for one in inner if one[0] in _WEBP_INNER)
        kept.append(_chunk(kind, body))
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunks(data: bytes, at: int, end: int) -> list[tuple[bytes, bytes]] | None:
    found = []
    while at < end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > min(end, len(data)):
            return None
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return found


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _gif(data: bytes) -> bytes | None:
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    kept = [b"GIF89a", data[6:at]]
    while data[at] != 0x3B:
        start = at
        if data[at] == 0x21:
            kind, name = data[at + 1], data[at + 3 : at + 14]
            at = _past_blocks(data, at + 2)
            if kind == 0xF9 or (kind == 0xFF and name in _GIF_LOOPS and at - start == 19):
                kept.append(data[start:at])
        elif data[at] == 0x2C:
            flags = data[at + 9]
            at = _past_blocks(data, at + 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
            kept.append(data[start:at])
        else:
            return None
    return b"".join((*kept, b"\x3b"))


def _past_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


_WAYS: Final[dict[ImageFormat, Callable[[bytes], bytes | None]]] = {
    ImageFormat.JPEG: _jpeg,
    ImageFormat.PNG: _png,
    ImageFormat.WEBP: _webp,
    ImageFormat.GIF: _gif,
}
