"""What becomes of any world of the walk once faults have stopped: what is owed is sent, what is sent is answered."""

import random

from contracts.events import Erased, Event, LapsedAlarm, Notified, Planned
from contracts.job import DebtKind, Job, JobState
from contracts.lifecycle import step
from tests.support.invariants import hold
from tests.support.walk import TIMING, World, done, finished


def healed(world: World, seed: int) -> Job:
    """The job after faults have stopped: what is owed is sent, what is sent is answered, until nothing is due but age.

    Raises Broken if the job has not become final, or owes something still.
    """
    dice = random.Random(seed)
    job = world.job
    assert job is not None
    for _ in range(200):
        events = _healing(job)
        if not events:
            break
        event, now = dice.choice(events)
        outcome = step(job, [event], now, TIMING)
        job = outcome.job or job
    hold("19: every job becomes final", job.is_final)
    hold("21: nothing is owed for ever", not job.debts)
    return job


def _healing(job: Job) -> list[tuple[Event, int]]:
    now = job.updated_at + 1
    events: list[tuple[Event, int]] = []
    for debt in job.debts:
        when = max(now, debt.due_at)
        if debt.kind is DebtKind.PROCESS:
            events.append((Planned(), when))
        elif debt.kind is DebtKind.NOTIFY:
            events.append((Notified(debt=debt.id), when))
        elif debt.kind is DebtKind.ERASE:
            events.append((Erased(debt=debt.id), when))
        else:
            part = job.open_part(debt.token or 0)
            assert part is not None
            events.append((finished(part.token, tuple(done(name) for name in part.variants)), when))
    if job.state is JobState.AWAITING_UPLOAD:
        events.append((LapsedAlarm(), max(now, job.alarm_at or 0)))
    return events
