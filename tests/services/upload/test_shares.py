"""A tenant's share of the normal lane: what is beyond it waits in bulk, counted with hardly a question."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.errors import Unavailable
from contracts.job import Job, JobState, Lane
from services.upload.shares import IN_FLIGHT, LOOK_SECONDS, InFlight, Shares
from tests.services.upload.test_listing import DAY, MIDNIGHT, NOW, a_job
from tests.support.memory import MemoryCatalogue, MemoryLedger, VirtualClock

SHARE = 5


class World:
    """A table, a clock, and hosts that accept jobs into it; `asked` counts queries."""

    def __init__(self, hosts: int = 1, *, begins: int = NOW) -> None:
        self.ledger, self.clock = MemoryLedger(), VirtualClock(begins)
        self.asked, self.broken, self.number = 0, False, 0
        self._catalogue = MemoryCatalogue(self.ledger)
        self.hosts = [Shares(InFlight(self, self.clock), SHARE) for _ in range(hosts)]

    def made(self, *args: Any, **kwargs: Any) -> Any:
        self.asked += 1
        if self.broken:
            raise Unavailable("the table does not answer")
        return self._catalogue.made(*args, **kwargs)

    def accept(self, host: int = 0, tenant: str = "alice", asked: Lane = Lane.NORMAL) -> Lane:
        lane = self.hosts[host].lane(tenant, asked)
        self.number += 1
        self.ledger.create(a_job(self.number, tenant=tenant, created_at=self.clock.now(), lane=lane))
        return lane

    def finish(self, job: Job) -> None:
        self.ledger.replace(replace(job, state=JobState.COMPLETED, revision=job.revision + 1), job.revision)

    def finish_all(self) -> None:
        for job in self.ledger.jobs():
            if job.state in IN_FLIGHT:
                self.finish(job)


def test_what_is_beyond_the_share_waits_in_bulk_until_there_is_less_in_flight() -> None:
    world = World()
    assert [world.accept() for _ in range(SHARE + 3)] == [Lane.NORMAL] * SHARE + [Lane.BULK] * 3
    assert world.accept(tenant="bob") is Lane.NORMAL
    world.finish_all()
    world.clock.advance(LOOK_SECONDS)
    assert world.accept() is Lane.NORMAL


def test_whoever_asks_for_bulk_gets_it() -> None:
    assert World().accept(asked=Lane.BULK) is Lane.BULK


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=80))
def test_no_more_than_a_share_a_host_comes_into_the_normal_lane(hosts: int, story: list[tuple[int, bool]]) -> None:
    world = World(hosts)
    for host, one_ends in story:
        world.accept(host % hosts)
        waiting = [job for job in world.ledger.jobs() if job.state in IN_FLIGHT]
        assert sum(job.lane is Lane.NORMAL for job in waiting) <= hosts * SHARE
        if one_ends:
            world.finish(waiting[0])
        world.clock.advance(0.3)


def test_a_tenant_within_its_share_is_counted_once_in_many_jobs() -> None:
    world = World()
    for _ in range(SHARE * 20):
        assert world.accept() is Lane.NORMAL
        world.finish_all()
    # today and yesterday, each time
    assert world.asked <= 2 * 20


def test_a_tenant_beyond_its_share_is_counted_once_a_second() -> None:
    world = World()
    for _ in range(SHARE + 50):
        world.accept()
    assert world.asked == 1
    world.clock.advance(LOOK_SECONDS)
    world.accept()
    world.accept()
    assert world.asked == 2


def test_what_waits_since_yesterday_counts() -> None:
    world = World(begins=MIDNIGHT - 1_000)
    for _ in range(SHARE):
        world.accept()
    world.clock.time = MIDNIGHT + DAY // 24
    assert world.accept() is Lane.BULK


@pytest.mark.parametrize("looked_at_before", [False, True])
def test_a_table_that_does_not_answer_leaves_what_was_seen_at_the_last_look(looked_at_before: bool) -> None:
    world = World()
    for _ in range(SHARE + looked_at_before):
        world.accept()
    world.broken = True
    world.clock.advance(LOOK_SECONDS)
    assert world.accept() is (Lane.BULK if looked_at_before else Lane.NORMAL)
