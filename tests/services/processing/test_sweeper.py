"""The sweeper: debts, alarms and purges, at what cost, and that several of them do no harm."""

import hashlib
import io

import msgspec
import pytest

from contracts.errors import Unavailable
from contracts.job import DebtKind, JobState
from contracts.messages import Queue, decode
from tests.support.pipeline import Died, Host, Pipeline, some_variants

ORDERS = Queue.TRANSFORMS
PICTURE = b"a picture"


def uploaded(pipeline: Pipeline) -> str:
    return pipeline.upload(options=some_variants("a", "b"), picture=PICTURE).job.id


def reserved(pipeline: Pipeline, *, stored: bytes | None = None) -> str:
    """A job whose upload died after the row, or (`stored`) after the put."""

    def dies(op: str) -> None:
        if op == "objects.put_original":
            raise Died

    with pipeline.quiet():
        pipeline.before = dies
        with pytest.raises(Died):
            uploaded(pipeline)
    (job,) = pipeline.ledger.jobs()
    if stored is not None:
        sha256 = hashlib.sha256(stored).hexdigest()
        pipeline.objects.put_original(
            job.key, io.BytesIO(stored), length=len(stored), sha256=sha256, media_type="image/jpeg"
        )
    pipeline.clock.time = job.alarm_at or 0
    return job.id


def test_an_idle_sweep_is_one_query_a_shard(pipeline: Pipeline, calls: list) -> None:
    uploaded(pipeline)
    pipeline.settle()
    calls.clear()
    for _ in range(10):
        pipeline.clock.advance(5)
        pipeline.sweep()
    assert calls == ["ledger.due"] * pipeline.shards * 10


def test_under_healthy_load_the_sweeper_asks_for_no_depth(pipeline: Pipeline, calls: list) -> None:
    for _ in range(10):
        uploaded(pipeline)
        pipeline.turn("jobs")
        pipeline.clock.advance(5)
        pipeline.sweep()
        pipeline.function.run()
        pipeline.turn("completions")
    assert "queues.depth" not in calls


def test_a_message_that_never_went_out_is_sent_when_its_gap_is_over(pipeline: Pipeline) -> None:
    uploaded(pipeline)
    (body,) = pipeline.queues.bodies(Queue.JOBS)
    pipeline.queues.purge()
    pipeline.clock.advance(29)
    pipeline.sweep()
    assert pipeline.queues.bodies(Queue.JOBS) == []
    pipeline.clock.advance(2)
    pipeline.sweep()
    assert pipeline.queues.bodies(Queue.JOBS) == [body]


def test_an_order_is_sent_again_under_the_same_token(pipeline: Pipeline) -> None:
    job_id = uploaded(pipeline)
    pipeline.turn("jobs")
    (order,) = pipeline.queues.bodies(ORDERS)
    pipeline.queues.purge()
    for _ in range(3):
        pipeline.clock.advance(1_000)
        pipeline.sweep()
    assert set(pipeline.queues.bodies(ORDERS)) == {order}
    job = pipeline.job(job_id)
    assert (job.last_token, [record.tries for record in job.variants]) == (1, [0, 0])


def test_while_the_queue_is_not_empty_the_gap_is_the_longest_at_once(pipeline: Pipeline) -> None:
    """A backlog is not a failure: whatever waits in the queue waits its turn."""
    job_id = uploaded(pipeline)
    pipeline.clock.advance(31)
    pipeline.sweep()
    (debt,) = pipeline.job(job_id).debts
    assert debt.due_at - pipeline.clock.now() == 900_000


def test_a_queue_that_does_not_say_how_deep_it_is_counts_as_empty(pipeline: Pipeline) -> None:
    job_id = uploaded(pipeline)
    pipeline.clock.advance(31)

    def fails(op: str) -> None:
        if op == "queues.depth":
            raise Unavailable("planted")

    pipeline.before = fails
    pipeline.sweep()
    (debt,) = pipeline.job(job_id).debts
    assert debt.due_at - pipeline.clock.now() == 60_000


def test_a_variant_that_backed_off_is_sent_without_a_look_at_the_queue(pipeline: Pipeline, calls: list) -> None:
    uploaded(pipeline)
    pipeline.turn("jobs")
    pipeline.function.run("retryable")
    pipeline.turn("completions")
    assert pipeline.queues.bodies(ORDERS) == []
    pipeline.clock.advance(3)
    calls.clear()
    pipeline.sweep()
    assert len(pipeline.queues.bodies(ORDERS)) == 1
    assert "queues.depth" not in calls


def test_an_upload_that_died_before_its_put_is_given_up(pipeline: Pipeline) -> None:
    job_id = reserved(pipeline)
    pipeline.sweep()
    assert pipeline.job(job_id).state is JobState.ABANDONED
    pipeline.sweep()
    assert pipeline.job(job_id).debts == ()


def test_an_upload_that_died_after_its_put_goes_on(pipeline: Pipeline) -> None:
    job_id = reserved(pipeline, stored=PICTURE)
    pipeline.sweep()
    job = pipeline.job(job_id)
    assert job.state is JobState.QUEUED
    assert job.original is not None
    assert [version.id for version in pipeline.objects.originals[job.key]] == [job.original.version_id]
    assert job.source.filename == "a.jpg"
    pipeline.settle()
    assert pipeline.job(job_id).state is JobState.COMPLETED


def test_bytes_that_the_row_does_not_know_are_no_original(pipeline: Pipeline) -> None:
    job_id = reserved(pipeline, stored=b"another picture")
    pipeline.sweep()
    assert pipeline.job(job_id).state is JobState.ABANDONED
    pipeline.sweep()
    assert pipeline.objects.originals == {}


def test_before_its_alarm_an_upload_is_left_alone(pipeline: Pipeline, calls: list) -> None:
    job_id = reserved(pipeline)
    pipeline.clock.advance(-1)
    pipeline.sweep()
    assert pipeline.job(job_id).state is JobState.AWAITING_UPLOAD
    assert "objects.head_original" not in calls


def test_a_job_whose_life_is_over_is_erased_twice_and_remembered_as_a_tombstone(pipeline: Pipeline) -> None:
    job_id = uploaded(pipeline)
    pipeline.settle()
    assert pipeline.objects.originals
    assert pipeline.objects.results
    pipeline.clock.time = pipeline.job(job_id).expires_at
    pipeline.sweep()
    pipeline.sweep()
    job = pipeline.job(job_id)
    assert job.state is JobState.DELETING
    assert [debt.round for debt in job.debts] == [2]
    assert pipeline.objects.originals == pipeline.objects.results == {}
    pipeline.clock.time = job.debts[0].due_at
    pipeline.sweep()
    assert pipeline.job(job_id).state is JobState.DELETED
    assert pipeline.job(job_id).due_at is None


def test_the_second_erasure_waits_for_its_time(pipeline: Pipeline, calls: list) -> None:
    """Until then somebody may still be writing; looking ahead must not begin it."""
    job_id = uploaded(pipeline)
    pipeline.settle()
    pipeline.clock.time = pipeline.job(job_id).expires_at
    pipeline.sweep()
    pipeline.sweep()
    calls.clear()
    for _ in range(10):
        pipeline.clock.advance(10)
        pipeline.sweep()
    assert "objects.erase" not in calls


@pytest.mark.parametrize("error", [Unavailable("planted"), PermissionError("a right is missing")], ids=repr)
def test_an_erasure_that_fails_is_tried_later_and_later(pipeline: Pipeline, told: list, error: Exception) -> None:
    """Jobs that cannot be erased must not stand at the head of the index in the way of all others."""
    job_id = uploaded(pipeline)
    pipeline.function.nature[job_id] = "undecodable"
    pipeline.turn("jobs")
    pipeline.function.run()
    pipeline.turn("completions")

    def fails(op: str) -> None:
        if op == "objects.erase":
            raise error

    pipeline.before = fails
    gaps = []
    for _ in range(3):
        pipeline.clock.time = max(pipeline.clock.now(), pipeline.job(job_id).due_at or 0)
        pipeline.sweep()
        (debt,) = pipeline.job(job_id).debts
        gaps.append(debt.due_at - pipeline.clock.now())
    assert gaps == sorted(set(gaps))
    pipeline.before = lambda op: None
    pipeline.settle()
    assert pipeline.objects.originals == {}


def test_erasing_comes_before_saying_so(pipeline: Pipeline, calls: list) -> None:
    job_id = uploaded(pipeline)
    pipeline.function.nature[job_id] = "undecodable"
    pipeline.turn("jobs")
    pipeline.function.run()
    pipeline.turn("completions")
    calls.clear()
    pipeline.sweep()
    assert calls.index("objects.erase") < calls.index("ledger.replace")


def test_one_job_that_fails_leaves_the_others_to_be_swept(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, told: list
) -> None:
    jobs = [uploaded(pipeline) for _ in range(4)]
    pipeline.queues.purge()
    replace = pipeline.ledger.replace

    def fails(job, expected_revision: int, also=()) -> None:
        if job.id == jobs[1]:
            raise ZeroDivisionError("planted")
        replace(job, expected_revision, also)

    monkeypatch.setattr(pipeline.ledger, "replace", fails)
    pipeline.restart()
    pipeline.clock.advance(31)
    pipeline.sweep()
    assert len(pipeline.queues.bodies(Queue.JOBS)) == 3
    assert [line["job_id"] for line in told if line["event"] == "job.failed_to_sweep"] == [jobs[1]]


def test_a_row_that_cannot_be_read_does_not_keep_its_neighbours(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, told: list
) -> None:
    jobs = [uploaded(pipeline) for _ in range(3)]
    pipeline.queues.purge()
    read = pipeline.ledger.read

    def spoiled(job_ids):
        if jobs[1] in job_ids:
            raise msgspec.ValidationError("planted")
        return read(job_ids)

    monkeypatch.setattr(pipeline.ledger, "read", spoiled)
    pipeline.restart()
    pipeline.clock.advance(31)
    pipeline.sweep()
    assert len(pipeline.queues.bodies(Queue.JOBS)) == 2
    assert [line["job_id"] for line in told if line["event"] == "job.unreadable"] == [jobs[1]]


def test_a_shard_that_does_not_answer_leaves_the_others(pipeline: Pipeline, told: list) -> None:
    fails_once = iter([True])

    def fails(op: str) -> None:
        if op == "ledger.due" and next(fails_once, False):
            raise Unavailable("planted")

    pipeline.before = fails
    pipeline.sweep()
    assert [line["event"] for line in told] == ["shard.left"]


def test_a_sweeper_that_is_stopped_ends_after_the_job_in_hand(pipeline: Pipeline, calls: list) -> None:
    pipeline.host.sweeper.sweep(lambda: True)
    assert calls == []


@pytest.mark.parametrize("queue", [Queue.JOBS, ORDERS])
def test_queues_that_were_purged_are_filled_again_within_seconds(pipeline: Pipeline, queue: Queue) -> None:
    """A long gap is for a backlog; when the queue is found empty there is none, and nobody waits a quarter hour."""
    job_id = uploaded(pipeline)
    if queue is ORDERS:
        pipeline.turn("jobs")
    pipeline.clock.advance(31)
    pipeline.sweep()  # the queue holds messages: the gap is fifteen minutes now
    body = pipeline.queues.bodies(queue)[0]
    pipeline.queues.purge()
    purged_at = pipeline.clock.now()
    while not pipeline.queues.bodies(queue):
        pipeline.clock.advance(5)
        pipeline.sweep()
    assert pipeline.queues.bodies(queue) == [body]
    assert pipeline.clock.now() - purged_at <= 70_000
    pipeline.settle()
    assert pipeline.job(job_id).state is JobState.COMPLETED


def test_an_order_that_somebody_has_in_hand_is_not_lost_however_empty_its_queue_looks(pipeline: Pipeline) -> None:
    """Of a run that takes a minute, and of one that died, the queue shows the same: nothing waits, one is in flight."""
    uploaded(pipeline)
    pipeline.turn("jobs")
    for _ in range(2):
        assert len(pipeline.queues.receive(ORDERS, most=10)) == 1
        for _ in range(17):
            pipeline.clock.advance(5)
            pipeline.sweep()
            assert len(pipeline.queues.bodies(ORDERS)) == 1
        # nobody answered: it comes back by itself
        pipeline.clock.advance(5)


@pytest.mark.parametrize(("queue", "dead"), [(Queue.COMPLETIONS, False), (Queue.COMPLETIONS, True), (ORDERS, True)])
def test_an_order_is_not_repeated_early_while_its_answer_may_be_on_the_way(
    pipeline: Pipeline, queue: Queue, dead: bool
) -> None:
    uploaded(pipeline)
    pipeline.turn("jobs")
    pipeline.clock.advance(31)
    pipeline.sweep()
    pipeline.queues.purge()
    pipeline.queues.put(queue, "an answer, perhaps", dead_letters=dead)
    for _ in range(30):
        pipeline.clock.advance(5)
        pipeline.sweep()
    assert pipeline.queues.bodies(ORDERS) == []


def test_what_is_backing_off_is_not_sent_early_however_empty_the_queues(pipeline: Pipeline) -> None:
    job_id = uploaded(pipeline)
    pipeline.turn("jobs")
    for _ in range(2):
        pipeline.function.run("retryable")
        pipeline.turn("completions")
        due_at = pipeline.job(job_id).debts[0].due_at
        while pipeline.clock.now() < due_at:
            pipeline.sweep()
            assert pipeline.queues.bodies(ORDERS) == []
            pipeline.clock.advance(1)
        pipeline.sweep()
        assert len(pipeline.queues.bodies(ORDERS)) == 1


def test_two_sweepers_and_a_zombie_send_each_debt_in_one_name(pipeline: Pipeline) -> None:
    """The slower one's write is refused; what it sends then is the same message, of the same token."""
    job_id = uploaded(pipeline)
    pipeline.turn("jobs")
    (order,) = pipeline.queues.bodies(ORDERS)
    pipeline.queues.purge()
    pipeline.clock.advance(31)
    other = Host(pipeline)

    def other_sweeps_too(op: str) -> None:
        if op == "ledger.replace":
            with pipeline.quiet():
                other.sweeper.sweep()

    pipeline.before = other_sweeps_too
    pipeline.sweep()
    assert set(pipeline.queues.bodies(ORDERS)) == {order}
    assert pipeline.job(job_id).debts[0].lapses == 1
    assert [debt.kind for debt in pipeline.job(job_id).debts] == [DebtKind.TRANSFORM]
    assert decode(order).token == 1
