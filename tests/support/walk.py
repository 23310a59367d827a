"""An exhaustive walk of `lifecycle.step`: every world that two small models can reach, with the invariants on each.

The network never forgets: a message that was once sent may be delivered at any time, any number of times, in any order,
or never. So drops, duplicates and reorderings are all in it. After each write the walk goes on both with and without
the messages it owes (the sender died in between). Time is the adversary's too: an act that waits for a moment happens
at that moment, whatever else is under way.

`Work` walks the life of a job whose original is there; `Storage` walks what lands in the bucket and what is erased.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
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
from contracts.lifecycle import TABLE, Outcome, step
from contracts.limits import Timing
from contracts.messages import Answer, Done, Failed, Finished, Process, Retryable, Transform, Undone
from contracts.outputs import OutputFormat
from contracts.places import INLINE, OriginalPlace, ResultPlace
from contracts.variants import Variant
from tests.support.invariants import Broken, hold, judge_change, judge_document
from tests.support.recorder import Row, row_of

JOB_ID: Final = new_job_id(1, bytes(10))
TENANT: Final = "default"
TIMING: Final = Timing(variant_tries=2)
SOURCE: Final = Source(filename="a.jpg", format=ImageFormat.JPEG, bytes=9, width=40, height=30, sha256="0" * 64)
_DIGEST: Final = "d" * 64


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

    def __init__(self, start: Event, *, forges: bool = False, limit: int = 400_000) -> None:
        """With `forges` every event is seen in every state that the table has no move for."""
        self.limit, self.forges = limit, forges
        self.rows: Counter[Row] = Counter()
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
        for event in _forged(job) if self.forges else ():
            self._refused(job, event)
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
        self.rows[row_of(event, world.job, outcome.job, outcome.verdicts[0])] += 1
        if not outcome.changed:
            if outcome.send:
                raise Broken("5: a step that changes nothing sends nothing")
            return world
        job = outcome.job
        assert job is not None
        ghost = _judged(world, event, job, now)
        after = World(job, world.net if lost else self.sent(world, outcome), world.bucket, world.acting, ghost)
        after = self.consequence(after, event)
        self.check(after, job)
        return after

    def _refused(self, job: Job, event: Event) -> None:
        """What the table has no move for changes nothing, whoever says it."""
        outcome = step(job, [event], job.updated_at + 1, TIMING)
        self.rows[row_of(event, job, outcome.job, outcome.verdicts[0])] += 1
        hold("2: what is not in the table moves nothing", not outcome.changed and not outcome.send)

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
    judge_document(job)
    if job.state is JobState.DELETED:
        personal = encode_job(job)
        hold("15: a tombstone holds nothing personal", b"a.jpg" not in personal and b"who" not in personal)
    if before is None:
        return ghost
    judge_change(before, job)
    work = isinstance(event, Planned | Finished | Crashed)
    hold("5: work changes nothing of a final job", not work, when=before.is_final)
    no_token = job.last_token == before.last_token
    hold("24: what lapses costs no token", no_token, when=isinstance(event, LapsedDebt))
    if isinstance(event, LapsedDebt | Planned):
        tries = [(record.tries, record.crashes) for record in job.variants]
        known = {record.spec.name: (record.tries, record.crashes) for record in before.variants}
        hold("24: waiting costs no try", tries == [known[record.spec.name] for record in job.variants])
    return _ghost_after(ghost, before, event, job)


def _ghost_after(ghost: Ghost, before: Job, event: Event, job: Job) -> Ghost:
    known = {debt.id for debt in before.debts}
    for debt in job.debts:
        if debt.kind is DebtKind.NOTIFY and debt.id not in known:
            final = (debt.run or 0, str(debt.state))
            hold("8: one final event a run", all(run != debt.run for run, _ in ghost.final_events))
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
        explained = tries + 2 * ghost.splits + closed
        fresh = job.last_token - ghost.planned
        hold("13: dispatches are explained by tries, splits and closed variants", fresh <= explained)
    return ghost


def _forged(job: Job) -> Iterator[Event]:
    """Every event that the table has no move for from the job's state."""
    events: list[Event] = [
        Stored(version_id="forged", etag="e", source=SOURCE),
        Refused(version_id="forged", code="image-corrupt"),
        Planned(),
        finished(1, (done("a"),)),
        Crashed(token=1),
        LapsedAlarm(),
        Cancelled(command="forged"),
        Retried(command="forged", revision=job.revision),
        Deleted(command="forged"),
        Expired(),
        Erased(debt=1),
    ]
    for event in events:
        if job.state not in TABLE[type(event)].moves:
            yield event


class Work(Walk):
    """A job of several variants whose original is there: planning, answers, crashes, lapses, commands."""

    def __init__(
        self, *names: str, runs: int = 2, commands: bool = True, forges: bool = False, limit: int = 400_000
    ) -> None:
        super().__init__(reserved(*names, webhook=commands), forges=forges, limit=limit)
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

    def __init__(self, *, lapses: bool = False, forges: bool = False, limit: int = 400_000) -> None:
        """With `lapses` debts are looked at as well and lives end: six times as many worlds."""
        super().__init__(reserved("a", direct=True, webhook=False), forges=forges, limit=limit)
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

    def _refused(self, job: Job, event: Event) -> None:
        """What the table has no move for changes nothing, whoever says it."""
        outcome = step(job, [event], job.updated_at + 1, TIMING)
        self.rows[row_of(event, job, outcome.job, outcome.verdicts[0])] += 1
        hold("2: what is not in the table moves nothing", not outcome.changed and not outcome.send)

    def consequence(self, world: World, event: Event) -> World:
        if isinstance(event, Erased):
            rest = frozenset(act for act in world.acting if not (act[0] == "erase" and act[1] == event.debt))
            return world._replace(acting=rest)
        return world

    def check(self, world: World, job: Job) -> None:
        quiet = not job.debts and not any(kind == "run" for kind, *_ in world.acting)
        told = {message[1] for message in world.net if message[0] == "stored"}
        told_of = not world.bucket - told
        over = job.state is JobState.DELETED and quiet
        hold("15: after deleted nothing is left that no event will tell of", told_of, when=over)
        hold(
            "7: completed means that every output exists",
            "result" in world.bucket,
            when=job.state is JobState.COMPLETED,
        )
        pinned = job.original.version_id if job.original else None
        working = job.state in {JobState.QUEUED, JobState.PROCESSING}
        hold("11: the original of a live job is there", pinned in world.bucket, when=working)


WALKS: Final[dict[str, Callable[[], Walk]]] = {
    "one variant, three runs, every command": lambda: Work("a", runs=3, forges=True),
    "two variants, one run, no commands": lambda: Work("a", "b", runs=1, commands=False, forges=True),
    "a direct upload, two versions, two erasers": lambda: Storage(forges=True),
}
"""Those of a few seconds. What one cannot show another does: together they come to every state."""
LONG_WALKS: Final[dict[str, Callable[[], Walk]]] = {
    "two variants, two runs, every command": lambda: Work("a", "b"),
    "a direct upload whose debts lapse and whose life ends": lambda: Storage(lapses=True),
}
"""With the short ones they go by every row that two small models can."""

__all__ = ["LONG_WALKS", "WALKS", "Broken", "Storage", "Walk", "Work", "World"]
