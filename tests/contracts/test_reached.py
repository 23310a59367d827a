"""The lists of what the walk and the simulation have to reach are whole, and say nothing that is not so."""

from tests.support.reached import (
    ELSEWHERE,
    INVARIANTS,
    LEFT_TO_SIMULATION,
    ROOT,
    ROWS,
    SIMULATION,
    UNREACHABLE,
    WALK,
    invariants_of,
    promises,
    report,
    unproven,
)


def test_every_invariant_is_judged_here_or_proven_elsewhere() -> None:
    judged = {number for promise in promises(WALK) | promises(SIMULATION) for number in invariants_of(promise)}
    assert judged.isdisjoint(ELSEWHERE)
    assert judged | ELSEWHERE.keys() == INVARIANTS.keys() == set(range(1, 26))
    assert all((ROOT / file).is_file() for _, file in ELSEWHERE.values())


def test_only_rows_of_the_table_are_excused_and_for_one_reason() -> None:
    assert UNREACHABLE.keys() <= ROWS
    assert ROWS >= LEFT_TO_SIMULATION
    assert LEFT_TO_SIMULATION.isdisjoint(UNREACHABLE)
    assert all(UNREACHABLE.values())


def test_a_promise_that_was_never_put_to_the_proof_is_named() -> None:
    promised = promises(WALK)
    assert len(promised) > 20
    [missing, *rest] = sorted(promised)
    assert unproven(WALK, dict.fromkeys(rest, 1)) == [missing]


def test_the_report_has_a_line_for_each_row_and_each_invariant() -> None:
    row = ("Stored", "awaiting_upload", "queued")
    lines = report({row: 3}, {row: 2}, ({"8, 20: told once": 5}, {"20: told": 7}))
    assert "      3           2  Stored: awaiting_upload -> queued" in lines
    assert [line[:19] for line in lines if "there is one final event" in line] == ["      5           0"]
    assert [line[:19] for line in lines if "every final event is" in line] == ["      5           7"]
    assert len(lines) == 2 + len(ROWS) + len(INVARIANTS)
