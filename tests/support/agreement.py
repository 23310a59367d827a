"""One state machine that drives the ports in memory and the adapters on a cloud, and compares every answer.

What a simulation proves with the first holds of the second as far as this machine cannot tell them apart. Not
compared, because AWS promises nothing: version ids and receipts themselves, the order of messages, the order of jobs
due at the same moment, and whether a receipt that was overtaken by a later receive still deletes.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from msgspec.structs import replace

from contracts.deliveries import Delivery, DeliveryState
from contracts.errors import AlreadyStored, Unavailable
from contracts.job import SCHEMA, Job, JobState
from contracts.messages import Outgoing, Process, Queue
from contracts.outputs import OutputFormat
from contracts.places import DIRECT, INLINE, OriginalPlace, ResultPlace
from contracts.ports import Entry, Glance, Received
from contracts.tables import DELIVERY_SHARDS
from tests.support.agreement_cloud import RECEIVES, VISIBILITY_SECONDS, CloudWorld
from tests.support.agreement_ports import ADAPTERS, outcomes
from tests.support.agreement_registry import TENANTS, WEBHOOKS, RegistryAgreement, revisions, tenants
from tests.support.memory import Faulty, MemoryCatalogue, MemoryDeliveries, MemoryLedger, MemoryObjects, MemoryQueues

SHARDS = 2
NOW = 1_800_000_000_000

# few of each, so that rules meet: keys that share a beginning, jobs of one moment, queues that fill
ROWS = [f"01932c00-0000-7000-8000-{number:012x}" for number in range(4)]
JOB_IDS = ROWS[:2]
LAST = "01932c00-0000-7000-8000-0000000000ff"
WAYS = [INLINE, DIRECT]
QUEUES = [Queue.JOBS, Queue.TRANSFORMS]

rows = st.sampled_from(ROWS)
job_ids = st.sampled_from(JOB_IDS)
bodies = st.sampled_from([b"", b"one", b"two"])
originals = st.builds(OriginalPlace, st.sampled_from(WAYS), tenants, job_ids)
queues = st.sampled_from(QUEUES)
instants = st.integers(NOW, NOW + 2)

TODAY = NOW - NOW % 86_400_000
MOMENTS = [TODAY - 1, TODAY, TODAY, TODAY + 1, TODAY + 86_400_000]
"""The last of a day and the first two of the next, and one of the day after."""
SOME_STATES = [frozenset(JobState), frozenset({JobState.QUEUED}), frozenset({JobState.FAILED, JobState.REJECTED})]


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    """Jobs that differ in what ledger and catalogue look at: id, revision, when they are due, when they were made."""
    return Job(
        schema=SCHEMA,
        id=draw(rows),
        tenant=draw(tenants),
        state=draw(st.sampled_from(JobState)),
        revision=draw(revisions),
        created_at=draw(st.sampled_from(MOMENTS)),
        updated_at=NOW,
        expires_at=NOW,
        alarm_at=draw(st.none() | instants),
        key="inline/default/original",
        upload_until=NOW,
        fingerprint="é" * draw(st.integers(0, 3)),
        preset=draw(st.none() | st.just("web@1")),
    )


LAST_EVENT = "f" * 32
EVENTS = ["0" * 31 + digit for digit in "012"]


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """Deliveries that differ in what is looked at: key, revision, when they are due, when they were born."""
    return Delivery(
        schema=1,
        event=draw(st.sampled_from(EVENTS)),
        webhook=draw(st.sampled_from(WEBHOOKS)),
        tenant=draw(tenants),
        job_id=draw(rows),
        run=1,
        type="job.completed",
        body="é" * draw(st.integers(0, 3)),
        state=draw(st.sampled_from(DeliveryState)),
        revision=draw(revisions),
        created_at=draw(st.sampled_from(MOMENTS)),
        due_at=draw(st.none() | instants),
    )


class Agreement(RegistryAgreement):
    """Subclass it with a `world`: how to make a fresh cloud."""

    world: ClassVar[Callable[[int], CloudWorld]]
    knows_digests: ClassVar[bool] = True
    """Whether the cloud checks and keeps the SHA-256 that a put announces, as S3 does. (moto does not.)"""
    driven: ClassVar[set[str]]
    """`adapter.method` of every call that the cloud answered."""

    def __init__(self) -> None:
        super().__init__()
        self.cloud = type(self).world(SHARDS)
        for name in ADAPTERS:
            setattr(self.cloud, name, Faulty(getattr(self.cloud, name), name, after=self.driven.add))
        self.objects = MemoryObjects()
        self.ledger = MemoryLedger(SHARDS)
        self.deliveries = MemoryDeliveries(self.ledger)
        self.catalogue = MemoryCatalogue(self.ledger)
        self.queues = MemoryQueues(
            visibility_seconds=dict.fromkeys(Queue, VISIBILITY_SECONDS), receives=dict.fromkeys(Queue, RECEIVES)
        )
        self.versions: dict[str, str] = {}
        """Version ids in memory -> in the cloud; and the keys that they are of."""
        self.keys: dict[str, str] = {}
        self.held: dict[tuple[Queue, bool], list[tuple[Received, Received]]] = {}
        """Last receives of each message: (in memory, in the cloud)."""
        self.sent = 0

    def teardown(self) -> None:
        """Whatever the steps came to is compared once more as a whole, so that no rule has to be lucky."""
        self._compare_objects()
        self._compare_ledgers()
        self._compare_deliveries()
        self._compare_queues()
        self.compare_registries()

    def _compare_objects(self) -> None:
        self._one_more_of_each()
        for version in self.versions:
            self._same_bytes(version)
            self._same_range(version, 0, 2)
        for place in [OriginalPlace(way, tenant, job) for way in WAYS for tenant in TENANTS for job in JOB_IDS]:
            self._same_head(place.key)
            self._same_put(place.key, b"last")
        for tenant in TENANTS:
            for job_id in JOB_IDS:
                self._same_erasure(tenant, job_id)

    def _bear(self) -> None:
        """A job, its event, and how that goes on: of a key that no rule names, so it is always there to be replaced."""
        job = Job(
            schema=SCHEMA,
            id=LAST,
            tenant=TENANTS[0],
            state=JobState.COMPLETED,
            revision=1,
            created_at=TODAY,
            updated_at=NOW,
            expires_at=NOW,
            key="inline/default/last",
            upload_until=NOW,
            fingerprint="f",
        )
        delivery = Delivery(
            schema=1,
            event=LAST_EVENT,
            webhook=WEBHOOKS[0],
            tenant=TENANTS[0],
            job_id=LAST,
            run=1,
            type="job.completed",
            body="{}",
            created_at=TODAY,
            due_at=NOW,
        )
        for ledger, deliveries in ((self.ledger, self.deliveries), (self.cloud.ledger, self.cloud.deliveries)):
            assert ledger.create(job) is None
            ledger.replace(replace(job, revision=2), 1, [delivery])
            deliveries.replace(replace(delivery, revision=2, due_at=None), 1)
            assert deliveries.read([delivery.key])[delivery.key].revision == 2

    def _compare_ledgers(self) -> None:
        self._bear()
        assert self.ledger.read(ROWS) == self.cloud.ledger.read(ROWS)
        for shard in range(SHARDS):
            for until in range(NOW - 1, NOW + 3):
                for most in (1, 100):
                    self._same_due(shard, until, most)
        for tenant in TENANTS:
            for states in SOME_STATES:
                for most in (1, 100):
                    self._same_list(tenant, TODAY, TODAY + 86_400_000, states, None, most)

    def _compare_queues(self) -> None:
        self.send([QUEUES[0]])
        self._same_messages(QUEUES[0], dead=False)
        self.park(QUEUES[0], "the last one")
        for port, place in ((self.queues, 0), (self.cloud.queues, 1)):
            port.release([pair[place] for pair in self.held[QUEUES[0], False]])
        self._same_messages(QUEUES[0], dead=True)
        self.redrive(QUEUES[0])
        for queue in QUEUES:
            for _ in range(RECEIVES + 1):
                self._same_messages(queue, dead=False)
                self._surface(queue, dead=False)
            self._same_messages(queue, dead=True)
            self._delete(queue, True, self.held[queue, True])
        self.the_queues_are_as_deep()

    def _one_more_of_each(self) -> None:
        """One more of each call, so that no rule has to be lucky."""
        self.post_original(OriginalPlace(DIRECT, TENANTS[0], JOB_IDS[0]), b"last")
        self.put_result(TENANTS[0], JOB_IDS[0], b"one", view=False)
        self.get_result(TENANTS[0], JOB_IDS[0], b"one")

    # objects

    @rule(place=originals, body=bodies)
    def put_original(self, place: OriginalPlace, body: bytes) -> None:
        self._same_put(place.key, body)

    @rule(place=originals, body=bodies)
    def announce_other_bytes(self, place: OriginalPlace, body: bytes) -> None:
        # of a key that exists either fault may be named first
        if self.knows_digests and self.objects.head_original(place.key) is None:
            ours, theirs = self._put(place.key, body, announced=body + b"other")
            assert ours is theirs is Unavailable

    @rule(place=originals, body=bodies)
    def post_original(self, place: OriginalPlace, body: bytes) -> None:
        ours = self.objects.post_original(place.key, body, "image/png").version_id
        self._pair(place.key, ours, self.cloud.post_original(place.key, body))

    @rule(place=originals)
    def head_original(self, place: OriginalPlace) -> None:
        self._same_head(place.key)

    @rule(data=st.data())
    def get_original(self, data: st.DataObject) -> None:
        if self.versions:
            self._same_bytes(data.draw(st.sampled_from(list(self.versions))))

    @rule(data=st.data(), start=st.integers(0, 2), size=st.integers(1, 4))
    def read_range(self, data: st.DataObject, start: int, size: int) -> None:
        """Of the current version; of one that was posted over there is none."""
        if self.versions:
            self._same_range(data.draw(st.sampled_from(list(self.versions))), start, size)

    def _same_range(self, version: str, start: int, size: int) -> None:
        key = self.keys[version]
        head = self.objects.head_original(key)
        if head is not None and head.bytes <= start:
            return  # S3 has no range of nothing, and nobody asks for one
        ours, theirs = outcomes(
            lambda: self.objects.read_range(key, version, start, size),
            lambda: self.cloud.originals.read_range(key, self.versions[version], start, size),
        )
        assert ours == theirs

    @rule(tenant=tenants, job_id=job_ids, body=bodies)
    def get_result(self, tenant: str, job_id: str, body: bytes) -> None:
        key = ResultPlace(tenant, job_id, "thumb", hashlib.sha256(body).hexdigest(), OutputFormat.WEBP).key
        ours, theirs = outcomes(lambda: self.objects.get_result(key), lambda: self.cloud.results.get_result(key))
        assert ours == theirs

    @rule(tenant=tenants, job_id=job_ids, body=bodies, view=st.booleans())
    def put_result(self, tenant: str, job_id: str, body: bytes, view: bool) -> None:
        digest = hashlib.sha256(body).hexdigest()
        key = ResultPlace(tenant, job_id, "thumb", digest, OutputFormat.WEBP).key
        for store in (self.objects, self.cloud.results):
            store.put_result(key, memoryview(body) if view else body, digest=digest, media_type="image/webp")

    @rule(tenant=tenants, job_id=job_ids)
    def erase(self, tenant: str, job_id: str) -> None:
        self._same_erasure(tenant, job_id)

    def _put(self, key: str, body: bytes, *, announced: bytes) -> list[Any]:
        digest = hashlib.sha256(announced).hexdigest()

        def put(store: Any) -> Any:
            return store.put_original(
                key, io.BytesIO(body), length=len(body), sha256=digest, media_type="image/png", hops=len(body) % 2
            )

        return outcomes(lambda: put(self.objects), lambda: put(self.cloud.originals))

    def _same_put(self, key: str, body: bytes) -> None:
        ours, theirs = self._put(key, body, announced=body)
        if isinstance(ours, type):
            assert ours is theirs is AlreadyStored
        else:
            self._pair(key, ours.version_id, theirs.version_id)
            assert ours.etag == theirs.etag

    def _same_erasure(self, tenant: str, job_id: str) -> None:
        assert self.objects.erase(tenant, job_id) == self.cloud.eraser.erase(tenant, job_id)
        self._same_stock()

    def _same_head(self, key: str) -> None:
        ours, theirs = self.objects.head_original(key), self.cloud.originals.head_original(key)
        if ours is None or theirs is None:
            assert ours is theirs
        else:
            assert self.versions[ours.version_id] == theirs.version_id
            assert (ours.etag, ours.bytes, ours.hops) == (theirs.etag, theirs.bytes, theirs.hops)
            assert ours.sha256 == theirs.sha256 or not self.knows_digests

    def _same_bytes(self, version: str) -> None:
        key = self.keys[version]
        ours, theirs = outcomes(
            lambda: self.objects.get_original(key, version),
            lambda: self.cloud.originals.get_original(key, self.versions[version]),
        )
        assert ours == theirs

    def _same_stock(self) -> None:
        ours = [(key, self.versions[one.id]) for key, held in self.objects.originals.items() for one in held]
        assert sorted(ours) == sorted(self.cloud.stored(self.cloud.originals_bucket))
        assert sorted(self.objects.results) == sorted(key for key, _ in self.cloud.stored(self.cloud.results_bucket))

    def _pair(self, key: str, ours: str, theirs: str) -> None:
        self.versions[ours] = theirs
        self.keys[ours] = key

    # ledger

    @rule(job=jobs())
    def create(self, job: Job) -> None:
        assert self.ledger.create(job) == self.cloud.ledger.create(job)

    @rule(job=jobs(), expected=revisions)
    def replace(self, job: Job, expected: int) -> None:
        ours, theirs = outcomes(
            lambda: self.ledger.replace(job, expected), lambda: self.cloud.ledger.replace(job, expected)
        )
        assert ours is theirs

    @rule(job=jobs(), expected=revisions, delivery=deliveries())
    def replace_and_bear(self, job: Job, expected: int, delivery: Delivery) -> None:
        ours, theirs = outcomes(
            lambda: self.ledger.replace(job, expected, [delivery]),
            lambda: self.cloud.ledger.replace(job, expected, [delivery]),
        )
        assert ours is theirs

    @rule(delivery=deliveries(), expected=revisions)
    def replace_delivery(self, delivery: Delivery, expected: int) -> None:
        ours, theirs = outcomes(
            lambda: self.deliveries.replace(delivery, expected),
            lambda: self.cloud.deliveries.replace(delivery, expected),
        )
        assert ours is theirs

    @rule(shard=st.integers(0, DELIVERY_SHARDS - 1), until=instants, most=st.integers(1, 4))
    def due_deliveries(self, shard: int, until: int, most: int) -> None:
        self._same_due_deliveries(shard, until, most)

    def _compare_deliveries(self) -> None:
        keys = [(event, webhook) for event in [*EVENTS, LAST_EVENT] for webhook in WEBHOOKS]
        found = self.deliveries.read(keys)
        assert found == self.cloud.deliveries.read(keys)
        for shard in range(DELIVERY_SHARDS):
            self._same_due_deliveries(shard, NOW + 3, 100)
        for webhook in WEBHOOKS:
            ours, theirs = (port.latest(webhook, most=100) for port in (self.deliveries, self.cloud.deliveries))
            assert [found[key].created_at for key in ours] == [found[key].created_at for key in theirs]
            assert set(ours) == set(theirs)

    def _same_due_deliveries(self, shard: int, until: int, most: int) -> None:
        ours, theirs = (port.due(shard, until, most=most) for port in (self.deliveries, self.cloud.deliveries))
        moments = {delivery.key: delivery.due_at for delivery in self.deliveries.all()}
        assert [moments[key] for key in ours] == [moments[key] for key in theirs]
        if len(ours) < most:
            assert set(ours) == set(theirs)

    @rule(wanted=st.lists(rows, max_size=6))
    def read(self, wanted: list[str]) -> None:
        assert self.ledger.read(wanted) == self.cloud.ledger.read(wanted)

    @rule(shard=st.integers(0, SHARDS - 1), until=instants, most=st.integers(1, 4))
    def due(self, shard: int, until: int, most: int) -> None:
        self._same_due(shard, until, most)

    @rule(
        tenant=tenants,
        since=st.sampled_from(MOMENTS),
        length=st.sampled_from([0, 1, 2, 3_600_000]),
        states=st.sampled_from(SOME_STATES),
        preset=st.none() | st.sampled_from(["web@1", "none@1"]),
        most=st.integers(1, 3),
    )
    def made(
        self, tenant: str, since: int, length: int, states: frozenset[JobState], preset: str | None, most: int
    ) -> None:
        end_of_day = since - since % 86_400_000 + 86_400_000
        self._same_list(tenant, since, min(since + length, end_of_day), states, preset, most)

    def _same_list(
        self, tenant: str, since: int, until: int, states: frozenset[JobState], preset: str | None, most: int
    ) -> None:
        """Page by page to the end: where pages end is not compared, nor who is first of one moment."""
        ours, theirs = (
            _listed(
                lambda after, port=port: port.made(
                    tenant, since, until, states=states, preset=preset, after=after, most=most
                )
            )
            for port in (self.catalogue, self.cloud.catalogue)
        )
        assert len(set(theirs)) == len(theirs)
        assert set(theirs) == set(ours)
        assert [one.created_at for one in theirs] == [one.created_at for one in ours]

    def _same_due(self, shard: int, until: int, most: int) -> None:
        ours = self.ledger.due(shard, until, most=most)
        theirs = self.cloud.ledger.due(shard, until, most=most)
        moments = {job.id: job.due_at for job in self.ledger.jobs()}
        assert [moments[job_id] for job_id in ours] == [moments[job_id] for job_id in theirs]
        assert len(set(theirs)) == len(theirs)
        if len(ours) < most:
            assert set(ours) == set(theirs)

    # queues

    @rule(wanted=st.lists(queues, max_size=25))
    def send(self, wanted: list[Queue]) -> None:
        messages = []
        for queue in wanted:
            self.sent += 1
            job_id = f"01932c00-0000-7000-8000-{self.sent:012x}"
            messages.append(Outgoing(queue, Process(job_id=job_id, run=1, request_id="é\uffff\x00")))
        self.queues.send(messages)
        self.cloud.queues.send(messages)

    @rule(queue=queues, dead=st.booleans())
    def receive_all(self, queue: Queue, dead: bool) -> None:
        self._same_messages(queue, dead)

    @rule(queue=queues, dead=st.booleans())
    def surface(self, queue: Queue, dead: bool) -> None:
        self._surface(queue, dead)

    @rule(queue=queues, dead=st.booleans(), data=st.data())
    def delete(self, queue: Queue, dead: bool, data: st.DataObject) -> None:
        spared = data.draw(st.sets(st.integers(0, 30), max_size=3))
        held = self.held.get((queue, dead), [])
        self._delete(queue, dead, [pair for index, pair in enumerate(held) if index not in spared])

    @rule(queue=queues, dead=st.booleans(), data=st.data())
    def release(self, queue: Queue, dead: bool, data: st.DataObject) -> None:
        spared = data.draw(st.sets(st.integers(0, 30), max_size=3))
        pairs = [pair for index, pair in enumerate(self.held.get((queue, dead), [])) if index not in spared]
        self.queues.release([ours for ours, _ in pairs], dead_letters=dead)
        self.cloud.queues.release([theirs for _, theirs in pairs], dead_letters=dead)

    @rule(queue=queues)
    def redrive(self, queue: Queue) -> None:
        pairs = self.held.get((queue, True), [])
        self.queues.redrive([ours for ours, _ in pairs])
        self.cloud.queues.redrive([theirs for _, theirs in pairs])
        self._delete(queue, True, pairs)

    @rule(queue=queues, reason=st.text(max_size=300))
    def park(self, queue: Queue, reason: str) -> None:
        held = self.held.get((queue, False), [])
        if held:
            ours, theirs = held.pop()
            for port, message in ((self.queues, ours), (self.cloud.queues, theirs)):
                port.park(message, reason)
                port.delete([message])

    @invariant()
    def the_queues_are_as_deep(self) -> None:
        for queue, dead in self.held:
            assert self.queues.depth(queue, dead_letters=dead) == self.cloud.queues.depth(queue, dead_letters=dead)

    def _same_messages(self, queue: Queue, dead: bool) -> None:
        ours, theirs = (_drained(port, queue, dead) for port in (self.queues, self.cloud.queues))
        assert list(map(_told, ours)) == list(map(_told, theirs))
        renewed = {one.body for one in ours}
        still = [pair for pair in self.held.get((queue, dead), []) if pair[0].body not in renewed]
        self.held[queue, dead] = still + list(zip(ours, theirs, strict=True))

    def _surface(self, queue: Queue, dead: bool) -> None:
        self.queues.surface(queue, dead_letters=dead)
        for _, theirs in self.held.get((queue, dead), []):
            self.cloud.surface(queue, theirs.receipt, dead_letters=dead)

    def _delete(self, queue: Queue, dead: bool, pairs: list[tuple[Received, Received]]) -> None:
        self.held[queue, dead] = [pair for pair in self.held.get((queue, dead), []) if pair not in pairs]
        self.queues.delete([ours for ours, _ in pairs], dead_letters=dead)
        self.cloud.queues.delete([theirs for _, theirs in pairs], dead_letters=dead)


def _drained(port: Any, queue: Queue, dead: bool) -> list[Received]:
    found: list[Received] = []
    while received := port.receive(queue, most=10, wait_seconds=0, dead_letters=dead):
        found += received
    assert max(Counter(one.receipt for one in found).values(), default=1) == 1
    return sorted(found, key=_told)


def _told(message: Received) -> tuple[str, int, str]:
    # how a character is escaped is not compared: memory knows no characters that SQS would refuse
    return message.body.replace("\uffff", "\\uffff"), message.receives, message.reason or ""


def _listed(look: Callable[[Entry | None], Glance]) -> list[Entry]:
    found: list[Entry] = []
    after: Entry | None = None
    while True:
        glance = look(after)
        found += glance.entries
        after = glance.go_on
        if after is None:
            return found
