"""How many jobs of a tenant are in flight, and which lane its next one waits in: beyond its share it is bulk.

Counting would cost two writes a job. Instead the newest rows of the tenant are looked at, and not again before as many
further jobs were accepted as were missing from the bound: one query in up to a hundred jobs, and one in a second while
the bound is exceeded. Each host knows its own jobs and, at each look, everybody's: of `h` hosts at most `h` times the
bound get in.
"""

import threading
from collections import OrderedDict
from typing import Final, Protocol

import structlog
from msgspec import Struct

from contracts.errors import Unavailable
from contracts.identifiers import Tenant
from contracts.job import Instant, JobState, Lane
from contracts.limits import DAY_SECONDS, SHARE_IN_FLIGHT
from contracts.ports import Catalogue, Clock, Entry

IN_FLIGHT: Final = frozenset({JobState.QUEUED, JobState.PROCESSING})
"""States in which a job waits, or is worked on."""

LOOK_SECONDS: Final = 1.0
"""Between two looks at a tenant that exceeds its bound."""
MOST_TENANTS: Final = 10_000
"""That a host remembers; beyond it the oldest is looked at again when it comes."""
PAGE: Final = 1_000
"""Rows of one look."""

_DAY: Final = DAY_SECONDS * 1_000
_AHEAD: Final = 60_000
"""That the clock of another host may be ahead of ours, in ms."""

_log: Final = structlog.get_logger()


class Lanes(Protocol):
    """Chooses lanes."""

    def lane(self, tenant: Tenant, asked: Lane) -> Lane:
        """For a job that is about to be accepted, and counts from now on."""
        ...


class OneLane:
    """Everybody's jobs wait where they ask to: there is one tenant, or nobody counts."""

    def lane(self, tenant: Tenant, asked: Lane) -> Lane:
        return asked


class _Known(Struct):
    """A tenant as it was last looked at; `accepted` since then, by this host."""

    counted: int
    accepted: int
    looked_at: Instant


class InFlight:
    """Counts a tenant's jobs up to a bound. Blocks on its port now and then: for threads, several at once."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue, self._clock = catalogue, clock
        self._lock = threading.Lock()
        self._tenants: OrderedDict[Tenant, _Known] = OrderedDict()

    def accepted(self, tenant: Tenant) -> None:
        """One more."""
        with self._lock:
            known = self._tenants.get(tenant)
            if known is not None:
                known.accepted += 1

    def known(self, tenant: Tenant) -> int:
        """As many as there were at the last look, and this host's since; without a look."""
        with self._lock:
            known = self._tenants.get(tenant)
            return 0 if known is None else known.counted + known.accepted

    def look(self, tenant: Tenant, bound: int) -> int:
        """As many as there are now, up to the bound. Raises Unavailable."""
        now = self._clock.now()
        counted = self._counted(tenant, now, bound)
        with self._lock:
            self._tenants[tenant] = _Known(counted=counted, accepted=0, looked_at=now)
        return counted

    def reached(self, tenant: Tenant, bound: int) -> bool:
        """Whether so many wait or are worked on; to be asked with the same bound each time.

        A table that does not answer is no reason to refuse anybody: then the last look counts.
        """
        now = self._clock.now()
        with self._lock:
            # nobody who is new here has jobs of ours; whoever has some elsewhere is found at the first look
            known = self._tenants.setdefault(tenant, _Known(counted=0, accepted=0, looked_at=now))
            while len(self._tenants) > MOST_TENANTS:
                self._tenants.popitem(last=False)
            estimate = known.counted + known.accepted
            just_exceeded = known.counted >= bound and 0 <= now - known.looked_at < LOOK_SECONDS * 1_000
            if estimate < bound or just_exceeded:
                return estimate >= bound
            known.looked_at = now
            accepted = known.accepted
        try:
            counted = self._counted(tenant, now, bound)
        except Unavailable as error:
            _log.warning("share.not_counted", reason=error.detail)
            return known.counted >= bound
        with self._lock:
            known.counted, known.accepted = counted, known.accepted - accepted
            return known.counted + known.accepted >= bound

    def _counted(self, tenant: Tenant, now: Instant, bound: int) -> int:
        """Of today and yesterday, newest first; where nothing of a whole page is in flight, nothing older is."""
        found = 0
        today = now - now % _DAY
        for since, until in ((today, now + _AHEAD), (today - _DAY, today)):
            after: Entry | None = None
            while True:
                glance = self._catalogue.made(tenant, since, until, states=IN_FLIGHT, after=after, most=PAGE)
                found += len(glance.entries)
                if found >= bound:
                    return found
                if glance.go_on is None:
                    break
                if not glance.entries:
                    return found
                after = glance.go_on
        return found


class Shares:
    """Lanes by what is in flight."""

    def __init__(self, in_flight: InFlight, share: int = SHARE_IN_FLIGHT) -> None:
        self._in_flight, self._share = in_flight, share

    def lane(self, tenant: Tenant, asked: Lane) -> Lane:
        over = self._in_flight.reached(tenant, self._share)
        self._in_flight.accepted(tenant)
        return Lane.BULK if over else asked
