"""Faults F19 and F32: clocks that are wrong, and deletions that race the work."""

from typing import Any

import httpx
import pytest

from contracts.job import JobState
from tests.support.judge import judge_storage
from tests.support.memory import VirtualClock
from tests.support.pipeline import Host, Pipeline, some_variants
from tests.support.siege import Siege, until

pytestmark = pytest.mark.xdist_group("siege")

MINUTE = 60


class Skewed:
    """The pipeline as a host sees it whose clock is off."""

    def __init__(self, pipeline: Pipeline, seconds: int) -> None:
        self._pipeline = pipeline
        self.clock = _Off(pipeline.clock, seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)


class _Off:
    def __init__(self, clock: VirtualClock, seconds: int) -> None:
        self._clock, self.seconds = clock, seconds

    def now(self) -> int:
        return self._clock.now() + self.seconds * 1_000


@pytest.mark.parametrize("skew", [-10 * MINUTE, 10 * MINUTE])
@pytest.mark.parametrize("jump", [0, -20 * MINUTE, 20 * MINUTE])
def test_f19_clocks_that_differ_by_minutes_and_jump_decide_nothing(skew: int, jump: int) -> None:
    """F19: one host's clock is ten minutes off, and jumps by twenty in the middle of the work. (Over ports in memory:
    the processes of one machine have one clock.)"""
    pipeline = Pipeline()
    right, other = pipeline.host, Skewed(pipeline, skew)
    wrong = Host(other)  # type: ignore[arg-type]
    jobs = [pipeline.upload(options=some_variants("a", "b")).job.id for _ in range(4)]
    hosts = [right, wrong]
    for turn in range(120):
        host = hosts[turn % 2]
        if turn == 11:
            other.clock.seconds += jump
        for name in host.readers:
            host.turn(name)
        pipeline.function.run("retryable" if turn in (3, 4) else "as it is")
        host.sweeper.sweep()
        pipeline.clock.advance(7)
    for job in jobs:
        assert pipeline.job(job).state is JobState.COMPLETED
        assert max(record.tries for record in pipeline.job(job).variants) <= 1
    judge_storage(pipeline.ledger, pipeline.objects)


@pytest.fixture(scope="module")
def deleted(world: Siege) -> dict[str, str]:
    """Jobs that were deleted at different points of their way, by that point."""
    jobs = {"at once": world.accepted()}
    _delete(world, jobs["at once"])
    with world.held("processing"):
        jobs["queued"] = world.accepted()
        _delete(world, jobs["queued"])
    with world.function_busy():
        jobs["processing"] = world.accepted()
        until(lambda: world.jobs([jobs["processing"]])[jobs["processing"]].last_token > 0, "the order")
        _delete(world, jobs["processing"])
    jobs["completed"] = world.accepted()
    world.final(jobs["completed"])
    _delete(world, jobs["completed"])
    return jobs


def _delete(world: Siege, job_id: str) -> None:
    assert world.http.delete(f"/jobs/{job_id}").status_code in (202, 204)


@pytest.mark.parametrize("point", ["at once", "queued", "processing", "completed"])
def test_f32_a_job_that_is_deleted_at_any_point_leaves_no_byte(
    world: Siege, deleted: dict[str, str], point: str
) -> None:
    """F32: deletion voids every token, erases at once, and again when nobody can be writing any more."""
    job_id = deleted[point]
    assert world.http.get(f"/status/{job_id}").status_code == httpx.codes.GONE
    until(lambda: world.jobs([job_id])[job_id].state is JobState.DELETED, "the second erasure")
    for bucket in world.stack.exports["buckets"].values():
        pages = world.stack.clients["s3"].get_paginator("list_object_versions").paginate(Bucket=bucket)
        found = [one["Key"] for page in pages for one in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        assert not [key for key in found if job_id in key]
