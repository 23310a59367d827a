"""Bad messages (B61 to B72 of the catalogue), each among good ones: parked with the reason, and the good ones go on."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contracts.errors import Unavailable
from contracts.job import JobState
from contracts.messages import Finished, Process, Queue, decode, encode
from services.processing.batches import End
from tests.support.bad_inputs.letters import MISFITS, NOBODY, UNREADABLE
from tests.support.pipeline import Pipeline, some_variants

READERS = {Queue.JOBS: "jobs", Queue.JOBS_BULK: "jobs-bulk", Queue.COMPLETIONS: "completions"}


@pytest.mark.parametrize("queue", READERS)
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_bad_message_is_parked_with_its_reason_and_the_good_ones_go_on(
    pipeline: Pipeline, queue: Queue, body: str
) -> None:
    good = some_answer(pipeline) if queue is Queue.COMPLETIONS else some_job(pipeline, queue)
    pipeline.queues.put(queue, body)
    settled = pipeline.turn(READERS[queue])
    assert settled is not None
    assert sorted(settled.ends, key=str) == [End.ACKNOWLEDGED, End.PARKED]
    assert pipeline.job(good).revision > 2
    assert pipeline.queues.bodies(queue) == []
    assert pipeline.queues.bodies(queue, dead_letters=True) == [body]
    (reason,) = pipeline.queues.reasons(queue)
    assert reason
    assert reason.isascii()
    assert reason.isprintable()
    assert len(reason) <= 200


def test_a_message_of_no_job_is_left_until_its_receives_are_used_up(pipeline: Pipeline) -> None:
    """B65: its row may be on its way; if it never comes, the queue itself gives the message up."""
    pipeline.queues.put(Queue.JOBS, encode(Process(job_id=NOBODY, run=1)).decode())
    for _ in range(5):
        settled = pipeline.turn("jobs")
        assert settled is not None
        assert settled.ends == (End.LEFT,)
        assert pipeline.queues.bodies(Queue.JOBS, dead_letters=True) == []
        pipeline.clock.advance(31)
    assert pipeline.turn("jobs") is None
    assert len(pipeline.queues.bodies(Queue.JOBS, dead_letters=True)) == 1


def test_a_forged_tenant_moves_nothing_of_anybody(pipeline: Pipeline) -> None:
    """B66: a message's tenant is not believed; the job's own is."""
    job_id = some_job(pipeline, Queue.JOBS)
    pipeline.queues.purge()
    forged = {"type": "process", "v": 1, "job_id": job_id, "run": 1, "tenant": "other", "key": "inline/other/x"}
    pipeline.queues.put(Queue.JOBS, json.dumps(forged))
    pipeline.turn("jobs")
    (order,) = map(decode, pipeline.queues.bodies(Queue.TRANSFORMS))
    assert order.tenant == "default"
    assert order.key == pipeline.job(job_id).key


@pytest.mark.parametrize("queue", READERS)
def test_a_message_of_another_queue_is_parked(pipeline: Pipeline, queue: Queue) -> None:
    job_id = some_job(pipeline, Queue.JOBS)
    pipeline.queues.purge()
    stray = Process(job_id=job_id, run=1) if queue is Queue.COMPLETIONS else Finished(job_id=job_id, token=1)
    before = pipeline.job(job_id)
    pipeline.queues.put(queue, encode(stray).decode())
    pipeline.turn(READERS[queue])
    assert pipeline.job(job_id) == before
    assert len(pipeline.queues.bodies(queue, dead_letters=True)) == 1


def test_an_answer_to_an_order_that_never_was_is_parked_after_the_write(pipeline: Pipeline, calls: list) -> None:
    job_id = some_job(pipeline, Queue.JOBS)
    pipeline.queues.put(Queue.COMPLETIONS, encode(Finished(job_id=job_id, token=77)).decode())
    pipeline.turn("jobs")
    pipeline.function.run()
    calls.clear()
    pipeline.turn("completions")
    assert calls == ["queues.receive", "ledger.read", "ledger.replace", "queues.park", "queues.delete"]
    assert pipeline.job(job_id).state is JobState.COMPLETED
    assert pipeline.queues.reasons(Queue.COMPLETIONS) == ["no order of this job had that token"]


@pytest.mark.parametrize("spoil", MISFITS.values(), ids=MISFITS)
def test_an_answer_that_no_function_of_ours_gives_counts_as_a_crash(pipeline: Pipeline, spoil) -> None:
    """B71: nothing of it is believed; the order is given out again, in two parts."""
    job_id = some_answer(pipeline)
    (answer,) = map(decode, pipeline.queues.bodies(Queue.COMPLETIONS))
    assert isinstance(answer, Finished)
    pipeline.queues.purge(Queue.COMPLETIONS)
    pipeline.queues.put(Queue.COMPLETIONS, encode(spoil(answer)).decode())
    pipeline.turn("completions")
    job = pipeline.job(job_id)
    assert [part.outcome for part in job.parts] == ["crashed", None, None]
    assert not any(record.result for record in job.variants)
    pipeline.settle()
    assert pipeline.job(job_id).state is JobState.COMPLETED


def test_bad_dead_letters_stay_where_they_are_and_are_told_once(pipeline: Pipeline, told: list) -> None:
    """Whoever looks after the queue needs them; the reader comes by once in a visibility time-out."""
    for body in UNREADABLE.values():
        pipeline.queues.put(Queue.TRANSFORMS, body, dead_letters=True)
    for _ in range(4):
        for _ in range(3):
            pipeline.turn("transforms-dead-letters")
        pipeline.clock.advance(91)
    assert sorted(pipeline.queues.bodies(Queue.TRANSFORMS, dead_letters=True)) == sorted(UNREADABLE.values())
    assert len([line for line in told if line["event"] == "message.stays_parked"]) == len(UNREADABLE)


@pytest.mark.generated
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
@example("\ud800")
@example('{"type":"process","v":1e400}')
def test_no_text_at_all_stops_a_reader(pipeline: Pipeline, body: str) -> None:
    pipeline.queues.purge()
    pipeline.queues.put(Queue.JOBS, body)
    settled = pipeline.turn("jobs")
    assert settled is not None
    assert settled.ends == (End.PARKED,)
    assert pipeline.queues.bodies(Queue.JOBS, dead_letters=True) == [body]


def test_a_body_that_cannot_be_sent_on_does_not_stop_its_neighbours(pipeline: Pipeline, told: list) -> None:
    good = some_job(pipeline, Queue.JOBS)
    pipeline.queues.put(Queue.JOBS, UNREADABLE["B61 not JSON"])

    def fails(op: str) -> None:
        if op == "queues.park":
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "planted")

    pipeline.before = fails
    settled = pipeline.turn("jobs")
    assert settled is not None
    assert settled.ends == (End.ACKNOWLEDGED, End.LEFT)
    assert pipeline.job(good).state is JobState.PROCESSING
    assert [line["log_level"] for line in told if line["event"] == "message.not_parked"] == ["error"]


def test_a_bad_message_that_cannot_be_parked_now_comes_back(pipeline: Pipeline) -> None:
    pipeline.queues.put(Queue.JOBS, UNREADABLE["B61 not JSON"])

    def fails(op: str) -> None:
        if op == "queues.park":
            raise Unavailable("planted")

    pipeline.before = fails
    pipeline.turn("jobs")
    pipeline.before = lambda op: None
    assert len(pipeline.queues.bodies(Queue.JOBS)) == 1
    pipeline.clock.advance(31)
    pipeline.turn("jobs")
    assert pipeline.queues.bodies(Queue.JOBS) == []
    assert pipeline.queues.bodies(Queue.JOBS, dead_letters=True) == [UNREADABLE["B61 not JSON"]]


def some_job(pipeline: Pipeline, queue: Queue) -> str:
    job_id = pipeline.upload(options=some_variants("a", "b")).job.id
    if queue is not Queue.JOBS:
        (body,) = pipeline.queues.bodies(Queue.JOBS)
        pipeline.queues.purge()
        pipeline.queues.put(queue, body)
    return job_id


def some_answer(pipeline: Pipeline) -> str:
    job_id = some_job(pipeline, Queue.JOBS)
    pipeline.turn("jobs")
    pipeline.function.run()
    return job_id
