"""Emptiness means something when it lasts, and for orders only when their answers are nowhere either."""

from contracts.messages import Queue
from services.processing.purges import EmptySpells, places_of

SECOND = 1_000


def saw_all(spells: EmptySpells, queue: Queue, now: int) -> None:
    for place in places_of(queue):
        spells.saw(place, now, empty=True)


def test_a_queue_was_purged_when_it_is_seen_empty_twice_long_enough_apart() -> None:
    spells = EmptySpells(5 * SECOND)
    saw_all(spells, Queue.JOBS, 0)
    assert not spells.was_purged(Queue.JOBS, 0)
    saw_all(spells, Queue.JOBS, 4_999)
    assert not spells.was_purged(Queue.JOBS, 4_999)
    saw_all(spells, Queue.JOBS, 5_000)
    assert spells.was_purged(Queue.JOBS, 5_000)


def test_a_message_in_between_begins_the_spell_anew() -> None:
    spells = EmptySpells(5 * SECOND)
    saw_all(spells, Queue.JOBS, 0)
    spells.saw((Queue.JOBS, False), 3_000, empty=False)
    saw_all(spells, Queue.JOBS, 6_000)
    assert not spells.was_purged(Queue.JOBS, 6_000)


def test_an_order_may_be_answered_or_dead_and_is_not_lost_then() -> None:
    for place in places_of(Queue.TRANSFORMS):
        spells = EmptySpells(5 * SECOND)
        for now in (0, 6_000):
            saw_all(spells, Queue.TRANSFORMS, now)
            spells.saw(place, now, empty=False)
        assert not spells.was_purged(Queue.TRANSFORMS, 6_000)


def test_a_clock_that_went_back_begins_the_spell_anew() -> None:
    spells = EmptySpells(5 * SECOND)
    saw_all(spells, Queue.JOBS, 100_000)
    saw_all(spells, Queue.JOBS, 1_000)
    saw_all(spells, Queue.JOBS, 5_999)
    assert not spells.was_purged(Queue.JOBS, 5_999)
    saw_all(spells, Queue.JOBS, 6_000)
    assert spells.was_purged(Queue.JOBS, 6_000)


def test_an_old_sight_of_a_place_that_nobody_watched_since_means_nothing() -> None:
    spells = EmptySpells(5 * SECOND)
    saw_all(spells, Queue.JOBS, 0)
    spells.watch_only({Queue.JOBS_BULK})
    saw_all(spells, Queue.JOBS, 60_000)
    assert not spells.was_purged(Queue.JOBS, 60_000)
