"""The catalogue on DynamoDB: a tenant's jobs by day, out of the index `by_tenant`.

One query a call. The index holds keys, state and preset; what else is asked of a job is read in its row.
"""

from collections.abc import Collection
from typing import Any, Final

from adapters.clients import AwsClient
from adapters.errors import translated
from contracts.identifiers import Tenant
from contracts.job import Instant, JobState
from contracts.ports import Entry, Glance
from contracts.tables import BY_TENANT, JOBS, job_id_of, job_key, tenant_day

MOST: Final = 1_000
"""Rows of one query: about 100 KB of keys, a tenth of what DynamoDB answers at once."""


class DynamoCatalogue:
    """As `Catalogue`."""

    def __init__(self, client: AwsClient, table: str) -> None:
        self._client = client
        self._table = table

    def made(
        self,
        tenant: Tenant,
        since: Instant,
        until: Instant,
        *,
        states: Collection[JobState],
        preset: str | None = None,
        after: Entry | None = None,
        most: int = 100,
    ) -> Glance:
        if until <= since or not states:
            return Glance(entries=())
        day = tenant_day(tenant, since)
        names = {"#day": BY_TENANT.hash_key, "#made": BY_TENANT.range_key, "#state": "state"}
        values = {":day": {"S": day}, ":since": {"N": str(since)}, ":last": {"N": str(until - 1)}}
        wanted = {f":state{place}": {"S": state} for place, state in enumerate(sorted(states))}
        found = f"#state IN ({', '.join(wanted)})"
        if preset is not None:
            names["#preset"], values[":preset"] = "preset", {"S": preset}
            found += " AND #preset = :preset"
        begin: dict[str, Any] = {}
        if after is not None:
            begin["ExclusiveStartKey"] = {
                JOBS.hash_key: {"S": job_key(after.job_id)},
                BY_TENANT.hash_key: {"S": day},
                BY_TENANT.range_key: {"N": str(after.created_at)},
            }
        with translated():
            page = self._client.query(
                TableName=self._table,
                IndexName=BY_TENANT.name,
                KeyConditionExpression="#day = :day AND #made BETWEEN :since AND :last",
                FilterExpression=found,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={**values, **wanted},
                ScanIndexForward=False,
                Limit=min(most, MOST),
                **begin,
            )
        last = page.get("LastEvaluatedKey")
        return Glance(entries=tuple(map(_entry, page["Items"])), go_on=None if last is None else _entry(last))


def _entry(item: dict[str, Any]) -> Entry:
    return Entry(int(item[BY_TENANT.range_key]["N"]), job_id_of(item[JOBS.hash_key]["S"]))
