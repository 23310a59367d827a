"""Reading an upload that is nothing but the picture: the body is the file, and the options stand in the query.

    POST /uploads?preset=web@1&filename=chair.jpg        Content-Type: image/jpeg
    POST /uploads?t=hero=rs:cover:1600:900/f:avif        Content-Type: image/jpeg

A query says `preset`, `t`, `priority`, `expires_in`, `webhook`, `public` and `digest`, or all of the options at once as
JSON in `options`. Knows nothing of Litestar, as `form`.
"""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from contracts.errors import Malformed, PayloadTooLarge, UnsupportedMediaType
from contracts.limits import MAX_BODY_BYTES
from contracts.options import LINE, invalid
from services.upload.form import Form
from services.upload.spool import Spool

_SHORT: Final = ("preset", LINE, "priority", "expires_in", "webhook", "public", "digest")
_KNOWN: Final = frozenset({*_SHORT, "options", "filename"})


def is_raw(content_type: str | None) -> bool:
    """Whether a body of this type is a picture by itself."""
    return (content_type or "").strip().lower().startswith("image/")


def asked_by_query(query: str, content_type: str, content_encoding: str | None) -> Form:
    """What the head of such an upload says. Raises Malformed, SpecInvalid or UnsupportedMediaType."""
    if (content_encoding or "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("send the body as it is: no Content-Encoding is read here")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except ValueError as error:
        raise Malformed("the query cannot be read") from error
    given = dict(pairs)
    if len(given) != len(pairs):
        raise Malformed("the query says the same thing twice")
    for name in given:
        if name not in _KNOWN:
            raise invalid("#/" + "".join(char if char.isalnum() else "-" for char in name), "there is no such option")
    short = {name: _value(name, given[name]) for name in _SHORT if name in given}
    if "options" in given and short:
        raise Malformed("options stands for all of them: leave out " + ", ".join(sorted(short)))
    options = given["options"].encode() if "options" in given else msgspec.json.encode(short) if short else None
    return Form(options=options, filename=given.get("filename"), content_type=content_type)


def check_length(content_length: str | None) -> None:
    """Refuse by its own word a body that cannot be taken, before reading any of it."""
    if content_length is not None and content_length.isdecimal() and int(content_length) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"the file has more than {MAX_BODY_BYTES} bytes", max_bytes=MAX_BODY_BYTES)


async def read_raw(chunks: AsyncIterator[bytes], spool: Spool) -> None:
    """Read all of the body into the spool. Raises what the chunks and the spool raise."""
    async for chunk in chunks:
        await spool.write(chunk)


def _value(name: str, text: str) -> str | int | bool:
    if name == "public" and text in ("true", "false"):
        return text == "true"
    return int(text) if name == "expires_in" and text.isascii() and text.isdecimal() and len(text) < 12 else text
