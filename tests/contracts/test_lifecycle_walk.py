"""Every world that `step` can reach in small models, and the invariants on each (see tests/support/walk.py)."""

import pytest

from contracts.job import JobState
from tests.support.invariants import HELD
from tests.support.reached import LEFT_TO_SIMULATION, ROWS, UNREACHABLE, WALK, unproven
from tests.support.walk import LONG_WALKS, WALKS, Walk


@pytest.fixture(scope="module")
def walked() -> dict[str, Walk]:
    walks = {name: make() for name, make in WALKS.items()}
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
def test_the_walks_go_by_every_row_of_the_table_and_prove_every_promise(walked: dict[str, Walk]) -> None:
    """But for rows that the simulation has to show, and those that say why nothing can go by them; no others."""
    long = [make() for make in LONG_WALKS.values()]
    assert all(walk.run() > 10_000 for walk in long)
    rows = {row for walk in (*walked.values(), *long) for row in walk.rows}
    assert ROWS - rows == LEFT_TO_SIMULATION | UNREACHABLE.keys()
    assert unproven(WALK, HELD) == []
