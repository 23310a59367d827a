"""What a client says that wants to post its file straight to S3: the options of any upload, and what the file will be.

    {"filename": "big.tif", "content_type": "image/tiff", "bytes": 61000000, "sha256": "<base64>", "preset": "web@1"}

The upload service decodes it and signs a form for exactly that; the client encodes it.
"""

import hashlib
from collections.abc import Set
from typing import Annotated

import msgspec
from msgspec import Meta

from contracts.digests import sha256_spelled
from contracts.errors import Malformed, PayloadTooLarge, TypeMismatch, UnsupportedMediaType
from contracts.filenames import safe_filename
from contracts.formats import READ, ImageFormat, declared_format
from contracts.limits import MAX_DIRECT_BYTES
from contracts.options import Options, decode_as, fingerprint, invalid


class DirectUpload(Options, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of `POST /uploads/presign`. The file has exactly `bytes`, or at most `max_bytes`; one must be said."""

    content_type: Annotated[str, Meta(max_length=200)]
    """Of the file; the very one that is posted."""
    filename: str | None = None
    bytes: Annotated[int, Meta(ge=1)] | None = None
    max_bytes: Annotated[int, Meta(ge=1)] | None = None
    sha256: Annotated[str, Meta(max_length=64)] | None = None
    """Of the file, in base64 or hex: S3 then takes no other bytes."""

    @property
    def media_type(self) -> str:
        """The type without its parameters, as the form has it."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def bounds(self) -> tuple[int, int]:
        """Least and most bytes that S3 may take."""
        if self.bytes is not None:
            return self.bytes, self.bytes
        return 1, self.max_bytes or MAX_DIRECT_BYTES

    def content_sha256(self) -> str | None:
        """What `sha256` or `digest` names, in hex; None if nobody said. Raises Malformed."""
        named = Options.content_sha256(self)
        spelled = None if self.sha256 is None else sha256_spelled(self.sha256)
        if named is not None and spelled is not None and named != spelled:
            raise Malformed("sha256 and digest are not of the same file")
        return spelled or named


def decode_direct(raw: bytes, read: Set[ImageFormat] = READ) -> DirectUpload:
    """The request of a form for a direct upload.

    Raises what `decode_options` does, UnsupportedMediaType for a type that is not read here (`read`), TypeMismatch if
    the file's name is that of another type, and PayloadTooLarge.
    """
    asked = decode_as(DirectUpload, raw)
    if (asked.bytes is None) == (asked.max_bytes is None):
        raise invalid("#/bytes", "say bytes, or max_bytes if that is not known; not both")
    if asked.bounds[1] > MAX_DIRECT_BYTES:
        raise PayloadTooLarge(
            f"a file posted straight to S3 has at most {MAX_DIRECT_BYTES} bytes", max_bytes=MAX_DIRECT_BYTES
        )
    try:
        asked.content_sha256()
    except Malformed as error:
        raise invalid("#/sha256", error.detail) from error
    declared = declared_format(asked.content_type, None)
    if declared is None or declared not in read:
        raise UnsupportedMediaType(
            "the type is none of " + ", ".join(fmt.media_type for fmt in ImageFormat if fmt in read)
        )
    by_name = declared_format(None, safe_filename(asked.filename))
    if by_name is not None and by_name is not declared:
        raise TypeMismatch(f"the type is that of {declared.value.upper()}, the name that of {by_name.value.upper()}")
    return asked


def direct_fingerprint(asked: DirectUpload) -> str:
    """SHA-256 in hex of all that decides what may be posted, and what becomes of it."""
    file = {
        "name": safe_filename(asked.filename),
        "type": asked.media_type,
        "bounds": asked.bounds,
        "sha256": asked.content_sha256(),
    }
    options = Options(**{name: getattr(asked, name) for name in Options.__struct_fields__})
    return hashlib.sha256(fingerprint(options).encode() + msgspec.json.encode(file, order="sorted")).hexdigest()
