"""The loop of a reader: what holds it back, what makes it rest, and that it finishes what it has in hand."""

import threading

import pytest

from contracts.errors import Unavailable
from contracts.job import JobState, Lane
from contracts.messages import Process, Queue, encode
from contracts.options import Options
from services.processing.readers import Reader
from tests.support.pipeline import READERS, Pipeline, some_variants

NOBODY = "00000000-0000-7000-8000-00000000ffff"


class Stop(threading.Event):
    """Set by the test; waits are noted and end at once, and after so many of them it is set."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.left, self.waits = waits, []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        self.left -= 1
        if self.left <= 0:
            self.set()
        return self.is_set()


def reader(pipeline: Pipeline, name: str) -> Reader:
    return pipeline.host.readers[name]


def stop_at(pipeline: Pipeline, stop: threading.Event, op: str) -> None:
    def announce(done: str) -> None:
        if done == op:
            stop.set()

    pipeline.before = announce


def test_a_batch_in_hand_is_finished_when_the_stop_comes(pipeline: Pipeline) -> None:
    job = pipeline.upload().job
    stop = threading.Event()
    stop_at(pipeline, stop, "ledger.read")
    reader(pipeline, "jobs").run(stop)
    assert pipeline.job(job.id).state is JobState.PROCESSING
    assert pipeline.queues.bodies(Queue.JOBS) == []


def test_a_reader_that_is_stopped_receives_nothing(pipeline: Pipeline, calls: list) -> None:
    stop = threading.Event()
    stop.set()
    for name in READERS:
        reader(pipeline, name).run(stop)
    assert calls == []


def test_jobs_are_held_back_while_the_function_has_more_than_twice_its_share(pipeline: Pipeline) -> None:
    """Waiting work stays in `jobs`, where it can still be cancelled."""
    for _ in range(5):
        pipeline.upload(options=some_variants("a"))
    pipeline.turn("jobs")
    pipeline.upload(options=some_variants("a"))
    pipeline.upload(options=Options(priority=Lane.BULK))
    for name in ("jobs", "jobs-bulk"):
        reader(pipeline, name).run(Stop(waits=3))
    assert len(pipeline.queues.bodies(Queue.TRANSFORMS)) == 5
    assert len(pipeline.queues.bodies(Queue.JOBS)) == len(pipeline.queues.bodies(Queue.JOBS_BULK)) == 1
    while pipeline.function.run():
        pass
    pipeline.turn("completions")
    stop = threading.Event()
    stop_at(pipeline, stop, "queues.delete")
    reader(pipeline, "jobs").run(stop)
    assert pipeline.queues.bodies(Queue.JOBS) == []


def test_a_batch_of_which_nothing_could_be_done_makes_it_rest_longer_and_longer(pipeline: Pipeline) -> None:
    """Otherwise a table that is away would wear out the receives of a whole backlog in seconds."""
    for _ in range(60):
        pipeline.queues.put(Queue.JOBS, encode(Process(job_id=NOBODY, run=1)).decode())
    stop = Stop(waits=5)
    reader(pipeline, "jobs").run(stop)
    assert len(stop.waits) == 5
    for shorter, longer in zip(stop.waits, stop.waits[1:], strict=False):
        assert longer > shorter


def test_a_good_message_ends_the_rest(pipeline: Pipeline) -> None:
    pipeline.queues.put(Queue.JOBS, encode(Process(job_id=NOBODY, run=1)).decode())
    jobs = reader(pipeline, "jobs")
    jobs.turn(0)
    pipeline.upload()
    jobs.turn(0)
    stop = threading.Event()
    stop_at(pipeline, stop, "queues.receive")
    jobs.run(stop)


def test_an_empty_queue_ends_the_rest_too(pipeline: Pipeline) -> None:
    """What made it rest is hidden; whoever comes next must not wait for it."""
    pipeline.queues.put(Queue.JOBS, encode(Process(job_id=NOBODY, run=1)).decode())
    jobs = reader(pipeline, "jobs")
    jobs.turn(0)
    jobs.turn(0)
    stop = Stop(waits=1)
    stop_at(pipeline, stop, "queues.receive")
    jobs.run(stop)
    assert stop.waits == []


def test_a_queue_that_does_not_answer_is_asked_again_later(pipeline: Pipeline, told: list) -> None:
    def fails(op: str) -> None:
        raise Unavailable("planted")

    pipeline.before = fails
    stop = Stop(waits=3)
    reader(pipeline, "completions").run(stop)
    assert [line["event"] for line in told] == ["queue.not_received"] * 3
    assert len(stop.waits) == 3


def test_an_error_without_a_name_in_the_loop_ends_it(pipeline: Pipeline) -> None:
    def denied(op: str) -> None:
        raise PermissionError("planted")

    pipeline.before = denied
    with pytest.raises(PermissionError):
        reader(pipeline, "jobs").run(threading.Event())


def test_an_error_without_a_name_in_a_batch_is_logged_once_and_leaves_it(pipeline: Pipeline, told: list) -> None:
    pipeline.upload()

    def fails(op: str) -> None:
        if op == "ledger.read":
            raise ZeroDivisionError("planted")

    pipeline.before = fails
    assert pipeline.turn("jobs") is None
    assert len(pipeline.queues.bodies(Queue.JOBS)) == 1
    assert [line["event"] for line in told if line["log_level"] == "error"] == ["batch.failed"]
