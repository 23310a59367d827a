"""The ledger on DynamoDB: one item a job, replaced whole under its revision.

The item is an envelope (contracts/tables.py) around the encoded document, which alone is read back.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from adapters.clients import AwsClient
from adapters.errors import code_of, translated
from adapters.rows import NOT_THERE, Item, at_revision, delivery_item, documents, is_refused, queried
from adapters.tallies import correction_update
from contracts.deliveries import Delivery
from contracts.errors import ResourceLimit, RevisionMoved, Unavailable
from contracts.identifiers import JobId
from contracts.job import Instant, Job, decode_job, encode_job
from contracts.limits import MAX_DOCUMENT_BYTES
from contracts.tables import BY_TENANT, DUE, JOBS, job_id_of, job_key, shard_of, tenant_day


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
                return decode_job(response["Item"]["document"]["B"])
        return None

    def read(self, job_ids: Sequence[JobId]) -> dict[JobId, Job]:
        keys = [{JOBS.hash_key: {"S": job_key(job_id)}} for job_id in dict.fromkeys(job_ids)]
        jobs = map(decode_job, documents(self._client, self._table, keys))
        return {job.id: job for job in jobs}

    def replace(self, job: Job, expected_revision: int, also: Sequence[Delivery] = ()) -> None:
        row = {"TableName": self._table, "Item": item_of(job, self._shards), **at_revision(expected_revision)}
        corrections = correction_update(self._table, job, expected_revision)
        if not also and not corrections:
            with translated():
                self._client.put_item(**row)
            return
        born = [{"Put": {"TableName": self._table, "Item": delivery_item(one), **NOT_THERE}} for one in also]
        with translated({"TransactionCanceledException": Unavailable}):
            try:
                # botocore gives it a token of its own: repeated after a lost reply, it is done once
                self._client.transact_write_items(TransactItems=[{"Put": row}, *born, *corrections])
            except ClientError as error:
                if is_refused(error):
                    raise RevisionMoved("the job or a delivery of it was written by somebody else") from error
                raise

    def due(self, shard: int, until: Instant, *, most: int = 100) -> list[JobId]:
        items = queried(
            self._client,
            self._table,
            most,
            IndexName=DUE.name,
            KeyConditionExpression="#shard = :shard AND #due <= :until",
            ExpressionAttributeNames={"#shard": DUE.hash_key, "#due": DUE.range_key},
            ExpressionAttributeValues={":shard": {"N": str(shard)}, ":until": {"N": str(until)}},
        )
        return [job_id_of(item[JOBS.hash_key]["S"]) for item in items]


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
