"""Originals and results in S3. Links to results are made in `links`, deletion in `eraser`.

Every object is put once, under If-None-Match, with its SHA-256 for S3 to check. Integrity comes back the same way: a
stored checksum is checked by botocore while the body is read (F13).
"""

import base64
import random
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, BinaryIO, Final

from botocore.exceptions import ClientError
from msgspec import Struct

from adapters.clients import AwsClient
from adapters.errors import CONFLICTS, code_of, translated
from contracts.errors import AlreadyStored, PipelineError, SourceMissing, Unavailable
from contracts.hops import hops_in, marked
from contracts.ports import Head, Pinned

CONFLICT_TRIES: Final = 4
READ_TRIES: Final = 2
"""Of reading a body that was cut off: botocore repeats requests, not bodies."""

CACHE_CONTROL: Final = "private, max-age=31536000, immutable"
"""Of results: an address never means other bytes, and a link is meant for one reader."""

_MISSING: Final[Mapping[str, type[PipelineError]]] = {
    # a reader without ListBucket is told 403 for a key that does not exist (F23)
    "AccessDenied": SourceMissing,
    "403": SourceMissing,
    # a version id that S3 could never have given, and a delete marker read as a version
    "InvalidArgument": SourceMissing,
    "MethodNotAllowed": SourceMissing,
    # HEAD cannot say why; with a well-formed key it is a token that has expired
    "400": Unavailable,
}


class Copied(Struct, frozen=True):
    """A copy that was made here; `sha256` in hex, if S3 said it."""

    pinned: Pinned
    sha256: str | None


class S3Originals:
    """The bucket of originals, as `OriginalRanges` and `OriginalReader`; it is versioned."""

    def __init__(self, client: AwsClient, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_original(
        self, key: str, body: BinaryIO, *, length: int, sha256: str, media_type: str, hops: int = 0
    ) -> Pinned:
        answer = _put_once(
            self._client,
            Bucket=self._bucket,
            Key=key,
            Body=body,
            ContentLength=length,
            ContentType=media_type,
            Metadata=marked(hops),
            ChecksumSHA256=_base64(sha256),
        )
        return Pinned(version_id=answer["VersionId"], etag=_bare(answer["ETag"]))

    def copy_original(self, key: str, *, bucket: str, source: str, etag: str, media_type: str, hops: int = 0) -> Copied:
        """Copy an object of another bucket within S3, as long as it has this ETag; its own words do not come along.

        Raises SourceMissing if another object is there now, or none.
        """
        with translated({"PreconditionFailed": SourceMissing, "412": SourceMissing}):
            answer = self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource={"Bucket": bucket, "Key": source},
                CopySourceIfMatch=etag,
                MetadataDirective="REPLACE",
                TaggingDirective="REPLACE",
                ContentType=media_type,
                Metadata=marked(hops),
                ChecksumAlgorithm="SHA256",
            )
        result = answer["CopyObjectResult"]
        pinned = Pinned(version_id=answer["VersionId"], etag=_bare(result["ETag"]))
        return Copied(pinned=pinned, sha256=_hex(result.get("ChecksumSHA256")))

    def head_original(self, key: str) -> Head | None:
        try:
            with translated(_MISSING):
                answer = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except SourceMissing:
            return None
        return Head(
            version_id=answer["VersionId"],
            etag=_bare(answer["ETag"]),
            bytes=answer["ContentLength"],
            sha256=_hex(answer.get("ChecksumSHA256")),
            media_type=answer.get("ContentType", ""),
            hops=hops_in(answer.get("Metadata", {})),
        )

    def read_range(self, key: str, version_id: str, start: int, size: int) -> bytes:
        wanted = f"bytes={start}-{start + size - 1}"
        # by the current version, and that is the one: reading a version by its id is another right, which is not had
        with translated(_MISSING):
            answer = self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted)
        with translated(), closing(answer["Body"]) as body:
            if answer["VersionId"] != version_id:
                raise SourceMissing("another version is there now")
            return body.read()

    def get_original(self, key: str, version_id: str) -> bytes:
        return _read_whole(self._client, Bucket=self._bucket, Key=key, VersionId=version_id)


class S3Results:
    """The bucket of results, as `ResultStore`."""

    def __init__(self, client: AwsClient, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_result(self, key: str, body: bytes | memoryview, *, digest: str, media_type: str, hops: int = 1) -> None:
        try:
            _put_once(
                self._client,
                Bucket=self._bucket,
                Key=key,
                # botocore takes no view; copying 100 KB is nothing beside sending it
                Body=bytes(body),
                ContentType=media_type,
                CacheControl=CACHE_CONTROL,
                Metadata=marked(hops),
                ChecksumSHA256=_base64(digest),
            )
        except AlreadyStored:
            # the key is the digest: whoever was quicker stored these very bytes
            return

    def get_result(self, key: str) -> bytes:
        return _read_whole(self._client, Bucket=self._bucket, Key=key)


def _read_whole(client: AwsClient, **arguments: Any) -> bytes:
    """GetObject, all of it, by its checksum. Raises SourceMissing, and Unavailable if it keeps being cut off."""
    for attempt in range(1, READ_TRIES + 1):
        with translated(_MISSING):
            answer = client.get_object(ChecksumMode="ENABLED", **arguments)
        try:
            # `with` on the body itself would give the bare stream, whose length and checksum nobody compares
            with translated(), closing(answer["Body"]) as body:
                return body.read()
        except Unavailable:
            if attempt == READ_TRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


def _put_once(client: AwsClient, **arguments: Any) -> dict[str, Any]:
    """PutObject if the key does not exist. Raises AlreadyStored; Unavailable if two writers keep meeting."""
    body = arguments["Body"]
    for attempt in range(1, CONFLICT_TRIES + 1):
        if not isinstance(body, bytes):
            body.seek(0)
        with translated():
            try:
                return client.put_object(IfNoneMatch="*", **arguments)
            except ClientError as error:
                if code_of(error) not in CONFLICTS or attempt == CONFLICT_TRIES:
                    raise
        time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, no secret
    raise AssertionError("the last attempt returns or raises")


def _base64(hex_digest: str) -> str:
    return base64.b64encode(bytes.fromhex(hex_digest)).decode()


def _hex(checksum: str | None) -> str | None:
    """S3's checksum of a whole object; that of a multipart upload (`...-3`) is one of parts and says nothing."""
    return None if checksum is None or "-" in checksum else base64.b64decode(checksum).hex()


def _bare(etag: str) -> str:
    return etag.strip('"')
