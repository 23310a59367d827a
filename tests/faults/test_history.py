"""The judge of a history finds each broken promise, and none in a history that keeps them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.job import Job, JobState
from tests.support.history import History, judge
from tests.support.pipeline import Pipeline, some_variants

DIGEST = "sha-256=:a:"


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    one = History(tmp_path / "history.jsonl")
    yield one
    one.close()


@pytest.fixture
def job() -> Job:
    pipeline = Pipeline()
    job_id = pipeline.upload(options=some_variants("a")).job.id
    pipeline.settle()
    return pipeline.job(job_id)


def saw(history: History, job: Job, run: int, state: str, revision: int, *, of: int | None = None) -> None:
    of = history.note("asks", job=job.id) if of is None else of
    history.note("sees", of=of, job=job.id, run=run, state=state, revision=revision, digests={"a": DIGEST})


def story(event: str, job: Job, **fields: Any) -> dict[str, Any]:
    return {"event": event, "job_id": job.id, **fields}


def test_a_history_that_keeps_every_promise_is_left_alone(history: History, job: Job) -> None:
    history.note("accepted", key="k", job=job.id)
    history.note("accepted", key="k", job=job.id)
    early = history.note("asks", job=job.id)
    saw(history, job, 1, "processing", 3)
    saw(history, job, 1, "completed", 4)
    # a read that began before may end later, and have seen less
    saw(history, job, 1, "queued", 2, of=early)
    stories = [story("job.completed", job, run=1), story("part.folded", job, token=1)]
    assert judge(history.read(), {job.id: job}, stories) == []


def test_a_job_that_was_accepted_and_is_gone_or_unfinished_is_lost(history: History, job: Job) -> None:
    history.note("accepted", key="k", job=job.id)
    assert judge(history.read(), {}, []) == [f"{job.id} was accepted and is not there"]
    for state in (JobState.PROCESSING, JobState.ABANDONED):
        there = {job.id: replace(job, state=state)}
        assert judge(history.read(), there, []) == [f"{job.id} was accepted and is {state}"]


def test_an_effect_that_was_told_twice_was_doubled(history: History, job: Job) -> None:
    folded, ended = story("part.folded", job, token=1), story("job.failed", job, run=1)
    assert judge([], {}, [folded, folded]) == [f"the answer to order 1 of {job.id} was folded 2 times"]
    assert judge([], {}, [ended, story("job.completed", job, run=1)]) == [f"run 1 of {job.id} ended 2 times"]
    assert judge([], {}, [ended, story("job.completed", job, run=2)]) == []


@pytest.mark.parametrize(("run", "state", "revision"), [(1, "queued", 9), (1, "completed", 3), (0, "completed", 9)])
def test_a_client_that_sees_less_than_before_is_told_of(
    history: History, job: Job, run: int, state: str, revision: int
) -> None:
    saw(history, job, 1, "processing", 4)
    saw(history, job, run, state, revision)
    (broken,) = judge(history.read(), {}, [])
    assert "and later at" in broken


def test_a_result_that_was_replaced_is_told_of(history: History, job: Job) -> None:
    saw(history, job, 1, "completed", 4)
    asked = history.note("asks", job=job.id)
    history.note("sees", of=asked, job=job.id, run=1, state="completed", revision=4, digests={"a": "sha-256=:b:"})
    assert judge(history.read(), {}, []) == [f"a of {job.id} was replaced"]


def test_a_key_that_names_two_jobs_is_told_of(history: History, job: Job) -> None:
    for job_id in (job.id, "another"):
        history.note("accepted", key="k", job=job_id)
    assert "the key k was answered with two jobs" in judge(history.read(), {job.id: job, "another": job}, [])
