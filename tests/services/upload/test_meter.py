"""Quotas: never exceeded by any number of hosts, a call in many uploads, and nothing taken for what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.charges import Amounts
from contracts.errors import QuotaExceeded, RevisionMoved, Unavailable
from contracts.job import JobState
from contracts.limits import DAY_SECONDS, MIB
from contracts.quotas import MEGAPIXEL, USUAL, Quotas, day_of, limit_field, policy_field, seconds_left
from services.upload.leases import _FRACTION
from services.upload.meter import IN_FLIGHT_SECONDS, Meter
from services.upload.shares import LOOK_SECONDS, InFlight
from tests.services.upload.test_listing import a_job
from tests.support.memory import MemoryCatalogue, MemoryLedger, MemoryTallies, VirtualClock

PHOTO = Amounts(jobs=1, bytes=3 * MIB, pixels=12 * MEGAPIXEL)


class World:
    """Hosts that share a table; `writes` counts leases. `rival` is called before each."""

    def __init__(self, quotas: Quotas, hosts: int = 1, *, now: int = 1_800_000_000_000) -> None:
        self.clock, self.ledger = VirtualClock(now), MemoryLedger()
        self.rows = MemoryTallies(self.ledger)
        self.writes = 0
        self.rival: Any = None
        self.hosts = [
            Meter(
                tallies=self,
                in_flight=InFlight(MemoryCatalogue(self.ledger), self.clock),
                clock=self.clock,
                quotas=quotas,
            )
            for _ in range(hosts)
        ]

    def read(self, *args: Any) -> Any:
        return self.rows.read(*args)

    def replace(self, *args: Any) -> None:
        self.writes += 1
        if self.rival is not None:
            self.rival()
        self.rows.replace(*args)

    def takes(self, amounts: Amounts = PHOTO, host: int = 0) -> bool:
        try:
            self.hosts[host].charged("alice", amounts)
        except QuotaExceeded:
            return False
        return True

    @property
    def leased(self) -> Amounts:
        return self.rows.read("alice", day_of(self.clock.now())).amounts


@given(
    st.integers(1, 4),
    st.integers(1, 400),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.booleans()), max_size=60),
)
def test_no_number_of_hosts_exceeds_the_days_quota(
    hosts: int, megapixels: int, story: list[tuple[int, int, bool]]
) -> None:
    world = World(Quotas(megapixels_per_day=megapixels), hosts)
    had = 0
    for host, size, comes_to_nothing in story:
        try:
            charge = world.hosts[host % hosts].charged("alice", Amounts(jobs=1, pixels=size * MEGAPIXEL))
        except QuotaExceeded:
            # nobody is refused what is there, but for what other hosts hold
            held = (hosts - 1) * max(megapixels * MEGAPIXEL // _FRACTION, 60 * MEGAPIXEL)
            assert had + size * MEGAPIXEL + held > megapixels * MEGAPIXEL
            continue
        had += size * MEGAPIXEL
        if comes_to_nothing:
            charge.refund()
            had -= size * MEGAPIXEL
    assert had <= megapixels * MEGAPIXEL
    assert had <= world.leased.pixels <= megapixels * MEGAPIXEL


def test_an_upload_costs_a_call_in_many() -> None:
    world = World(USUAL)
    assert all(world.takes() for _ in range(100))
    assert world.writes == 5


def test_the_last_of_a_quota_can_be_had() -> None:
    world = World(Quotas(bytes_per_day=1_000))
    assert all(world.takes(Amounts(jobs=1, bytes=1)) for _ in range(1_000))
    assert not world.takes(Amounts(jobs=1, bytes=1))
    assert world.takes(Amounts(jobs=1))
    assert world.leased.bytes == 1_000


def test_a_refusal_names_the_quota_and_the_end_of_the_day() -> None:
    world = World(Quotas(megapixels_per_day=10, bytes_per_day=10**9))
    with pytest.raises(QuotaExceeded, match="the day's quota of megapixels has no room for this") as refused:
        world.hosts[0].charged("alice", PHOTO)
    assert refused.value.facts == {
        "violated-policies": ["megapixels"],
        "retry_after": seconds_left(world.clock.now()),
    }
    assert world.writes == 0
    world.clock.advance(DAY_SECONDS)
    assert world.takes(Amounts(jobs=1, pixels=10 * MEGAPIXEL))


def test_the_quotas_of_single_tenants_stand_in_the_place_of_the_usual() -> None:
    world = World(Quotas(megapixels_per_day=10))
    meter = Meter(
        tallies=world.rows,
        in_flight=InFlight(MemoryCatalogue(world.ledger), world.clock),
        clock=world.clock,
        quotas=Quotas(megapixels_per_day=10),
        of_tenants={"bob": Quotas()},
    )
    meter.charged("bob", PHOTO)
    with pytest.raises(QuotaExceeded):
        meter.charged("carol", PHOTO)


def test_a_charge_is_given_back_once_and_not_into_another_day() -> None:
    world = World(Quotas(megapixels_per_day=12))
    charge = world.hosts[0].charged("alice", PHOTO)
    assert not world.takes()
    charge.refund()
    charge.refund()
    assert world.takes()
    assert not world.takes()
    world.clock.advance(DAY_SECONDS)
    late = world.hosts[0].charged("alice", PHOTO)
    world.clock.advance(DAY_SECONDS)
    assert world.takes()
    late.refund()
    assert not world.takes()


def test_a_host_that_ends_gives_back_what_it_did_not_spend() -> None:
    world = World(USUAL, hosts=2)
    assert world.takes()
    assert world.leased.pixels > PHOTO.pixels
    world.hosts[0].give_back()
    assert world.leased == PHOTO
    world.hosts[0].give_back()
    assert world.leased == PHOTO


def test_a_day_that_is_over_shows_what_was_had_and_not_what_was_leased() -> None:
    world = World(USUAL)
    assert world.takes()
    yesterday = world.clock.now()
    world.clock.advance(DAY_SECONDS)
    assert world.takes()
    assert world.hosts[0].used("alice", yesterday).amounts == PHOTO


def test_what_another_host_gave_back_can_be_had() -> None:
    """What a host saw last is no reason to refuse anybody: it looks again first."""
    world = World(Quotas(megapixels_per_day=24), hosts=2)
    charges = [world.hosts[1].charged("alice", PHOTO)]
    assert world.takes(Amounts(jobs=1, pixels=8 * MEGAPIXEL))
    charges.append(world.hosts[1].charged("alice", Amounts(jobs=1, pixels=MEGAPIXEL)))
    for charge in charges:
        charge.refund()
    world.hosts[1].give_back()
    assert world.leased.pixels < 9 * MEGAPIXEL
    assert world.takes(Amounts(jobs=1, pixels=10 * MEGAPIXEL))


def test_two_hosts_that_lease_at_once_both_get_theirs() -> None:
    world = World(USUAL, hosts=2)

    def rival() -> None:
        world.rival = None
        world.hosts[1].charged("alice", PHOTO)

    world.rival = rival
    assert world.takes()
    usage = world.hosts[0].used("alice").amounts
    assert usage.jobs >= 2
    for host in world.hosts:
        host.give_back()
    assert usage.covers(PHOTO + PHOTO)


def test_a_table_that_others_always_write_first_is_unavailable() -> None:
    world = World(USUAL)

    def moved() -> None:
        raise RevisionMoved("another host was first")

    world.rival = moved
    with pytest.raises(Unavailable):
        world.hosts[0].charged("alice", PHOTO)


def test_usage_is_what_was_had_and_of_any_day() -> None:
    world = World(USUAL)
    for _ in range(3):
        world.takes()
    used = world.hosts[0].used("alice")
    assert (used.amounts, used.in_flight) == (PHOTO + PHOTO + PHOTO, 0)
    assert world.hosts[0].used("bob").amounts == Amounts()
    world.hosts[0].give_back()
    yesterday = world.clock.now()
    world.clock.advance(DAY_SECONDS)
    assert world.hosts[0].used("alice").amounts == Amounts()
    assert world.hosts[0].used("alice", yesterday).amounts == PHOTO + PHOTO + PHOTO


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    world = World(Quotas(requests_per_second=2, burst_requests=5))
    meter = world.hosts[0]
    for _ in range(5):
        meter.admit("alice")
    with pytest.raises(QuotaExceeded) as refused:
        meter.admit("alice")
    assert refused.value.facts == {"violated-policies": ["requests"], "retry_after": 1}
    meter.admit("bob")
    world.clock.advance(1)
    meter.admit("alice")
    meter.admit("alice")
    with pytest.raises(QuotaExceeded):
        meter.admit("alice")
    world.clock.advance(DAY_SECONDS)
    for _ in range(5):
        meter.admit("alice")
    with pytest.raises(QuotaExceeded):
        meter.admit("alice")


def test_jobs_in_flight_are_limited_and_the_limit_ends_with_them() -> None:
    world = World(Quotas(jobs_in_flight=2))
    for number in range(2):
        assert world.takes()
        world.ledger.create(a_job(number, tenant="alice", created_at=world.clock.now()))
    with pytest.raises(QuotaExceeded) as refused:
        world.hosts[0].charged("alice", PHOTO)
    assert refused.value.facts == {"violated-policies": ["in-flight"], "retry_after": IN_FLIGHT_SECONDS}
    for job in world.ledger.jobs():
        world.ledger.replace(replace(job, state=JobState.COMPLETED, revision=2), 1)
    world.clock.advance(LOOK_SECONDS)
    assert world.takes()


def test_the_fields_are_written_as_the_draft_has_them() -> None:
    world = World(USUAL, now=1_800_000_000_000)
    meter = world.hosts[0]
    meter.admit("alice")
    meter.charged("alice", PHOTO)
    policies = meter.policies("alice")
    left = seconds_left(world.clock.now())
    assert policy_field(policies) == (
        '"requests";q=200;w=4, "bytes";q=104857600000;qu="content-bytes";w=86400, '
        '"megapixels";q=500000;qu="megapixels";w=86400, "in-flight";q=10000;qu="jobs"'
    )
    assert limit_field(policies) == (
        f'"requests";r=199;t=1, "bytes";r={104857600000 - PHOTO.bytes};t={left}, '
        f'"megapixels";r=499988;t={left}, "in-flight";r=9999'
    )
    assert World(Quotas()).hosts[0].policies("alice") == ()
