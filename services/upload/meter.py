"""What tenants may ask for, and what they had: requests by the second, bytes and pixels by the day, jobs in flight.

    admit      a request takes a drop out of its tenant's bucket, on this host alone
    charged    an upload takes from the host's lease on its tenant's day; a lease that is too small is renewed first
    refund     what came to nothing, and what was a repetition, is given back

The day's tally is a row that hosts lease slices of, so an upload costs a call in many and the quota is never exceeded.
What a host leased and has not spent yet counts as had: a tenant may be refused up to (hosts x slice) early, and a host
that dies takes the rest of its slice with it. One that drains gives it back.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from contracts.charges import Amounts, Charge
from contracts.errors import QuotaExceeded, RevisionMoved, Unavailable
from contracts.identifiers import Tenant
from contracts.job import Instant
from contracts.limits import DAY_SECONDS, MIB
from contracts.ports import Clock
from contracts.quotas import MEGAPIXEL, UNLIMITED, Policy, Quotas, day_of, seconds_left
from contracts.tallies import Tallies, Tally
from services.upload.charging import Taken
from services.upload.shares import InFlight

SLICE: Final = Amounts(jobs=256, bytes=256 * MIB, pixels=256 * MEGAPIXEL)
"""The most that is leased at once beyond what is needed: twenty photographs; of a smaller quota a sixty-fourth."""
ROUNDS: Final = 8
"""Leases tried before the tally counts as unavailable: each refusal means that another host got one."""
MOST_TENANTS: Final = 10_000
"""Whose buckets and leases a host remembers; beyond it the oldest begins anew, and the rest of its slice is lost."""
IN_FLIGHT_SECONDS: Final = 5
"""After which it is worth asking whether jobs have ended."""
MOST_COUNTED: Final = 10_000
"""Jobs in flight that are told of where nothing limits them."""
_FRACTION: Final = 64

_log: Final = structlog.get_logger()


class Used(Struct, frozen=True, kw_only=True):
    """What a tenant had on a day, and how its quotas stand now."""

    day: Instant
    amounts: Amounts
    in_flight: int
    policies: tuple[Policy, ...]


class _Bucket(Struct):
    drops: float
    at: Instant


class _Lease:
    """A host's part of one tenant's day. Its lock is held over the call that renews it."""

    def __init__(self, day: Instant) -> None:
        self.lock = threading.Lock()
        self.day = day
        self.left = Amounts()
        self.tally = Tally(revision=0, amounts=Amounts())


class _Taken:
    """A charge that may be given back, once."""

    def __init__(self, lease: _Lease, day: Instant, amounts: Amounts) -> None:
        self._lease, self._day, self._amounts = lease, day, amounts
        self.charge = Charge(day=day, taken=amounts)

    def refund(self) -> None:
        with self._lease.lock:
            if self._lease.day == self._day:
                self._lease.left += self._amounts
            self._amounts = Amounts()


class Meter:
    """One a process. `admit` and `policies` never block; the rest is to be called from threads."""

    def __init__(
        self,
        *,
        tallies: Tallies,
        in_flight: InFlight,
        clock: Clock,
        quotas: Quotas = UNLIMITED,
        of_tenants: Mapping[Tenant, Quotas] | None = None,
    ) -> None:
        """`of_tenants` stand in the place of `quotas` for those it names."""
        self._tallies, self._in_flight, self._clock = tallies, in_flight, clock
        self._quotas, self._of_tenants = quotas, dict(of_tenants or {})
        self._lock = threading.Lock()
        self._buckets: OrderedDict[Tenant, _Bucket] = OrderedDict()
        self._leases: OrderedDict[Tenant, _Lease] = OrderedDict()

    def quotas_of(self, tenant: Tenant) -> Quotas:
        return self._of_tenants.get(tenant, self._quotas)

    def admit(self, tenant: Tenant) -> None:
        """One request. Raises QuotaExceeded when the bucket is empty."""
        quotas = self.quotas_of(tenant)
        if quotas.requests_per_second is None:
            return
        with self._lock:
            bucket = self._filled(tenant, quotas, quotas.requests_per_second)
            if bucket.drops < 1:
                # at a drop's distance: whole seconds is what a header can say
                raise _exceeded(["requests"], "too many requests in a short time", 1)
            bucket.drops -= 1

    def charged(self, tenant: Tenant, amounts: Amounts) -> Taken:
        """Take it. Raises QuotaExceeded for what the day, or the jobs in flight, have no room for; Unavailable."""
        quotas, now = self.quotas_of(tenant), self._clock.now()
        if quotas.jobs_in_flight is not None and self._in_flight.reached(tenant, quotas.jobs_in_flight):
            self._tell(tenant, "in-flight")
            raise _exceeded(["in-flight"], f"{quotas.jobs_in_flight} jobs are in flight already", IN_FLIGHT_SECONDS)
        lease = self._lease(tenant, day_of(now))
        with lease.lock:
            if not lease.left.covers(amounts):
                self._renew(tenant, lease, amounts, quotas, now)
            lease.left -= amounts
            taken = _Taken(lease, lease.day, amounts)
        self._in_flight.accepted(tenant)
        return taken

    def policies(self, tenant: Tenant) -> tuple[Policy, ...]:
        """How the tenant's quotas stand, as far as this host knows; none for what is not limited."""
        return tuple(self._policies(tenant))

    def used(self, tenant: Tenant, day: Instant | None = None) -> Used:
        """What was had on a day, today's if none is named. Of today other hosts' unspent slices count as had."""
        now = self._clock.now()
        today = day_of(now)
        wanted = today if day is None else day_of(day)
        tally = self._tallies.read(tenant, wanted)
        amounts = tally.had
        lease = self._lease(tenant, today)
        with lease.lock:
            if wanted == lease.day:
                lease.tally = tally
                amounts -= lease.left
        in_flight = self._in_flight.look(tenant, self.quotas_of(tenant).jobs_in_flight or MOST_COUNTED)
        return Used(day=wanted, amounts=amounts, in_flight=in_flight, policies=self.policies(tenant))

    def give_back(self) -> None:
        """What is leased and not spent, at the end of the process; best effort."""
        with self._lock:
            leases = list(self._leases.items())
        for tenant, lease in leases:
            with lease.lock:
                self._give_back(tenant, lease)

    def _give_back(self, tenant: Tenant, lease: _Lease) -> None:
        """What is left of one lease, whose lock is held."""
        if lease.left == Amounts():
            return
        tally = lease.tally
        given = replace(tally, revision=tally.revision + 1, amounts=tally.amounts - lease.left)
        try:
            self._tallies.replace(tenant, lease.day, given, tally.revision)
        except (RevisionMoved, Unavailable):
            # it counts as had: a slice of that day
            _log.info("lease.kept", bytes=lease.left.bytes, pixels=lease.left.pixels)
            return
        lease.left, lease.tally = Amounts(), given

    def _filled(self, tenant: Tenant, quotas: Quotas, rate: int) -> _Bucket:
        now = self._clock.now()
        bucket = self._buckets.setdefault(tenant, _Bucket(float(quotas.burst_requests), now))
        while len(self._buckets) > MOST_TENANTS:
            self._buckets.popitem(last=False)
        if now > bucket.at:
            bucket.drops = min(float(quotas.burst_requests), bucket.drops + (now - bucket.at) * rate / 1_000)
        bucket.at = now
        return bucket

    def _lease(self, tenant: Tenant, day: Instant) -> _Lease:
        with self._lock:
            lease = self._leases.setdefault(tenant, _Lease(day))
            while len(self._leases) > MOST_TENANTS:
                self._leases.popitem(last=False)
        with lease.lock:
            # a clock that went back stays on the later day: leases are never mixed
            if lease.day < day:
                # what the day that is over shows is then what was had
                self._give_back(tenant, lease)
                lease.day, lease.left, lease.tally = day, Amounts(), Tally(revision=0, amounts=Amounts())
        return lease

    def _renew(self, tenant: Tenant, lease: _Lease, need: Amounts, quotas: Quotas, now: Instant) -> None:
        """Lease what is missing and a slice on top; where the quota has no room for the slice, what is missing."""
        missing = _missing(need, lease.left)
        for attempt in range(ROUNDS):
            is_fresh = attempt > 0 or lease.tally.revision == 0
            if is_fresh:
                lease.tally = self._tallies.read(tenant, lease.day)
            had = lease.tally.had + missing
            over = _beyond(quotas, had)
            if over and is_fresh:
                for name in over:
                    self._tell(tenant, name)
                raise _exceeded(
                    over, f"the day's quota of {' and '.join(over)} has no room for this", seconds_left(now)
                )
            if over:
                # others may have given back what they did not spend
                continue
            wanted = missing + _slice(quotas, had)
            taken = replace(lease.tally, revision=lease.tally.revision + 1, amounts=lease.tally.amounts + wanted)
            try:
                self._tallies.replace(tenant, lease.day, taken, lease.tally.revision)
            except RevisionMoved:
                continue
            lease.left += wanted
            lease.tally = taken
            return
        raise Unavailable("the tally of the day is being changed by too many at once")

    def _policies(self, tenant: Tenant) -> Iterator[Policy]:
        quotas, now = self.quotas_of(tenant), self._clock.now()
        with self._lock:
            lease = self._leases.get(tenant)
            if quotas.requests_per_second is not None:
                drops = int(self._filled(tenant, quotas, quotas.requests_per_second).drops)
                missing = quotas.burst_requests - drops
                full = max(1, -(-missing // quotas.requests_per_second))
                yield Policy(
                    name="requests",
                    quota=quotas.burst_requests,
                    window_seconds=quotas.burst_seconds,
                    left=drops,
                    seconds=full if drops else 1,
                )
        left = Amounts()
        had = Amounts()
        if lease is not None and lease.day == day_of(now):
            # two words that may be of two moments: a hint, not a promise
            left, had = lease.left, lease.tally.had
        day = {"window_seconds": DAY_SECONDS, "seconds": seconds_left(now)}
        spent = had - left
        if quotas.bytes_per_day is not None:
            rest = quotas.bytes_per_day - spent.bytes
            yield Policy(name="bytes", quota=quotas.bytes_per_day, unit="content-bytes", left=rest, **day)
        if quotas.megapixels_per_day is not None:
            rest = (quotas.megapixels_per_day * MEGAPIXEL - spent.pixels) // MEGAPIXEL
            yield Policy(name="megapixels", quota=quotas.megapixels_per_day, unit="megapixels", left=rest, **day)
        if quotas.jobs_in_flight is not None:
            rest = quotas.jobs_in_flight - self._in_flight.known(tenant)
            yield Policy(name="in-flight", quota=quotas.jobs_in_flight, unit="jobs", left=rest)

    @staticmethod
    def _tell(tenant: Tenant, policy: str) -> None:
        _log.warning("quota.exceeded", tenant=tenant, policy=policy)


def _limits(quotas: Quotas) -> tuple[tuple[str, int | None], ...]:
    """Of a day, in the units of Amounts."""
    megapixels = quotas.megapixels_per_day
    return (
        ("bytes", quotas.bytes_per_day),
        ("megapixels", None if megapixels is None else megapixels * MEGAPIXEL),
    )


def _beyond(quotas: Quotas, amounts: Amounts) -> list[str]:
    """Names of the day's quotas that this would exceed."""
    had = {"bytes": amounts.bytes, "megapixels": amounts.pixels}
    return [name for name, limit in _limits(quotas) if limit is not None and had[name] > limit]


def _slice(quotas: Quotas, had: Amounts) -> Amounts:
    """What is leased beyond `had`, which is within the quotas: never more than there is."""
    most = {"bytes": SLICE.bytes, "megapixels": SLICE.pixels}
    gone = {"bytes": had.bytes, "megapixels": had.pixels}
    for name, limit in _limits(quotas):
        if limit is not None:
            most[name] = min(most[name], limit // _FRACTION, limit - gone[name])
    return Amounts(jobs=SLICE.jobs, bytes=most["bytes"], pixels=most["megapixels"])


def _missing(need: Amounts, left: Amounts) -> Amounts:
    return Amounts(
        jobs=max(0, need.jobs - left.jobs),
        bytes=max(0, need.bytes - left.bytes),
        pixels=max(0, need.pixels - left.pixels),
    )


def _exceeded(policies: list[str], detail: str, seconds: int) -> QuotaExceeded:
    return QuotaExceeded(detail, retry_after=seconds, **{"violated-policies": policies})
