"""Lingers: nobody waits while the function has room; under load receives gather, and throughput stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processing.pace import LONGEST_SECONDS, Pace
from tests.support.closed_loop import closed_loop

receives = st.lists(st.tuples(st.floats(0, 2), st.integers(0, 10)), max_size=30)
"""Seconds since the receive before, and messages that it brought."""


def after(steps: list[tuple[float, int]], *, full: bool) -> tuple[Pace, float]:
    pace, now = Pace(lambda: full), 0.0
    for pause, messages in steps:
        now += pause
        pace.received(now, messages)
    return pace, now


@given(receives)
def test_nobody_waits_while_the_function_has_room(steps: list[tuple[float, int]]) -> None:
    pace, now = after(steps, full=False)
    assert pace.next_at(now) <= now


@given(receives)
def test_no_linger_is_longer_than_the_longest(steps: list[tuple[float, int]]) -> None:
    pace, now = after(steps, full=True)
    assert pace.next_at(now) <= now + LONGEST_SECONDS


def test_a_full_batch_is_followed_at_once() -> None:
    pace, now = after([(0.1, 4), (0.1, 10)], full=True)
    assert pace.next_at(now) == now


def test_a_lone_message_is_not_worth_waiting_for() -> None:
    pace, now = after([(0, 1), (3.9, 1)], full=True)
    assert pace.next_at(now) == now


def test_under_load_it_waits_as_long_as_a_few_messages_take_to_come() -> None:
    pace, now = after([(0.125, 1)] * 64, full=True)
    assert pace.next_at(now) - now == 4 / 8


def test_a_burst_is_forgotten() -> None:
    pace, now = after([(0, 9)] * 5, full=True)
    assert pace.next_at(now + 5) == now + 5


def test_empty_receives_count_for_nothing() -> None:
    pace, now = after([(0, 0)] * 5, full=True)
    assert pace.next_at(now) == now


@pytest.mark.parametrize("functions", [2, 4])
@pytest.mark.parametrize("seconds", [0.15, 0.2, 0.3, 0.4, 0.5, 0.8])
def test_under_load_the_readers_spend_at_most_four_calls_a_job(seconds: float, functions: int) -> None:
    """With 3 calls and a share of a send of the upload, and 6 of the function, 14 calls a job leave 4.7."""
    load = {"clients": 16, "jobs": 400, "function_seconds": seconds * functions / 2, "functions": functions}
    flow = closed_loop(**load)
    assert flow.reader_calls_per_job <= 4
    assert flow.rate >= 0.95 * closed_loop(**load, lingers=False).rate


@pytest.mark.parametrize("clients", [1, 2, 4])
def test_few_clients_are_served_as_fast_as_without_lingers(clients: int) -> None:
    load = {"clients": clients, "jobs": 100, "function_seconds": 0.25}
    assert closed_loop(**load) == closed_loop(**load, lingers=False)
