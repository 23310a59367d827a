"""A batch, from decoding to deletion: order of effects, what heals, and what is never sent twice."""

import pytest

from contracts.errors import RevisionMoved, Unavailable
from contracts.job import JobState, Lane
from contracts.messages import Outgoing, Process, Queue
from contracts.options import Options
from services.processing.batches import Desk, End, process_seen
from tests.support.pipeline import WEB, Died, Pipeline, a_source, some_variants

ORDERS = Queue.TRANSFORMS


def uploaded(pipeline: Pipeline, count: int = 1) -> list[str]:
    return [pipeline.upload(options=some_variants("a", "b")).job.id for _ in range(count)]


def answered(pipeline: Pipeline, count: int = 1) -> list[str]:
    """Jobs whose answers wait in `completions`."""
    jobs = uploaded(pipeline, count)
    pipeline.turn("jobs")
    while pipeline.function.run():
        pass
    return jobs


def raising(error: type[BaseException], op: str, times: int = 1):
    left = [times]

    def announce(done: str) -> None:
        if done == op and left[0]:
            left[0] -= 1
            raise error("planted")

    return announce


def test_a_batch_of_jobs_is_one_read_one_send_one_deletion_and_a_write_each(pipeline: Pipeline, calls: list) -> None:
    uploaded(pipeline, 4)
    calls.clear()
    pipeline.turn("jobs")
    writes = ["ledger.replace"] * 4
    assert calls == ["queues.receive", "ledger.read", *writes, "queues.send", "queues.delete"]


def test_a_batch_of_answers_sends_nothing_and_deletes_last(pipeline: Pipeline, calls: list) -> None:
    answered(pipeline, 3)
    calls.clear()
    pipeline.turn("completions")
    assert calls == ["queues.receive", "ledger.read", *["ledger.replace"] * 3, "queues.delete"]


def test_all_answers_of_one_job_are_one_write(pipeline: Pipeline, calls: list) -> None:
    (job_id,) = answered(pipeline)
    pipeline.queues.duplicate(Queue.COMPLETIONS, 0)
    pipeline.queues.duplicate(Queue.COMPLETIONS, 0)
    calls.clear()
    settled = pipeline.turn("completions")
    assert calls.count("ledger.replace") == 1
    assert settled is not None
    assert settled.ends == (End.ACKNOWLEDGED,) * 3
    assert pipeline.job(job_id).state is JobState.COMPLETED


def test_a_second_delivery_changes_nothing_and_sends_nothing(pipeline: Pipeline, calls: list) -> None:
    (job_id,) = uploaded(pipeline)
    for _ in range(7):
        pipeline.queues.duplicate(Queue.JOBS, 0)
    pipeline.turn("jobs")
    planned = pipeline.job(job_id)
    pipeline.queues.send([Outgoing(Queue.JOBS, Process(job_id=job_id, run=1))])
    calls.clear()
    pipeline.turn("jobs")
    assert calls == ["queues.receive", "ledger.read", "queues.delete"]
    assert pipeline.job(job_id) == planned
    assert len(pipeline.queues.bodies(ORDERS)) == 1


def test_a_crash_between_write_and_send_is_healed_by_the_redelivery(pipeline: Pipeline) -> None:
    """No sweeper is needed: the message comes back after its visibility, and sends what is owed."""
    uploaded(pipeline)
    pipeline.before = raising(Died, "queues.send")
    with pytest.raises(Died):
        pipeline.turn("jobs")
    assert pipeline.queues.bodies(ORDERS) == []
    pipeline.restart()
    pipeline.clock.advance(31)
    pipeline.turn("jobs")
    assert len(pipeline.queues.bodies(ORDERS)) == 1
    assert pipeline.queues.bodies(Queue.JOBS) == []


def test_a_write_whose_reply_was_lost_still_sends_what_it_owes(pipeline: Pipeline, calls: list) -> None:
    (job_id,) = uploaded(pipeline)
    pipeline.after = raising(Unavailable, "ledger.replace")
    calls.clear()
    pipeline.turn("jobs")
    write, read = "ledger.replace", "ledger.read"
    assert calls == ["queues.receive", read, write, read, "queues.send", "queues.delete"]
    assert len(pipeline.queues.bodies(ORDERS)) == 1
    assert pipeline.job(job_id).revision == 3


def test_a_write_that_somebody_was_quicker_with_is_stepped_again(pipeline: Pipeline) -> None:
    (job_id,) = answered(pipeline)
    pipeline.before = raising(RevisionMoved, "ledger.replace", times=2)
    pipeline.turn("completions")
    assert pipeline.job(job_id).state is JobState.COMPLETED
    assert pipeline.queues.bodies(Queue.COMPLETIONS) == []


def test_a_back_off_is_not_sent_again_by_a_redelivery(pipeline: Pipeline) -> None:
    (job_id,) = uploaded(pipeline)
    pipeline.turn("jobs")
    pipeline.function.run("retryable")
    pipeline.before = raising(Died, "queues.delete")
    with pytest.raises(Died):
        pipeline.turn("completions")
    (debt,) = pipeline.job(job_id).debts
    assert debt.sent_at is None
    pipeline.queues.surface(Queue.COMPLETIONS)
    pipeline.restart()
    pipeline.turn("completions")
    assert pipeline.queues.bodies(ORDERS) == []
    assert pipeline.queues.bodies(Queue.COMPLETIONS) == []


def test_a_job_that_others_change_each_time_is_left(pipeline: Pipeline, told: list) -> None:
    uploaded(pipeline)
    pipeline.before = raising(RevisionMoved, "ledger.replace", times=100)
    settled = pipeline.turn("jobs")
    assert settled is not None
    assert settled.ends == (End.LEFT,)
    assert len(pipeline.queues.bodies(Queue.JOBS)) == 1
    assert [line["reason"] for line in told if line["event"] == "message.left"] == ["others changed the job each time"]


def test_a_table_that_does_not_answer_leaves_the_whole_batch(pipeline: Pipeline) -> None:
    uploaded(pipeline, 3)
    pipeline.before = raising(Unavailable, "ledger.read")
    assert pipeline.turn("jobs") is None
    assert len(pipeline.queues.bodies(Queue.JOBS)) == 3


def test_what_could_not_be_sent_comes_with_the_message_that_was_left(pipeline: Pipeline) -> None:
    """The order is not sent again while its queue holds others, so nobody else would send it soon."""
    uploaded(pipeline)
    pipeline.before = raising(Unavailable, "queues.send")
    pipeline.turn("jobs")
    assert (pipeline.queues.bodies(ORDERS), len(pipeline.queues.bodies(Queue.JOBS))) == ([], 1)
    pipeline.clock.advance(31)
    pipeline.turn("jobs")
    assert (len(pipeline.queues.bodies(ORDERS)), pipeline.queues.bodies(Queue.JOBS)) == (1, [])


def test_what_could_not_be_sent_is_owed_and_the_sweeper_sends_it(pipeline: Pipeline) -> None:
    uploaded(pipeline)
    pipeline.before = raising(Unavailable, "queues.send")
    pipeline.turn("jobs")
    assert pipeline.queues.bodies(ORDERS) == []
    pipeline.clock.advance(31)
    pipeline.sweep()
    assert len(pipeline.queues.bodies(ORDERS)) == 1


def test_a_bug_in_one_job_leaves_its_message_and_no_other(pipeline: Pipeline, told: list) -> None:
    broken, *others = uploaded(pipeline, 3)

    def seen(message, job):
        if job.id == broken:
            raise ZeroDivisionError("a bug")
        return process_seen(message, job)

    desk = Desk(
        queue=Queue.JOBS,
        seen=seen,
        queues=pipeline.queues,
        ledger=pipeline.ledger,
        clock=pipeline.clock,
        timing=pipeline.timing,
    )
    settled = desk.settle(pipeline.queues.receive(Queue.JOBS, most=10))
    assert settled.ends == (End.LEFT, End.ACKNOWLEDGED, End.ACKNOWLEDGED)
    assert [pipeline.job(job_id).state for job_id in others] == [JobState.PROCESSING] * 2
    assert [line["job_id"] for line in told if line["event"] == "message.failed"] == [broken]


def test_an_unplannable_job_ends_without_an_order(pipeline: Pipeline) -> None:
    job = pipeline.upload(source=a_source(width=60_000)).job
    pipeline.turn("jobs")
    assert pipeline.job(job.id).state is JobState.REJECTED
    assert pipeline.queues.bodies(ORDERS) == []


def test_bulk_jobs_are_read_from_their_own_queue(pipeline: Pipeline) -> None:
    job = pipeline.upload(options=Options(priority=Lane.BULK)).job
    assert len(pipeline.queues.bodies(Queue.JOBS_BULK)) == 1
    pipeline.turn("jobs-bulk")
    assert pipeline.job(job.id).state is JobState.PROCESSING


def test_the_story_of_a_job_is_told_once_in_a_few_lines(pipeline: Pipeline, told: list) -> None:
    job = pipeline.upload().job
    pipeline.settle()
    lines = [line for line in told if line.get("job_id") == job.id]
    assert [line["event"] for line in lines] == ["job.queued", "job.planned", "part.folded", "job.completed"]
    assert {line["request_id"] for line in lines} == {"r-1"}
    assert lines[-1]["variants"] == len(WEB)
    assert all("elapsed_ms" in line for line in lines[1:])
    assert not any("a.jpg" in str(line) for line in lines)


def test_crashes_of_a_batch_of_variants_part_it_until_the_culprit_is_alone(pipeline: Pipeline) -> None:
    (job_id,) = uploaded(pipeline)
    pipeline.function.nature[job_id] = {"b": "dies"}
    pipeline.settle()
    job = pipeline.job(job_id)
    assert job.state is JobState.PARTIALLY_COMPLETED
    assert [(v.spec.name, v.state, v.crashes) for v in job.variants] == [("a", "completed", 0), ("b", "failed", 2)]
    assert job.variants[1].error is not None
    assert job.variants[1].error.code == "resource-limit"
    assert pipeline.queues.bodies(ORDERS, dead_letters=True) == []


def test_the_dead_letters_reader_refuses_an_order_of_another_tenant(pipeline: Pipeline) -> None:
    (job_id,) = uploaded(pipeline)
    pipeline.turn("jobs")
    (order,) = pipeline.queues.bodies(ORDERS)
    pipeline.queues.put(ORDERS, order.replace('"tenant":"default"', '"tenant":"other"'), dead_letters=True)
    pipeline.turn("transforms-dead-letters")
    assert all(part.is_open for part in pipeline.job(job_id).parts)
    assert len(pipeline.queues.bodies(ORDERS, dead_letters=True)) == 1


def test_a_deletion_that_fails_is_only_told(pipeline: Pipeline) -> None:
    (job_id,) = uploaded(pipeline)
    pipeline.before = raising(Unavailable, "queues.delete")
    pipeline.turn("jobs")
    assert pipeline.job(job_id).state is JobState.PROCESSING
    assert len(pipeline.queues.bodies(Queue.JOBS)) == 1
    assert pipeline.queues.bodies(ORDERS) != []


def test_a_process_of_an_earlier_run_plans_what_is_pending_now(pipeline: Pipeline) -> None:
    (job_id,) = uploaded(pipeline)
    pipeline.queues.purge()
    pipeline.queues.send([Outgoing(Queue.JOBS, Process(job_id=job_id, run=0))])
    pipeline.turn("jobs")
    assert len(pipeline.job(job_id).parts) == 1
