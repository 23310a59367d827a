"""How a job moves: one pure function, `step`, and the table it goes by.

Upload service, processing service, sweeper and tests all run `step`; nowhere else does a job change. The rules of each
event are in `rules`; what is owed is in `debts`. The picture of the table is in docs/architecture.md.

    read the job ──▶ step(job, events, now) ──▶ replace under its revision ──▶ send what is newly owed ──▶ acknowledge
          ▲                                          │ refused
          └──────────────────────────────────────────┘
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from contracts import rules
from contracts.debts import message_of, owed
from contracts.events import (
    Cancelled,
    Crashed,
    Deleted,
    Erased,
    Event,
    Expired,
    LapsedAlarm,
    LapsedDebt,
    Notified,
    Planned,
    Refused,
    Reserved,
    Retried,
    Stored,
)
from contracts.job import Instant, Job, JobState
from contracts.limits import Timing
from contracts.messages import Finished, Outgoing

__all__ = ["TABLE", "Outcome", "Row", "Verdict", "owed", "step"]


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


class Row(Struct, frozen=True, kw_only=True):
    """One event of the table: who sees it, where it may lead from each state, and its verdict from any other state."""

    who: str
    rule: Callable[[Job, Any, Instant, Timing], Job | rules.Refusal]
    moves: dict[JobState, tuple[JobState, ...]]
    elsewhere: dict[JobState, Verdict]


_S = JobState
_ALL: Final = tuple(JobState)
_LIVE: Final = tuple(state for state in JobState if state not in {_S.DELETING, _S.DELETED})
_SAME: Final[dict[JobState, tuple[JobState, ...]]] = {state: (state,) for state in JobState}
_ENDS: Final = (_S.COMPLETED, _S.PARTIALLY_COMPLETED, _S.FAILED)
# states that may hold bytes which nobody pinned
_UNPINNED: Final = {state: (state,) for state in (_S.CANCELLED, _S.ABANDONED, _S.REJECTED, _S.DELETING, _S.DELETED)}


def _rest(moves: dict[JobState, tuple[JobState, ...]], verdict: Verdict, **others: Verdict) -> dict[JobState, Verdict]:
    """The verdict of every state that `moves` does not name; `others` by the state's value."""
    return {state: others.get(state.value, verdict) for state in _ALL if state not in moves}


def _row(
    who: str,
    rule: Callable[[Job, Any, Instant, Timing], Job | rules.Refusal],
    moves: dict[JobState, tuple[JobState, ...]],
    elsewhere: Verdict = Verdict.SUPERSEDED,
    **others: Verdict,
) -> Row:
    return Row(who=who, rule=rule, moves=moves, elsewhere=_rest(moves, elsewhere, **others))


_ILLEGAL: Final = Verdict.ILLEGAL

TABLE: Final[dict[type, Row]] = {
    # Reserved makes the job: see `step`
    Stored: _row("upload, sweeper", rules.stored, {_S.AWAITING_UPLOAD: (_S.QUEUED,), **_UNPINNED}),
    Refused: _row("upload, sweeper", rules.refused, {_S.AWAITING_UPLOAD: (_S.REJECTED,), **_UNPINNED}),
    Planned: _row(
        "jobs reader",
        rules.planned,
        {_S.QUEUED: (_S.PROCESSING, _S.FAILED, _S.REJECTED, _S.PARTIALLY_COMPLETED)},
        awaiting_upload=_ILLEGAL,
    ),
    Finished: _row(
        "completions reader",
        rules.finished,
        {_S.PROCESSING: (_S.PROCESSING, *_ENDS, _S.REJECTED)},
        awaiting_upload=_ILLEGAL,
    ),
    Crashed: _row(
        "dead letters' reader",
        rules.crashed,
        {_S.PROCESSING: (_S.PROCESSING, *_ENDS)},
        awaiting_upload=_ILLEGAL,
    ),
    LapsedDebt: _row("sweeper", rules.lapsed_debt, _SAME),
    LapsedAlarm: _row("sweeper", rules.lapsed_alarm, {_S.AWAITING_UPLOAD: (_S.ABANDONED,)}),
    Notified: _row("notifications reader", rules.notified, _SAME),
    Cancelled: _row(
        "API",
        rules.cancelled,
        {state: (_S.CANCELLED,) for state in (_S.AWAITING_UPLOAD, _S.QUEUED, _S.PROCESSING)},
        _ILLEGAL,
        cancelled=Verdict.SUPERSEDED,
    ),
    Retried: _row(
        "API", rules.retried, {state: (_S.QUEUED,) for state in (_S.FAILED, _S.PARTIALLY_COMPLETED)}, _ILLEGAL
    ),
    Deleted: _row("API", rules.deleted, {state: (_S.DELETING,) for state in _LIVE}),
    Expired: _row("sweeper", rules.expired, {state: (_S.DELETING,) for state in _LIVE}),
    Erased: _row("sweeper", rules.erased, {**_UNPINNED, _S.DELETING: (_S.DELETING, _S.DELETED)}),
}
"""The transition table. A rule may still refuse (an unknown token, say); a state it leads to is one of its row's."""


def step(job: Job | None, events: Sequence[Event], now: Instant, timing: Timing) -> Outcome:
    """Apply what was seen or wanted, in order, to the job as it was read: one next job, one verdict an event.

    Superseded and illegal events do not stop the others. The answer is to be written under the revision of the job that
    was given; if that is refused, read again and step again. Pure, never raises but for a bug in a rule.
    """
    before, verdicts, reasons = job, [], []
    for event in events:
        answer = _applied(job, event, now, timing)
        if isinstance(answer, Job):
            job = answer
            verdicts.append(Verdict.APPLIED)
            reasons.append("")
        else:
            verdict, reason = answer
            verdicts.append(verdict)
            reasons.append(reason)
    if job is None or job is before:
        return Outcome(job=before, changed=False, verdicts=tuple(verdicts), reasons=tuple(reasons))
    revision = 1 if before is None else before.revision + 1
    charge = rules.charge_of(job, revision)
    job = replace(job, revision=revision, updated_at=now, alarm_at=rules.alarm_of(job, timing), charge=charge)
    return Outcome(
        job=job, changed=True, verdicts=tuple(verdicts), reasons=tuple(reasons), send=_newly_owed(before, job, now)
    )


def _applied(job: Job | None, event: Event, now: Instant, timing: Timing) -> Job | tuple[Verdict, str]:
    if isinstance(event, Reserved):
        return rules.reserved(event, now) if job is None else (Verdict.SUPERSEDED, "the job exists")
    if job is None:
        return Verdict.ILLEGAL, "there is no such job"
    row = TABLE[type(event)]
    # a command is looked up before anything else: a repeat gets the answer it got, whatever happened since
    if isinstance(event, Cancelled | Retried | Deleted) and any(done.id == event.command for done in job.commands):
        return Verdict.SUPERSEDED, "the command was carried out before"
    targets = row.moves.get(job.state)
    if targets is None:
        return row.elsewhere[job.state], f"{type(event).__name__} means nothing to a job that is {job.state}"
    answer = row.rule(job, event, now, timing)
    if isinstance(answer, rules.Refusal):
        return (Verdict.ILLEGAL if answer.illegal else Verdict.SUPERSEDED), answer.reason
    if answer.state not in targets:
        raise AssertionError(f"{type(event).__name__} led from {job.state} to {answer.state}: not in the table")
    return answer


def _newly_owed(before: Job | None, job: Job, now: Instant) -> tuple[Outgoing, ...]:
    """Messages of the debts that this step opened or re-dated as sent now."""
    known = {debt.id: debt for debt in before.debts} if before else {}
    fresh = (debt for debt in job.debts if debt.sent_at == now and known.get(debt.id) != debt)
    return tuple(out for debt in fresh if (out := message_of(job, debt)))
