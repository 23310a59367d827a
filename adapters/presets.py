"""Presets of tenants in the registry.

    pk                 sk               document                    revision
    presets#<tenant>   <name>@<n>       the encoded ShelvedPreset   the condition of every write

A deleted one stays, so that its name is never given again.
"""

from typing import Any, Final

from adapters.clients import AwsClient
from adapters.errors import translated
from contracts.errors import RevisionMoved
from contracts.identifiers import Tenant
from contracts.presets import PresetName
from contracts.shelves import ShelvedPreset, decode_preset, encode_preset
from contracts.tables import presets_key

_REFUSED: Final = {"ConditionalCheckFailedException": RevisionMoved}


class DynamoPresets:
    """As `PresetShelf`."""

    def __init__(self, client: AwsClient, table: str) -> None:
        self._client = client
        self._table = table

    def preset(self, tenant: Tenant, name: PresetName) -> ShelvedPreset | None:
        with translated():
            answer = self._client.get_item(TableName=self._table, Key=_place(tenant, name), ConsistentRead=True)
        item = answer.get("Item")
        return None if item is None else decode_preset(item["document"]["B"])

    def presets(self, tenant: Tenant) -> list[ShelvedPreset]:
        found: list[ShelvedPreset] = []
        begin: dict[str, Any] = {}
        while True:
            with translated():
                page = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="#pk = :presets",
                    ExpressionAttributeNames={"#pk": "pk"},
                    ExpressionAttributeValues={":presets": {"S": presets_key(tenant)}},
                    ConsistentRead=True,
                    **begin,
                )
            found += [decode_preset(item["document"]["B"]) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            begin = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def keep(self, preset: ShelvedPreset) -> None:
        item = {
            **_place(preset.tenant, preset.name),
            "document": {"B": encode_preset(preset)},
            "revision": {"N": str(preset.revision)},
        }
        condition: dict[str, Any] = {
            "ConditionExpression": "attribute_not_exists(#pk)",
            "ExpressionAttributeNames": {"#pk": "pk"},
        }
        if preset.revision > 1:
            condition = {
                "ConditionExpression": "#revision = :before",
                "ExpressionAttributeNames": {"#revision": "revision"},
                "ExpressionAttributeValues": {":before": {"N": str(preset.revision - 1)}},
            }
        with translated(_REFUSED):
            self._client.put_item(TableName=self._table, Item=item, **condition)


def _place(tenant: Tenant, name: PresetName) -> dict[str, dict[str, str]]:
    return {"pk": {"S": presets_key(tenant)}, "sk": {"S": name}}
