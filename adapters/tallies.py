"""What tenants had of a day, on DynamoDB: one small row a tenant and day, in the table of jobs.

Not in the registry, whose rows outlive jobs: counting takes no right that keeping jobs does not. It is in no index, and
goes by itself after three months.
"""

from typing import Any, Final

from adapters.clients import AwsClient
from adapters.errors import translated
from contracts.errors import RevisionMoved, Unavailable
from contracts.identifiers import Tenant
from contracts.job import Instant
from contracts.limits import DAY_SECONDS
from contracts.quotas import Amounts
from contracts.tables import JOBS, tally_key
from contracts.tallies import Tally

KEPT_DAYS: Final = 92

_AMOUNTS: Final = Amounts.__struct_fields__


class DynamoTallies:
    """As `Tallies`."""

    def __init__(self, client: AwsClient, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, tenant: Tenant, day: Instant) -> Tally:
        # the right to read many items by their keys is there already; one to read a single item would be another
        key = {JOBS.hash_key: {"S": tally_key(tenant, day)}}
        with translated():
            answer = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": [key], "ConsistentRead": True}},
            )
        items = answer["Responses"].get(self._table, [])
        if answer.get("UnprocessedKeys"):
            raise Unavailable("DynamoDB left the tally unread")
        return _tally(items[0]) if items else Tally(revision=0, amounts=Amounts())

    def replace(self, tenant: Tenant, day: Instant, tally: Tally, expected_revision: int) -> None:
        counted = {name: {"N": str(getattr(tally.amounts, name))} for name in _AMOUNTS}
        condition: dict[str, Any] = {
            "ConditionExpression": "#revision = :expected",
            "ExpressionAttributeNames": {"#revision": "revision"},
            "ExpressionAttributeValues": {":expected": {"N": str(expected_revision)}},
        }
        if expected_revision == 0:
            condition = {
                "ConditionExpression": "attribute_not_exists(#revision)",
                "ExpressionAttributeNames": {"#revision": "revision"},
            }
        with translated({"ConditionalCheckFailedException": RevisionMoved}):
            self._client.put_item(
                TableName=self._table,
                Item={
                    JOBS.hash_key: {"S": tally_key(tenant, day)},
                    "kind": {"S": "tally"},
                    "tenant": {"S": tenant},
                    "revision": {"N": str(tally.revision)},
                    "ttl": {"N": str(day // 1_000 + KEPT_DAYS * DAY_SECONDS)},
                    **counted,
                },
                **condition,
            )


def _tally(item: dict[str, Any]) -> Tally:
    amounts = Amounts(**{name: int(item[name]["N"]) for name in _AMOUNTS if name in item})
    return Tally(revision=int(item["revision"]["N"]), amounts=amounts)
