"""What was posted straight to S3, seen after the fact: the same sniff, size, pixels and checksum as of any upload.

Little is read: the head of the object, and ranges of its header. Used by the upload service (a client says that it is
done), by the processing service (S3 says it) and by its sweeper (nobody said it in time).
"""

from typing import Final

from contracts.digests import digest_field
from contracts.errors import DigestMismatch, ImageCorrupt, PayloadTooLarge, Rejected, SourceMissing, Unavailable
from contracts.events import Refused, Stored
from contracts.formats import READ, SNIFF_BYTES, check_declared, check_limits, declared_format, measure
from contracts.headers.reader import Seekable
from contracts.hops import check_hops
from contracts.job import Job
from contracts.limits import MAX_DIRECT_BYTES, MIB
from contracts.ports import Head, OriginalRanges, RangeReader
from contracts.source import Source, measured

MOST_RANGES: Final = 512
"""Reads of one object before its header counts as too convoluted: one for each of 300 frames, and 200 MiB in a row."""
LONGEST_RANGE: Final = MIB
LOOKS: Final = 4
"""Times that an object is looked at anew because another was posted over it meanwhile."""


def arrived(job: Job, originals: OriginalRanges) -> Stored | Refused | None:
    """What is there under the job's key, as the event to be stepped; None if nothing is.

    Raises Unavailable, also if one version after another is posted while this looks.
    """
    for _ in range(LOOKS):
        head = originals.head_original(job.key)
        if head is None:
            return None
        try:
            return _seen(job, head, originals)
        except SourceMissing:
            # posted over: what is there now is looked at
            continue
    raise Unavailable("the original is being replaced all the time")


def _seen(job: Job, head: Head, originals: OriginalRanges) -> Stored | Refused:
    try:
        source = _examined(job, head, originals)
    except SourceMissing:
        raise
    except Rejected as error:
        return Refused(version_id=head.version_id, code=error.code, detail=error.detail)
    return Stored(version_id=head.version_id, etag=head.etag, source=source)


def _examined(job: Job, head: Head, originals: OriginalRanges) -> Source:
    """The picture's facts. Raises what an upload through the service is refused with."""
    check_hops(head.hops)
    if head.bytes > MAX_DIRECT_BYTES:
        raise PayloadTooLarge(f"the file has more than {MAX_DIRECT_BYTES} bytes", max_bytes=MAX_DIRECT_BYTES)
    if job.content_sha256 is not None and head.sha256 != job.content_sha256:
        raise DigestMismatch(f"the bytes that arrived are not those of {digest_field(job.content_sha256)}")
    file = Ranges(originals, job.key, head)
    name = job.source.filename
    # its form was signed for this type, which is one that was read then
    signed = declared_format(head.media_type, None)
    read = READ if signed is None else READ | {signed}
    check_declared(file.read(SNIFF_BYTES), head.media_type, name, read)
    header = measure(file, head.bytes, read)
    check_limits(header)
    return measured(header, filename=name, bytes=head.bytes, sha256=head.sha256, hops=head.hops)


class Ranges(Seekable):
    """One version of an object as a file. What is read in a row is read in longer and longer ranges."""

    def __init__(self, originals: RangeReader, key: str, head: Head) -> None:
        self._originals, self._key, self._head = originals, key, head
        self._at = 0
        self._start, self._held = 0, b""
        self._left = MOST_RANGES
        self._length = 0

    def seek(self, offset: int, /) -> int:
        self._at = offset
        return offset

    def read(self, size: int, /) -> bytes:
        size = max(0, min(size, self._head.bytes - self._at))
        place = self._at - self._start
        if not 0 <= place <= place + size <= len(self._held):
            self._fetch(size)
            place = 0
        self._at += size
        return self._held[place : place + size]

    def _fetch(self, size: int) -> None:
        self._left -= 1
        if self._left < 0:
            raise ImageCorrupt("the header is too convoluted to be read")
        # within what is held, or right behind it: somebody reads on
        in_a_row = self._start <= self._at <= self._start + len(self._held)
        self._length = min(max(size, 2 * self._length if in_a_row else size), LONGEST_RANGE)
        wanted = min(max(size, self._length), self._head.bytes - self._at)
        self._start = self._at
        self._held = self._originals.read_range(self._key, self._head.version_id, self._at, wanted)
