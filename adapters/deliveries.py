"""Deliveries on DynamoDB: rows beside the jobs, written under their own revision (contracts/tables.py draws them)."""

from collections.abc import Sequence
from typing import Any

from adapters.clients import AwsClient
from adapters.errors import translated
from adapters.rows import at_revision, delivery_item, documents, queried
from contracts.deliveries import Delivery, decode_delivery
from contracts.job import Instant
from contracts.ports import DeliveryKey
from contracts.tables import BY_TENANT, DUE, JOBS, MAX_DUE_SHARDS, deliveries_to, delivery_key, delivery_of
from contracts.webhooks import WebhookId


class DynamoDeliveries:
    """As `Deliveries`."""

    def __init__(self, client: AwsClient, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, keys: Sequence[DeliveryKey]) -> dict[DeliveryKey, Delivery]:
        names = [{JOBS.hash_key: {"S": delivery_key(*key)}} for key in dict.fromkeys(keys)]
        found = map(decode_delivery, documents(self._client, self._table, names))
        return {delivery.key: delivery for delivery in found}

    def replace(self, delivery: Delivery, expected_revision: int) -> None:
        item = delivery_item(delivery)
        with translated():
            self._client.put_item(TableName=self._table, Item=item, **at_revision(expected_revision))

    def due(self, shard: int, until: Instant, *, most: int = 100) -> list[DeliveryKey]:
        return self._keys(
            most,
            IndexName=DUE.name,
            KeyConditionExpression="#shard = :shard AND #due <= :until",
            ExpressionAttributeNames={"#shard": DUE.hash_key, "#due": DUE.range_key},
            ExpressionAttributeValues={":shard": {"N": str(MAX_DUE_SHARDS + shard)}, ":until": {"N": str(until)}},
        )

    def latest(self, webhook: WebhookId, *, most: int) -> list[DeliveryKey]:
        return self._keys(
            most,
            IndexName=BY_TENANT.name,
            KeyConditionExpression="#to = :webhook",
            ExpressionAttributeNames={"#to": BY_TENANT.hash_key},
            ExpressionAttributeValues={":webhook": {"S": deliveries_to(webhook)}},
            ScanIndexForward=False,
        )

    def _keys(self, most: int, **query: Any) -> list[DeliveryKey]:
        items = queried(self._client, self._table, most, **query)
        return [delivery_of(item[JOBS.hash_key]["S"]) for item in items]
