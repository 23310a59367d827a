"""The catalogue of bad inputs against running services: each comes to what it says, and leaves what it says.

A refused request leaves no row, object or message; a rejected job leaves its row; a message that nobody can read lies
in the dead letters with the reason. The stack's clocks are shortened (`SHORTENED` in the bench).
"""

from collections.abc import Iterator

import pytest

from tests.support.bad_inputs import expected, senders
from tests.support.bad_inputs.bench import Bench, bench

pytestmark = pytest.mark.xdist_group("bad inputs")

SENDERS = {f"{entry} {case}": (entry, case, send) for (entry, case), send in senders().items()}


@pytest.fixture(scope="module")
def running() -> Iterator[Bench]:
    with bench() as made:
        yield made


@pytest.mark.parametrize("name", SENDERS)
def test_a_bad_input_comes_to_what_the_catalogue_says(name: str, running: Bench) -> None:
    entry, case, send = SENDERS[name]
    assert running.outcome(send) == expected(entry, case)
