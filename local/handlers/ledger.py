"""DynamoDB: tables."""

from typing import Any

from local.handlers.resource import Handler, Inputs, KeepsData, Outputs, found, tag_list

_NO_TABLE = ("ResourceNotFoundException",)


class Table(Handler):
    known = frozenset(
        {
            "name",
            "billingMode",
            "hashKey",
            "rangeKey",
            "attributes",
            "globalSecondaryIndexes",
            "ttl",
            "pointInTimeRecovery",
            "serverSideEncryption",
            "deletionProtectionEnabled",
            "tags",
        }
    )
    replaced_by = frozenset({"name", "hashKey", "rangeKey"})

    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        dynamodb, name = self.clients["dynamodb"], inputs["name"]
        there = self._describe(name)
        if there is None:
            dynamodb.create_table(**_creation(inputs))
            dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        else:
            self._converge(there, inputs)
        self._settings(inputs)
        return name, self._outputs(name)

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        return None if self._describe(identity) is None else self._outputs(identity)

    def delete(self, identity: str, inputs: Inputs) -> None:
        if inputs.get("deletionProtectionEnabled"):
            raise KeepsData(f"table {identity} is protected from deletion by the program")
        found(lambda: self.clients["dynamodb"].delete_table(TableName=identity), *_NO_TABLE)

    def _describe(self, name: str) -> dict[str, Any] | None:
        return found(lambda: self.clients["dynamodb"].describe_table(TableName=name)["Table"], *_NO_TABLE)

    def _converge(self, there: dict[str, Any], inputs: Inputs) -> None:
        """Add and remove indexes, one an update, as DynamoDB wants it."""
        dynamodb = self.clients["dynamodb"]
        wanted = {index["name"]: index for index in inputs.get("globalSecondaryIndexes", [])}
        have = {index["IndexName"] for index in there.get("GlobalSecondaryIndexes") or []}
        changes: list[dict[str, Any]] = [{"Delete": {"IndexName": name}} for name in sorted(have - wanted.keys())]
        changes += [{"Create": _index(wanted[name])} for name in sorted(wanted.keys() - have)]
        for change in changes:
            dynamodb.update_table(
                TableName=inputs["name"],
                AttributeDefinitions=_attributes(inputs),
                GlobalSecondaryIndexUpdates=[change],
            )
        protected = bool(inputs.get("deletionProtectionEnabled"))
        if bool(there.get("DeletionProtectionEnabled")) != protected:
            dynamodb.update_table(TableName=inputs["name"], DeletionProtectionEnabled=protected)

    def _settings(self, inputs: Inputs) -> None:
        dynamodb, name = self.clients["dynamodb"], inputs["name"]
        ttl = inputs.get("ttl")
        if ttl:
            dynamodb.update_time_to_live(
                TableName=name,
                TimeToLiveSpecification={"Enabled": ttl.get("enabled", True), "AttributeName": ttl["attributeName"]},
            )
        recovery = inputs.get("pointInTimeRecovery")
        if recovery:
            dynamodb.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery["enabled"]}
            )

    def _outputs(self, name: str) -> Outputs:
        described = self._describe(name) or {}
        return {"id": name, "arn": described.get("TableArn"), "streamArn": described.get("LatestStreamArn") or ""}


def _creation(inputs: Inputs) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "TableName": inputs["name"],
        "BillingMode": inputs.get("billingMode", "PROVISIONED"),
        "KeySchema": _keys(inputs),
        "AttributeDefinitions": _attributes(inputs),
        "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
        "Tags": tag_list(inputs),
    }
    if inputs.get("globalSecondaryIndexes"):
        wanted["GlobalSecondaryIndexes"] = [_index(index) for index in inputs["globalSecondaryIndexes"]]
    return wanted


def _keys(given: Inputs) -> list[dict[str, str]]:
    keys = [{"AttributeName": given["hashKey"], "KeyType": "HASH"}]
    if given.get("rangeKey"):
        keys.append({"AttributeName": given["rangeKey"], "KeyType": "RANGE"})
    return keys


def _attributes(inputs: Inputs) -> list[dict[str, str]]:
    return [{"AttributeName": one["name"], "AttributeType": one["type"]} for one in inputs["attributes"]]


def _index(given: Inputs) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": given["projectionType"]}
    if given.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = given["nonKeyAttributes"]
    return {"IndexName": given["name"], "KeySchema": _keys(given), "Projection": projection}
