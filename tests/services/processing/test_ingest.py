"""S3 says what was posted straight to it: the job goes on, once, whoever else said so; and strangers change nothing."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.errors import BadMessage, Unavailable
from contracts.events import Cancelled, Deleted
from contracts.formats import ImageFormat
from contracts.identifiers import JobId
from contracts.job import DebtKind, Job, JobState
from contracts.lifecycle import step
from contracts.messages import Queue
from contracts.notices import decode_notices
from services.processing.batches import End
from tests.support.memory import ORIGINALS, notice
from tests.support.pictures import png_header, sample
from tests.support.pipeline import Died, Pipeline

JPEG = sample(ImageFormat.JPEG)
NOBODY = "01932c00-0000-7000-8000-00000000ffff"


def posted(pipeline: Pipeline, picture: bytes = JPEG, **asked: Any) -> JobId:
    """A job whose file is there, and which nobody but S3 has spoken of."""
    granted = pipeline.presign(picture, **asked)
    assert granted.post is not None
    assert pipeline.objects.post_form(granted.post.fields, picture) is None
    return granted.job.id


def ends(pipeline: Pipeline) -> list[End]:
    settled = pipeline.turn("ingest")
    return [] if settled is None else list(settled.ends)


def moved(pipeline: Pipeline, job_id: JobId, event: Any) -> Job:
    before = pipeline.job(job_id)
    outcome = step(before, [event], pipeline.clock.now(), pipeline.timing)
    assert outcome.changed
    assert outcome.job is not None
    pipeline.ledger.replace(outcome.job, before.revision)
    return outcome.job


def test_a_posted_picture_is_taken_though_the_client_never_says_so(pipeline: Pipeline) -> None:
    job_id = posted(pipeline)
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    job = pipeline.job(job_id)
    assert job.state is JobState.QUEUED
    assert job.original is not None
    assert (job.original.version_id, job.source.format) == ("v1", ImageFormat.JPEG)
    pipeline.settle()
    assert pipeline.job(job_id).state is JobState.COMPLETED


def test_a_picture_that_is_none_is_rejected_and_erased(pipeline: Pipeline) -> None:
    job_id = posted(pipeline, b"no picture, whatever it says")
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    job = pipeline.job(job_id)
    assert job.error is not None
    assert (job.state, job.error.code) == (JobState.REJECTED, "unsupported-media-type")
    pipeline.sweep()
    assert not pipeline.objects.originals
    assert not pipeline.job(job_id).debts


def test_a_result_of_a_result_that_was_put_there_is_rejected_and_erased(pipeline: Pipeline) -> None:
    """No form allows metadata: somebody with rights of their own has copied it, and S3 tells of that too."""
    granted = pipeline.presign(JPEG)
    pipeline.objects.post_original(granted.job.key, JPEG, "image/jpeg", hops=2)
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    job = pipeline.job(granted.job.id)
    assert job.error is not None
    assert (job.state, job.error.code) == (JobState.REJECTED, "hop-limit")
    pipeline.sweep()
    assert not pipeline.objects.originals


def test_a_result_that_comes_in_again_has_results_of_one_more_hop(pipeline: Pipeline) -> None:
    granted = pipeline.presign(JPEG)
    pipeline.objects.post_original(granted.job.key, JPEG, "image/jpeg", hops=1)
    pipeline.settle()
    assert pipeline.job(granted.job.id).state is JobState.COMPLETED
    assert {version.hops for versions in pipeline.objects.results.values() for version in versions} == {2}


def test_whoever_is_first_commits_and_the_other_changes_nothing(pipeline: Pipeline) -> None:
    job_id = posted(pipeline)
    accepted = pipeline.complete(job_id)
    assert accepted.job.state is JobState.QUEUED
    before = pipeline.job(job_id)
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    assert pipeline.job(job_id) == before
    # and the other way round
    other = posted(pipeline)
    ends(pipeline)
    before = pipeline.job(other)
    assert pipeline.complete(other).job == before == pipeline.job(other)
    assert len(pipeline.queues.bodies(Queue.JOBS)) == 2


def test_a_notice_that_comes_twice_or_late_changes_nothing(pipeline: Pipeline) -> None:
    job_id = posted(pipeline)
    pipeline.queues.duplicate(Queue.INGEST, 0)
    assert ends(pipeline) == [End.ACKNOWLEDGED, End.ACKNOWLEDGED]
    pipeline.settle()
    done = pipeline.job(job_id)
    pipeline.queues.put(Queue.INGEST, notice(done.key))
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    assert pipeline.job(job_id) == done


def test_a_swap_after_the_commit_is_not_read_and_goes_with_the_job(pipeline: Pipeline) -> None:
    granted = pipeline.presign(JPEG, bytes=None, max_bytes=100_000)
    assert granted.post is not None
    pipeline.objects.post_form(granted.post.fields, JPEG)
    ends(pipeline)
    pinned = pipeline.job(granted.job.id)
    pipeline.objects.post_form(granted.post.fields, sample(ImageFormat.PNG))
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    assert pipeline.job(pinned.id) == pinned
    pipeline.settle()
    assert len(pipeline.objects.originals[pinned.key]) == 2
    moved(pipeline, pinned.id, Deleted(command="d"))
    pipeline.sweep()
    assert not pipeline.objects.originals


def test_a_swap_before_the_commit_is_what_is_looked_at(pipeline: Pipeline) -> None:
    """The notice is of the first version, the second is there: what is pinned is what was looked at."""
    granted = pipeline.presign(JPEG, bytes=None, max_bytes=100_000)
    assert granted.post is not None
    for _ in range(2):
        pipeline.objects.post_form(granted.post.fields, JPEG)
    ends(pipeline)
    job = pipeline.job(granted.job.id)
    assert job.original is not None
    assert job.original.version_id == "v2"


@pytest.mark.parametrize("event", [Cancelled(command="c"), Deleted(command="d")])
def test_bytes_that_nobody_waits_for_any_more_are_erased(pipeline: Pipeline, event: Any) -> None:
    granted = pipeline.presign(JPEG)
    assert granted.post is not None
    moved(pipeline, granted.job.id, event)
    pipeline.sweep()
    assert pipeline.objects.post_form(granted.post.fields, JPEG) is None
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    assert any(debt.kind is DebtKind.ERASE for debt in pipeline.job(granted.job.id).debts)
    # the second erasure of a deleted job waits for whatever may still land
    pipeline.clock.advance(2 * 3_600)
    pipeline.sweep()
    assert not pipeline.objects.originals


def test_a_good_post_after_a_bad_one_is_erased_too(pipeline: Pipeline) -> None:
    granted = pipeline.presign(JPEG, bytes=None, max_bytes=100_000)
    assert granted.post is not None
    pipeline.objects.post_form(granted.post.fields, b"no picture at all")
    ends(pipeline)
    pipeline.sweep()
    pipeline.objects.post_form(granted.post.fields, JPEG)
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    assert pipeline.job(granted.job.id).state is JobState.REJECTED
    pipeline.sweep()
    assert not pipeline.objects.originals


def test_an_upload_that_never_comes_is_given_up_and_erased(pipeline: Pipeline) -> None:
    job_id = pipeline.presign(JPEG).job.id
    pipeline.clock.advance(600 + 899)
    pipeline.sweep()
    assert pipeline.job(job_id).state is JobState.AWAITING_UPLOAD
    pipeline.clock.advance(2)
    pipeline.sweep()
    assert pipeline.job(job_id).state is JobState.ABANDONED
    # a post that began in time may land later still
    pipeline.objects.post_original(pipeline.job(job_id).key, JPEG, "image/jpeg")
    ends(pipeline)
    pipeline.clock.advance(60)
    pipeline.sweep()
    assert not pipeline.objects.originals
    assert not pipeline.job(job_id).debts


@pytest.mark.parametrize(("picture", "state"), [(JPEG, JobState.QUEUED), (b"no picture", JobState.REJECTED)])
def test_what_nobody_ever_said_is_found_by_the_sweeper(pipeline: Pipeline, picture: bytes, state: JobState) -> None:
    job_id = posted(pipeline, picture)
    pipeline.queues.purge(Queue.INGEST)
    pipeline.clock.advance(600 + 901)
    pipeline.sweep()
    assert pipeline.job(job_id).state is state


def test_a_picture_beyond_the_limits_is_rejected_by_its_head_alone(pipeline: Pipeline) -> None:
    content = png_header(60_000, 60_000)
    job_id = posted(pipeline, content, content_type="image/png")
    ends(pipeline)
    job = pipeline.job(job_id)
    assert job.error is not None
    assert job.error.code == "pixel-limit"


def test_a_failing_call_leaves_the_notice(pipeline: Pipeline) -> None:
    job_id = posted(pipeline)
    for op in ("ledger.read", "objects.head_original", "objects.read_range", "queues.send"):

        def fails(called: str, op: str = op) -> None:
            if called == op:
                raise Unavailable("planted")

        pipeline.before = fails
        assert ends(pipeline) == [End.LEFT], op
        pipeline.before = lambda op: None
        pipeline.queues.surface(Queue.INGEST)
    # the write was made before the send failed: what it owes goes out with the notice's next receive
    assert pipeline.job(job_id).state is JobState.QUEUED
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    assert len(pipeline.queues.bodies(Queue.JOBS)) == 1


@pytest.mark.parametrize("op", ["objects.head_original", "ledger.replace", "queues.send", "queues.delete"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reader_that_dies_anywhere_loses_nothing_and_doubles_nothing(pipeline: Pipeline, op: str, when: str) -> None:
    job_id = posted(pipeline)

    def dies(called: str) -> None:
        if called == op:
            pipeline.before = pipeline.after = lambda op: None
            raise Died

    setattr(pipeline, when, dies)
    with pytest.raises(Died):
        pipeline.turn("ingest")
    pipeline.restart()
    pipeline.queues.surface(Queue.INGEST)
    pipeline.settle()
    job = pipeline.job(job_id)
    assert (job.state, len(pipeline.function.runs)) == (JobState.COMPLETED, len(job.parts))


# --- B61 to B70 ------------------------------------------------------------------------------------------------------

TEST_EVENT = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": ORIGINALS, "RequestId": "5582815E"})
KEY = f"direct/default/{NOBODY}/original"
BAD = {
    "B61 not JSON": "not a notice",
    "B62 empty": "",
    "B63 another version": notice(KEY, eventVersion="3.0"),
    "B64 nothing in it": "{}",
    "no records": '{"Records":[]}',
    "records of nothing": '{"Records":[{}]}',
    "B67 too long": notice(KEY, filler="x" * 300_000),
    "B69 another bucket": notice(KEY, bucket="somebody-elses"),
    "B69 another key": notice("direct/a b+c/ü"),
    "B69 a key of ours with something behind it": notice(KEY + "/more"),
    "an original that came inline": notice(f"inline/default/{NOBODY}/original"),
    "B70 wrapped by SNS": json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": notice(KEY)}),
    "another source": notice(KEY, eventSource="aws:sqs"),
    "another test": json.dumps({"Service": "Amazon S3", "Event": "s3:Other"}),
    "half a surrogate": '{"Event":"\\ud800"}',
    "nested deep": "[" * 100_000,
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_notice_of_ours_is_parked_with_the_reason(pipeline: Pipeline, case: str) -> None:
    good = posted(pipeline)
    pipeline.queues.put(Queue.INGEST, BAD[case])
    assert sorted(ends(pipeline), key=str) == [End.ACKNOWLEDGED, End.PARKED]
    assert pipeline.job(good).state is JobState.QUEUED
    assert pipeline.queues.bodies(Queue.INGEST, dead_letters=True) == [BAD[case]]
    [reason] = pipeline.queues.reasons(Queue.INGEST)
    assert reason
    assert reason.isascii()


@pytest.mark.parametrize(
    "body",
    [TEST_EVENT, notice(KEY, name="ObjectRemoved:Delete"), notice(KEY, name="ObjectRemoved:DeleteMarkerCreated")],
)
def test_b68_a_test_and_a_removal_mean_nothing(pipeline: Pipeline, body: str) -> None:
    pipeline.queues.put(Queue.INGEST, body)
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    assert not pipeline.queues.bodies(Queue.INGEST)
    assert not pipeline.queues.bodies(Queue.INGEST, dead_letters=True)


def test_b65_a_notice_of_no_job_waits_for_its_row_and_then_dies(pipeline: Pipeline) -> None:
    pipeline.queues.put(Queue.INGEST, notice(KEY))
    for _ in range(5):
        assert ends(pipeline) == [End.LEFT]
        pipeline.queues.surface(Queue.INGEST)
    assert ends(pipeline) == []
    assert len(pipeline.queues.bodies(Queue.INGEST, dead_letters=True)) == 1


def test_b66_a_notice_that_names_another_tenant_is_parked(pipeline: Pipeline) -> None:
    job = pipeline.presign(JPEG).job
    pipeline.queues.put(Queue.INGEST, notice(f"direct/other/{job.id}/original"))
    assert ends(pipeline) == [End.PARKED]
    assert pipeline.job(job.id) == job


def test_b66_a_notice_of_an_inline_job_is_parked(pipeline: Pipeline) -> None:
    job = pipeline.upload().job
    pipeline.queues.put(Queue.INGEST, notice(f"direct/default/{job.id}/original"))
    assert ends(pipeline) == [End.PARKED]


def test_all_notices_of_a_message_are_seen_to(pipeline: Pipeline) -> None:
    jobs = [posted(pipeline) for _ in range(2)]
    records = [json.loads(body)["Records"][0] for body in pipeline.queues.bodies(Queue.INGEST)]
    pipeline.queues.purge(Queue.INGEST)
    pipeline.queues.put(Queue.INGEST, json.dumps({"Records": records}))
    assert ends(pipeline) == [End.ACKNOWLEDGED]
    assert {pipeline.job(job_id).state for job_id in jobs} == {JobState.QUEUED}


def test_a_key_is_read_as_s3_writes_it() -> None:
    assert [one.place.key for one in decode_notices(notice(KEY), ORIGINALS)] == [KEY]
    escaped = notice(KEY).replace("direct/default", "direct%2Fdefault")
    assert [one.place.key for one in decode_notices(escaped, ORIGINALS)] == [KEY]
    assert decode_notices(notice(KEY, None), ORIGINALS)[0].version_id is None


@given(st.text() | st.from_type(dict).map(json.dumps) | st.binary().map(lambda raw: raw.decode("latin-1")))
@example('{"Records":[{"s3":{"object":{"key":1}}}]}')
@example('{"Records":1}')
def test_no_body_does_more_than_be_refused(body: str) -> None:
    with contextlib.suppress(BadMessage):
        assert decode_notices(body, ORIGINALS) == ()
