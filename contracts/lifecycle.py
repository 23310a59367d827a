"""placeholder: signature only"""
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from contracts.events import Event
from contracts.job import Instant, Job
from contracts.limits import Timing
from contracts.messages import Outgoing


class Verdict(Enum):
    """What an event meant to the job."""

    APPLIED = "applied"
    SUPERSEDED = "superseded"
    """Someone was quicker, or it is known already: be glad, acknowledge."""
    ILLEGAL = "illegal"
    """Cannot happen from here: a bug or a forgery; refuse the command, park the message."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What `step` says. `job` is the next document (revision + 1) if `changed`, else the one that was given.

    `verdicts` and `reasons` have one entry an event. `send` is what the change newly owes and what a lapse re-sends:
    to be sent after the write, best effort.
    """

    job: Job | None
    changed: bool
    verdicts: tuple[Verdict, ...]
    reasons: tuple[str, ...]
    send: tuple[Outgoing, ...] = ()


def step(job: Job | None, events: Sequence[Event], now: Instant, timing: Timing) -> Outcome:
    """The only place where a job changes."""
    raise NotImplementedError


def owed(job: Job, now: Instant) -> tuple[Outgoing, ...]:
    """Messages of the open debts that are not backing off: what a redelivery or a refused write sends again."""
    raise NotImplementedError
