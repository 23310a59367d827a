"""Commands of a job's owner: cancel, retry, delete. Over ports and without HTTP.

    read the row ──▶ known already? its answer ──▶ step ──▶ replace under the revision ──▶ reply ──▶ announce
         ▲                                                       │ refused, or nobody answered
         └───────────────────────────────────────────────────────┘

A command is named by the digest of its Idempotency-Key, or by chance. A write whose reply was lost is found in the row
when it is read again; so is a command that its sender repeats, and both get the answer of the first.
"""

from collections.abc import Callable
from typing import Final

import structlog
from msgspec import Struct

from contracts.errors import Gone, KeyReused, NotFound, RevisionMoved, StateConflict, Unavailable
from contracts.events import Cancelled, Deleted, Retried
from contracts.identifiers import JobId, Tenant, command_id
from contracts.job import Command, Job, JobState
from contracts.lifecycle import Outcome, Verdict, owed, step
from contracts.limits import Timing
from contracts.messages import Outgoing
from contracts.ports import Clock, Ledger

ROUNDS: Final = 8
"""Writes tried: a job in full work is changed a few times a second, by one process each time."""

DEAD: Final = frozenset({JobState.DELETING, JobState.DELETED})
_LEADS_TO: Final = {"cancel": JobState.CANCELLED, "retry": JobState.QUEUED, "delete": JobState.DELETING}
"""The state in the answer of a command that was carried out, by the kind that the job remembers."""
_TOLD: Final = {"cancel": "job.cancelled", "retry": "job.retried", "delete": "job.deleted"}

_log: Final = structlog.get_logger()

Wish = Cancelled | Retried | Deleted


class Carried(Struct, frozen=True, kw_only=True):
    """What a command came to: the state and revision that it made, or found made.

    `replayed`: the same command had been carried out before. `messages` are for `Intake.announce`, after the reply.
    """

    job_id: JobId
    state: JobState
    revision: int
    replayed: bool = False
    messages: tuple[Outgoing, ...] = ()


class Commands:
    """The use case. Every method blocks on its ports: to be called from a thread.

    All raise NotFound (also for a job of another tenant), KeyReused if the key was another command's of this job, and
    Unavailable: then the same command may simply be sent again, under its key.
    """

    def __init__(self, *, ledger: Ledger, clock: Clock, timing: Timing, randomness: Callable[[int], bytes]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._timing = timing
        self._randomness = randomness

    def cancel(self, tenant: Tenant, job_id: JobId, key: str | None) -> Carried:
        """Stop what is under way; a cancelled job stays so. Raises StateConflict where all is over, Gone if deleted."""
        return self._carried_out(tenant, job_id, "cancel", Cancelled(command=self._name(key)))

    def retry(self, tenant: Tenant, job_id: JobId, key: str | None, revision: int) -> Carried:
        """Make the failed variants again, in a new run.

        Raises StateConflict if nothing failed or the job is past the revision that the caller saw, Gone if deleted.
        """
        return self._carried_out(tenant, job_id, "retry", Retried(command=self._name(key), revision=revision))

    def delete(self, tenant: Tenant, job_id: JobId, key: str | None) -> Carried:
        """Have the job and all its bytes erased; again is no error. `deleted` once nothing of it is left."""
        return self._carried_out(tenant, job_id, "delete", Deleted(command=self._name(key)))

    def _name(self, key: str | None) -> str:
        return self._randomness(16).hex() if key is None else command_id(key)

    def _carried_out(self, tenant: Tenant, job_id: JobId, kind: str, wish: Wish) -> Carried:
        job = self._read(tenant, job_id)
        for attempt in range(ROUNDS):
            known = next((done for done in job.commands if done.id == wish.command), None)
            if known is not None:
                return self._as_before(job, known, kind, wish, replayed=not attempt)
            outcome = step(job, [wish], self._clock.now(), self._timing)
            if outcome.job is None or not outcome.changed:
                return _as_it_is(job, kind, outcome)
            try:
                self._ledger.replace(outcome.job, job.revision)
            except (RevisionMoved, Unavailable):
                job = self._read(tenant, job_id)
                continue
            _log.info(_TOLD[kind], job_id=job.id, request_id=job.request_id, before=job.state)
            return Carried(job_id=job.id, state=outcome.job.state, revision=outcome.job.revision, messages=outcome.send)
        raise Unavailable("the job is being changed by too many at once")

    def _read(self, tenant: Tenant, job_id: JobId) -> Job:
        job = self._ledger.read([job_id]).get(job_id)
        if job is None or job.tenant != tenant:
            raise NotFound("there is no such job")
        return job

    def _as_before(self, job: Job, known: Command, kind: str, wish: Wish, *, replayed: bool) -> Carried:
        """The answer that the command got, or should have got: whoever carried it out may have died before it sent."""
        seen = wish.revision if isinstance(wish, Retried) else None
        if known.kind != kind or (seen is not None and seen != known.revision - 1):
            raise KeyReused("an earlier request with this Idempotency-Key was another command for this job")
        unsent = owed(job, self._clock.now()) if job.state is JobState.QUEUED else ()
        return Carried(
            job_id=job.id, state=_LEADS_TO[kind], revision=known.revision, replayed=replayed, messages=unsent
        )


def _as_it_is(job: Job, kind: str, outcome: Outcome) -> Carried:
    """The answer to a command that changes nothing: what it wants is so already, or cannot be."""
    if job.state in DEAD and kind != "delete":
        raise Gone("the job was deleted")
    if outcome.verdicts == (Verdict.SUPERSEDED,):
        return Carried(job_id=job.id, state=job.state, revision=job.revision)
    raise StateConflict(_why(job, kind), state=str(job.state), revision=job.revision)


def _why(job: Job, kind: str) -> str:
    state = job.state.replace("_", " ")
    if kind == "retry" and job.state in (JobState.FAILED, JobState.PARTIALLY_COMPLETED):
        return f"the job is at revision {job.revision} by now, not at the one that you saw"
    if kind == "retry":
        return f"the job is {state}: only what failed, or failed in part, can be tried again"
    return f"the job is {state}: there is nothing left to cancel"
