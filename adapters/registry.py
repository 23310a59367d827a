"""API keys in the registry.

    pk             sk                    document
    key#<prefix>   key                   the encoded KeyRecord: what a service reads, by the prefix of a request's key
    keys           <tenant>#<prefix>     none: what an operator lists, so that no list is a scan

Both rows are written in one transaction, and go together. A service has rights over neither but to read by prefix.
"""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from adapters.clients import AwsClient
from adapters.errors import translated
from contracts.errors import AlreadyStored, NotFound, PipelineError, Unavailable
from contracts.identifiers import Tenant
from contracts.keys import KeyRecord, Prefix, decode_key, encode_key, forget_at
from contracts.tables import API_KEYS, api_key_key, api_key_listing

_ROW: Final = "key"


class DynamoKeys:
    """API keys: `key` as `KeyReader`; the rest is for operators."""

    def __init__(self, client: AwsClient, table: str) -> None:
        self._client = client
        self._table = table

    def key(self, prefix: Prefix) -> KeyRecord | None:
        with translated():
            answer = self._client.get_item(
                TableName=self._table,
                Key=_place(api_key_key(prefix), _ROW),
                ConsistentRead=True,
                ProjectionExpression="#document",
                ExpressionAttributeNames={"#document": "document"},
            )
        item = answer.get("Item")
        return None if item is None else decode_key(item["document"]["B"])

    def create(self, record: KeyRecord) -> None:
        """Raises AlreadyStored if there is a key of this prefix: another one is to be made."""
        self._write(record, "attribute_not_exists(#pk)", AlreadyStored("there is a key of this prefix already"))

    def replace(self, record: KeyRecord) -> None:
        """Write another record of a key that is there. Raises NotFound if it is not."""
        self._write(record, "attribute_exists(#pk)", NotFound("there is no key of this prefix"))

    def all(self, tenant: Tenant | None = None) -> list[KeyRecord]:
        """Every key, or one tenant's, by tenant and age; also those whose life is over, until they are forgotten."""
        asked: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#pk = :keys" + ("" if tenant is None else " AND begins_with(#sk, :tenant)"),
            "ExpressionAttributeNames": {"#pk": "pk"},
            "ExpressionAttributeValues": {":keys": {"S": API_KEYS}},
        }
        if tenant is not None:
            asked["ExpressionAttributeNames"]["#sk"] = "sk"
            asked["ExpressionAttributeValues"][":tenant"] = {"S": api_key_listing(tenant, "")}
        prefixes: list[Prefix] = []
        begin: dict[str, Any] = {}
        while True:
            with translated():
                page = self._client.query(**asked, **begin)
            prefixes += [item["sk"]["S"].rpartition("#")[2] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            begin = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        # an operator's list is short; DynamoDB may forget one of the two rows some hours before the other
        found = [record for prefix in prefixes if (record := self.key(prefix)) is not None]
        return sorted(found, key=lambda record: (record.tenant, record.created_at, record.prefix))

    def _write(self, record: KeyRecord, condition: str, refusal: PipelineError) -> None:
        """Both rows, where the condition holds for both."""
        conditioned = {"ConditionExpression": condition, "ExpressionAttributeNames": {"#pk": "pk"}}
        puts = [{"Put": {"TableName": self._table, "Item": row, **conditioned}} for row in _rows(record)]
        with translated({"TransactionCanceledException": Unavailable}):
            try:
                # botocore gives it a token of its own: repeated after a lost reply, it is done once
                self._client.transact_write_items(TransactItems=puts)
            except ClientError as error:
                answer: Mapping[str, Any] = error.response
                if any(one.get("Code") == "ConditionalCheckFailed" for one in answer.get("CancellationReasons", [])):
                    raise refusal from error
                raise


def _rows(record: KeyRecord) -> tuple[dict[str, Any], ...]:
    end = forget_at(record)
    # rounded up: never forgotten early
    ttl = {} if end is None else {"ttl": {"N": str(-(-end // 1000))}}
    return (
        {**_place(api_key_key(record.prefix), _ROW), "document": {"B": encode_key(record)}, **ttl},
        {**_place(API_KEYS, api_key_listing(record.tenant, record.prefix)), **ttl},
    )


def _place(hash_key: str, range_key: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": hash_key}, "sk": {"S": range_key}}
