"""What docs/operations.md says about getting things back, done: rows of the table, and originals, from before.

The embedded cloud keeps the setting of point-in-time recovery and cannot restore one, so the table that AWS would make
of a moment is made here by copying the rows at that moment. All that comes after is the operator's own command.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from client import Darkroom
from client.errors import Refused
from contracts.formats import ImageFormat
from contracts.places import INLINE, OriginalPlace
from contracts.tables import JOBS
from local import folder
from local.supervisor import Supervisor
from local.temporary import temporary
from operations.restoring import bring_back
from tests.support import pictures
from tests.support.stack import until

pytestmark = pytest.mark.xdist_group("restore")

SHORTENED = {"timing": {"sweep_seconds": 1, "first_gap_seconds": 4, "queue_visibility_seconds": 3}}
"""What a lost message owes is taken up after these times, and not after half a minute."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Supervisor]:
    with temporary(SHORTENED) as supervisor:
        yield supervisor


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(pictures.encoded(pictures.photo(800, 600), ImageFormat.JPEG))
    return path


@contextmanager
def nobody_processes(stack: Supervisor) -> Iterator[None]:
    """The processing service stands still, as if its last host had gone: jobs are taken and wait."""
    processes = msgspec.json.decode(stack.folder.run_file.read_bytes(), type=list[folder.Running])
    pid = next(process.pid for process in processes if process.name == "processing")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def copied(stack: Supervisor, name: str) -> str:
    """A new table with the rows as they are now: what AWS restores a moment into."""
    dynamodb, live = stack.clients["dynamodb"], stack.exports["tables"]["jobs"]
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": JOBS.hash_key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": JOBS.hash_key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert bring_back(dynamodb, JOBS, live, name).written
    return name


def lost(stack: Supervisor, jobs: list[str]) -> None:
    """The rows of these jobs are gone from the stack's table."""
    table = stack.exports["tables"]["jobs"]
    for job in jobs:
        stack.clients["dynamodb"].delete_item(TableName=table, Key={JOBS.hash_key: {"S": f"job#{job}"}})


def depth(stack: Supervisor) -> int:
    """Messages that wait to be planned, or are in somebody's hand."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = [
        stack.clients["sqs"].get_queue_attributes(QueueUrl=stack.exports["queues"][name]["url"], AttributeNames=names)
        for name in ("jobs", "jobs-bulk")
    ]
    return sum(int(count) for one in found for count in one["Attributes"].values())


def test_lost_rows_come_back_and_what_they_owed_is_done(stack: Supervisor, image: Path, tmp_path: Path) -> None:
    """One job had ended, one was still waiting, and one goes on while the table is brought back."""
    with Darkroom(stack.url) as darkroom:
        ended = darkroom.wait(darkroom.upload(image, filename="ended.jpg").id)
        with nobody_processes(stack):
            waiting = darkroom.upload(image, filename="waiting.jpg").id
            copy = copied(stack, "a-moment-ago")
            lost(stack, [ended.id, waiting])
            for job in (ended.id, waiting):
                with pytest.raises(Refused) as refusal:
                    darkroom.status(job)
                assert refusal.value.status == 404
            later = darkroom.upload(image, filename="later.jpg").id
            # the messages are lost as well: only the rows can say what is owed
            until(lambda: depth(stack) >= 2, "both messages to be sent")
            for name in ("jobs", "jobs-bulk"):
                stack.clients["sqs"].purge_queue(QueueUrl=stack.exports["queues"][name]["url"])
            done = bring_back(stack.clients["dynamodb"], JOBS, copy, stack.exports["tables"]["jobs"])
        assert done.written == 2
        assert darkroom.wait(waiting).state == "completed"
        assert darkroom.wait(later).state == "completed"
        back = darkroom.status(ended.id)
        assert back is not None
        assert (back.revision, back.state) == (ended.revision, "completed")
        assert len(darkroom.download(back, tmp_path / "out")) == len(ended.variants)


def test_bringing_rows_back_turns_no_job_back(stack: Supervisor, image: Path) -> None:
    with Darkroom(stack.url) as darkroom:
        with nobody_processes(stack):
            job = darkroom.upload(image, filename="on.jpg").id
            copy = copied(stack, "before-it-went-on")
        ended = darkroom.wait(job)
        bring_back(stack.clients["dynamodb"], JOBS, copy, stack.exports["tables"]["jobs"])
        now = darkroom.status(job)
        assert now is not None
        assert (now.state, now.revision) == ("completed", ended.revision)


def test_an_original_that_was_overwritten_or_deleted_is_still_worked_on(stack: Supervisor, image: Path) -> None:
    """The job pins the version that was uploaded, so nothing has to be brought back for it."""
    s3, bucket = stack.clients["s3"], stack.exports["buckets"]["originals"]
    with Darkroom(stack.url) as darkroom:
        with nobody_processes(stack):
            jobs = [darkroom.upload(image, filename="hidden.jpg").id for _ in range(2)]
            overwritten, deleted = (OriginalPlace(INLINE, "default", job).key for job in jobs)
            s3.put_object(Bucket=bucket, Key=overwritten, Body=b"not a picture")
            s3.delete_object(Bucket=bucket, Key=deleted)
        assert [darkroom.wait(job).state for job in jobs] == ["completed"] * 2


def test_a_deleted_or_overwritten_original_is_brought_back_from_its_version(stack: Supervisor, image: Path) -> None:
    """With the two calls that the page names."""
    s3, bucket = stack.clients["s3"], stack.exports["buckets"]["originals"]
    with Darkroom(stack.url) as darkroom:
        key = OriginalPlace(INLINE, "default", darkroom.wait(darkroom.upload(image, filename="back.jpg").id).id).key
    before = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert before == image.read_bytes()

    marker = s3.delete_object(Bucket=bucket, Key=key)["VersionId"]
    assert s3.list_object_versions(Bucket=bucket, Prefix=key)["DeleteMarkers"][0]["VersionId"] == marker
    s3.delete_object(Bucket=bucket, Key=key, VersionId=marker)
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == before

    s3.put_object(Bucket=bucket, Key=key, Body=b"something else")
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    (pinned,) = (version["VersionId"] for version in versions if not version["IsLatest"])
    s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key, "VersionId": pinned})
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == before


def test_the_table_can_be_restored_at_all(stack: Supervisor) -> None:
    """What the embedded cloud can say of it: the recovery of a moment is on."""
    for name in stack.exports["tables"].values():
        answer = stack.clients["dynamodb"].describe_continuous_backups(TableName=name)
        recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_waiting_for_a_job_needs_somebody_who_processes(stack: Supervisor, image: Path) -> None:
    """The pause that the tests above rest on is one."""
    with Darkroom(stack.url) as darkroom:
        with nobody_processes(stack):
            job = darkroom.upload(image, filename="paused.jpg").id
            status = darkroom.status(job, wait=1)
            assert status is None or not status.is_final
        until(lambda: (found := darkroom.status(job)) is not None and found.is_final, "the job to end")
