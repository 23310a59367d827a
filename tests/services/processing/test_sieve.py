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
from services.processing.sieve import LOOK_SECONDS, PASSES, Sieve
from tests.support.memory import MemoryQueues, VirtualClock


class World:
    """`jobs` with messages in it, a function that is as busy as the test says, and a desk that notes what it got."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.queues = MemoryQueues(self.clock)
        self.depth, self.broken = 100, False
        self.planned: list[str] = []
        self.backlog = Backlog(lambda: Depth(visible=self.depth, in_flight=0, delayed=0), 4, self._seconds)
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
        return list(self.sieve.settle(batch).ends) if batch else []

    def settle(self, batch: Sequence[Received]) -> Settled:
        self.planned += [_tenant(received.body) for received in batch]
        self.queues.delete(batch)
        return Settled(ends=(End.ACKNOWLEDGED,) * len(batch), dispatched=0)

    def send(self, messages: Sequence[Outgoing]) -> None:
        if self.broken:
            raise Unavailable("the queue does not answer")
        self.queues.send(messages)

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


@given(st.lists(st.sampled_from(["alice", "bob", "carol"]), max_size=60))
def test_every_message_is_planned_or_put_aside_once(order: list[str]) -> None:
    world = World()
    for tenant in order:
        world.sent(tenant)
    while world.queues.bodies(Queue.JOBS):
        world.turn()
        world.clock.advance(LOOK_SECONDS)
    assert Counter(world.planned) + Counter(world.aside) == Counter(order)
    assert Counter(world.planned) == {tenant: min(PASSES, count) for tenant, count in Counter(order).items()}


def test_with_room_everything_is_planned_as_it_comes_and_passes_begin_anew() -> None:
    world = World()
    world.sent("alice", PASSES + 1)
    assert world.turn() == [End.ACKNOWLEDGED] * (PASSES + 1)
    assert world.aside == ["alice"]
    world.depth = 0
    world.clock.advance(1)
    world.sent("alice", QUEUE_BATCH)
    world.turn()
    assert world.planned == ["alice"] * (PASSES + QUEUE_BATCH)
    assert world.aside == ["alice"]


def test_a_queue_that_was_soon_empty_is_left_alone_for_a_while() -> None:
    world = World()
    world.sent("alice")
    assert world.turn() == [End.ACKNOWLEDGED]
    assert world.turn() is None
    world.clock.advance(LOOK_SECONDS)
    assert world.turn() == []


def test_what_cannot_be_moved_comes_back_and_is_planned_then() -> None:
    """A message that was received before may have to be healed, which a copy of it would not do."""
    world = World()
    world.broken = True
    world.sent("alice", PASSES + 2)
    assert Counter(world.turn() or []) == {End.ACKNOWLEDGED: PASSES, End.LEFT: 2}
    world.broken = False
    world.clock.advance(31)
    assert world.turn() == [End.ACKNOWLEDGED] * 2
    assert world.aside == []


def test_what_an_earlier_version_sent_and_what_is_no_message_go_to_the_desk() -> None:
    world = World()
    world.planned = seen = []
    bodies = [encode(Process(job_id="01932c00-0000-7000-8000-00000000000a", run=1)).decode()] * (PASSES + 2)
    for body in bodies:
        world.queues.put(Queue.JOBS, body)
    world.turn()
    assert seen == [""] * len(bodies)
    assert world.aside == []
