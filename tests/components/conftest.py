"""The plans of the stacks whose configuration is in the tree, recorded once."""

import pytest

from tests.support.plan import Plan, record


@pytest.fixture(scope="session")
def local() -> Plan:
    return record("local")


@pytest.fixture(scope="session")
def dev() -> Plan:
    return record("dev")


@pytest.fixture(params=["local", "dev"])
def plan(request: pytest.FixtureRequest) -> Plan:
    """Each of them in turn: what holds for one holds for all."""
    return request.getfixturevalue(request.param)
