"""Rows and objects as a process leaves them that dies between two effects: what the sweeper and a repeat must heal.

Made with the root key through the house's own adapters and `step`, so each is a state that a crash can leave, and
nothing has to be killed at the right microsecond. For the permissions report and the journeys.
"""

import io
import os
import time
from typing import Any, Final

from adapters import clients
from adapters.ledger import DynamoLedger
from adapters.objects import S3Originals
from contracts.environment import ProcessingEnvironment, from_environ
from contracts.events import Event, LapsedDebt, Planned, Reserved, Stored
from contracts.identifiers import derived_job_id, new_job_id
from contracts.job import Instant, Job, Lane
from contracts.lifecycle import owed, step
from contracts.messages import Finished, Queue, Undone, encode
from contracts.places import INLINE, OriginalPlace
from contracts.ports import Pinned
from local.aws import ROOT_KEY
from local.supervisor import Supervisor

_NEVER: Final = 1 << 52
_DAY_SECONDS: Final = 86_400


class Leftovers:
    """Leftovers like `model`, an ordinary job that was completed, whose original's bytes are `picture`."""

    def __init__(self, stack: Supervisor, model_id: str, picture: bytes) -> None:
        self._stack = stack
        self._settings = from_environ(ProcessingEnvironment, stack.exports["services"]["processing"]["environment"])
        self._ledger = DynamoLedger(self._client("dynamodb"), self._settings.jobs_table, self._settings.due_shards)
        self._originals = S3Originals(self._client("s3"), self._settings.originals_bucket)
        self._model = self.read(model_id)
        self._picture = picture

    def read(self, job_id: str) -> Job:
        return self._ledger.read([job_id])[job_id]

    def reserved(self, *, key: str | None = None, life_seconds: int = _DAY_SECONDS, stored: bool = False) -> Job:
        """An upload that died after the row; with `stored` after the put, and before it could say so."""
        job = self._reservation(key, life_seconds, Lane.NORMAL, _now())
        if stored:
            self._put(job)
        return self._create(job)

    def unannounced(self, lane: Lane) -> Job:
        """An upload that died before it could send its message."""
        return self._create(self._queued(lane, _now()))

    def purged(self, seconds_ago: float) -> Job:
        """A job whose orders waited in a queue that was emptied meanwhile; it would be looked at much later only."""
        looked = _now() - round(seconds_ago * 1000)
        then = looked - round(self._settings.timing.first_gap_seconds * 1000)
        job = self._stepped(self._queued(Lane.NORMAL, then), Planned(), then)
        for debt in job.debts:
            # its last look found the queue full, so the next is a long gap away
            job = self._stepped(job, LapsedDebt(debt=debt.id, queue_empty=False), looked)
        return self._create(job)

    def crashed(self) -> Job:
        """A job whose orders the function died of, as often as the queue allows: they lie in the dead letters."""
        job = self._create(self._stepped(self._queued(Lane.NORMAL, _now()), Planned(), _now()))
        for outgoing in owed(job, _now()):
            self.send(outgoing.queue, encode(outgoing.message).decode(), dead_letters=True)
        return job

    def unanswered(self) -> Job:
        """A job whose answers lie in the dead letters, received too often by a service that was broken."""
        job = self._stepped(self._queued(Lane.NORMAL, _now()), Planned(), _now())
        for debt in job.debts:
            # its next look is a long gap away, so it is the answers that move it
            job = self._stepped(job, LapsedDebt(debt=debt.id, queue_empty=False), debt.due_at)
        self._create(job)
        for part in job.parts:
            answers = tuple(Undone(name=name) for name in part.variants)
            answer = Finished(job_id=job.id, token=part.token, answers=answers)
            self.send(Queue.COMPLETIONS, encode(answer).decode(), dead_letters=True)
        return job

    def send(self, queue: Queue, body: str, *, dead_letters: bool = False) -> None:
        """Send whatever text to a queue."""
        urls = self._stack.exports["queues"][queue.value]
        address = urls["dead_letter_url"] if dead_letters else urls["url"]
        self._client("sqs").send_message(QueueUrl=address, MessageBody=body)

    def _reservation(self, key: str | None, life_seconds: int, lane: Lane, now: Instant) -> Job:
        model = self._model
        job_id = new_job_id(now, os.urandom(10)) if key is None else derived_job_id(model.tenant, key)
        event = Reserved(
            id=job_id,
            tenant=model.tenant,
            key=OriginalPlace(INLINE, model.tenant, job_id).key,
            upload_until=now + self._settings.timing.upload_deadline_seconds * 1000,
            fingerprint=model.fingerprint,
            variants=tuple(variant.spec for variant in model.variants),
            life_seconds=life_seconds,
            content_sha256=model.content_sha256,
            source=model.source,
            lane=lane,
            preset=model.preset,
        )
        return self._stepped(None, event, now)

    def _queued(self, lane: Lane, now: Instant) -> Job:
        job = self._reservation(None, _DAY_SECONDS, lane, now)
        pinned = self._put(job)
        return self._stepped(
            job, Stored(version_id=pinned.version_id, etag=pinned.etag, source=self._model.source), now
        )

    def _stepped(self, job: Job | None, event: Event, now: Instant) -> Job:
        outcome = step(job, [event], now, self._settings.timing)
        if outcome.job is None or not outcome.changed:
            raise AssertionError(f"{type(event).__name__} changed nothing: {outcome.reasons}")
        return outcome.job

    def _put(self, job: Job) -> Pinned:
        digest, kind = self._model.content_sha256, self._model.source.format
        if digest is None or kind is None:
            raise AssertionError("the model is an ordinary job")
        return self._originals.put_original(
            job.key,
            io.BytesIO(self._picture),
            length=len(self._picture),
            sha256=digest,
            media_type=kind.media_type,
        )

    def _create(self, job: Job) -> Job:
        if self._ledger.create(job) is not None:
            raise AssertionError("a leftover has a new id")
        return job

    def _client(self, service: str) -> Any:
        keys = clients.Keys(access_key=ROOT_KEY, secret_key=ROOT_KEY, token="", expires_at=_NEVER)
        return clients.make(service, region=self._settings.region, endpoint_url=self._settings.endpoint_url, keys=keys)


def _now() -> Instant:
    return time.time_ns() // 1_000_000
