"""One besieged stack for the faults that leave it whole; those that do not, or take long, have their own."""

from collections.abc import Iterator

import pytest

from tests.support.siege import Siege, siege


@pytest.fixture(scope="session")
def world() -> Iterator[Siege]:
    with siege() as one:
        yield one
        assert one.ended() == []
