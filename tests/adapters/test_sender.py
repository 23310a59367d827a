"""Callers that meet share a call, and nobody is told of another's failure."""

import threading
from collections.abc import Sequence

import pytest

from adapters.sender import CoalescingSender
from contracts.errors import PipelineError, Unavailable
from contracts.messages import Outgoing, Process, Queue

FOREVER = 3_600.0
"""A window that only a full batch ends."""


def message(number: int) -> Outgoing:
    return Outgoing(Queue.JOBS, Process(job_id=f"01932c00-0000-7000-8000-{number:012x}", run=1))


class Deliveries:
    """Remembers what went out together; fails the messages in `failing`."""

    def __init__(self, *failing: Outgoing) -> None:
        self.calls: list[list[Outgoing]] = []
        self.failing = failing

    def __call__(self, messages: Sequence[Outgoing]) -> list[PipelineError | None]:
        self.calls.append(list(messages))
        return [Unavailable("down") if one in self.failing else None for one in messages]


def told(sender: CoalescingSender, loads: Sequence[Sequence[Outgoing]]) -> list[BaseException | None]:
    """Sends each load from a thread of its own, all at once; what each was told."""
    answers: list[BaseException | None] = [None] * len(loads)
    together = threading.Barrier(len(loads))

    def call(index: int) -> None:
        together.wait()
        try:
            sender.send(loads[index])
        except BaseException as failure:
            answers[index] = failure

    threads = [threading.Thread(target=call, args=[index]) for index in range(len(loads))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_lone_caller_is_served() -> None:
    deliveries = Deliveries()
    CoalescingSender(deliveries).send([message(1), message(2)])
    assert deliveries.calls == [[message(1), message(2)]]


def test_callers_that_meet_share_a_call() -> None:
    deliveries = Deliveries()
    messages = [message(number) for number in range(10)]
    assert told(CoalescingSender(deliveries, window_seconds=FOREVER), [[one] for one in messages]) == [None] * 10
    (call,) = deliveries.calls
    assert sorted(call, key=repr) == sorted(messages, key=repr)


def test_each_caller_is_told_of_its_own_messages_alone() -> None:
    deliveries = Deliveries(message(3), message(7))
    loads = [[message(number)] for number in range(10)]
    answers = told(CoalescingSender(deliveries, window_seconds=FOREVER), loads)
    assert [type(answer) is Unavailable for answer in answers] == [number in (3, 7) for number in range(10)]


def test_a_caller_of_many_is_told_if_any_failed() -> None:
    with pytest.raises(Unavailable):
        CoalescingSender(Deliveries(message(2))).send([message(1), message(2)])


def test_a_full_batch_waits_for_nobody() -> None:
    deliveries = Deliveries()
    sender = CoalescingSender(deliveries, window_seconds=FOREVER)
    sender.send([message(number) for number in range(25)])
    assert [len(call) for call in deliveries.calls] == [25]
    sender.send([message(number) for number in range(10)])
    assert [len(call) for call in deliveries.calls] == [25, 10]


def test_a_bug_in_delivery_is_everyones_and_ends_nobody_elses_work() -> None:
    crash = ZeroDivisionError()

    class Broken(Deliveries):
        def __call__(self, messages: Sequence[Outgoing]) -> list[PipelineError | None]:
            if not self.calls:
                super().__call__(messages)
                raise crash
            return super().__call__(messages)

    deliveries = Broken()
    sender = CoalescingSender(deliveries, window_seconds=FOREVER, most=4)
    assert told(sender, [[message(number)] for number in range(4)]) == [crash] * 4
    assert told(sender, [[message(number)] for number in range(4)]) == [None] * 4


def test_nothing_is_lost_or_doubled_under_a_crowd() -> None:
    deliveries = Deliveries()
    sender = CoalescingSender(deliveries, window_seconds=0.001)
    loads = [[message(100 * caller + number) for number in range(caller % 4)] for caller in range(40)]
    assert told(sender, loads) == [None] * 40
    sent = [one for call in deliveries.calls for one in call]
    assert sorted(sent, key=repr) == sorted((one for load in loads for one in load), key=repr)


def test_sending_nothing_calls_nobody() -> None:
    deliveries = Deliveries()
    CoalescingSender(deliveries).send([])
    assert deliveries.calls == []


def test_a_caller_waits_while_others_are_on_their_way_and_no_longer() -> None:
    deliveries = Deliveries()
    coming = iter([True, True, False])
    asked: list[bool] = []

    def others_come() -> bool:
        asked.append(next(coming))
        return asked[-1]

    CoalescingSender(deliveries, window_seconds=0, others_come=others_come, company_seconds=FOREVER).send([message(1)])
    assert (deliveries.calls, asked) == ([[message(1)]], [True, True, False])


def test_a_full_batch_does_not_wait_for_those_on_their_way() -> None:
    deliveries = Deliveries()
    sender = CoalescingSender(deliveries, window_seconds=0, others_come=lambda: True, company_seconds=FOREVER)
    sender.send([message(number) for number in range(10)])
    assert len(deliveries.calls) == 1
