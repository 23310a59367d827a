"""A crowd steps aside: whatever one tenant sends at once, another's picture is planned as soon as it comes."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Unavailable
from contracts.limits import QUEUE_BATCH
from contracts.messages import Outgoing, Process, Queue, decode, encode
from contracts.ports import Depth, Received
from services.processing.backlog import Backlog
from services.processing.batches import End, Settled
from services.processing.sieve import CROWD, LOOK_SECONDS, PASSES, Sieve
from tests.support.memory import MemoryQueues, VirtualClock

MOST = 4
ROOM = MOST - 1
"""With one order in the queue."""


class World:
    """`jobs` with messages in it, a function that is as busy as the test says, and a desk that notes what it got."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.queues = MemoryQueues(self.clock)
        self.orders, self.broken, self.looks = 100, False, 0
        self.planned: list[str] = []
        self.backlog = Backlog(lambda: Depth(visible=self.orders, in_flight=0, delayed=0), MOST, self._seconds)
        self.sieve = Sieve(self, self, self.backlog, self._seconds)  # type: ignore[arg-type] - two of its methods
        self._number = 0

    def sent(self, tenant: str, count: int = 1) -> None:
        for _ in range(count):
            self._number += 1
            job_id = f"01932c00-0000-7000-8000-{self._number:012x}"
            self.queues.put(Queue.JOBS, encode(Process(job_id=job_id, run=1, tenant=tenant)).decode())

    def turn(self) -> list[End] | None:
        """What the reader does; None if it is held back."""
        if not self.sieve.may_receive():
            return None
        batch = self.queues.receive(Queue.JOBS, most=QUEUE_BATCH)
        ends = list(self.sieve.settle(batch).ends) if batch else []
        self.sieve.received(len(batch))
        return ends

    def settle(self, batch: Sequence[Received]) -> Settled:
        self.planned += [_tenant(received.body) for received in batch]
        self.queues.delete(batch)
        self.backlog.sent(len(batch))
        return Settled(ends=(End.ACKNOWLEDGED,) * len(batch), dispatched=len(batch))

    def send(self, messages: Sequence[Outgoing]) -> None:
        if self.broken:
            raise Unavailable("the queue does not answer")
        self.queues.send(messages)

    def depth(self, queue: Queue) -> Depth:
        self.looks += 1
        return self.queues.depth(queue)

    def delete(self, messages: Sequence[Received]) -> None:
        self.queues.delete(messages)

    @property
    def aside(self) -> list[str]:
        return [_tenant(body) for body in self.queues.bodies(Queue.JOBS_BULK)]

    def _seconds(self) -> float:
        return self.clock.now() / 1_000


def _tenant(body: str) -> str:
    message = decode(body)
    assert isinstance(message, Process)
    return message.tenant


def test_whoever_comes_behind_a_crowd_is_planned_before_the_clock_moves() -> None:
    world = World()
    world.sent("alice", 200)
    world.sent("bob")
    while world.turn():
        pass
    assert Counter(world.planned) == {"alice": PASSES, "bob": 1}
    assert world.aside == ["alice"] * (200 - PASSES)
    assert world.queues.bodies(Queue.JOBS) == []


@given(st.lists(st.sampled_from(["alice", "bob", "carol"]), min_size=CROWD, max_size=80))
def test_every_message_of_a_crowd_is_planned_or_put_aside_once(order: list[str]) -> None:
    world = World()
    for tenant in order:
        world.sent(tenant)
    while world.turn():
        pass
    assert Counter(world.planned) + Counter(world.aside) == Counter(order)
    assert Counter(world.planned) == {tenant: min(PASSES, count) for tenant, count in Counter(order).items()}


def test_a_short_queue_waits_for_room_and_is_then_planned_as_it_comes() -> None:
    world = World()
    world.sent("alice", CROWD - 1)
    assert world.turn() is None
    world.orders = 0
    for _ in range(2):
        world.clock.advance(1)
        world.turn()
    assert world.planned == ["alice"] * (CROWD - 1)
    assert world.aside == []


def test_passes_begin_anew_when_there_is_room() -> None:
    world = World()
    for passed in (PASSES, MOST + PASSES):
        world.sent("alice", CROWD)
        while world.turn():
            pass
        assert Counter(world.planned) == {"alice": passed}
        world.planned.clear()
        world.orders = 0
        world.clock.advance(1)
        assert world.turn() == []


def test_with_room_a_long_queue_is_planned_as_far_as_there_is_room() -> None:
    """Whoever comes next would wait for all that was sent to the function before."""
    world = World()
    world.orders = 1
    world.sent("alice", QUEUE_BATCH * 3)
    world.sent("bob")
    while world.turn():
        pass
    assert Counter(world.planned) == {"alice": ROOM + PASSES, "bob": 1}
    assert world.aside == ["alice"] * (QUEUE_BATCH * 3 - ROOM - PASSES)


def test_while_there_is_no_room_the_queue_is_looked_at_now_and_then() -> None:
    world = World()
    for _ in range(5):
        assert world.turn() is None
    assert world.looks == 1
    world.clock.advance(LOOK_SECONDS)
    assert world.turn() is None
    assert world.looks == 2


def test_what_cannot_be_moved_comes_back_and_is_planned_then() -> None:
    """A message that was received before may have to be healed, which a copy of it would not do."""
    world = World()
    world.broken = True
    world.sent("alice", 2 * CROWD)
    while world.turn():
        pass
    assert world.planned == ["alice"] * PASSES
    world.broken, world.orders = False, 0
    world.clock.advance(31)
    while world.turn():
        pass
    assert world.planned == ["alice"] * 2 * CROWD
    assert world.aside == []


def test_what_an_earlier_version_sent_and_what_is_no_message_go_to_the_desk() -> None:
    world = World()
    body = encode(Process(job_id="01932c00-0000-7000-8000-00000000000a", run=1)).decode()
    for _ in range(CROWD):
        world.queues.put(Queue.JOBS, body)
    while world.turn():
        pass
    assert world.planned == [""] * CROWD
    assert world.aside == []
