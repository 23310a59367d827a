"""Where requests come from, for one purpose: whoever tries keys that are none is not answered for a while.

A key cannot be guessed (256 bits), but each try is a read of the registry that somebody pays for. A source is an IPv4
address or the /64 of an IPv6 one. Keys that are known to be good pass whatever their neighbours do.
"""

import threading
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

from litestar.connection import ASGIConnection
from msgspec import Struct

from contracts.errors import QuotaExceeded
from contracts.job import Instant
from contracts.ports import Clock

TRIES: Final = 20
"""Bad keys of a source at once."""
SECONDS_A_TRY: Final = 3
"""After which it has one more."""
MOST_SOURCES: Final = 10_000
"""That are remembered; beyond it the one that failed longest ago begins anew."""


class _Source(Struct):
    tries: float
    at: Instant


class Sources:
    """Counts failures. Safe to use from several threads; bounded."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failing: OrderedDict[str, _Source] = OrderedDict()

    def check(self, source: str) -> None:
        """Raises QuotaExceeded for one that failed too often."""
        with self._lock:
            known = self._failing.get(source)
            if known is not None and self._left(known) < 1:
                policies = {"violated-policies": ["bad-keys"]}
                raise QuotaExceeded("too many bad keys came from this address", retry_after=SECONDS_A_TRY, **policies)

    def failed(self, source: str) -> None:
        """One more bad key came from there; one without an address is not judged."""
        if not source:
            return
        with self._lock:
            known = self._failing.pop(source, None) or _Source(float(TRIES), self._clock.now())
            # never below nothing: who went on meanwhile does not lock their neighbours out for hours
            known.tries = max(0.0, self._left(known) - 1)
            known.at = self._clock.now()
            self._failing[source] = known
            while len(self._failing) > MOST_SOURCES:
                self._failing.popitem(last=False)

    def _left(self, known: _Source) -> float:
        passed = max(0, self._clock.now() - known.at) / 1_000
        return min(float(TRIES), known.tries + passed / SECONDS_A_TRY)


def source_of(connection: ASGIConnection[Any, Any, Any, Any], *, behind_balancer: bool) -> str:
    """Who sent the request: the peer; behind a balancer, whom the balancer saw. Empty if that is no address.

    That is the last entry of X-Forwarded-For, which the balancer itself adds. Everything before it is the sender's word
    and nobody's proof (CVE-2025-59152).
    """
    peer = connection.client.host if connection.client else ""
    if behind_balancer:
        forwarded = connection.headers.getall("x-forwarded-for", [])
        peer = forwarded[-1].rpartition(",")[2].strip() if forwarded else peer
    try:
        address = ip_address(peer)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else str(ip_network((int(address), 64), strict=False))
    return str(address)
