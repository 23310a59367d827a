"""Each module has a cloud of its own; so that it has one only, its tests run in one process (`xdist_group`)."""

from collections.abc import Iterator

import pytest

from local.aws import Clients
from local.cloud import Cloud
from tests.support.embedded import REGION, started


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with started(tmp_path_factory.mktemp("cloud")) as made:
        yield made


@pytest.fixture(scope="module")
def clients(cloud: Cloud) -> Iterator[Clients]:
    made = Clients(cloud.endpoint, REGION)
    yield made
    made.close()
