"""From a reserved row to a pinned original, or to nobody waiting for one any more."""

from msgspec.structs import replace

from contracts.charges import Amounts, Charge
from contracts.debts import open_sent, owe_erase, seconds
from contracts.events import LapsedAlarm, Refused, Reserved, Stored
from contracts.job import SCHEMA, DebtKind, Fault, Instant, Job, JobState, Original, VariantRecord
from contracts.limits import Timing
from contracts.quotas import cost_of
from contracts.rules.parts import Refusal, rejected


def reserved(event: Reserved, now: Instant) -> Job:
    return Job(
        schema=SCHEMA,
        id=event.id,
        tenant=event.tenant,
        state=JobState.AWAITING_UPLOAD,
        created_at=now,
        updated_at=now,
        expires_at=now + seconds(event.life_seconds),
        key=event.key,
        upload_until=event.upload_until,
        direct=event.direct,
        fingerprint=event.fingerprint,
        content_sha256=event.content_sha256,
        request_id=event.request_id,
        lane=event.lane,
        preset=event.preset,
        meta=event.meta,
        analyse=event.analyse,
        assets=event.assets,
        webhook=event.webhook,
        charge=event.charge,
        public=event.public,
        source=event.source,
        variants=tuple(VariantRecord(spec=spec) for spec in event.variants),
    )


def alarm_of(job: Job, timing: Timing) -> Instant | None:
    """When the sweeper has to look at the job though it owes nothing; every state but `deleted` has a moment."""
    if job.state is JobState.DELETED:
        return None
    if job.state is JobState.AWAITING_UPLOAD:
        # long after the right to upload: until then the client may come back under its key, whatever broke off
        return job.upload_until + seconds(timing.abandon_after_seconds)
    if job.state is JobState.DELETING:
        return min(debt.due_at for debt in job.debts)
    return job.expires_at


def charge_of(job: Job, revision: int) -> Charge | None:
    """The job's charge as it is written with this revision: corrected once nobody waits for the file any more.

    A picture costs what it is, as if it had come through the service; what was refused, and what never came, nothing.
    """
    charge = job.charge
    if charge is None or charge.corrected is not None or job.state is JobState.AWAITING_UPLOAD:
        return charge
    arrived = Amounts() if job.original is None else cost_of(job.source)
    return replace(charge, corrected=arrived - charge.taken, revision=revision)


def stored(job: Job, event: Stored, now: Instant, timing: Timing) -> Job | Refusal:
    if job.state is not JobState.AWAITING_UPLOAD:
        return _unwanted(job, event.version_id, now)
    original = Original(key=job.key, version_id=event.version_id, etag=event.etag)
    queued = replace(job, state=JobState.QUEUED, original=original, source=event.source, queued_at=now)
    return open_sent(queued, DebtKind.PROCESS, now, timing)


def refused(job: Job, event: Refused, now: Instant, timing: Timing) -> Job | Refusal:
    if job.state is not JobState.AWAITING_UPLOAD:
        return _unwanted(job, event.version_id, now)
    return rejected(job, Fault(code=event.code, detail=event.detail), now, timing)


def _unwanted(job: Job, version_id: str, now: Instant) -> Job | Refusal:
    """Bytes that landed where nobody waits for them any more are erased, under a new debt.

    A job that pinned a version keeps it until it is deleted: copies of its event must not erase it, and other versions
    go with it. While deleting, every version but the pinned one is news.
    """
    pinned = job.original.version_id if job.original else None
    if job.state in {JobState.DELETING, JobState.DELETED}:
        if version_id == pinned:
            return Refusal(reason="the pinned version is being erased already")
        return owe_erase(job, now)
    if pinned is not None:
        return Refusal(reason="the job has its original")
    return owe_erase(job, now)


def lapsed_alarm(job: Job, event: LapsedAlarm, now: Instant, timing: Timing) -> Job | Refusal:
    alarm = alarm_of(job, timing)
    if alarm is None or now < alarm:
        return Refusal(reason="there is time left to upload")
    # nobody is told: whoever never uploaded waits for nothing
    return owe_erase(replace(job, state=JobState.ABANDONED, finished_at=now), now)
