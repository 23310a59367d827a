"""What is owed, sent; what came apart, put together; what was left, erased. Nothing else is touched.

Every act is one that the pipeline does by itself: a message again with the token it had, a row written under its
revision, an erasure owed by way of `step`. So it may be done twice, and beside services at work.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from contracts.debts import message_of
from contracts.errors import RevisionMoved
from contracts.events import Stored
from contracts.identifiers import JobId
from contracts.job import Instant, Job
from contracts.lifecycle import step
from contracts.messages import Outgoing
from operations import holdings
from operations.standing import Standing
from operations.symptoms import Check, Symptom

_BATCH: Final = 100
"""Jobs that are read, and whose messages are sent, at once."""
REPAIRED: Final = frozenset({Check.ENVELOPES, Check.OVERDUE, Check.MESSAGES, Check.TOMBSTONES})


def repair(stack: Standing, symptoms: Iterable[Symptom], now: Callable[[], Instant]) -> Iterator[str]:
    """Do what can be done about these; a line for each thing done, or left for a person."""
    by_check: dict[Check, list[JobId]] = {}
    for symptom in symptoms:
        by_check.setdefault(symptom.check, []).append(symptom.where)
    yield from _written_anew(stack, by_check.get(Check.ENVELOPES, []))
    yield from _sent(stack, [*by_check.get(Check.OVERDUE, []), *by_check.get(Check.MESSAGES, [])], now)
    yield from _erasures_owed(stack, by_check.get(Check.TOMBSTONES, []), now)


def _written_anew(stack: Standing, job_ids: list[JobId]) -> Iterator[str]:
    for job in _jobs(stack, job_ids):
        try:
            stack.ledger.replace(job, job.revision)
        except RevisionMoved:
            continue  # somebody wrote it meanwhile, envelope and all
        yield f"{job.id} was written anew, as its document says"


def _sent(stack: Standing, job_ids: list[JobId], now: Callable[[], Instant]) -> Iterator[str]:
    wanted = list(dict.fromkeys(job_ids))
    for start in range(0, len(wanted), _BATCH):
        outgoing: list[Outgoing] = []
        for job in _jobs(stack, wanted[start : start + _BATCH]):
            mine = [
                out
                for debt in job.debts
                if (out := message_of(job, debt)) is not None and not debt.is_backing_off(now())
            ]
            outgoing += mine
            told = ", ".join(f"its message to {out.queue}" for out in mine)
            yield f"{job.id}: {told} was sent again" if told else f"{job.id}: what is due is the sweeper's to do"
        if outgoing:
            stack.queues.send(outgoing)


def _erasures_owed(stack: Standing, job_ids: list[JobId], now: Callable[[], Instant]) -> Iterator[str]:
    for job in _jobs(stack, job_ids):
        left = holdings.left_over(stack, job)
        if left is None:
            continue
        found = Stored(version_id=left.version_id, etag="", source=job.source)
        outcome = step(job, [found], now(), stack.settings.timing)
        if outcome.job is None or not outcome.changed:
            yield f"{job.id}: {left.key} is the version that it once worked on; delete it with aws s3api delete-object"
            continue
        try:
            stack.ledger.replace(outcome.job, job.revision)
        except RevisionMoved:
            continue
        yield f"{job.id} owes an erasure again; the sweeper deletes what is left of it"


def _jobs(stack: Standing, job_ids: list[JobId]) -> list[Job]:
    return [job for job in stack.jobs(job_ids).values() if job is not None]
