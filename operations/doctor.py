"""A look at a stack that stands: does everything hold that is promised? And what is owed, sent.

    table, page by page ──▶ each row by itself, its outputs and its original
    buckets, page by page ──▶ whose each object is
    queues ──▶ what is owed, beside what is on its way
    then every row that looked wrong is looked at once more: the stack goes on working meanwhile

Only what is still wrong at the second look is told of. Pages are forgotten once they were looked at, so a table may be
as large as it likes; of what is wrong at most `MOST` is kept.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec
from msgspec import Struct

from contracts.debts import message_of
from contracts.deliveries import decode_delivery
from contracts.identifiers import JobId
from contracts.job import Instant, Job, decode_job
from contracts.messages import Queue
from contracts.tables import JOBS, job_id_of, job_key
from operations import holdings
from operations.findings import Finding, Level
from operations.parcels import is_delivery_key, of_delivery, on_its_way
from operations.standing import CALLS_AT_ONCE, Item, Standing
from operations.symptoms import Check, Symptom, of_document, of_row, under_way

MOST: Final = 10_000
"""Symptoms that are kept. With more, one cause has broken everything, and ten thousand show it."""
SHOWN: Final = 3
"""Of each kind, in words. All of them are in the JSON."""
SECOND_LOOK_SECONDS: Final = 2.0
"""Between a suspicion and the second look: what was under way has arrived."""
_MARGIN_SECONDS: Final = 60

_LEVELS: Final[dict[Check, Level]] = {
    Check.MESSAGES: "warning",
    Check.LETTERS: "warning",
    Check.UPLOADS: "warning",
}
"""Of what heals by itself or hurts nobody; everything else is a problem."""
_AFTER: Final[dict[Queue, tuple[Queue, ...]]] = {Queue.TRANSFORMS: (Queue.COMPLETIONS,)}
"""Where what follows from a message is, before the job is changed by it."""

Progress = Callable[[str], None]


class Report(Struct, frozen=True, kw_only=True):
    """What was looked at, by kind, and what ought not to be; `cut` says that there was more."""

    looked_at: dict[str, int]
    symptoms: tuple[Symptom, ...]
    checks: tuple[Check, ...]
    cut: bool = False

    def findings(self) -> list[Finding]:
        """One for each check, in the order of the table."""
        return [self._finding(check) for check in self.checks]

    def document(self) -> dict[str, Any]:
        """Everything, for a machine."""
        found = self.findings()
        levels = {finding.level for finding in found}
        return {
            "level": next(level for level in ("problem", "warning", "ok") if level in levels),
            "looked_at": self.looked_at,
            "cut": self.cut,
            "findings": [
                msgspec.structs.asdict(finding) | {"symptoms": [{"where": one.where, "says": one.says} for one in mine]}
                for finding in found
                for mine in [[one for one in self.symptoms if one.check.called == finding.check]]
            ],
        }

    def _finding(self, check: Check) -> Finding:
        mine = [symptom for symptom in self.symptoms if symptom.check is check]
        if not mine:
            return Finding(level="ok", check=check.called, says=check.promise)
        first = "; ".join(f"{one.where} {one.says}" for one in mine[:SHOWN])
        more = f"; and {len(mine) - SHOWN}{' or more' * self.cut} more" if len(mine) > SHOWN else ""
        return Finding(level=_LEVELS.get(check, "problem"), check=check.called, says=first + more, fix=check.fix)


class _Seen(Struct, frozen=True, kw_only=True):
    """What one row showed; `waits_on` are the queues that it sent something to a while ago, unanswered."""

    kind: str
    outputs: int = 0
    waits_on: frozenset[Queue] = frozenset()
    symptoms: tuple[Symptom, ...] = ()


class Doctor:
    """One look. `read` has the bytes of every output hashed, `at_rest` finds fault with whatever is under way.

    `patience_seconds` is how long a look may be missed; None: twelve sweeps and a minute.
    """

    def __init__(
        self,
        stack: Standing,
        now: Callable[[], Instant],
        *,
        read: bool = False,
        at_rest: bool = False,
        patience_seconds: float | None = None,
        progress: Progress = lambda said: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._stack, self._now, self._read, self._at_rest = stack, now, read, at_rest
        self._timing = stack.settings.timing
        if patience_seconds is None:
            patience_seconds = 12 * self._timing.sweep_seconds + _MARGIN_SECONDS
        self._patience: Instant = round(patience_seconds * 1_000)
        self._progress, self._pause = progress, pause
        self._looked_at: Counter[str] = Counter()
        self._waiting: dict[Queue, list[JobId]] = {}

    def look(self) -> Report:
        """Everything, twice where it looks wrong."""
        with ThreadPoolExecutor(CALLS_AT_ONCE) as crowd:
            first = [*self._rows(crowd), *self._buckets()]
            found = self._second_look(first, crowd)
        found += [*self._queues(), *holdings.of_uploads(self._stack, self._now())]
        return Report(
            looked_at=dict(self._looked_at),
            symptoms=tuple(found[:MOST]),
            checks=tuple(check for check in Check if check is not Check.AT_REST or self._at_rest),
            cut=max(len(found), len(first)) >= MOST,
        )

    def _rows(self, crowd: ThreadPoolExecutor) -> list[Symptom]:
        found: list[Symptom] = []
        for page in self._stack.rows():
            for item, seen in zip(page, crowd.map(self._row, page), strict=True):
                self._looked_at[seen.kind] += 1
                self._looked_at["outputs"] += seen.outputs
                for queue in seen.waits_on:
                    waiting = self._waiting.setdefault(queue, [])
                    if len(waiting) < MOST:
                        waiting.append(job_id_of(item[JOBS.hash_key]["S"]))
                found += seen.symptoms
            self._progress(f"{self._looked_at['rows']} rows, {len(found)} look wrong")
            if len(found) >= MOST:
                break
        return found[:MOST]

    def _row(self, item: Item) -> _Seen:
        """All that is to be seen of one row."""
        key = item[JOBS.hash_key]["S"]
        job_id = job_id_of(key)
        if key != job_key(job_id):
            return self._delivery(item, key)
        try:
            job = decode_job(item["document"]["B"])
        except (msgspec.MsgspecError, KeyError) as error:
            says = f"cannot be read: {error}"
            return _Seen(kind="rows", symptoms=(Symptom(check=Check.ROWS, where=job_id, says=says),))
        if job.id != job_id:
            says = f"holds the document of {job.id}"
            return _Seen(kind="rows", symptoms=(Symptom(check=Check.ROWS, where=job_id, says=says),))
        symptoms = (
            *of_row(item, job, self._stack.shards),
            *of_document(job, self._now(), self._timing, self._patience),
            *(under_way(job) if self._at_rest else ()),
            *holdings.of_outputs(self._stack, job, read=self._read),
            *holdings.of_original(self._stack, job),
        )
        outputs = sum(record.result is not None for record in job.variants)
        return _Seen(kind="rows", outputs=outputs, waits_on=self._waits_on(job), symptoms=symptoms)

    def _delivery(self, item: Item, key: str) -> _Seen:
        """What lies beside the jobs: deliveries of their events, each read with its job as it is now."""
        try:
            delivery = decode_delivery(item["document"]["B"])
        except (msgspec.MsgspecError, KeyError) as error:
            says = f"cannot be read: {error}"
            return _Seen(kind="deliveries", symptoms=(Symptom(check=Check.ROWS, where=key, says=says),))
        job = self._stack.jobs([delivery.job_id]).get(delivery.job_id)
        symptoms = (
            *of_delivery(item, delivery, job, self._now(), self._patience),
            *(on_its_way(delivery) if self._at_rest else ()),
        )
        return _Seen(kind="deliveries", symptoms=symptoms)

    def _waits_on(self, job: Job) -> frozenset[Queue]:
        now = self._now()
        return frozenset(
            out.queue
            for debt in job.debts
            if debt.sent_at is not None and now - debt.sent_at > self._patience and (out := message_of(job, debt))
        )

    def _buckets(self) -> list[Symptom]:
        found: list[Symptom] = []
        before = self._now() - self._patience
        for called, bucket in (("originals", self._stack.originals), ("results", self._stack.results)):
            for page in self._stack.versions(bucket):
                self._looked_at[called] += len(page)
                jobs = self._stack.jobs(holdings.owners(page))
                found += holdings.of_versions(page, jobs, bucket, before)
                self._progress(f"{self._looked_at[called]} {called}, {len(found)} look wrong")
                if len(found) >= MOST:
                    return found[:MOST]
        return found

    def _second_look(self, first: list[Symptom], crowd: ThreadPoolExecutor) -> list[Symptom]:
        """What of this is still so: a stack at work is never seen at one moment."""
        if not first:
            return []
        self._pause(SECOND_LOOK_SECONDS)
        strangers = [symptom for symptom in first if symptom.check is Check.STRANGERS]
        suspects = dict.fromkeys(symptom.where for symptom in first if symptom.check is not Check.STRANGERS)
        seen = {(symptom.where, symptom.check) for symptom in first}
        again = [symptom for symptoms in crowd.map(self._again, suspects) for symptom in symptoms]
        still = [symptom for symptom in again if (symptom.where, symptom.check) in seen]
        return [*still, *(symptom for symptom in strangers if self._is_still_strange(symptom))]

    def _again(self, where: str) -> list[Symptom]:
        is_delivery = is_delivery_key(where)
        item = self._stack.item(where if is_delivery else job_key(where))
        if item is None:
            return []
        symptoms = list(self._row(item).symptoms)
        if is_delivery:
            return symptoms
        job_id: JobId = where
        job = self._stack.jobs([job_id]).get(job_id)
        left = holdings.left_over(self._stack, job) if job is not None else None
        if job is not None and left is not None:
            symptoms.append(holdings.still_there(job, left))
        return symptoms

    def _is_still_strange(self, symptom: Symptom) -> bool:
        job_id = holdings.owner(symptom.where)
        if job_id is not None and job_id in self._stack.jobs([job_id]):
            return False
        buckets = (self._stack.originals, self._stack.results)
        return any(self._stack.has(bucket, symptom.where) for bucket in buckets)

    def _queues(self) -> Iterator[Symptom]:
        """Queues beside what waits for them, and the dead letters."""
        queues = self._stack.queues
        depths = {(queue, dead): queues.depth(queue, dead_letters=dead) for queue in Queue for dead in (False, True)}
        for (queue, dead), depth in depths.items():
            self._looked_at["messages"] += depth.total
            if dead and depth.total:
                yield Symptom(check=Check.LETTERS, where=queue.value, says=f"has {depth.total}")
            elif depth.total and self._at_rest:
                yield Symptom(check=Check.AT_REST, where=queue.value, says=f"holds {depth.total} messages")
        for queue, waiting in self._waiting.items():
            places = [(place, dead) for place in (queue, *_AFTER.get(queue, ())) for dead in (False, True)]
            if any(depths[place].total for place in places):
                continue
            for job_id, job in self._stack.jobs(waiting).items():
                if job is not None and queue in self._waits_on(job):
                    says = f"waits for what was sent to {queue}, and nothing is there"
                    yield Symptom(check=Check.MESSAGES, where=job_id, says=says)
