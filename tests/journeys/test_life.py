"""A job's life as its owner and an operator direct it, on the embedded cloud: cancelled while it waits, tried again,
deleted without a trace, and moved on from the dead letters."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from client import Darkroom, Refused
from contracts.formats import ImageFormat
from contracts.job import Lane
from contracts.messages import Failed, Finished, Process, Queue, encode
from local.leftovers import Leftovers
from local.supervisor import Supervisor
from local.temporary import temporary
from tests.support import patient, pictures
from tests.support.stack import until
from tests.support.stopped import Stopped

SHORTENED = {
    "timing": {
        "sweep_seconds": 0.5,
        "first_gap_seconds": 600,
        "last_gap_seconds": 600,
        "function_timeout_seconds": 5,
        "transforms_visibility_seconds": 10,
        "upload_deadline_seconds": 2,
        "grace_seconds": 0,
    },
}
"""Nothing is sent a second time by itself while a test looks on; the second erasure comes after five seconds."""

PICTURE = pictures.sample(ImageFormat.JPEG)


@pytest.fixture(scope="module")
def world() -> Iterator[Supervisor]:
    with temporary(SHORTENED) as supervisor:
        yield supervisor


@pytest.fixture
def darkroom(world: Supervisor) -> Iterator[Darkroom]:
    with Darkroom(world.url) as client:
        yield client


@pytest.fixture
def leftovers(world: Supervisor, darkroom: Darkroom) -> Leftovers:
    model = darkroom.wait(darkroom.upload(PICTURE, filename="a.jpg").id)
    return Leftovers(world, model.id, PICTURE)


def versions(world: Supervisor, job_id: str) -> list[tuple[str, str]]:
    """(key, version) of everything of a job in either bucket, markers too."""
    found = []
    for bucket in world.exports["buckets"].values():
        page = world.clients["s3"].list_object_versions(Bucket=bucket)
        assert not page["IsTruncated"]
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        found += [(one["Key"], one["VersionId"]) for one in entries if job_id in one["Key"]]
    return found


def record(world: Supervisor, job_id: str) -> dict[str, Any]:
    return patient.get(f"{world.internal_url}/api/status/{job_id}").raise_for_status().json()


def test_what_is_cancelled_while_it_waits_costs_no_run(world: Supervisor, darkroom: Darkroom) -> None:
    with Stopped(world):
        jobs = [darkroom.upload(PICTURE, filename="a.jpg").id for _ in range(40)]
        until(lambda: any(record(world, job)["state"] == "processing" for job in jobs), "orders to fill the queue")
        unwanted = [job for job in jobs if record(world, job)["state"] == "queued"]
        for job in unwanted:
            assert darkroom.cancel(job).state == "cancelled"
        # some of them may have been planned between the look and the word
        waiting = [job for job in unwanted if record(world, job)["parts"] == []]
        assert len(waiting) > 5
    others = [job for job in jobs if job not in unwanted]
    assert {darkroom.wait(job).state for job in others} == {"completed"}
    for job in waiting:
        seen = record(world, job)
        assert (seen["state"], seen["parts"], seen["last_token"]) == ("cancelled", [], 0), "no order was ever sent"
        assert [key for key, _ in versions(world, job)] == [f"inline/default/{job}/original"]


def test_a_failed_variant_is_tried_again_and_the_others_are_left_alone(world: Supervisor, darkroom: Darkroom) -> None:
    variants = [{"name": "small", "resize": {"width": 30}}, {"name": "large", "resize": {"width": 60}}]
    with Stopped(world):
        job_id = darkroom.upload(PICTURE, filename="a.jpg", variants=variants).id
        until(lambda: record(world, job_id)["state"] == "processing", "the job to be planned")
        [part] = record(world, job_id)["parts"]
        # what a function would answer that could make neither
        failed = tuple(Failed(name=name, code="resource-limit") for name in part["variants"])
        answer = Finished(job_id=job_id, token=part["token"], answers=failed)
        url = world.exports["queues"]["completions"]["url"]
        world.clients["sqs"].send_message(QueueUrl=url, MessageBody=encode(answer).decode())
        seen = darkroom.wait(job_id)
        assert seen.state == "failed"
    answered = darkroom.retry(job_id, seen.revision, key="again")
    assert (answered.state, answered.revision) == ("queued", seen.revision + 1)
    done = darkroom.wait(job_id)
    assert (done.state, done.run) == ("completed", 2)
    assert darkroom.retry(job_id, seen.revision, key="again").replayed
    with pytest.raises(Refused) as caught:
        darkroom.retry(job_id, seen.revision)
    assert caught.value.code == "state-conflict"


def test_a_deleted_job_leaves_no_version_whatever_state_it_was_in(
    world: Supervisor, darkroom: Darkroom, leftovers: Leftovers
) -> None:
    completed = darkroom.wait(darkroom.upload(PICTURE, filename="a.jpg").id).id
    broken = pictures.truncated(pictures.encoded(pictures.photo(400, 300), ImageFormat.JPEG))
    rejected = darkroom.wait(darkroom.upload(broken, filename="half.jpg").id).id
    with Stopped(world):
        processing = [darkroom.upload(PICTURE, filename="a.jpg").id for _ in range(30)]
        until(lambda: record(world, processing[0])["state"] == "processing", "the queue to fill")
        queued = leftovers.unannounced(Lane.NORMAL).id
        cancelled = leftovers.unannounced(Lane.NORMAL).id
        darkroom.cancel(cancelled)
        reserved = leftovers.reserved(stored=True).id
        jobs = {completed, rejected, queued, cancelled, reserved, *processing}
        states = {record(world, job)["state"] for job in jobs}
        assert states >= {"completed", "rejected", "queued", "cancelled", "awaiting_upload", "processing"}
        assert all(versions(world, job) for job in (completed, queued, cancelled, reserved, *processing))
        for job in jobs:
            assert darkroom.delete(job).state == "deleting"
            with pytest.raises(Refused) as caught:
                darkroom.status(job)
            assert caught.value.code == "gone"
    # orders that were under way are carried out now, between the two erasures
    for job in jobs:
        until(lambda job=job: record(world, job)["state"] == "deleted", "the second erasure")
        assert versions(world, job) == []
        tombstone = json.dumps(record(world, job))
        assert "a.jpg" not in tombstone
        assert darkroom.delete(job).state == "deleted"
    assert not {job.id for job in darkroom.jobs()} & jobs


def test_fifty_letters_of_which_half_are_of_jobs_that_are_over(
    world: Supervisor, darkroom: Darkroom, leftovers: Leftovers
) -> None:
    over = [darkroom.upload(PICTURE, filename="a.jpg").id for _ in range(25)]
    assert {darkroom.wait(job).state for job in over} == {"completed"}
    waiting = [leftovers.unannounced(Lane.NORMAL).id for _ in range(25)]
    for job in [*over, *waiting]:
        leftovers.send(Queue.JOBS, encode(Process(job_id=job, run=1)).decode(), dead_letters=True)
    listed = patient.get(f"{world.internal_url}/api/dlq?queue=jobs").raise_for_status().json()
    [queue] = listed["queues"]
    fates = {letter["job_id"]: letter["fate"] for letter in queue["letters"]}
    assert fates == {**dict.fromkeys(over, "dropped"), **dict.fromkeys(waiting, "sent")}
    revisions = {job: record(world, job)["revision"] for job in over}
    done = patient.post(f"{world.internal_url}/api/dlq/redrive", json={"queue": "jobs", "rate": 100})
    said = done.raise_for_status().json()
    assert (said["sent"], said["dropped"], said["left"], said["more"]) == (25, 25, 0, False)
    assert {darkroom.wait(job).state for job in waiting} == {"completed"}
    assert {job: record(world, job)["revision"] for job in over} == revisions
    assert patient.get(f"{world.internal_url}/api/dlq?queue=jobs").json()["queues"][0]["letters"] == []
