"""The ledger on DynamoDB: its items, its pages, and what a lost reply or an unprocessed key comes to."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.ledger import item_of
from adapters.rows import UNPROCESSED_ROUNDS
from contracts.errors import ResourceLimit, RevisionMoved, Unavailable
from contracts.job import SCHEMA, Job, JobState, encode_job
from contracts.limits import MAX_DOCUMENT_BYTES
from contracts.tables import shard_of
from tests.support.agreement_cloud import CloudWorld
from tests.support.replies import LOST, Answer, Replies

NOON = 1_795_435_200_123  # 2026-11-23T12:00:00.123Z
SHARDS = 2


def job_id(number: int) -> str:
    return f"01932c00-0000-7000-8000-{number:012x}"


def a_job(number: int = 1, **facts: Any) -> Job:
    known: dict[str, Any] = {
        "schema": SCHEMA,
        "id": job_id(number),
        "tenant": "default",
        "state": JobState.QUEUED,
        "created_at": NOON,
        "updated_at": NOON,
        "expires_at": NOON + 1000,
        "alarm_at": NOON + 1000,
        "key": "inline/default/x/original",
        "upload_until": NOON,
        "fingerprint": "f" * 64,
    }
    return Job(**{**known, **facts})


def stored(world: CloudWorld, number: int = 1) -> dict[str, Any]:
    return world.dynamodb.get_item(TableName=world.name, Key={"pk": {"S": f"job#{job_id(number)}"}})["Item"]


# --- the item --------------------------------------------------------------------------------------------------------


def test_the_item_is_the_envelope_that_the_tables_describe(cloud: CloudWorld) -> None:
    job = a_job(preset="web@1", revision=3)
    assert cloud.ledger.create(job) is None
    assert stored(cloud) == {
        "pk": {"S": f"job#{job.id}"},
        "document": {"B": encode_job(job)},
        "revision": {"N": "3"},
        "kind": {"S": "job"},
        "tenant": {"S": "default"},
        "tenant_day": {"S": "default#2026-11-23"},
        "created_at": {"N": str(NOON)},
        "state": {"S": "queued"},
        "preset": {"S": "web@1"},
        "shard": {"N": str(shard_of(job.id, SHARDS))},
        "due_at": {"N": str(NOON + 1000)},
    }


def test_a_tombstone_has_a_time_to_live_and_is_in_no_index_of_what_is_due(cloud: CloudWorld) -> None:
    cloud.ledger.create(a_job())
    tombstone = a_job(state=JobState.DELETED, revision=2, alarm_at=None, forget_at=NOON)
    cloud.ledger.replace(tombstone, 1)
    item = stored(cloud)
    assert item["ttl"] == {"N": "1795435201"}, "in seconds, rounded up"
    assert not {"shard", "due_at", "preset"} & set(item)


def test_a_living_job_is_never_forgotten() -> None:
    assert "ttl" not in item_of(a_job(), SHARDS)


@pytest.mark.parametrize(("moment", "day"), [(0, "1970-01-01"), (86_399_999, "1970-01-01"), (86_400_000, "1970-01-02")])
def test_a_day_ends_at_midnight_utc(moment: int, day: str) -> None:
    assert item_of(a_job(created_at=moment), SHARDS)["tenant_day"] == {"S": f"default#{day}"}


def test_a_document_longer_than_a_row_is_refused_before_it_is_sent(cloud: CloudWorld) -> None:
    met = Replies(cloud.dynamodb)
    for write in (cloud.ledger.create, lambda job: cloud.ledger.replace(job, 1)):
        with pytest.raises(ResourceLimit) as refused:
            write(a_job(meta={"k": "v" * MAX_DOCUMENT_BYTES}))
        assert refused.value.facts["limit"] == MAX_DOCUMENT_BYTES
    assert met.seen == []


# --- create and replace ----------------------------------------------------------------------------------------------


def test_a_second_create_is_answered_with_the_first_and_writes_nothing(cloud: CloudWorld) -> None:
    first = a_job(request_id="first")
    cloud.ledger.create(first)
    met = Replies(cloud.dynamodb)
    assert cloud.ledger.create(a_job(request_id="second", revision=7)) == first
    assert met.operations == ["PutItem"], "the row comes with the refusal"
    assert cloud.ledger.read([first.id]) == {first.id: first}


def test_a_create_whose_reply_is_lost_is_answered_with_its_own_row(cloud: CloudWorld, waits: list[float]) -> None:
    Replies(cloud.dynamodb, LOST)
    assert cloud.ledger.create(a_job()) == a_job()


def test_a_replace_whose_reply_is_lost_is_refused_and_was_done(cloud: CloudWorld, waits: list[float]) -> None:
    """The caller reads again, and `step` says Superseded (F15)."""
    cloud.ledger.create(a_job())
    Replies(cloud.dynamodb, LOST)
    with pytest.raises(RevisionMoved):
        cloud.ledger.replace(a_job(revision=2), 1)
    assert cloud.ledger.read([job_id(1)])[job_id(1)].revision == 2


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_a_replace_of_another_revision_changes_nothing(cloud: CloudWorld, expected: int) -> None:
    job = a_job(revision=2)
    cloud.ledger.create(job)
    with pytest.raises(RevisionMoved):
        cloud.ledger.replace(a_job(revision=9), expected)
    assert cloud.ledger.read([job.id]) == {job.id: job}


def test_a_replace_creates_nothing(cloud: CloudWorld) -> None:
    with pytest.raises(RevisionMoved):
        cloud.ledger.replace(a_job(revision=2), 1)
    assert cloud.ledger.read([job_id(1)]) == {}


@pytest.mark.parametrize(
    "answer",
    [Answer(400, code="ProvisionedThroughputExceededException"), Answer(500, code="InternalServerError")],
    ids=lambda answer: answer.code,
)
def test_a_throttled_table_is_unavailable_and_never_a_refusal(
    cloud: CloudWorld, waits: list[float], answer: Answer
) -> None:
    cloud.ledger.create(a_job())
    for call in (
        lambda: cloud.ledger.create(a_job(2)),
        lambda: cloud.ledger.replace(a_job(revision=2), 1),
        lambda: cloud.ledger.read([job_id(1)]),
        lambda: cloud.ledger.due(0, NOON),
    ):
        met = Replies(cloud.dynamodb, *[answer] * 10)
        with pytest.raises(Unavailable):
            call()
        met.stop()
    assert cloud.ledger.read([job_id(1), job_id(2)]) == {job_id(1): a_job()}


# --- read ------------------------------------------------------------------------------------------------------------


def test_a_read_asks_for_a_hundred_at_a_time_and_for_each_once(cloud: CloudWorld) -> None:
    for number in range(130):
        cloud.ledger.create(a_job(number))
    met = Replies(cloud.dynamodb)
    wanted = [job_id(number) for number in range(240)]
    assert cloud.ledger.read(wanted + wanted) == {job_id(number): a_job(number) for number in range(130)}
    asked = [json.loads(request.body)["RequestItems"][cloud.name] for _, request in met.seen]
    assert [len(one["Keys"]) for one in asked] == [100, 100, 40]
    assert all(one["ConsistentRead"] for one in asked)


def test_a_read_of_nothing_calls_nobody(cloud: CloudWorld) -> None:
    met = Replies(cloud.dynamodb)
    assert cloud.ledger.read([]) == {}
    assert met.seen == []


def unprocessed(world: CloudWorld, *numbers: int) -> Answer:
    keys = [{"pk": {"S": f"job#{job_id(number)}"}} for number in numbers]
    return Answer(200, json.dumps({"Responses": {}, "UnprocessedKeys": {world.name: {"Keys": keys}}}).encode())


def test_keys_left_unprocessed_are_asked_for_again(cloud: CloudWorld, waits: list[float]) -> None:
    for number in (1, 2):
        cloud.ledger.create(a_job(number))
    met = Replies(cloud.dynamodb, unprocessed(cloud, 1, 2), unprocessed(cloud, 2))
    assert cloud.ledger.read([job_id(1), job_id(2)]) == {job_id(2): a_job(2)}, "what the scripted answers left"
    asked = [json.loads(request.body)["RequestItems"][cloud.name] for _, request in met.seen]
    assert [len(one["Keys"]) for one in asked] == [2, 2, 1]
    assert all(one["ConsistentRead"] for one in asked)
    assert len(waits) == 2


def test_keys_that_stay_unprocessed_are_unavailable(cloud: CloudWorld, waits: list[float]) -> None:
    met = Replies(cloud.dynamodb, *[unprocessed(cloud, 1)] * 20)
    with pytest.raises(Unavailable):
        cloud.ledger.read([job_id(1)])
    assert len(met.seen) == UNPROCESSED_ROUNDS


# --- due -------------------------------------------------------------------------------------------------------------


def test_what_is_due_comes_earliest_first_over_all_pages(cloud: CloudWorld) -> None:
    mine = [number for number in range(60) if shard_of(job_id(number), SHARDS) == 0]
    for number in range(60):
        cloud.ledger.create(a_job(number, alarm_at=NOON + 100 - number))
    expected = [job_id(number) for number in reversed(mine)]
    assert cloud.ledger.due(0, NOON + 100) == expected
    assert cloud.ledger.due(0, NOON + 100, most=3) == expected[:3]
    assert cloud.ledger.due(0, NOON + 50) == [one for one in expected if int(one[-12:], 16) >= 50]
    assert cloud.ledger.due(0, NOON) == []


def test_pages_are_followed_until_there_are_enough(cloud: CloudWorld) -> None:
    def page(number: int, *, more: bool) -> Answer:
        key = {"pk": {"S": f"job#{job_id(number)}"}, "shard": {"N": "0"}, "due_at": {"N": str(number)}}
        return Answer(200, json.dumps({"Items": [key], **({"LastEvaluatedKey": key} if more else {})}).encode())

    met = Replies(cloud.dynamodb, page(1, more=True), page(2, more=True), page(3, more=False))
    assert cloud.ledger.due(0, NOON, most=10) == [job_id(1), job_id(2), job_id(3)]
    asked = [json.loads(request.body) for _, request in met.seen]
    assert [one["Limit"] for one in asked] == [10, 9, 8]
    assert [one.get("ExclusiveStartKey", {}).get("due_at") for one in asked] == [None, {"N": "1"}, {"N": "2"}]

    Replies(cloud.dynamodb, page(1, more=True), page(2, more=True))
    assert cloud.ledger.due(0, NOON, most=2) == [job_id(1), job_id(2)]


def test_a_job_moves_in_the_index_with_what_it_owes(cloud: CloudWorld) -> None:
    job = a_job()
    shard = shard_of(job.id, SHARDS)
    cloud.ledger.create(job)
    later = replace(job, revision=2, alarm_at=NOON + 9_000)
    cloud.ledger.replace(later, 1)
    assert cloud.ledger.due(shard, NOON + 8_999) == []
    assert cloud.ledger.due(shard, NOON + 9_000) == [job.id]
