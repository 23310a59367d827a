"""What lies in the buckets beside what the table says: outputs that are named, originals, objects of nobody."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Final

from botocore.exceptions import ClientError

from adapters.errors import code_of
from contracts.errors import BadMessage
from contracts.identifiers import JobId
from contracts.job import DebtKind, Instant, Job, JobState, Result
from contracts.limits import DAY_SECONDS
from contracts.places import original_prefixes, parse_original, parse_result, result_prefix
from operations.standing import Standing, Version
from operations.symptoms import Check, Symptom

_ABSENT: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion", "403", "AccessDenied", "MethodNotAllowed"})
OTHER_BYTES: Final = "has other bytes than its name says"
_CHUNK: Final = 256 * 1024
_ERASED: Final = frozenset({JobState.REJECTED, JobState.ABANDONED, JobState.DELETED})
"""States whose bytes go: they hold some only while they owe an erasure."""
_ORIGINAL_LIVES: Final = frozenset(
    {
        JobState.QUEUED,
        JobState.PROCESSING,
        JobState.COMPLETED,
        JobState.PARTIALLY_COMPLETED,
        JobState.FAILED,
        JobState.CANCELLED,
    }
)


def of_outputs(stack: Standing, job: Job, *, read: bool) -> Iterator[Symptom]:
    """Each result that the job names is there, and S3 has checked its bytes; with `read` they are hashed anew here."""
    if job.state in {JobState.DELETING, JobState.DELETED}:
        return
    for record in job.variants:
        if record.result is not None:
            says = _read(stack, record.result) if read else _looked_up(stack, record.result)
            if says:
                yield Symptom(check=Check.OUTPUTS, where=job.id, says=f"{record.spec.name} {says}")


def of_original(stack: Standing, job: Job) -> Iterator[Symptom]:
    """The pinned version is there, for as long as anybody may work on it."""
    if job.original is None or job.state not in _ORIGINAL_LIVES:
        return
    place = {"Bucket": stack.originals, "Key": job.original.key, "VersionId": job.original.version_id}
    try:
        stack.s3.head_object(**place)
    except ClientError as error:
        if code_of(error) not in _ABSENT | {"400", "InvalidArgument"}:
            raise
        yield Symptom(check=Check.ORIGINALS, where=job.id, says=f"its original is gone from {stack.originals}")


def of_versions(
    versions: Sequence[Version], jobs: Mapping[JobId, Job | None], bucket: str, before: Instant
) -> Iterator[Symptom]:
    """Objects of nobody among those that were stored before this moment: younger ones may be on their way."""
    told: set[JobId] = set()
    for version in versions:
        if version.at >= before:
            continue
        job_id = owner(version.key)
        if job_id is None:
            yield Symptom(check=Check.STRANGERS, where=version.key, says=f"lies in {bucket} under no job's name")
        elif job_id in told:
            continue
        elif job_id not in jobs:
            told.add(job_id)
            yield Symptom(check=Check.STRANGERS, where=version.key, says=f"lies in {bucket}, and its job has no row")
        elif (job := jobs[job_id]) is not None and is_left_over(job):
            told.add(job_id)
            yield still_there(job, version)


def is_left_over(job: Job) -> bool:
    """Whether no byte of this job may be there any more: its state erases them, and it owes no erasure."""
    return job.state in _ERASED and not any(debt.kind is DebtKind.ERASE for debt in job.debts)


def of_uploads(stack: Standing, now: Instant) -> Iterator[Symptom]:
    for bucket in (stack.originals, stack.results):
        for begun in stack.unfinished(bucket):
            if begun.at < now - 2 * DAY_SECONDS * 1_000:
                yield Symptom(check=Check.UPLOADS, where=begun.key, says=f"was begun in {bucket} and never finished")


def still_there(job: Job, version: Version) -> Symptom:
    says = f"is {job.state}, and {version.key} is still there"
    return Symptom(check=Check.TOMBSTONES, where=job.id, says=says)


def left_over(stack: Standing, job: Job) -> Version | None:
    """Any version of a job's bytes where none may be."""
    if not is_left_over(job):
        return None
    places = [(stack.originals, prefix) for prefix in original_prefixes(job.tenant, job.id)]
    places.append((stack.results, result_prefix(job.tenant, job.id)))
    for bucket, prefix in places:
        for page in stack.versions(bucket, prefix):
            if page:
                return page[0]
    return None


def owners(versions: Iterable[Version]) -> list[JobId]:
    return list(dict.fromkeys(job_id for version in versions if (job_id := owner(version.key)) is not None))


def owner(key: str) -> JobId | None:
    """The job that a key names; None for a key that none of ours is."""
    for parse in (parse_original, parse_result):
        try:
            return parse(key).job_id
        except BadMessage:
            continue
    return None


def _looked_up(stack: Standing, result: Result) -> str:
    """By the SHA-256 that S3 compared when it took the bytes; where it knows none, by the bytes."""
    try:
        head = stack.s3.head_object(Bucket=stack.results, Key=result.key, ChecksumMode="ENABLED")
    except ClientError as error:
        if code_of(error) not in _ABSENT:
            raise
        return "is not there"
    checksum = head.get("ChecksumSHA256", "")
    if not checksum or "-" in checksum:
        return _read(stack, result)
    return "" if base64.b64decode(checksum).hex() == result.digest else OTHER_BYTES


def _read(stack: Standing, result: Result) -> str:
    """By its bytes."""
    digest = hashlib.sha256()
    try:
        answer = stack.s3.get_object(Bucket=stack.results, Key=result.key)
    except ClientError as error:
        if code_of(error) not in _ABSENT:
            raise
        return "is not there"
    with closing(answer["Body"]) as body:
        for chunk in body.iter_chunks(_CHUNK):
            digest.update(chunk)
    return "" if digest.hexdigest() == result.digest else OTHER_BYTES
