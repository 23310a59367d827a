"""Reading a multipart upload: a loop over the push parser, and every way a form can be wrong.

Litestar's own reader answers 500 to a text part that is not UTF-8, takes a file part without a name and a body of
another kind, and puts no limit on a part; so we read ourselves. Order and names are fixed (RFC 7578 is the form):

    options   JSON, optional, first        file   the picture, exactly one
    t         variants in a line, instead of options

Knows nothing of Litestar: it is given headers and chunks, and raises failures of `contracts.errors`.
"""

import re
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from msgspec import Struct
from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from contracts.errors import Malformed, PayloadTooLarge, UnsupportedMediaType
from contracts.limits import MAX_BODY_BYTES, MAX_OPTIONS_BYTES
from contracts.options import LINE
from services.upload.digests import promised
from services.upload.spool import Spool

FRAMING_BYTES: Final = 32 * 1024
"""What boundaries and part headers may add to the parts themselves."""
MAX_FORM_BYTES: Final = MAX_BODY_BYTES + MAX_OPTIONS_BYTES + FRAMING_BYTES
"""Of the whole body, everything counted."""

_HEADER_BYTES: Final = 4 * 1024
_HEADERS: Final = 8
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=?&*!#$%^`{|}~ -]{0,69}[0-9A-Za-z'()+_,./:=?&*!#$%^`{|}~-]")
"""RFC 2046, section 5.1.1, and the further visible characters that some clients use; at most 70."""
_TEXT_CHARSETS: Final = frozenset({None, "utf-8", "utf8", "us-ascii", "ascii"})
_PLAIN_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary"})


class Form(Struct, frozen=True, kw_only=True):
    """What was sent: the options as they stand, and what was said of the file. Its bytes are in the spool."""

    options: bytes | None
    filename: str | None
    content_type: str | None
    digests: frozenset[str] = frozenset()
    """SHA-256 in hex that the head of the file's part promises."""


def boundary_of(content_type: str | None, content_encoding: str | None) -> str:
    """The boundary of a form's body. Raises UnsupportedMediaType if it is no form, Malformed if it has no good one."""
    if (content_encoding or "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("send the body as it is: no Content-Encoding is read here")
    kind, parameters = parse_options_header(content_type or "")
    if kind != "multipart/form-data":
        raise UnsupportedMediaType("send multipart/form-data with a part named file, or the picture itself as image/*")
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Malformed("the Content-Type names no boundary of 1 to 70 characters")
    return boundary


def check_length(content_length: str | None) -> None:
    """Refuse by its own word a body that cannot be taken, before reading any of it."""
    if content_length is not None and content_length.isdecimal() and int(content_length) > MAX_FORM_BYTES:
        raise _too_large()


async def read_form(boundary: str, chunks: AsyncIterator[bytes], spool: Spool) -> Form:
    """Read all of the body; the file's bytes go to the spool as they come.

    Raises Malformed, PayloadTooLarge, or what the chunks and the spool raise.
    """
    reading = _Reading(spool)
    # a preamble and an epilogue are allowed by RFC 2046 and ignored; what is wrong besides is named in `_Reading`
    parser = PushMultipartParser(
        boundary,
        max_header_size=_HEADER_BYTES,
        max_header_count=_HEADERS,
        max_segment_size=MAX_BODY_BYTES,
        max_segment_count=1_000,
    )
    received = 0
    try:
        async for chunk in chunks:
            received += len(chunk)
            if received > MAX_FORM_BYTES:
                raise _too_large()
            for event in parser.parse(chunk) if chunk else ():
                await reading.take(event)
        if not received:
            raise Malformed("the body is empty")
        parser.close()
    except ParserLimitReached as error:
        raise _too_large() if "segment size" in str(error) else Malformed(f"multipart: {error.args[0]}") from error
    except MultipartError as error:
        raise Malformed(f"multipart: {error.args[0]}") from error
    return reading.form()


class _Reading:
    """The form so far."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._options: bytearray | None = None
        self._first = ""
        self._part: MultipartSegment | None = None
        self._file: MultipartSegment | None = None

    async def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        """One event of the parser: a part begins, has bytes, or ends."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._part = None
        elif self._part is self._file:
            await self._spool.write(event)
        elif self._options is not None:
            self._options += event
            if len(self._options) > MAX_OPTIONS_BYTES:
                raise PayloadTooLarge(
                    f"the options have more than {MAX_OPTIONS_BYTES} bytes", max_bytes=MAX_OPTIONS_BYTES
                )

    def form(self) -> Form:
        if self._file is None:
            raise Malformed("there is no part named file", errors=[("#/file", "missing")])
        return Form(
            options=self._spoken(),
            filename=self._file.filename,
            content_type=self._file.header("Content-Type"),
            digests=promised(self._file.headerlist),
        )

    def _spoken(self) -> bytes | None:
        """The options as JSON, also if they came as the line alone."""
        if self._options is None:
            return None
        if self._first == "options":
            return bytes(self._options)
        try:
            return msgspec.json.encode({LINE: self._options.decode()})
        except UnicodeDecodeError as error:
            raise Malformed(f"the part named {LINE} is not UTF-8") from error

    def _begin(self, part: MultipartSegment) -> None:
        encoding = str(part.header("Content-Transfer-Encoding", "")).strip().lower()
        if encoding not in _PLAIN_ENCODINGS:
            raise Malformed("a part has a Content-Transfer-Encoding; send its bytes as they are")
        match part.name:
            case "options" | "t":
                self._begin_options(part, part.name)
            case "file":
                if self._file is not None:
                    raise Malformed("there are two parts named file", errors=[("#/file", "more than one")])
                self._file = part
            case "" | None:
                raise Malformed("a part has no name")
            case _:
                raise Malformed("there is a part of another name; only options, t and file are read here")
        self._part = part

    def _begin_options(self, part: MultipartSegment, name: str) -> None:
        if self._options is not None:
            both = f"there are two parts named {name}" if name == self._first else "say options or t: one part for both"
            raise Malformed(both, errors=[(f"#/{name}", "more than one")])
        if self._file is not None:
            raise Malformed(f"the part named {name} must come before the file", errors=[(f"#/{name}", "too late")])
        if (part.charset.lower() if part.charset else None) not in _TEXT_CHARSETS:
            raise Malformed("the options must be UTF-8", errors=[(f"#/{name}", "another charset")])
        self._options, self._first = bytearray(), name


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"the body is too large: a file has at most {MAX_BODY_BYTES} bytes", max_bytes=MAX_BODY_BYTES
    )
