"""What tenants had of a day: the rows in memory and on DynamoDB cannot be told apart."""

from collections.abc import Callable

import pytest

from adapters.tallies import KEPT_DAYS, DynamoTallies
from contracts.errors import RevisionMoved
from contracts.limits import DAY_SECONDS
from contracts.quotas import Amounts
from contracts.tables import JOBS, tally_key
from contracts.tallies import Tallies, Tally
from tests.support.agreement_cloud import CloudWorld
from tests.support.memory import MemoryTallies

MIDNIGHT = 1_799_971_200_000
DAY = DAY_SECONDS * 1_000
ONE = Amounts(jobs=1, bytes=3_000_000, pixels=12_000_000)


@pytest.fixture(params=["memory", "cloud"])
def tallies(request: pytest.FixtureRequest, cloud: CloudWorld) -> Tallies:
    made: dict[str, Callable[[], Tallies]] = {
        "memory": MemoryTallies,
        "cloud": lambda: DynamoTallies(cloud.dynamodb, cloud.name),
    }
    return made[request.param]()


def test_a_tally_is_replaced_under_its_revision_alone(tallies: Tallies) -> None:
    nothing = Tally(revision=0, amounts=Amounts())
    assert tallies.read("tally-a", MIDNIGHT) == nothing
    first, second = Tally(revision=1, amounts=ONE), Tally(revision=2, amounts=ONE + ONE)
    tallies.replace("tally-a", MIDNIGHT, first, 0)
    for expected in (0, 2):
        with pytest.raises(RevisionMoved):
            tallies.replace("tally-a", MIDNIGHT, second, expected)
    assert tallies.read("tally-a", MIDNIGHT) == first
    tallies.replace("tally-a", MIDNIGHT, second, 1)
    assert tallies.read("tally-a", MIDNIGHT) == second
    assert tallies.read("tally-b", MIDNIGHT) == nothing
    assert tallies.read("tally-a", MIDNIGHT + DAY) == nothing


def test_a_row_goes_by_itself_and_is_in_no_index(cloud: CloudWorld) -> None:
    tallies = DynamoTallies(cloud.dynamodb, cloud.name)
    tallies.replace("tally-c", MIDNIGHT, Tally(revision=1, amounts=ONE), 0)
    key = {JOBS.hash_key: {"S": tally_key("tally-c", MIDNIGHT)}}
    row = cloud.dynamodb.get_item(TableName=cloud.name, Key=key)["Item"]
    assert row["ttl"] == {"N": str(MIDNIGHT // 1_000 + KEPT_DAYS * DAY_SECONDS)}
    assert not {index.hash_key for index in JOBS.indexes} & row.keys()
