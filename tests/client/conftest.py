"""A scripted Darkroom for every test that asks for one."""

from collections.abc import Iterator

import pytest

from tests.support import imitation as scripted


@pytest.fixture
def imitation() -> Iterator[scripted.Imitation]:
    with scripted.imitation() as one:
        yield one
