"""A seeded part of `make soak`: every kind of fault once, among jobs at work. What it leaves out it says."""

import random
from collections.abc import Sequence

import pytest

from tests.support.mishaps import HOST_KILLS, MISHAPS
from tests.support.siege import SHORTENED
from tests.support.soak import main, percentile, run

JOBS, FAULTS = 120, len(HOST_KILLS) + len(MISHAPS)


@pytest.mark.xdist_group("soak")
def test_a_part_of_the_soak_loses_doubles_and_breaks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    soak, figure = run(JOBS, FAULTS, seed=5, timing=SHORTENED)
    with capsys.disabled():
        left_out = f"{10_000 - JOBS:,} jobs, {500 - FAULTS} faults and the times of a real stack"
        print(f"\nsoak: {figure}\nsoak: left out: {left_out} (make soak)")  # noqa: T201 - what was left out is said
    assert len(soak.load.ended) == JOBS
    assert len({mishap.kind for mishap in soak.met}) >= 12
    assert all(mishap.waits <= soak.load.ended.keys() for mishap in soak.met)


def test_every_kind_is_drawn_before_any_comes_again() -> None:
    assert len(HOST_KILLS) + len(MISHAPS) >= 12
    assert not HOST_KILLS.keys() & MISHAPS.keys()


@pytest.mark.parametrize(
    ("values", "share", "expected"), [([], 99, None), ([3], 99, 3), (range(1, 101), 99, 99), (range(1, 201), 50, 100)]
)
def test_a_percentile_is_a_value_that_was_measured(values: Sequence[float], share: int, expected: float | None) -> None:
    mixed = list(values)
    random.Random(1).shuffle(mixed)
    assert percentile(mixed, share) == expected


def test_the_command_says_what_may_be_asked_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "--shortened" in capsys.readouterr().out
