"""What tenants had of a day, on DynamoDB: small rows of a tenant and day, in the table of jobs.

One has what hosts were given, and is replaced under its revision. The others have what was put right since: they are
added to, by the very transaction that writes the job (`ledger`). None is in an index, and all go by themselves after
three months.
"""

from typing import Any, Final

from adapters.clients import AwsClient
from adapters.errors import translated
from adapters.rows import Item
from contracts.charges import Amounts
from contracts.errors import RevisionMoved, Unavailable
from contracts.identifiers import Tenant
from contracts.job import Instant, Job
from contracts.limits import DAY_SECONDS
from contracts.tables import JOBS, correction_key, correction_keys, tally_key
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
        own = tally_key(tenant, day)
        keys = [{JOBS.hash_key: {"S": key}} for key in (own, *correction_keys(tenant, day))]
        with translated():
            answer = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}},
            )
        items = answer["Responses"].get(self._table, [])
        if answer.get("UnprocessedKeys"):
            raise Unavailable("DynamoDB left the tally unread")
        revision, given, corrected = 0, Amounts(), Amounts()
        for item in items:
            if item[JOBS.hash_key]["S"] == own:
                revision, given = int(item["revision"]["N"]), _amounts(item)
            else:
                corrected += _amounts(item)
        return Tally(revision=revision, amounts=given, corrected=corrected)

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
                    "ttl": {"N": _gone_at(day)},
                    **counted,
                },
                **condition,
            )


def correction_update(table: str, job: Job, replaced: int) -> list[Item]:
    """What the transaction that writes this job over the revision `replaced` has to do beside; mostly nothing."""
    charge = job.charge
    correction = None if charge is None else charge.correction(job.revision, replaced)
    if charge is None or correction is None:
        return []
    names = {f"#{name}": name for name in (*_AMOUNTS, "kind", "tenant", "ttl")}
    added = {f":{name}": {"N": str(getattr(correction, name))} for name in _AMOUNTS}
    said = {":kind": {"S": "tally"}, ":tenant": {"S": job.tenant}, ":ttl": {"N": _gone_at(charge.day)}}
    update = {
        "TableName": table,
        "Key": {JOBS.hash_key: {"S": correction_key(job.tenant, charge.day, job.id)}},
        "UpdateExpression": "ADD "
        + ", ".join(f"#{name} :{name}" for name in _AMOUNTS)
        + " SET #kind = :kind, #tenant = :tenant, #ttl = :ttl",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": added | said,
    }
    return [{"Update": update}]


def _gone_at(day: Instant) -> str:
    return str(day // 1_000 + KEPT_DAYS * DAY_SECONDS)


def _amounts(item: Item) -> Amounts:
    return Amounts(**{name: int(item[name]["N"]) for name in _AMOUNTS if name in item})
