"""Fetching a picture that an upload names by its address: into the spool, by a thread of its own.

A file takes as long as a stranger's host likes, up to its seconds. So fetches have few threads, which are not those
that everybody else's calls wait for, and no tenant has all of them. What is called at all is for `Outside` to judge.
"""

import time
from typing import Final

import structlog

from contracts.environment import Fetch
from contracts.errors import HopLimit
from contracts.hops import check_hops, hops
from contracts.identifiers import Tenant
from contracts.limits import MAX_BODY_BYTES
from contracts.outside_ports import Outside
from services.upload.spool import Spool, SpoolRoom
from services.upload.threads import Threads

_log: Final = structlog.get_logger()


class Fetching:
    """Used from the event loop's thread."""

    def __init__(self, outside: Outside, settings: Fetch, *, shared: bool = False) -> None:
        """`shared`: between tenants, none of whom may take all the places."""
        self._outside, self._seconds = outside, settings.seconds
        self._room = SpoolRoom(settings.at_once, shared=shared)
        # whoever left keeps its thread until its time is over: then there is no other, and nobody waits for one
        self._threads = Threads(settings.at_once, most_waiting=0)

    def check(self, url: str) -> None:
        """Raises SourceForbidden for an address that is not called, as far as that is seen before its name is asked."""
        self._outside.check(url)

    async def fetch(self, url: str, tenant: Tenant, spool: Spool) -> int:
        """The file's bytes, all of them, into the spool; how often it came out of a Darkroom before.

        Raises SourceForbidden, SourceUnreachable, PayloadTooLarge, HopLimit for one of our own that came back once too
        often, and Overloaded if too many are being fetched.
        """
        with self._room.place(tenant):
            try:
                return await self._threads.call(self._fetched, url, spool)
            except HopLimit:
                # counted by this line, over which there is an alarm
                _log.warning("hop.refused", tenant=tenant, way="address")
                raise

    def close(self) -> None:
        self._threads.close()

    def _fetched(self, url: str, spool: Spool) -> int:
        begun = time.monotonic()
        with self._outside.fetch(url, seconds=self._seconds, most_bytes=MAX_BODY_BYTES) as file:
            count = hops(file.marker)
            check_hops(count)
            spool.fill(file.pieces)
        # never the address: it is a client's word, and may have a secret in it
        _log.info("upload.fetched", bytes=spool.length, elapsed_ms=int((time.monotonic() - begun) * 1_000))
        return count
