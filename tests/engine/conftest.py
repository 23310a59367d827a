"""Each module has a cloud of its own, and its tests run in one process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import Clients
from local.cloud import Cloud
from tests.support.embedded import REGION
from tests.support.engine import embedded


# before the groups are read
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with embedded(tmp_path_factory.mktemp("cloud")) as made:
        yield made


@pytest.fixture(scope="module")
def clients(cloud: Cloud) -> Iterator[Clients]:
    made = Clients(cloud.endpoint, REGION)
    yield made
    made.close()
