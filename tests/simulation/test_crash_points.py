"""A crash, a failed call and a lost reply at every call that any actor makes, one at a time; then everything heals.

The promise: whatever breaks off wherever, every upload that was answered 202 ends as it would have ended anyway, no
effect is doubled, and nothing is left lying about. The list of calls is counted in a run without faults, so a call that
somebody adds to an actor is a crash point by itself.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from contracts.deliveries import DeliveryState
from contracts.errors import Unavailable
from contracts.job import Job, JobState
from contracts.messages import Queue
from tests.support.judge import judge_storage
from tests.support.pipeline import Died, Pipeline, some_variants

KEY = "the one upload"
Act = Callable[[Pipeline], object]


def upload(pipeline: Pipeline) -> None:
    pipeline.upload(key=KEY, options=some_variants("a", "b"))


def upload_to_be_told(pipeline: Pipeline) -> None:
    pipeline.upload(key=KEY, options=some_variants("a", "b", told=True))


def turn(name: str) -> Act:
    return lambda pipeline: pipeline.turn(name)


def function(pipeline: Pipeline, script: str = "as it is") -> None:
    """A run that raises gives its order back to the queue."""
    with suppress(Unavailable):
        pipeline.function.run(script)


def fails_once(pipeline: Pipeline) -> None:
    function(pipeline, "retryable")


def sweep(pipeline: Pipeline) -> None:
    pipeline.sweep()


def wait(seconds: float) -> Act:
    return lambda pipeline: pipeline.clock.advance(seconds)


def nature(**of_variants: str) -> Act:
    """What the function will make of the job that is there."""

    def known(pipeline: Pipeline) -> None:
        for job in pipeline.ledger.jobs():
            pipeline.function.nature[job.id] = of_variants

    return known


def undecodable(pipeline: Pipeline) -> None:
    for job in pipeline.ledger.jobs():
        pipeline.function.nature[job.id] = "undecodable"


def expire(pipeline: Pipeline) -> None:
    for job in pipeline.ledger.jobs():
        pipeline.clock.time = max(pipeline.clock.time, job.expires_at)


WORK = (turn("jobs"), function, turn("completions"))
SCENARIOS: dict[str, tuple[tuple[Act, ...], JobState]] = {
    "completed": ((upload, *WORK), JobState.COMPLETED),
    "second try": (
        (upload, turn("jobs"), fails_once, turn("completions"), wait(10), sweep, function, turn("completions")),
        JobState.COMPLETED,
    ),
    "one variant fails": ((upload, nature(b="failed"), *WORK), JobState.PARTIALLY_COMPLETED),
    "one variant kills": (
        (upload, nature(b="dies"), turn("jobs"))
        + (function, wait(91)) * 3
        + (function, turn("transforms-dead-letters"), function, turn("completions"))
        + (function, wait(91)) * 3
        + (function, turn("transforms-dead-letters")),
        JobState.PARTIALLY_COMPLETED,
    ),
    "told": ((upload_to_be_told, *WORK, turn("notifications")), JobState.COMPLETED),
    "undecodable": ((upload, undecodable, *WORK, sweep), JobState.REJECTED),
    "purged": (
        (upload, lambda pipeline: pipeline.queues.purge(), wait(31), sweep, *WORK),
        JobState.COMPLETED,
    ),
    "expired": ((upload, *WORK, expire, sweep, wait(181), sweep), JobState.DELETED),
}


def counted(scenario: tuple[Act, ...]) -> list[str]:
    """The calls of a run without faults, in order."""
    pipeline, calls = Pipeline(), []
    pipeline.before = calls.append
    for act in scenario:
        act(pipeline)
    return calls


def faults() -> Iterator[tuple[str, int, str]]:
    for name, (scenario, _) in SCENARIOS.items():
        for number, op in enumerate(counted(scenario)):
            yield name, number, op


def broken_at(number: int, fault: type[BaseException], *, after: bool, scenario: tuple[Act, ...]) -> Pipeline:
    """The scenario with one fault at one call. Who dies is started anew; who asked for an upload in vain asks again."""
    pipeline = Pipeline()
    calls = iter(range(10_000))

    def announce(op: str) -> None:
        if next(calls) == number:
            raise fault("planted")

    if after:
        pipeline.after = announce
    else:
        pipeline.before = announce
    for act in scenario:
        try:
            act(pipeline)
        except Died:
            pipeline.restart()
        except Unavailable:
            assert act in (upload, upload_to_be_told)
    pipeline.before = pipeline.after = lambda op: None
    return pipeline


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", [Died, Unavailable])
@pytest.mark.parametrize(("name", "number", "op"), [pytest.param(*p, id="-".join(map(str, p))) for p in faults()])
def test_whatever_breaks_off_wherever_the_job_ends_as_it_would_have(
    name: str, number: int, op: str, fault: type[BaseException], after: bool
) -> None:
    scenario, end = SCENARIOS[name]
    pipeline = broken_at(number, fault, after=after, scenario=scenario)
    if not pipeline.ledger.jobs():
        for act in scenario:
            act(pipeline)
    elif pipeline.ledger.jobs()[0].state is JobState.AWAITING_UPLOAD:
        scenario[0](pipeline)  # the client, who got no answer, asks again under its key
    pipeline.settle()
    if name == "expired" and pipeline.ledger.jobs()[0].state is not JobState.DELETED:
        expire(pipeline)
        pipeline.sweep()
        pipeline.settle()
    (job,) = pipeline.ledger.jobs()
    assert_ended(pipeline, job, end)


def test_a_crash_costs_at_most_two_more_runs_of_the_function() -> None:
    """What is sent again may be on its way still: at the worst by the redelivery and by the sweeper. No more breed."""
    repeated = []
    for name, number, _ in faults():
        scenario, _ = SCENARIOS[name]
        if name != "one variant kills":  # which is run again until it is given up
            for after in (False, True):
                pipeline = broken_at(number, Died, after=after, scenario=scenario)
                pipeline.settle()
                repeated.append(len(pipeline.function.runs) - len(set(pipeline.function.runs)))
    assert max(repeated) <= 2


def assert_ended(pipeline: Pipeline, job: Job, end: JobState) -> None:
    assert job.state is end
    judge_storage(pipeline.ledger, pipeline.objects)
    assert not job.debts
    told = [delivery.state for delivery in pipeline.deliveries.all()]
    assert told == [DeliveryState.DELIVERED] * (job.webhook is not None)
    assert [pipeline.queues.bodies(queue) for queue in Queue] == [[]] * len(Queue)


def test_the_client_that_never_asks_again_leaves_a_job_that_ends() -> None:
    """A 202 that was never sent promises nothing, but what was begun is finished or given up."""
    ends = set()
    for number in range(len(counted((upload,)))):
        for after in (False, True):
            pipeline = broken_at(number, Died, after=after, scenario=(upload,))
            pipeline.settle()
            for job in pipeline.ledger.jobs():
                if job.state is JobState.AWAITING_UPLOAD:
                    assert job.alarm_at is not None
                    pipeline.clock.time = job.alarm_at
                    pipeline.sweep()
                    pipeline.settle()
            judge_storage(pipeline.ledger, pipeline.objects)
            ends |= {job.state for job in pipeline.ledger.jobs()} or {None}
    assert ends == {None, JobState.ABANDONED, JobState.COMPLETED}
