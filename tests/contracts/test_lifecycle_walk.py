"""Every world that `step` can reach in small models, and the invariants on each (see tests/support/walk.py)."""

import pytest

from contracts.job import JobState
from contracts.lifecycle import TABLE
from tests.support.walk import Storage, Walk, Work

# a job whose bytes nobody erased yet is the only thing that `Storage` alone can show, and so on: together they see all
_WALKS = {
    "one variant, three runs, every command": lambda: Work("a", runs=3),
    "two variants, one run, no commands": lambda: Work("a", "b", runs=1, commands=False),
    "a direct upload, two versions, two erasers": Storage,
}

UNREACHABLE = {
    # nothing that lapses is owed in these states, and no webhook is told of them
    *(("LapsedDebt", state) for state in ("awaiting_upload",)),
    *(("Notified", state) for state in ("awaiting_upload", "abandoned", "deleting", "deleted")),
}
"""Rows that stand for any state though these states never owe what the event names."""


@pytest.fixture(scope="module")
def walked() -> dict[str, Walk]:
    walks = {name: make() for name, make in _WALKS.items()}
    for walk in walks.values():
        walk.run()
    return walks


def test_no_reachable_world_breaks_an_invariant(walked: dict[str, Walk]) -> None:
    """The walk itself raises at the first broken one, with the shortest trace; here: it went somewhere."""
    counts = {name: sum(walk.states.values()) for name, walk in walked.items()}
    assert all(count > 300 for count in counts.values()), counts


def test_every_state_is_reached(walked: dict[str, Walk]) -> None:
    assert {state for walk in walked.values() for state in walk.states} == set(JobState)


@pytest.mark.slow
def test_two_variants_two_runs_and_every_command_take_every_move_of_the_table(walked: dict[str, Walk]) -> None:
    """Each row is applied from each of its states by one walk or another, and no world breaks an invariant."""
    long = (Work("a", "b"), Storage(lapses=True))
    assert all(walk.run() > 10_000 for walk in long)
    seen = {row for walk in (*walked.values(), *long) for row in walk.rows}
    untaken = {
        (event.__name__, state.value)
        for event, row in TABLE.items()
        for state, afters in row.moves.items()
        if not any((event.__name__, state.value, after.value) in seen for after in afters)
    }
    assert untaken == UNREACHABLE
