"""Webhook endpoints in the registry.

    pk                  sk     document              revision
    webhooks#<tenant>   <id>   the encoded Webhook   the condition of every write

A deleted one stays for as long as deliveries to it can be seen, without its address and secrets.
"""

from typing import Any, Final

from adapters.clients import AwsClient
from adapters.errors import translated
from adapters.rows import NOT_THERE, at_revision, queried
from contracts.identifiers import Tenant
from contracts.limits import DAY_SECONDS, DELIVERY_DAYS
from contracts.tables import webhook_key
from contracts.webhooks import Webhook, WebhookId, decode_webhook, encode_webhook

MOST: Final = 1_000
"""Endpoints of one tenant that are read: many times what it may have at once."""


class DynamoWebhooks:
    """As `Webhooks`."""

    def __init__(self, client: AwsClient, table: str) -> None:
        self._client = client
        self._table = table

    def webhook(self, tenant: Tenant, webhook_id: WebhookId) -> Webhook | None:
        with translated():
            answer = self._client.get_item(TableName=self._table, Key=_place(tenant, webhook_id), ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else decode_webhook(item["document"]["B"])

    def webhooks(self, tenant: Tenant) -> list[Webhook]:
        items = queried(
            self._client,
            self._table,
            MOST,
            KeyConditionExpression="#pk = :webhooks",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues={":webhooks": {"S": webhook_key(tenant)}},
            ConsistentRead=True,
        )
        return [decode_webhook(item["document"]["B"]) for item in items]

    def keep(self, webhook: Webhook, expected_revision: int) -> None:
        item: dict[str, Any] = {
            **_place(webhook.tenant, webhook.id),
            "document": {"B": encode_webhook(webhook)},
            "revision": {"N": str(webhook.revision)},
        }
        if webhook.deleted_at is not None:
            item["ttl"] = {"N": str(-(-webhook.deleted_at // 1000) + DELIVERY_DAYS * DAY_SECONDS)}
        condition = at_revision(expected_revision) if expected_revision else NOT_THERE
        with translated():
            self._client.put_item(TableName=self._table, Item=item, **condition)


def _place(tenant: Tenant, webhook_id: WebhookId) -> dict[str, dict[str, str]]:
    return {"pk": {"S": webhook_key(tenant)}, "sk": {"S": webhook_id}}
