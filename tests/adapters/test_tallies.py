"""What tenants had of a day: the rows in memory and on DynamoDB cannot be told apart."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from adapters.tallies import KEPT_DAYS, DynamoTallies
from contracts.charges import Amounts, Charge
from contracts.errors import RevisionMoved
from contracts.job import Job
from contracts.limits import DAY_SECONDS
from contracts.ports import Ledger
from contracts.tables import CORRECTION_ROWS, JOBS, correction_keys, tally_key
from contracts.tallies import Tallies, Tally
from tests.adapters.test_ledger import a_job
from tests.support.agreement_cloud import CloudWorld
from tests.support.memory import MemoryLedger, MemoryTallies

MIDNIGHT = 1_799_971_200_000
DAY = DAY_SECONDS * 1_000
LESS = Amounts(jobs=0, bytes=-2_000_000, pixels=-11_000_000)
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


@pytest.fixture(params=["memory", "cloud"])
def table(request: pytest.FixtureRequest, cloud: CloudWorld) -> tuple[Ledger, Tallies]:
    if request.param == "cloud":
        return cloud.ledger, DynamoTallies(cloud.dynamodb, cloud.name)
    ledger = MemoryLedger(2)
    return ledger, MemoryTallies(ledger)


def charged(number: int) -> tuple[Job, Job]:
    """A job that was charged, and as it is written when its day is corrected."""
    waiting = a_job(number, charge=Charge(day=MIDNIGHT, taken=ONE))
    corrected = Charge(day=MIDNIGHT, taken=ONE, corrected=LESS, revision=2)
    return waiting, replace(waiting, revision=2, charge=corrected)


def test_a_tally_is_corrected_by_the_write_of_a_job_and_by_no_other(table: tuple[Ledger, Tallies]) -> None:
    ledger, tallies = table
    tallies.replace("default", MIDNIGHT, Tally(revision=1, amounts=ONE + ONE), 0)
    for number in range(20):  # more than there are rows for corrections
        waiting, corrected = charged(number)
        assert ledger.create(waiting) is None
        for expected in (1, 1, 2):  # the write, its repetition, and the same document written anew
            with contextlib.suppress(RevisionMoved):
                ledger.replace(corrected, expected)
        ledger.replace(replace(corrected, revision=3), 2)
    found = tallies.read("default", MIDNIGHT)
    assert found == Tally(revision=1, amounts=ONE + ONE, corrected=sum([LESS] * 20, Amounts()))
    assert found.had == ONE + ONE + found.corrected
    assert tallies.read("default", MIDNIGHT + DAY) == Tally(revision=0, amounts=Amounts())
    # what hosts lease afterwards is not mixed with it
    tallies.replace("default", MIDNIGHT, replace(found, revision=2, amounts=ONE), 1)
    assert tallies.read("default", MIDNIGHT) == replace(found, revision=2, amounts=ONE)


def test_corrections_are_spread_and_go_by_themselves(cloud: CloudWorld) -> None:
    for number in range(20):
        waiting, corrected = charged(number)
        cloud.ledger.create(waiting)
        cloud.ledger.replace(corrected, 1)
    rows = [row for row in cloud.dynamodb.scan(TableName=cloud.name)["Items"] if row["kind"] == {"S": "tally"}]
    assert 1 < len(rows) <= CORRECTION_ROWS
    assert {row[JOBS.hash_key]["S"] for row in rows} <= set(correction_keys("default", MIDNIGHT))
    assert {row["ttl"]["N"] for row in rows} == {str(MIDNIGHT // 1_000 + KEPT_DAYS * DAY_SECONDS)}
    assert not any({index.hash_key for index in JOBS.indexes} & row.keys() for row in rows)


def test_two_writes_of_one_moment_are_read_again(cloud: CloudWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB refuses a transaction that meets another one on a row, and a write that meets a transaction."""

    def met(code: str, **details: Any) -> Callable[..., Any]:
        def refused(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": code, "Message": ""}, **details}, "TransactWriteItems")

        return refused

    waiting, corrected = charged(1)
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    cancelled = met("TransactionCanceledException", CancellationReasons=reasons)
    monkeypatch.setattr(cloud.dynamodb, "transact_write_items", cancelled)
    with pytest.raises(RevisionMoved):
        cloud.ledger.replace(corrected, 1)
    monkeypatch.setattr(cloud.dynamodb, "put_item", met("TransactionConflictException"))
    with pytest.raises(RevisionMoved):
        cloud.ledger.replace(waiting, 1)


def test_a_row_goes_by_itself_and_is_in_no_index(cloud: CloudWorld) -> None:
    tallies = DynamoTallies(cloud.dynamodb, cloud.name)
    tallies.replace("tally-c", MIDNIGHT, Tally(revision=1, amounts=ONE), 0)
    key = {JOBS.hash_key: {"S": tally_key("tally-c", MIDNIGHT)}}
    row = cloud.dynamodb.get_item(TableName=cloud.name, Key=key)["Item"]
    assert row["ttl"] == {"N": str(MIDNIGHT // 1_000 + KEPT_DAYS * DAY_SECONDS)}
    assert not {index.hash_key for index in JOBS.indexes} & row.keys()
