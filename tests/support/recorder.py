"""Notes every row of the transition table that the real actors' calls of `step` reach."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

import services.processing.changes
import services.upload.commands
import services.upload.direct
import services.upload.intake
from contracts import lifecycle
from contracts.events import Event
from contracts.job import Instant, Job
from contracts.lifecycle import Outcome, Verdict
from contracts.limits import Timing

Row = tuple[str, str, str]
"""Event, state before, and state after; or, where the event was not applied, its verdict."""


def row_of(event: Event, before: Job | None, after: Job | None, verdict: Verdict) -> Row:
    """The row that a step went by."""
    came_to = "none" if after is None else after.state.value
    return (
        type(event).__name__,
        "none" if before is None else before.state.value,
        came_to if verdict is Verdict.APPLIED else verdict.value,
    )


@contextmanager
def rows_noted(rows: Counter[Row]) -> Iterator[None]:
    """While it lasts, every step of intake, commands, readers and sweeper is counted by its row."""

    def noted(job: Job | None, events: Sequence[Event], now: Instant, timing: Timing) -> Outcome:
        before = job
        for last, event in enumerate(events, start=1):
            outcome = lifecycle.step(job, events[:last], now, timing)
            rows[row_of(event, before, outcome.job, outcome.verdicts[-1])] += 1
            before = outcome.job
        return lifecycle.step(job, events, now, timing)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services.processing.changes, "step", noted)
        patch.setattr(services.upload.intake, "step", noted)
        patch.setattr(services.upload.commands, "step", noted)
        patch.setattr(services.upload.direct, "step", noted)
        yield
