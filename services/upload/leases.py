"""A day's tally is a row that hosts lease slices of, so an upload costs a call in many, and no quota is ever exceeded.

What a host leased and has not spent yet counts as had: somebody may be refused up to (hosts x slice) early, and a host
that dies takes the rest of its slice with it. One that drains gives it back, and so does one at the end of a day.
"""

import threading
from collections import OrderedDict
from typing import Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from contracts.charges import Amounts, Charge
from contracts.errors import RevisionMoved, Unavailable
from contracts.job import Instant
from contracts.limits import MIB
from contracts.ports import Clock
from contracts.quotas import MEGAPIXEL, Quotas, day_of
from contracts.tallies import Tallies, Tally

SLICE: Final = Amounts(jobs=256, bytes=256 * MIB, pixels=256 * MEGAPIXEL)
"""The most that is leased at once beyond what is needed: twenty photographs; of a smaller quota a sixty-fourth."""
ROUNDS: Final = 8
"""Leases tried before the tally counts as unavailable: each refusal means that another host got one."""
FRESH_SECONDS: Final = 10
"""After which a tally is read again before more is leased of it: what was put right since is seen in no other way."""
MOST_ACCOUNTS: Final = 10_000
"""Whose leases a host remembers; beyond it the oldest begins anew, and the rest of its slice is lost."""
_FRACTION: Final = 64

_log: Final = structlog.get_logger()


class Account(Struct, frozen=True, kw_only=True):
    """Whoever has quotas, by the name that its tallies have: a tenant, or a key."""

    name: str
    quotas: Quotas


class DayIsFull(Exception):
    """Some quotas of the day have no room; whoever asked says so in words of its own, and with a code."""

    def __init__(self, policies: list[str]) -> None:
        super().__init__("a quota of the day has no room for this")
        self.policies = policies


class _Lease:
    """A host's part of one account's day. Its lock is held over the call that renews it."""

    def __init__(self, day: Instant) -> None:
        self.lock = threading.Lock()
        self.begin(day)

    def begin(self, day: Instant) -> None:
        self.day, self.left = day, Amounts()
        self.tally, self.read_at = Tally(revision=0, amounts=Amounts()), -FRESH_SECONDS * 1_000


class Slip:
    """A charge that may be given back, once."""

    def __init__(self, lease: _Lease, amounts: Amounts) -> None:
        self._lease, self._day, self._amounts = lease, lease.day, amounts
        self.charge = Charge(day=lease.day, taken=amounts)

    def refund(self) -> None:
        with self._lease.lock:
            if self._lease.day == self._day:
                self._lease.left += self._amounts
            self._amounts = Amounts()


class Leases:
    """One a process. `spent` never blocks; the rest is to be called from threads."""

    def __init__(self, tallies: Tallies, clock: Clock) -> None:
        self._tallies, self._clock = tallies, clock
        self._lock = threading.Lock()
        self._leases: OrderedDict[str, _Lease] = OrderedDict()

    def take(self, account: Account, amounts: Amounts) -> Slip:
        """Raises DayIsFull, Unavailable."""
        now = self._clock.now()
        lease = self._lease(account.name, day_of(now))
        with lease.lock:
            if not lease.left.covers(amounts):
                self._renew(account, lease, amounts, now)
            lease.left -= amounts
            return Slip(lease, amounts)

    def had(self, name: str, day: Instant) -> Amounts:
        """Of any day. Of those that are not over, other hosts' unspent slices count as had. Raises Unavailable."""
        tally = self._tallies.read(name, day)
        lease = self._lease(name, day_of(self._clock.now()))
        with lease.lock:
            if day != lease.day:
                return tally.had
            lease.tally, lease.read_at = tally, self._clock.now()
            return tally.had - lease.left

    def spent(self, name: str) -> Amounts:
        """Of today, as far as this host knows: two words that may be of two moments, a hint and no promise."""
        with self._lock:
            lease = self._leases.get(name)
        if lease is None or lease.day != day_of(self._clock.now()):
            return Amounts()
        return lease.tally.had - lease.left

    def give_back(self) -> None:
        """What is leased and not spent, at the end of the process; best effort."""
        with self._lock:
            leases = list(self._leases.items())
        for name, lease in leases:
            with lease.lock:
                self._give_back(name, lease)

    def _give_back(self, name: str, lease: _Lease) -> None:
        """What is left of one lease, whose lock is held."""
        if lease.left == Amounts():
            return
        tally = lease.tally
        given = replace(tally, revision=tally.revision + 1, amounts=tally.amounts - lease.left)
        try:
            self._tallies.replace(name, lease.day, given, tally.revision)
        except (RevisionMoved, Unavailable):
            # it counts as had: a slice of that day
            _log.info("lease.kept", bytes=lease.left.bytes, pixels=lease.left.pixels)
            return
        lease.left, lease.tally = Amounts(), given

    def _lease(self, name: str, day: Instant) -> _Lease:
        with self._lock:
            lease = self._leases.setdefault(name, _Lease(day))
            while len(self._leases) > MOST_ACCOUNTS:
                self._leases.popitem(last=False)
        with lease.lock:
            # a clock that went back stays on the later day: leases are never mixed
            if lease.day < day:
                # what the day that is over shows is then what was had
                self._give_back(name, lease)
                lease.begin(day)
        return lease

    def _renew(self, account: Account, lease: _Lease, need: Amounts, now: Instant) -> None:
        """Lease what is missing and a slice on top; where the quota has no room for the slice, what is missing."""
        missing = _missing(need, lease.left)
        for attempt in range(ROUNDS):
            is_fresh = attempt > 0 or not 0 <= now - lease.read_at < FRESH_SECONDS * 1_000
            if is_fresh:
                lease.tally, lease.read_at = self._tallies.read(account.name, lease.day), now
            had = lease.tally.had + missing
            over = _beyond(account.quotas, had)
            if over and is_fresh:
                raise DayIsFull(over)
            if over:
                # others may have given back what they did not spend
                continue
            wanted = missing + _slice(account.quotas, had)
            taken = replace(lease.tally, revision=lease.tally.revision + 1, amounts=lease.tally.amounts + wanted)
            try:
                self._tallies.replace(account.name, lease.day, taken, lease.tally.revision)
            except RevisionMoved:
                continue
            lease.left += wanted
            lease.tally = taken
            return
        raise Unavailable("the tally of the day is being changed by too many at once")


def _limits(quotas: Quotas) -> Amounts:
    """Of a day; a quota that there is not is larger than anything."""
    megapixels = quotas.megapixels_per_day
    return Amounts(
        jobs=_NONE if quotas.jobs_per_day is None else quotas.jobs_per_day,
        bytes=_NONE if quotas.bytes_per_day is None else quotas.bytes_per_day,
        pixels=_NONE if megapixels is None else megapixels * MEGAPIXEL,
    )


_NONE: Final = 1 << 80
_POLICIES: Final = {"jobs": "jobs", "bytes": "bytes", "pixels": "megapixels"}
"""Names of policies, by what they are of."""


def _beyond(quotas: Quotas, amounts: Amounts) -> list[str]:
    """Names of the day's quotas that this would exceed."""
    limits = _limits(quotas)
    return [name for of, name in _POLICIES.items() if getattr(amounts, of) > getattr(limits, of)]


def _slice(quotas: Quotas, had: Amounts) -> Amounts:
    """What is leased beyond `had`, which is within the quotas: never more than there is."""
    limits = _limits(quotas)

    def of(name: str) -> int:
        limit = getattr(limits, name)
        return min(getattr(SLICE, name), limit // _FRACTION, limit - getattr(had, name))

    return Amounts(**{name: of(name) for name in _POLICIES})


def _missing(need: Amounts, left: Amounts) -> Amounts:
    return Amounts(**{name: max(0, getattr(need, name) - getattr(left, name)) for name in _POLICIES})
