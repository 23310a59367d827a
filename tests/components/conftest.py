"""The plans of the stacks whose configuration is in the tree, recorded once."""

import pytest

from tests.support.everything import EVERYTHING
from tests.support.plan import Plan, record


@pytest.fixture(scope="session")
def local() -> Plan:
    return record("local")


@pytest.fixture(scope="session")
def dev() -> Plan:
    return record("dev")


@pytest.fixture(scope="session")
def prod() -> Plan:
    return record("prod")


@pytest.fixture(scope="session")
def everything() -> Plan:
    """Production with every part that a configuration can declare."""
    return record("prod", EVERYTHING)


@pytest.fixture(params=["local", "dev", "prod", "everything"])
def plan(request: pytest.FixtureRequest) -> Plan:
    """Each pipeline in turn: what holds for one holds for all."""
    return request.getfixturevalue(request.param)
