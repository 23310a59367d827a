"""A tenant's jobs, newest first, a page at a time. Over ports and without HTTP.

    day by day, newest first ──▶ the index names jobs ──▶ their rows are read ──▶ those that fit ──▶ a page, a cursor

The index knows state and preset, so it leaves out most of what was not asked for; it may be a moment behind, so every
row is looked at again. What only the row knows (error, tag) is judged there alone. A page does a bounded amount of
work: it may come back with fewer jobs than asked for, or none, and a cursor that goes on.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from contracts.errors import Malformed, NotFound
from contracts.identifiers import Tenant, parse_job_id
from contracts.job import Instant, Job, JobState
from contracts.limits import DAY_SECONDS, MAX_LIFE_SECONDS, MAX_PAGE
from contracts.ports import Catalogue, Clock, Entry, Ledger
from services.upload.document import error_codes

LOOKS: Final = 31
"""Queries of one page: a month without jobs, or three thousand rows that do not fit."""

SHOWN: Final = frozenset(JobState) - {JobState.DELETING, JobState.DELETED}
_WITH_ERRORS: Final = SHOWN - {JobState.AWAITING_UPLOAD, JobState.QUEUED, JobState.COMPLETED}
_DAY: Final = DAY_SECONDS * 1000
_AHEAD: Final = 60_000
"""That the clock of another host may be ahead of ours, in ms."""
_NOBODY: Final = ""
"""In the place of an id: everything from this moment on was looked at."""
_SUM_BYTES: Final = 8


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for: jobs for which all of it holds. `states` empty means any that is shown.

    `since` and `until` are moments of making, the first inclusive. `tag` is a key of `meta`, or (key, value).
    """

    states: frozenset[JobState] = frozenset()
    preset: str | None = None
    error: str | None = None
    tag: tuple[str, str | None] | None = None
    since: Instant | None = None
    until: Instant | None = None

    @property
    def possible(self) -> frozenset[JobState]:
        """States in which a job can fit at all."""
        shown = _WITH_ERRORS if self.error is not None else SHOWN
        return shown & self.states if self.states else shown

    def fits(self, job: Job) -> bool:
        """What the index cannot be asked, and, because it may be behind, what it was asked."""
        if job.state not in self.possible or self.preset not in (None, job.preset):
            return False
        if self.error is not None and self.error not in error_codes(job):
            return False
        if self.tag is None:
            return True
        key, value = self.tag
        return key in job.meta and value in (None, job.meta[key])


class Page(Struct, frozen=True, kw_only=True):
    """Some jobs, and where the next page begins; `go_on` None after the last."""

    jobs: tuple[Job, ...]
    go_on: Entry | None = None


class Listing:
    """The use case. Blocks on its ports: to be called from a thread."""

    def __init__(self, *, catalogue: Catalogue, ledger: Ledger, clock: Clock) -> None:
        self._catalogue = catalogue
        self._ledger = ledger
        self._clock = clock

    def page(self, tenant: Tenant, wanted: Wanted, most: int, after: Entry | None) -> Page:
        """At most `most` jobs that fit, after the one where the last page ended."""
        found: list[Job] = []
        if not wanted.possible:
            return Page(jobs=())
        last = after
        for _, (entries, last) in zip(range(LOOKS), self._looks(tenant, wanted, after), strict=False):
            rows = self._ledger.read([entry.job_id for entry in entries]) if entries else {}
            for entry in entries:
                job = rows.get(entry.job_id)
                if job is None or job.tenant != tenant or not wanted.fits(job):
                    continue
                found.append(job)
                if len(found) == most:
                    return Page(jobs=tuple(found), go_on=entry)
            if last is None:
                break
        else:
            return Page(jobs=tuple(found), go_on=last)
        return Page(jobs=tuple(found))

    def _looks(
        self, tenant: Tenant, wanted: Wanted, after: Entry | None
    ) -> Iterator[tuple[tuple[Entry, ...], Entry | None]]:
        """Entries look by look, each with the place to go on from; None with the last."""
        now = self._clock.now()
        # nothing older is shown: whoever lives longest was made a life ago
        oldest = max(wanted.since or 0, now - (MAX_LIFE_SECONDS * 1000 + _DAY), 0)
        end = now + _AHEAD if wanted.until is None else min(wanted.until, now + _AHEAD)
        if after is not None and (after.job_id == _NOBODY or after.created_at >= end):
            end, after = min(end, after.created_at), None
        elif after is not None:
            end = after.created_at + 1
        while True:
            begin = max(oldest, (end - 1) - (end - 1) % _DAY)
            is_last = begin <= oldest
            glance = self._catalogue.made(
                tenant, begin, end, states=wanted.possible, preset=wanted.preset, after=after, most=MAX_PAGE
            )
            if glance.go_on is not None:
                after = glance.go_on
                yield glance.entries, after
                continue
            after, end = None, begin
            yield glance.entries, None if is_last else Entry(begin, _NOBODY)
            if is_last:
                return


def cursor_of(place: Entry, tenant: Tenant, wanted: Wanted) -> str:
    """Opaque text that leads back to a place in the list of this tenant and these filters."""
    said = msgspec.json.encode((place.created_at, place.job_id))
    return base64.urlsafe_b64encode(_sum(said, tenant, wanted) + said).decode().rstrip("=")


def place_of(cursor: str, tenant: Tenant, wanted: Wanted) -> Entry:
    """Inverse of `cursor_of`. Raises Malformed for any other text, also for a cursor of another list.

    What guards other tenants' jobs is not the sum but the index, whose key has the tenant of the request: a cursor
    that somebody reckons out leads to a place in a list of their own.
    """
    refused = Malformed("the cursor is not one of this list: begin again without it, or ask with the same filters")
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        created_at, job_id = msgspec.json.decode(raw[_SUM_BYTES:], type=tuple[Instant, str])
        place = Entry(created_at, job_id and parse_job_id(job_id))
    except (ValueError, binascii.Error, msgspec.MsgspecError, NotFound):
        raise refused from None
    if cursor_of(place, tenant, wanted) != cursor:
        raise refused
    return place


def _sum(said: bytes, tenant: Tenant, wanted: Wanted) -> bytes:
    asked = msgspec.json.encode(wanted, order="deterministic")
    return hashlib.sha256(b"darkroom cursor\0" + tenant.encode() + b"\0" + asked + b"\0" + said).digest()[:_SUM_BYTES]
