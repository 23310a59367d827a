"""A pipeline over ports in memory, and the calls that its actors make."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.support.pipeline import Pipeline


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def calls(pipeline: Pipeline) -> list[str]:
    """Every call of an actor on a port, as `port.method`, in order."""
    made: list[str] = []
    pipeline.before = made.append
    return made


@pytest.fixture(autouse=True)
def told() -> Iterator[list]:
    """Every line that was logged."""
    with capture_logs() as lines:
        yield lines
