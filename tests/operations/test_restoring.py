"""Rows come back from a copy: all that are missing, none that is newer, and once, however often it is run."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from adapters import clients
from adapters.clients import AwsClient
from contracts.tables import JOBS, REGISTRY, Table
from operations.restoring import Restored, bring_back

LIVE, COPY = "live", "copy"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsClient]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield clients.make("dynamodb", region="eu-west-1")


def made(client: AwsClient, table: Table) -> None:
    keys = [(table.hash_key, "HASH"), *([(table.range_key, "RANGE")] if table.range_key else [])]
    for name in (LIVE, COPY):
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )


def row(key: int, revision: int, size: int = 0) -> dict[str, Any]:
    return {
        JOBS.hash_key: {"S": f"job#{key}"},
        "revision": {"N": str(revision)},
        "document": {"B": b"x" * size or b"y"},
    }


def rows(client: AwsClient, name: str) -> dict[str, dict[str, Any]]:
    found = client.get_paginator("scan").paginate(TableName=name).build_full_result()["Items"]
    return {item[JOBS.hash_key]["S"]: item for item in found}


def test_what_is_missing_comes_back_and_what_is_newer_stays(client: AwsClient) -> None:
    made(client, JOBS)
    for key in range(40):
        # in all more than one page of a scan, which is 1 MB
        client.put_item(TableName=COPY, Item=row(key, 1, size=40_000))
    client.put_item(TableName=LIVE, Item=row(7, 9))
    assert bring_back(client, JOBS, COPY, LIVE) == Restored(seen=40, written=39)
    assert rows(client, LIVE) == {**rows(client, COPY), "job#7": row(7, 9)}
    assert bring_back(client, JOBS, COPY, LIVE) == Restored(seen=40, written=0)


def test_what_was_damaged_is_written_over_if_that_is_asked_for(client: AwsClient) -> None:
    made(client, JOBS)
    client.put_item(TableName=COPY, Item=row(1, 5))
    client.put_item(TableName=LIVE, Item={**row(1, 5), "document": {"B": b"damaged"}})
    client.put_item(TableName=LIVE, Item=row(2, 1))
    assert bring_back(client, JOBS, COPY, LIVE, overwrite=True) == Restored(seen=1, written=1)
    assert rows(client, LIVE) == {"job#1": row(1, 5), "job#2": row(2, 1)}


def test_the_registry_comes_back_by_both_of_its_keys(client: AwsClient) -> None:
    made(client, REGISTRY)
    keys = [key for key in (REGISTRY.hash_key, REGISTRY.range_key) if key]
    items = [dict(zip(keys, ({"S": "one"}, {"S": second}), strict=False)) for second in ("a", "b")]
    for item in items:
        client.put_item(TableName=COPY, Item=item)
    client.put_item(TableName=LIVE, Item=items[0])
    different = len({str(item) for item in items})
    assert bring_back(client, REGISTRY, COPY, LIVE).written == different - 1


def test_an_error_that_is_no_refusal_is_raised(client: AwsClient) -> None:
    made(client, JOBS)
    client.put_item(TableName=COPY, Item=row(1, 1))
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        bring_back(client, JOBS, COPY, "nowhere")
