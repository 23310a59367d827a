"""Requests by the second. Each host counts for itself: a call to count a request would cost more than the request."""

import threading
from collections import OrderedDict
from typing import Final

from msgspec import Struct

from contracts.job import Instant
from contracts.ports import Clock
from contracts.quotas import Quotas

MOST_BUCKETS: Final = 10_000
"""That a host remembers; beyond it the one that came first begins anew."""


class _Bucket(Struct):
    drops: float
    at: Instant


class Buckets:
    """One a name: `burst_requests` at once, refilled at `requests_per_second`, which must be there. Never blocks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str, quotas: Quotas) -> bool:
        """A drop; False if there is none."""
        with self._lock:
            bucket = self._filled(name, quotas)
            if bucket.drops < 1:
                return False
            bucket.drops -= 1
            return True

    def put_back(self, name: str, quotas: Quotas) -> None:
        """A drop that was taken for what another quota has no room for."""
        with self._lock:
            bucket = self._filled(name, quotas)
            bucket.drops = min(float(quotas.burst_requests), bucket.drops + 1)

    def drops(self, name: str, quotas: Quotas) -> int:
        """How many there are."""
        with self._lock:
            return int(self._filled(name, quotas).drops)

    def _filled(self, name: str, quotas: Quotas) -> _Bucket:
        now = self._clock.now()
        bucket = self._buckets.setdefault(name, _Bucket(float(quotas.burst_requests), now))
        while len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if now > bucket.at:
            refilled = (now - bucket.at) * (quotas.requests_per_second or 0) / 1_000
            bucket.drops = min(float(quotas.burst_requests), bucket.drops + refilled)
        bucket.at = now
        return bucket
