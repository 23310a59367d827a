"""Rows of DynamoDB, and the conditions that they are written under: what the ledger and its neighbours share."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from adapters.clients import AwsClient
from adapters.errors import translated
from contracts.deliveries import Delivery, encode_delivery
from contracts.errors import Unavailable
from contracts.limits import DAY_SECONDS, DELIVERY_DAYS
from contracts.tables import BY_TENANT, DUE, JOBS, deliveries_to, delivery_key, delivery_shard

Item = dict[str, dict[str, Any]]

READ_BATCH: Final = 100
"""Keys in one BatchGetItem (a DynamoDB limit)."""
UNPROCESSED_ROUNDS: Final = 6
"""Reads of keys that DynamoDB left unprocessed (throttled, or more than 16 MB in all): 3 s of waiting at most."""

NOT_THERE: Final = {
    "ConditionExpression": "attribute_not_exists(#key)",
    "ExpressionAttributeNames": {"#key": JOBS.hash_key},
}
"""Both tables' hash keys have one name."""
_WRITTEN: Final = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


def at_revision(expected: int) -> dict[str, Any]:
    """The condition of every replace."""
    return {
        "ConditionExpression": "#revision = :expected",
        "ExpressionAttributeNames": {"#revision": "revision"},
        "ExpressionAttributeValues": {":expected": {"N": str(expected)}},
    }


def is_refused(error: ClientError) -> bool:
    """Whether a transaction was cancelled by one of its conditions, or by another transaction on one of its rows.

    Both say that somebody else is writing: the cure is to read again.
    """
    answer: Mapping[str, Any] = error.response
    return any(one.get("Code") in _WRITTEN for one in answer.get("CancellationReasons", []))


def documents(client: AwsClient, table: str, keys: Sequence[Item]) -> Iterator[bytes]:
    """The encoded documents of those rows that are there; consistent. Keys are not repeated."""
    for start in range(0, len(keys), READ_BATCH):
        yield from _read_batch(client, table, keys[start : start + READ_BATCH])


def queried(client: AwsClient, table: str, most: int, **query: Any) -> list[Item]:
    """Up to `most` rows of a query, page by page."""
    found: list[Item] = []
    begin: dict[str, Any] = {}
    while len(found) < most:
        with translated():
            page = client.query(TableName=table, Limit=most - len(found), **query, **begin)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        begin = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    return found


def _read_batch(client: AwsClient, table: str, keys: Sequence[Item]) -> Iterator[bytes]:
    asked: dict[str, Any] = {
        "Keys": list(keys),
        "ConsistentRead": True,
        # the envelope is for DynamoDB; leaving it out is half of the parsing
        "ProjectionExpression": "#document",
        "ExpressionAttributeNames": {"#document": "document"},
    }
    for attempt in range(UNPROCESSED_ROUNDS):
        if attempt:
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, no secret
        with translated():
            answer = client.batch_get_item(RequestItems={table: asked})
        for item in answer["Responses"].get(table, []):
            yield item["document"]["B"]
        left = answer.get("UnprocessedKeys", {}).get(table)
        if not left:
            return
        asked = {**asked, "Keys": left["Keys"]}
    raise Unavailable("BatchGetItem kept leaving keys unprocessed")


def delivery_item(delivery: Delivery) -> Item:
    """A delivery's row, as contracts/tables.py draws it."""
    item: Item = {
        JOBS.hash_key: {"S": delivery_key(*delivery.key)},
        "document": {"B": encode_delivery(delivery)},
        "revision": {"N": str(delivery.revision)},
        "kind": {"S": "delivery"},
        "tenant": {"S": delivery.tenant},
        BY_TENANT.hash_key: {"S": deliveries_to(delivery.webhook)},
        BY_TENANT.range_key: {"N": str(delivery.created_at)},
        "state": {"S": delivery.state},
        # rounded up: never forgotten early
        "ttl": {"N": str(-(-delivery.created_at // 1000) + DELIVERY_DAYS * DAY_SECONDS)},
    }
    if delivery.due_at is not None:
        item[DUE.hash_key] = {"N": str(delivery_shard(delivery.event))}
        item[DUE.range_key] = {"N": str(delivery.due_at)}
    return item
