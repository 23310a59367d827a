"""What tenants and keys may ask for, and what they had: requests by the second, the day's amounts, jobs in flight.

    admit      a request takes a drop out of its tenant's bucket, and out of its key's, on this host alone
    charged    an upload takes from the host's leases on its tenant's day, and on its key's
    refund     what came to nothing, and what was a repetition, is given back

A key's limits are beside its tenant's, never instead of them: what either has no room for is refused.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Final

import structlog
from msgspec import Struct

from contracts.charges import Amounts, Charge
from contracts.errors import QuotaExceeded
from contracts.identifiers import Tenant
from contracts.job import Instant
from contracts.limits import DAY_SECONDS
from contracts.ports import Clock
from contracts.quotas import MEGAPIXEL, UNLIMITED, KeyLimits, Policy, Quotas, day_of, seconds_left
from contracts.tallies import Tallies
from services.upload.buckets import Buckets
from services.upload.charging import Taken
from services.upload.leases import Account, DayIsFull, Leases, Slip
from services.upload.shares import InFlight

IN_FLIGHT_SECONDS: Final = 5
"""After which it is worth asking whether jobs have ended."""
MOST_COUNTED: Final = 10_000
"""Jobs in flight that are told of where nothing limits them."""
OF_KEYS: Final = "key-"
"""What the policies of a key begin with."""

_log: Final = structlog.get_logger()


class Used(Struct, frozen=True, kw_only=True):
    """What a tenant had on a day, and how its quotas stand now."""

    day: Instant
    amounts: Amounts
    in_flight: int
    policies: tuple[Policy, ...]


class _Both:
    """A tenant's slip, and its key's: given back together. What a row puts right later is the tenant's alone."""

    def __init__(self, tenants: Slip, keys: Slip) -> None:
        self._slips = tenants, keys
        self.charge: Charge | None = tenants.charge

    def refund(self) -> None:
        for slip in self._slips:
            slip.refund()


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
        self._in_flight, self._clock = in_flight, clock
        self._leases, self._buckets = Leases(tallies, clock), Buckets(clock)
        self._quotas, self._of_tenants = quotas, dict(of_tenants or {})

    def quotas_of(self, tenant: Tenant) -> Quotas:
        return self._of_tenants.get(tenant, self._quotas)

    def admit(self, tenant: Tenant, key: KeyLimits | None = None) -> None:
        """One request. Raises QuotaExceeded when a bucket is empty."""
        taken: list[Account] = []
        for account, prefix in self._accounts(tenant, key):
            if account.quotas.requests_per_second is None:
                continue
            if not self._buckets.take(account.name, account.quotas):
                for other in taken:
                    self._buckets.put_back(other.name, other.quotas)
                # at a drop's distance: whole seconds is what a header can say
                raise _exceeded([f"{prefix}requests"], "too many requests in a short time", 1)
            taken.append(account)

    def charged(self, tenant: Tenant, amounts: Amounts, key: KeyLimits | None = None) -> Taken:
        """Take it. Raises QuotaExceeded for what the day, or the jobs in flight, have no room for; Unavailable."""
        quotas = self.quotas_of(tenant)
        if quotas.jobs_in_flight is not None and self._in_flight.reached(tenant, quotas.jobs_in_flight):
            self._tell(tenant, ["in-flight"])
            raise _exceeded(["in-flight"], f"{quotas.jobs_in_flight} jobs are in flight already", IN_FLIGHT_SECONDS)
        slips: list[Slip] = []
        with ExitStack() as failed:
            for account, prefix in reversed(self._accounts(tenant, key)):
                if prefix and account.quotas.jobs_per_day is None:
                    continue
                # a key's jobs are counted, and nothing else of its day
                wanted = Amounts(jobs=amounts.jobs) if prefix else amounts
                try:
                    slips.append(self._leases.take(account, wanted))
                except DayIsFull as full:
                    over = [prefix + name for name in full.policies]
                    self._tell(tenant, over)
                    detail = f"the day's quota of {' and '.join(over)} has no room for this"
                    raise _exceeded(over, detail, seconds_left(self._clock.now())) from None
                failed.callback(slips[-1].refund)
            failed.pop_all()
        self._in_flight.accepted(tenant)
        return slips[0] if len(slips) == 1 else _Both(slips[1], slips[0])

    def policies(self, tenant: Tenant, key: KeyLimits | None = None) -> tuple[Policy, ...]:
        """How the tenant's quotas and the key's stand, as far as this host knows; none for what is not limited."""
        return tuple(
            policy for account, prefix in self._accounts(tenant, key) for policy in self._policies(account, prefix)
        )

    def used(self, tenant: Tenant, day: Instant | None = None, key: KeyLimits | None = None) -> Used:
        """What was had on a day, today's if none is named. Of today other hosts' unspent slices count as had."""
        wanted = day_of(self._clock.now() if day is None else day)
        amounts = self._leases.had(tenant, wanted)
        in_flight = self._in_flight.look(tenant, self.quotas_of(tenant).jobs_in_flight or MOST_COUNTED)
        return Used(day=wanted, amounts=amounts, in_flight=in_flight, policies=self.policies(tenant, key))

    def give_back(self) -> None:
        """What is leased and not spent, at the end of the process; best effort."""
        self._leases.give_back()

    def _accounts(self, tenant: Tenant, key: KeyLimits | None) -> list[tuple[Account, str]]:
        """Who is asked, and what its policies begin with: the tenant, then the key."""
        accounts = [(Account(name=tenant, quotas=self.quotas_of(tenant)), "")]
        if key is not None:
            accounts.append((Account(name=key.account, quotas=key.quotas), OF_KEYS))
        return accounts

    def _policies(self, account: Account, prefix: str) -> Iterator[Policy]:
        quotas = account.quotas
        if quotas.requests_per_second is not None:
            drops = self._buckets.drops(account.name, quotas)
            full = max(1, -(-(quotas.burst_requests - drops) // quotas.requests_per_second))
            yield Policy(
                name=f"{prefix}requests",
                quota=quotas.burst_requests,
                window_seconds=quotas.burst_seconds,
                left=drops,
                seconds=full if drops else 1,
            )
        spent = self._leases.spent(account.name)
        day = {"window_seconds": DAY_SECONDS, "seconds": seconds_left(self._clock.now())}
        if quotas.jobs_per_day is not None:
            rest = quotas.jobs_per_day - spent.jobs
            yield Policy(name=f"{prefix}jobs", quota=quotas.jobs_per_day, unit="jobs", left=rest, **day)
        if quotas.bytes_per_day is not None:
            rest = quotas.bytes_per_day - spent.bytes
            yield Policy(name=f"{prefix}bytes", quota=quotas.bytes_per_day, unit="content-bytes", left=rest, **day)
        if quotas.megapixels_per_day is not None:
            rest = (quotas.megapixels_per_day * MEGAPIXEL - spent.pixels) // MEGAPIXEL
            name = f"{prefix}megapixels"
            yield Policy(name=name, quota=quotas.megapixels_per_day, unit="megapixels", left=rest, **day)
        if quotas.jobs_in_flight is not None:
            rest = quotas.jobs_in_flight - self._in_flight.known(account.name)
            yield Policy(name=f"{prefix}in-flight", quota=quotas.jobs_in_flight, unit="jobs", left=rest)

    @staticmethod
    def _tell(tenant: Tenant, policies: list[str]) -> None:
        for policy in policies:
            _log.warning("quota.exceeded", tenant=tenant, policy=policy)


def _exceeded(policies: list[str], detail: str, seconds: int) -> QuotaExceeded:
    return QuotaExceeded(detail, retry_after=seconds, **{"violated-policies": policies})
