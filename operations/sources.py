"""Somebody's own bucket of pictures, as an import reads it: listed page by page, looked at in ranges, never changed.

An object is named by its key and its ETag: what is looked at and what is copied is asked for under that ETag, so an
object that is replaced meanwhile is told of and never half one and half the other.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from msgspec import Struct

from adapters.clients import AwsClient
from adapters.errors import translated
from client.errors import BadInput
from contracts.arrivals import Ranges
from contracts.errors import SourceMissing
from contracts.formats import SNIFF_BYTES, Header, ImageFormat, check_declared, check_limits, measure
from contracts.hops import check_hops, hops_in
from contracts.ports import Head

_ADDRESS: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?", re.DOTALL)
_CHANGED: Final = {"PreconditionFailed": SourceMissing, "412": SourceMissing}
_ARCHIVED: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class Picture(Struct, frozen=True, kw_only=True):
    """An object as it was listed; whether it is a picture is not known yet. `etag` is bare."""

    key: str
    etag: str
    bytes: int
    is_archived: bool = False
    """Whether it would have to be restored before anybody can read it."""

    @property
    def name(self) -> str:
        """The last part of its key: what its owner calls it."""
        return self.key.rpartition("/")[2]


class Seen(Struct, frozen=True):
    """What was seen of a picture: its header, and how often it came out of a Darkroom before."""

    header: Header
    hops: int


class Source(Struct, frozen=True):
    """Where pictures are: a bucket, and what their keys begin with."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def source_of(address: str) -> Source:
    """Of `s3://bucket/prefix`. Raises BadInput."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise BadInput(f"{address!r} is no address of pictures", "write it as s3://bucket/prefix")
    return Source(match["bucket"], match["prefix"] or "")


class Pictures:
    """The objects of a source, over a client that may list its bucket and read it."""

    def __init__(self, s3: AwsClient, source: Source) -> None:
        self._s3 = s3
        self.source = source

    def pages(self) -> Iterator[list[Picture]]:
        """All of them, a thousand at a time; folders' own marks are left out."""
        listing = self._s3.get_paginator("list_objects_v2")
        for page in listing.paginate(Bucket=self.source.bucket, Prefix=self.source.prefix):
            yield [
                Picture(
                    key=one["Key"],
                    etag=one["ETag"].strip('"'),
                    bytes=one["Size"],
                    is_archived=one.get("StorageClass") in _ARCHIVED,
                )
                for one in page.get("Contents", [])
                if not one["Key"].endswith("/")
            ]

    def seen(self, picture: Picture) -> Seen:
        """What its first bytes say it is; its name and type are not asked, which in old buckets say anything.

        Raises what an upload is refused with, HopLimit for a result of ours that came back once too often,
        SourceMissing if another object is there now, and Unavailable.
        """
        head = Head(version_id=picture.etag, etag=picture.etag, bytes=picture.bytes, sha256=None)
        ranges = _OfPicture(self._s3, self.source.bucket)
        file = Ranges(ranges, picture.key, head)
        # whether what is read by choice is read there, the service says
        every = frozenset(ImageFormat)
        check_declared(file.read(SNIFF_BYTES), None, None, every)
        check_hops(ranges.hops)
        header = measure(file, picture.bytes, every)
        check_limits(header)
        return Seen(header, ranges.hops)


class _OfPicture:
    """Ranges of one object, as `RangeReader`; the ETag stands for the version. `hops` are known after the first."""

    def __init__(self, s3: AwsClient, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket
        self.hops = 0

    def read_range(self, key: str, version_id: str, start: int, size: int) -> bytes:
        with translated(_CHANGED):
            answer = self._s3.get_object(
                Bucket=self._bucket, Key=key, IfMatch=version_id, Range=f"bytes={start}-{start + size - 1}"
            )
            self.hops = hops_in(answer.get("Metadata", {}))
            with closing(answer["Body"]) as body:
                return body.read()
