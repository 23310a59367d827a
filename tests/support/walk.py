"""An exhaustive walk of `lifecycle.step`: every world that two small models can reach, with the invariants on each.

The network never forgets: a message that was once sent may be delivered at any time, any number of times, in any order,
or never. So drops, duplicates and reorderings are all in it. After each write the walk goes on both with and without
the messages it owes (the sender died in between). Time is the adversary's too: an act that waits for a moment happens
at that moment, whatever else is under way.

`Work` walks the life of a job whose original is there; `Storage` walks what lands in the bucket and what is erased.
"""

import random
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

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
from contracts.formats import ImageFormat
from contracts.identifiers import new_job_id
from contracts.job import DebtKind, Job, JobState, Source, VariantState, encode_job
from contracts.lifecycle import Outcome, Verdict, step
from contracts.limits import Timing
from contracts.messages import Answer, Done, Failed, Finished, Process, Retryable, Transform, Undone
from contracts.outputs import OutputFormat
from contracts.places import INLINE, OriginalPlace, ResultPlace
from contracts.variants import Variant

JOB_ID: Final = new_job_id(1, bytes(10))
TENANT: Final = "default"
TIMING: Final = Timing(variant_tries=2)
SOURCE: Final = Source(filename="a.jpg", format=ImageFormat.JPEG, bytes=9, width=40, height=30, sha256="0" * 64)
_DIGEST: Final = "d" * 64

MOVES: Final = frozenset(
    (JobState(before), JobState(after))
    for before, afters in {
        "awaiting_upload": "queued rejected abandoned cancelled deleting",
        "queued": "processing failed rejected partially_completed cancelled deleting",
        "processing": "completed partially_completed failed rejected cancelled deleting",
        "completed": "deleting",
        "partially_completed": "queued deleting",
        "failed": "queued deleting",
        "rejected": "deleting",
        "cancelled": "deleting",
        "abandoned": "deleting",
        "deleting": "deleted",
        "deleted": "",
    }.items()
    for after in afters.split()
)
"""Every move between different states that the protocol allows, written down apart from the table of `lifecycle`."""

_RANK: Final = {
    JobState.AWAITING_UPLOAD: 0,
    JobState.QUEUED: 1,
    JobState.PROCESSING: 2,
    JobState.DELETING: 4,
    JobState.DELETED: 5,
}
"""How far a client has seen a job come within one run; every other state is 3."""


class Broken(AssertionError):
    """An invariant does not hold; the message carries its number and the trace that led there."""


class Ghost(NamedTuple):
    """What the walk remembers beside the job, to judge it by."""

    final_events: frozenset[tuple[int, str]] = frozenset()
    splits: int = 0
    planned: int = 0
    """Of the current run: parts that were split, and the token after its plan."""


class World(NamedTuple):
    """One state: the job, what was ever sent, what lies in the bucket, and who is in the middle of what."""

    job: Job | None
    net: frozenset[tuple[Any, ...]] = frozenset()
    bucket: frozenset[str] = frozenset()
    acting: frozenset[tuple[Any, ...]] = frozenset()
    ghost: Ghost = Ghost()


def reserved(*names: str, direct: bool = False, webhook: bool = True) -> Event:
    """The event that makes the model's job."""
    return Reserved(
        id=JOB_ID,
        tenant=TENANT,
        key=OriginalPlace(INLINE, TENANT, JOB_ID).key,
        upload_until=100_000,
        fingerprint="f",
        variants=tuple(Variant(name=name) for name in names),
        life_seconds=3_600,
        direct=direct,
        source=SOURCE,
        webhook="hook" if webhook else None,
        meta={"who": "me"},
    )


def done(name: str) -> Done:
    """The answer of a function that stored this variant."""
    key = ResultPlace(TENANT, JOB_ID, name, _DIGEST, OutputFormat.JPEG).key
    return Done(name=name, key=key, digest=_DIGEST, bytes=1, width=1, height=1, format=OutputFormat.JPEG)


def answers(names: tuple[str, ...]) -> Iterator[tuple[Answer, ...]]:
    """What a function may say of a part: all alike, or one variant apart from the rest."""
    rest: list[Any] = [done, lambda name: Failed(name=name, code="spec-invalid")]
    odd: list[Any] = [lambda name: Retryable(name=name, code="unavailable"), lambda name: Undone(name=name)]
    for kind in rest + odd:
        yield tuple(kind(name) for name in names)
    if len(names) > 1:
        for usual in rest:
            for other in odd + [kind for kind in rest if kind is not usual]:
                yield (other(names[0]), *(usual(name) for name in names[1:]))


def finished(token: int, given: tuple[Answer, ...] = (), *, undecodable: str | None = None) -> Finished:
    return Finished(job_id=JOB_ID, token=token, answers=given, undecodable=undecodable)


class Walk:
    """Breadth first over a model's worlds. `limit` bounds their number; reaching it is an error of the model."""

    def __init__(self, start: Event, *, limit: int = 400_000) -> None:
        self.limit = limit
        self.verdicts: Counter[tuple[str, str, str]] = Counter()
        self.states: Counter[JobState] = Counter()
        self._start = start
        self._trace: dict[int, tuple[int | None, str]] = {}

    def run(self) -> int:
        """The number of worlds; raises Broken with a shortest trace."""
        first = self._stepped(World(None), self._start, 0, lost=False)
        queue = deque([first])
        self._trace[self._key(first)] = (None, "Reserved")
        while queue:
            world = queue.popleft()
            if world.job is not None:
                self.states[world.job.state] += 1
            here = self._key(world)
            for label, after in self._successors(world, here):
                key = self._key(after)
                if key not in self._trace:
                    self._trace[key] = (here, label)
                    queue.append(after)
                    if len(self._trace) > self.limit:
                        raise AssertionError(f"more than {self.limit} worlds: the model is too large")
        return len(self._trace)

    def acts(self, world: World, job: Job) -> Iterator[tuple[str, Event | World, int]]:
        """What can happen next: a label, the event (or the next world, where the job takes no part), and when."""
        raise NotImplementedError

    def check(self, world: World, job: Job) -> None:
        """Invariants of one model's worlds, beside those of every job."""

    def sent(self, world: World, outcome: Outcome) -> frozenset[tuple[Any, ...]]:
        """What a step put on the network."""
        net = set(world.net)
        for out in outcome.send:
            if isinstance(out.message, Process):
                net.add(("process",))
            elif isinstance(out.message, Transform):
                net.add(("transform", out.message.token, tuple(v.name for v in out.message.variants)))
        return frozenset(net)

    def _successors(self, world: World, here: int) -> Iterator[tuple[str, World]]:
        job = world.job
        assert job is not None
        for label, what, now in self.acts(world, job):
            if isinstance(what, World):
                yield label, what
                continue
            try:
                after = self._stepped(world, what, now, lost=False)
                yield label, after
                lost = self._stepped(world, what, now, lost=True)
                if lost != after:
                    yield label + ", then the sender dies", lost
            except (AssertionError, ValueError) as error:
                raise Broken(f"{error}\n  " + "\n  ".join([*self._path(here), label])) from error

    def _stepped(self, world: World, event: Event, now: int, *, lost: bool) -> World:
        outcome = step(world.job, [event], now, TIMING)
        before_state = world.job.state.value if world.job else "none"
        self.verdicts[(type(event).__name__, before_state, outcome.verdicts[0].value)] += 1
        if not outcome.changed:
            if outcome.send:
                raise Broken("a step that changes nothing sends nothing")
            return world
        job = outcome.job
        assert job is not None
        ghost = _judged(world, event, job, now)
        after = World(job, world.net if lost else self.sent(world, outcome), world.bucket, world.acting, ghost)
        after = self.consequence(after, event)
        self.check(after, job)
        return after

    def consequence(self, world: World, event: Event) -> World:
        """What an applied event changes beside the job."""
        return world

    def _path(self, key: int | None) -> list[str]:
        path: list[str] = []
        while key is not None:
            key, label = self._trace[key]
            path.append(label)
        return path[::-1]

    def _key(self, world: World) -> int:
        """Worlds that differ only in times, revisions and the absolute numbers of debts are one."""
        job = world.job
        assert job is not None
        rank = {debt.id: place for place, debt in enumerate(job.debts)}
        # an erasure whose debt is gone can still delete, but settles nothing: which debt it was makes no difference
        acting = sorted(
            {(kind, rank.get(number, -1) if kind == "erase" else number, *rest) for kind, number, *rest in world.acting}
        )
        known = (
            (job.state, job.run, job.last_token, len(job.commands), job.original and job.original.version_id),
            tuple((r.state, r.tries, r.crashes, r.result is not None) for r in job.variants),
            tuple((part.token, part.variants) for part in job.parts if part.is_open),
            tuple((debt.kind, debt.token, debt.run, debt.round, debt.sent_at is None) for debt in job.debts),
        )
        return hash((known, world.net, world.bucket, tuple(acting), world.ghost[1:]))


def _judged(world: World, event: Event, job: Job, now: int) -> Ghost:
    """The ghost after a step, with the invariants that hold for every job at every step."""
    before, ghost = world.job, world.ghost
    _on_its_own(job)
    if before is None:
        return ghost
    if job.revision != before.revision + 1:
        raise Broken("3: a write raises the revision by one")
    if job.run < before.run or job.last_token < before.last_token or job.last_debt < before.last_debt:
        raise Broken("3: run, tokens and debts never fall")
    if job.state is not before.state and (before.state, job.state) not in MOVES:
        raise Broken(f"2: {before.state} -> {job.state} is no move of the protocol")
    if job.run == before.run and _RANK.get(job.state, 3) < _RANK.get(before.state, 3):
        raise Broken("9: a client saw the state go back")
    if before.is_final and isinstance(event, Planned | Finished | Crashed):
        raise Broken("5: work changes nothing of a final job")
    if isinstance(event, LapsedDebt | Planned):
        tries = [(record.tries, record.crashes) for record in job.variants]
        known = {record.spec.name: (record.tries, record.crashes) for record in before.variants}
        if tries != [known[record.spec.name] for record in job.variants] or (
            isinstance(event, LapsedDebt) and job.last_token != before.last_token
        ):
            raise Broken("24: waiting costs no try and no token")
    results = {record.spec.name: record.result for record in before.variants if record.result}
    for record in job.variants:
        if record.spec.name in results and record.result != results[record.spec.name]:
            raise Broken("4: a completed variant keeps its result")
    return _ghost_after(ghost, before, event, job)


def _ghost_after(ghost: Ghost, before: Job, event: Event, job: Job) -> Ghost:
    known = {debt.id for debt in before.debts}
    for debt in job.debts:
        if debt.kind is DebtKind.NOTIFY and debt.id not in known:
            final = (debt.run or 0, str(debt.state))
            if any(run == debt.run for run, _ in ghost.final_events):
                raise Broken("8: one final event a run")
            ghost = ghost._replace(final_events=ghost.final_events | {final})
    if job.run != before.run:
        ghost = ghost._replace(splits=0, planned=0)
    if isinstance(event, Planned):
        return ghost._replace(planned=job.last_token)
    opened = {part.token: part for part in before.parts if part.is_open}
    if isinstance(event, Crashed) and len(opened[event.token].variants) > 1:
        ghost = ghost._replace(splits=ghost.splits + 1)
    if job.state is JobState.PROCESSING:
        tries = sum(record.tries for record in job.variants)
        closed = sum(record.state is not VariantState.PENDING for record in job.variants)
        if job.last_token - ghost.planned > tries + 2 * ghost.splits + closed:
            raise Broken("13: more dispatches than tries, splits and closed variants explain")
    return ghost


def _on_its_own(job: Job) -> None:
    """Invariants that can be seen on one document."""
    states = {record.state for record in job.variants}
    tokens = [part.token for part in job.parts if part.is_open]
    pending = {record.spec.name for record in job.variants if record.state is VariantState.PENDING}
    dispatched = [name for part in job.parts if part.is_open for name in part.variants]
    owed_tokens = sorted(debt.token or 0 for debt in job.debts if debt.kind is DebtKind.TRANSFORM)
    kinds = {debt.kind for debt in job.debts}
    if job.state is JobState.DELETED:
        personal = encode_job(job)
        if b"a.jpg" in personal or b"who" in personal or job.source != Source():
            raise Broken("15: a tombstone holds nothing personal")
    elif job.due_at is None or job.alarm_at is None:
        raise Broken("12: every row but a tombstone has an alarm, and due_at")
    if owed_tokens != sorted(tokens):
        raise Broken("12: every open part is owed, and nothing else")
    if job.state is JobState.PROCESSING and sorted(dispatched) != sorted(pending):
        raise Broken("19: each pending variant is in exactly one open part")
    if job.state is JobState.QUEUED and DebtKind.PROCESS not in kinds:
        raise Broken("12: a queued job owes its planning")
    if job.is_final and (tokens or kinds & {DebtKind.PROCESS, DebtKind.TRANSFORM}):
        raise Broken("5: a final job owes no work")
    if job.state in {JobState.DELETING, JobState.DELETED} and kinds - {DebtKind.ERASE}:
        raise Broken("5: a job on its way out owes erasures only")
    if job.state is JobState.COMPLETED and states != {VariantState.COMPLETED}:
        raise Broken("7: completed means all of it")
    if job.state is JobState.PARTIALLY_COMPLETED and states != {VariantState.COMPLETED, VariantState.FAILED}:
        raise Broken("7: partially completed means some of each")
    if job.state in {JobState.FAILED, JobState.REJECTED} and VariantState.COMPLETED in states:
        raise Broken("7: what was made is not lost to a failure")
    if len(job.parts) != len({part.token for part in job.parts}) or len(job.debts) != len({d.id for d in job.debts}):
        raise Broken("3: tokens and debts are given out once")


class Work(Walk):
    """A job of several variants whose original is there: planning, answers, crashes, lapses, commands."""

    def __init__(self, *names: str, runs: int = 2, commands: bool = True, limit: int = 400_000) -> None:
        super().__init__(reserved(*names, webhook=commands), limit=limit)
        self.runs = runs
        self.commands = commands

    def acts(self, world: World, job: Job) -> Iterator[tuple[str, Event | World, int]]:
        now = job.updated_at + 1
        yield "Stored", Stored(version_id="v", etag="e", source=SOURCE), now
        for message in world.net:
            if message[0] == "process":
                yield "Planned", Planned(), now
            else:
                _, token, names = message
                for given in answers(names):
                    said = ",".join(type(answer).__name__ for answer in given)
                    yield f"Finished {token} {said}", finished(token, given), now
                yield f"Finished {token} undecodable", finished(token, undecodable="image-corrupt"), now
                yield f"Crashed {token}", Crashed(token=token), now
        for debt in job.debts:
            if debt.kind is DebtKind.NOTIFY:
                yield f"Notified {debt.id}", Notified(debt=debt.id), now
            yield f"LapsedDebt {debt.id}", LapsedDebt(debt=debt.id), max(now, debt.due_at)
        if self.commands:
            yield "Cancelled", Cancelled(command="cancel"), now
            if job.run < self.runs:
                yield "Retried", Retried(command=f"retry {job.run}", revision=job.revision), now
            yield "Deleted", Deleted(command="delete"), now
            yield "Expired", Expired(), max(now, job.expires_at)


class Storage(Walk):
    """A direct upload of one variant: POSTs that land at any time, two versions, erasures in two halves, late results.

    A POST lands no later than its policy allows, and a function that has read the original stores its result within its
    timeout: both before the second erasure of a deletion is due. Each erasure lists, and later deletes what it listed.
    """

    def __init__(self, *, lapses: bool = False, limit: int = 400_000) -> None:
        """With `lapses` debts are looked at as well and lives end: six times as many worlds."""
        super().__init__(reserved("a", direct=True, webhook=False), limit=limit)
        self.lapses = lapses

    def acts(self, world: World, job: Job) -> Iterator[tuple[str, Event | World, int]]:
        now = job.updated_at + 1
        second = next((debt for debt in job.debts if debt.round == 2), None)
        landed = {message[1] for message in world.net if message[0] == "stored"}
        for version in ("v1", "v2"):
            # after the second erasure is due nobody's policy lets a POST land any more
            if version not in landed and not self._too_late(world, job):
                net = world.net | {("stored", version)}
                yield f"POST {version}", world._replace(net=net, bucket=world.bucket | {version}), now
            if version in landed:
                yield f"Stored {version}", Stored(version_id=version, etag=version, source=SOURCE), now
                yield f"Refused {version}", Refused(version_id=version, code="image-corrupt"), now
        for message in world.net:
            if message[0] == "process":
                yield "Planned", Planned(), now
            if message[0] == "transform":
                token = message[1]
                run = ("run", token)
                version = job.original.version_id if job.original else ""
                if run not in world.acting and version in world.bucket and not self._too_late(world, job):
                    yield f"function reads for {token}", world._replace(acting=world.acting | {run}), now
                if run in world.acting:
                    after = world._replace(acting=world.acting - {run}, bucket=world.bucket | {"result"})
                    yield f"function stores for {token}", after._replace(net=after.net | {("answer", token)}), now
                yield f"Crashed {token}", Crashed(token=token), now
            if message[0] == "answer":
                yield f"Finished {message[1]}", finished(message[1], (done("a"),)), now
        yield "LapsedAlarm", LapsedAlarm(), max(now, 1 + (job.alarm_at or 0))
        yield "Cancelled", Cancelled(command="cancel"), now
        yield "Deleted", Deleted(command="delete"), now
        if self.lapses:
            yield "Expired", Expired(), max(now, job.expires_at)
            for debt in job.debts:
                yield f"LapsedDebt {debt.id}", LapsedDebt(debt=debt.id), max(now, debt.due_at)
        yield from self._erasures(world, job, now, second is not None)

    def _too_late(self, world: World, job: Job) -> bool:
        """Whether somebody has begun the last erasure, so that every deadline of others has passed."""
        return job.state is JobState.DELETED or ("late", 0) in world.acting

    def _erasures(self, world: World, job: Job, now: int, last: bool) -> Iterator[tuple[str, Event | World, int]]:
        running = any(kind == "run" for kind, *_ in world.acting)
        erasers = sum(kind == "erase" for kind, *_ in world.acting)
        for debt in job.debts:
            begun = any(kind == "erase" and number == debt.id for kind, number, *_ in world.acting)
            if debt.kind is DebtKind.ERASE and not begun and erasers < 2 and not (last and running):
                listed = ("erase", debt.id, tuple(sorted(world.bucket)))
                acting = world.acting | {listed} | ({("late", 0)} if last else set())
                yield f"erasure {debt.id} lists", world._replace(acting=acting), now
        for act in world.acting:
            if act[0] == "erase":
                _, debt_id, listed = act
                yield f"erasure {debt_id} deletes", world._replace(bucket=world.bucket - set(listed)), now
                if not world.bucket & set(listed):
                    yield f"Erased {debt_id}", Erased(debt=debt_id), now

    def consequence(self, world: World, event: Event) -> World:
        if isinstance(event, Erased):
            rest = frozenset(act for act in world.acting if not (act[0] == "erase" and act[1] == event.debt))
            return world._replace(acting=rest)
        return world

    def check(self, world: World, job: Job) -> None:
        quiet = not job.debts and not any(kind == "run" for kind, *_ in world.acting)
        told = {message[1] for message in world.net if message[0] == "stored"}
        if job.state is JobState.DELETED and quiet and world.bucket - told:
            raise Broken("15: after deleted nothing is left that no event will tell of")
        if job.state is JobState.COMPLETED and "result" not in world.bucket:
            raise Broken("7: completed means that every output exists")
        pinned = job.original.version_id if job.original else None
        if job.state in {JobState.QUEUED, JobState.PROCESSING} and pinned not in world.bucket:
            raise Broken("11: the original of a job under way was erased")


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
    if job.state in {JobState.AWAITING_UPLOAD, JobState.QUEUED, JobState.PROCESSING} or job.debts:
        raise Broken(f"19: a job stayed {job.state}")
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


__all__ = ["Broken", "Storage", "Verdict", "Walk", "Work", "World", "healed"]
