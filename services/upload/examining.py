"""What an upload is, by its header, before anything of it is written anywhere."""

from collections.abc import Set

from contracts.filenames import safe_filename
from contracts.formats import READ, ImageFormat, check_declared, check_limits, measure
from contracts.source import Source, measured
from services.upload.spool import Spooled


def examined(body: Spooled, content_type: str | None, filename: str | None, read: Set[ImageFormat] = READ) -> Source:
    """What the bytes are by their header, if they are a picture that is read here. Reads the file; decodes nothing.

    Raises Malformed (empty), UnsupportedMediaType, TypeMismatch, ImageCorrupt, PixelLimit or FrameLimit.
    """
    name = safe_filename(filename)
    check_declared(body.head, content_type, name, read)
    header = measure(body.file, body.length, read)
    check_limits(header)
    return measured(header, filename=name, bytes=body.length, sha256=body.sha256)
