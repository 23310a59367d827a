"""What the ports in memory offer beside the ports: faults at each seam, and what befalls queues."""

import hashlib
import io
import threading
from collections.abc import Callable

import pytest

from adapters.clock import SystemClock
from contracts.errors import AlreadyStored, RevisionMoved, Unavailable
from contracts.messages import Outgoing, Process, Queue
from contracts.ports import Received
from tests.adapters.test_ledger import a_job
from tests.support.memory import Faulty, MemoryLedger, MemoryObjects, MemoryQueues, VirtualClock


def message(number: int) -> Outgoing:
    return Outgoing(Queue.JOBS, Process(job_id=f"01932c00-0000-7000-8000-{number:012x}", run=1))


def receive(queues: MemoryQueues, *, dead_letters: bool = False) -> list[Received]:
    return queues.receive(Queue.JOBS, most=10, dead_letters=dead_letters)


def test_a_fault_before_an_effect_prevents_it_and_one_after_does_not() -> None:
    ledger = MemoryLedger()

    def refuse(op: str) -> None:
        assert op == "ledger.create"
        raise Unavailable("cut")

    with pytest.raises(Unavailable):
        Faulty(ledger, "ledger", before=refuse).create(a_job())
    assert ledger.jobs() == []
    with pytest.raises(Unavailable):
        Faulty(ledger, "ledger", after=refuse).create(a_job())
    assert ledger.jobs() == [a_job()]


def test_an_effect_that_fails_is_not_announced_as_done() -> None:
    said: list[str] = []
    ledger = Faulty(MemoryLedger(), "ledger", before=said.append, after=lambda op: said.append(f"{op} done"))
    with pytest.raises(RevisionMoved):
        ledger.replace(a_job(), 1)
    ledger.create(a_job())
    assert said == ["ledger.replace", "ledger.create", "ledger.create done"]


def test_a_message_comes_back_when_its_time_is_over() -> None:
    clock = VirtualClock()
    queues = MemoryQueues(clock, visibility_seconds={Queue.JOBS: 30}, receives={Queue.JOBS: 2})
    queues.send([message(1)])
    assert [one.receives for one in receive(queues)] == [1]
    clock.advance(29.999)
    assert receive(queues) == []
    clock.advance(0.001)
    assert [one.receives for one in receive(queues)] == [2]
    clock.advance(30)
    assert receive(queues) == []
    assert len(receive(queues, dead_letters=True)) == 1
    assert queues.reasons(Queue.JOBS) == [None]


def test_a_delayed_message_is_counted_as_such() -> None:
    clock = VirtualClock()
    queues = MemoryQueues(clock, delay_seconds=5)
    queues.send([message(1)])
    assert (receive(queues), queues.depth(Queue.JOBS).delayed) == ([], 1)
    clock.advance(5)
    assert len(receive(queues)) == 1
    assert queues.depth(Queue.JOBS).in_flight == 1


def test_the_order_of_messages_is_the_tests() -> None:
    queues = MemoryQueues(arranged=lambda ready: ready[:0:-1])
    queues.send([message(1), message(2), message(3)])
    bodies = queues.bodies(Queue.JOBS)
    assert [one.body for one in receive(queues)] == [bodies[2], bodies[1]], "backwards, and one held back"


def test_a_duplicate_is_a_message_of_its_own() -> None:
    queues = MemoryQueues()
    queues.send([message(1)])
    queues.duplicate(Queue.JOBS, 0)
    first, second = receive(queues)
    assert first.body == second.body
    queues.delete([first])
    assert len(queues.bodies(Queue.JOBS)) == 1


def test_a_purge_empties_what_it_names() -> None:
    queues = MemoryQueues()
    queues.send([message(1)])
    queues.put(Queue.JOBS, "dead", dead_letters=True)
    queues.purge(Queue.JOBS)
    assert (queues.bodies(Queue.JOBS), queues.bodies(Queue.JOBS, dead_letters=True)) == ([], ["dead"])
    queues.purge()
    assert queues.bodies(Queue.JOBS, dead_letters=True) == []


def test_an_overtaken_receipt_deletes_nothing() -> None:
    queues = MemoryQueues()
    queues.send([message(1)])
    (first,) = receive(queues)
    queues.surface(Queue.JOBS)
    (second,) = receive(queues)
    queues.delete([first])
    assert len(queues.bodies(Queue.JOBS)) == 1
    queues.delete([second])
    assert queues.bodies(Queue.JOBS) == []


def test_one_of_many_writers_wins() -> None:
    ledger, objects = MemoryLedger(), MemoryObjects()
    created: list[object] = []
    in_threads(lambda: created.append(ledger.create(a_job())))
    assert created.count(None) == 1
    lost: list[Exception] = []
    in_threads(lambda: _caught(lost, lambda: ledger.replace(a_job(revision=2), 1)))
    assert [type(one) for one in lost] == [RevisionMoved] * 7
    body = b"x"
    digest = hashlib.sha256(body).hexdigest()
    in_threads(
        lambda: _caught(
            lost,
            lambda: objects.put_original("inline/k", io.BytesIO(body), length=1, sha256=digest, media_type="image/png"),
        )
    )
    assert [type(one) for one in lost[7:]] == [AlreadyStored] * 7


def test_the_clock_of_the_machine_counts_milliseconds() -> None:
    assert 1_700_000_000_000 < SystemClock().now() < 4_000_000_000_000


def in_threads(call: Callable[[], object]) -> None:
    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _caught(found: list[Exception], call: Callable[[], object]) -> None:
    try:
        call()
    except Exception as error:
        found.append(error)
