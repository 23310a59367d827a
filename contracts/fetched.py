"""What a client says that has no file, but an address where one is: the options of any upload, and the address.

    {"url": "https://shop.example/chair.jpg", "filename": "chair.jpg", "preset": "web@1"}

The upload service decodes it and fetches the file; the client encodes it. How an address may be written is in
`targets`, and it is asked of the way out itself.
"""

import hashlib
from typing import Annotated, Final
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from contracts.errors import UnsupportedMediaType
from contracts.filenames import safe_filename
from contracts.options import Options, decode_as, fingerprint, parsed

MEDIA_TYPE: Final = "application/json"
"""Of such a request."""
MOST_URL_CHARS: Final = 8_192
"""Beyond which it is no option at all; `targets` refuses much shorter ones by name."""


class UrlUpload(Options, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of `POST /uploads` as JSON."""

    url: Annotated[str, Meta(max_length=MOST_URL_CHARS)]
    """Of the file: https, on a public host."""
    filename: str | None = None
    """What to call it; without one, as the address does."""


def decode_url_upload(raw: bytes) -> UrlUpload:
    """The request of an upload by its address.

    Raises what `decode_options` does.
    """
    return decode_as(UrlUpload, raw)


def check_names_url(raw: bytes) -> None:
    """Raises UnsupportedMediaType for JSON that is no such request, and Malformed for what is no JSON."""
    document = parsed(raw)
    if not isinstance(document, dict) or "url" not in document:
        raise UnsupportedMediaType("this JSON names no url; send that, or multipart/form-data, or the picture itself")


def url_fingerprint(asked: UrlUpload) -> str:
    """SHA-256 in hex of all that decides what becomes of the request: options, address and name.

    The address is nowhere kept but in here: it may have a secret in it.
    """
    options = Options(**{name: getattr(asked, name) for name in Options.__struct_fields__})
    file = {"url": asked.url, "name": safe_filename(asked.filename)}
    return hashlib.sha256(fingerprint(options).encode() + msgspec.json.encode(file, order="sorted")).hexdigest()


def name_in(url: str) -> str | None:
    """What an address calls its file: the last part of its path; None if it has no name."""
    path = url.partition("?")[0].partition("://")[2].partition("/")[2]
    return safe_filename(unquote(path, errors="replace"))
