"""The ledger on DynamoDB: one item a job, replaced whole under its revision.

The item is an envelope (contracts/tables.py) around the encoded document, which alone is read back.
"""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from adapters.clients import AwsClient
from adapters.errors import code_of, translated
from contracts.errors import ResourceLimit, Unavailable
from contracts.identifiers import JobId
from contracts.job import Instant, Job, decode_job, encode_job
from contracts.limits import MAX_DOCUMENT_BYTES
from contracts.tables import BY_TENANT, DUE, JOBS, job_id_of, job_key, shard_of, tenant_day

READ_BATCH: Final = 100
"""Keys in one BatchGetItem (a DynamoDB limit)."""

UNPROCESSED_ROUNDS: Final = 6
"""Reads of keys that DynamoDB left unprocessed (throttled, or more than 16 MB in all): 3 s of waiting at most."""

Item = dict[str, dict[str, Any]]


class DynamoLedger:
    """As `Ledger`. `shards` is the number that the `due` index is spread over, the same in every process."""

    def __init__(self, client: AwsClient, table: str, shards: int) -> None:
        self._client = client
        self._table = table
        self._shards = shards

    def create(self, job: Job) -> Job | None:
        """A repeat after a lost reply finds its own row, and answers that: its caller adopts the row as any other's."""
        item = item_of(job, self._shards)
        with translated():
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(#key)",
                    ExpressionAttributeNames={"#key": JOBS.hash_key},
                    # the row comes with the refusal: a second read could find a later one, or none
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as refused:
                if code_of(refused) != "ConditionalCheckFailedException":
                    raise
                response: Mapping[str, Any] = refused.response
                return decode_job(_document(response["Item"]))
        return None

    def read(self, job_ids: Sequence[JobId]) -> dict[JobId, Job]:
        keys = [{JOBS.hash_key: {"S": job_key(job_id)}} for job_id in dict.fromkeys(job_ids)]
        found: dict[JobId, Job] = {}
        for start in range(0, len(keys), READ_BATCH):
            for item in self._read_batch(keys[start : start + READ_BATCH]):
                job = decode_job(_document(item))
                found[job.id] = job
        return found

    def replace(self, job: Job, expected_revision: int) -> None:
        item = item_of(job, self._shards)
        with translated():
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="#revision = :expected",
                ExpressionAttributeNames={"#revision": "revision"},
                ExpressionAttributeValues={":expected": {"N": str(expected_revision)}},
            )

    def due(self, shard: int, until: Instant, *, most: int = 100) -> list[JobId]:
        found: list[JobId] = []
        begin: dict[str, Any] = {}
        while len(found) < most:
            with translated():
                page = self._client.query(
                    TableName=self._table,
                    IndexName=DUE.name,
                    KeyConditionExpression="#shard = :shard AND #due <= :until",
                    ExpressionAttributeNames={"#shard": DUE.hash_key, "#due": DUE.range_key},
                    ExpressionAttributeValues={":shard": {"N": str(shard)}, ":until": {"N": str(until)}},
                    Limit=most - len(found),
                    **begin,
                )
            found.extend(job_id_of(item[JOBS.hash_key]["S"]) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                break
            begin = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return found

    def _read_batch(self, keys: list[Item]) -> list[Item]:
        asked: dict[str, Any] = {
            "Keys": keys,
            "ConsistentRead": True,
            # the envelope is for DynamoDB; leaving it out is half of the parsing
            "ProjectionExpression": "#document",
            "ExpressionAttributeNames": {"#document": "document"},
        }
        items: list[Item] = []
        for attempt in range(UNPROCESSED_ROUNDS):
            if attempt:
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, no secret
            with translated():
                answer = self._client.batch_get_item(RequestItems={self._table: asked})
            items.extend(answer["Responses"].get(self._table, []))
            left = answer.get("UnprocessedKeys", {}).get(self._table)
            if not left:
                return items
            asked = {**asked, "Keys": left["Keys"]}
        raise Unavailable("BatchGetItem kept leaving keys unprocessed")


def item_of(job: Job, shards: int) -> Item:
    """The job's item. Raises ResourceLimit if its document is longer than a row may be."""
    document = encode_job(job)
    if len(document) > MAX_DOCUMENT_BYTES:
        raise ResourceLimit("the record of this job is full", limit=MAX_DOCUMENT_BYTES, actual=len(document))
    item: Item = {
        JOBS.hash_key: {"S": job_key(job.id)},
        "document": {"B": document},
        "revision": {"N": str(job.revision)},
        "kind": {"S": "job"},
        "tenant": {"S": job.tenant},
        BY_TENANT.hash_key: {"S": tenant_day(job.tenant, job.created_at)},
        BY_TENANT.range_key: {"N": str(job.created_at)},
        "state": {"S": job.state},
    }
    if job.preset is not None:
        item["preset"] = {"S": job.preset}
    if job.due_at is not None:
        item[DUE.hash_key] = {"N": str(shard_of(job.id, shards))}
        item[DUE.range_key] = {"N": str(job.due_at)}
    if job.forget_at is not None:
        # rounded up: never forgotten early
        item["ttl"] = {"N": str(-(-job.forget_at // 1000))}
    return item


def _document(item: Item) -> bytes:
    return item["document"]["B"]
