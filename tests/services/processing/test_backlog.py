"""Holding back: by the depth of `transforms`, read seldom and estimated in between."""

from contracts.errors import Unavailable
from contracts.ports import Depth
from services.processing.backlog import Backlog


class Queue:
    """A depth that counts how often it is read, on a clock of the test."""

    def __init__(self, *depths: int) -> None:
        self.depths, self.reads, self.now = list(depths), 0, 100.0

    def depth(self) -> Depth:
        self.reads += 1
        if not self.depths:
            raise Unavailable("planted")
        waiting = self.depths.pop(0)
        return Depth(visible=waiting // 2, in_flight=waiting - waiting // 2, delayed=0)

    def backlog(self, most: int = 4) -> Backlog:
        return Backlog(self.depth, most, lambda: self.now)


def test_there_is_room_up_to_the_most_in_hand_included() -> None:
    assert Queue(4).backlog().has_room()
    assert not Queue(5).backlog().has_room()


def test_what_is_sent_and_answered_here_is_counted_without_a_read() -> None:
    queue = Queue(3)
    backlog = queue.backlog()
    assert backlog.has_room()
    backlog.sent(2)
    assert not backlog.has_room()
    assert backlog.is_full
    backlog.answered(1)
    assert backlog.has_room()
    assert not backlog.is_full
    assert queue.reads == 1


def test_the_depth_is_read_at_most_once_a_second() -> None:
    queue = Queue(9, 9, 2)
    backlog = queue.backlog()
    for _ in range(17):
        backlog.has_room()
        queue.now += 0.125
    assert queue.reads == 3
    assert backlog.has_room()


def test_an_idle_host_reads_nothing() -> None:
    queue = Queue(0, 0)
    backlog = queue.backlog()
    for _ in range(10):
        assert backlog.has_room()
        queue.now += 3
    assert queue.reads == 1
    backlog.sent(1)
    backlog.has_room()
    assert queue.reads == 2


def test_a_queue_that_does_not_say_keeps_its_last_estimate() -> None:
    queue = Queue(5)
    backlog = queue.backlog()
    assert not backlog.has_room()
    queue.now += 1
    assert not backlog.has_room()
    backlog.answered(1)
    assert backlog.has_room()


def test_answers_of_other_hosts_orders_do_not_make_less_than_nothing() -> None:
    queue = Queue(0)
    backlog = queue.backlog()
    backlog.has_room()
    backlog.answered(100)
    backlog.sent(5)
    assert backlog.is_full
