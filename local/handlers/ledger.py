"""DynamoDB: tables."""

from typing import Any, ClassVar

from local.handlers.resource import (
    CLOUDFORMATION,
    Handler,
    Inputs,
    KeepsData,
    Outputs,
    found,
    no_longer,
    tag_list,
    tags_of,
)

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
    # a key that is recorded and not there
    unseeable = frozenset({"serverSideEncryption"})
    replaced_by: ClassVar = dict.fromkeys(
        ("name", "hashKey", "rangeKey"), f"{CLOUDFORMATION}/aws-resource-dynamodb-table.html"
    )

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

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        dynamodb, arn = self.clients["dynamodb"], self._outputs(identity)["arn"]
        if gone := no_longer(old, new):
            dynamodb.untag_resource(ResourceArn=arn, TagKeys=gone)
        if new.get("tags"):
            dynamodb.tag_resource(ResourceArn=arn, Tags=tag_list(new))
        before, after = (_attribute_of_life(inputs) for inputs in (old, new))
        if before is not None and before != after:
            # DynamoDB takes one attribute at a time, and another only after the first was given up
            self._live(identity, before, enabled=False)
        return self.create(new)[1]

    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        return None if self._describe(identity) is None else self._outputs(identity)

    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        dynamodb, table = self.clients["dynamodb"], self._describe(identity) or {}
        life = dynamodb.describe_time_to_live(TableName=identity)["TimeToLiveDescription"]
        backups = dynamodb.describe_continuous_backups(TableName=identity)["ContinuousBackupsDescription"]
        recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"
        there: Inputs = {
            "name": identity,
            "billingMode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            **_keys_of(table["KeySchema"]),
            "attributes": _in_order(inputs.get("attributes", []), _attributes_of(table)),
            "deletionProtectionEnabled": bool(table.get("DeletionProtectionEnabled")),
            "pointInTimeRecovery": {"enabled": recovery},
            "tags": tags_of(dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags", [])),
        }
        if table.get("GlobalSecondaryIndexes"):
            indexes = [_index_of(index) for index in table["GlobalSecondaryIndexes"]]
            there["globalSecondaryIndexes"] = _in_order(inputs.get("globalSecondaryIndexes", []), indexes)
        if life.get("TimeToLiveStatus") == "ENABLED":
            there["ttl"] = {"attributeName": life["AttributeName"], "enabled": True}
        return there

    def delete(self, identity: str, inputs: Inputs) -> None:
        if inputs.get("deletionProtectionEnabled"):
            raise KeepsData(f"table {identity} is protected from deletion by the program")
        found(lambda: self.clients["dynamodb"].delete_table(TableName=identity), *_NO_TABLE)

    def _describe(self, name: str) -> dict[str, Any] | None:
        return found(lambda: self.clients["dynamodb"].describe_table(TableName=name)["Table"], *_NO_TABLE)

    def _converge(self, there: dict[str, Any], inputs: Inputs) -> None:
        """Add and remove indexes, one an update, as DynamoDB wants it; then what can be changed in one."""
        dynamodb = self.clients["dynamodb"]
        wanted = {index["name"]: index for index in inputs.get("globalSecondaryIndexes", [])}
        have = {index["IndexName"]: _index_of(index) for index in there.get("GlobalSecondaryIndexes") or []}
        # an index cannot be changed, but it can be made anew: the table's items are all that counts
        gone = [name for name in sorted(have) if have[name] != wanted.get(name)]
        changes: list[dict[str, Any]] = [{"Delete": {"IndexName": name}} for name in gone]
        changes += [{"Create": _index(wanted[name])} for name in sorted(wanted) if have.get(name) != wanted[name]]
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
        attribute = _attribute_of_life(inputs)
        if attribute is not None:
            self._live(name, attribute, enabled=True)
        recovery = inputs.get("pointInTimeRecovery")
        if recovery:
            dynamodb.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery["enabled"]}
            )

    def _live(self, name: str, attribute: str, *, enabled: bool) -> None:
        """Have items end at the time that the attribute says, or no longer."""
        self.clients["dynamodb"].update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute}
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


def _keys_of(schema: list[dict[str, str]]) -> Inputs:
    """Inverse of `_keys`."""
    fields = {"HASH": "hashKey", "RANGE": "rangeKey"}
    return {fields[key["KeyType"]]: key["AttributeName"] for key in schema}


def _attributes(inputs: Inputs) -> list[dict[str, str]]:
    return [{"AttributeName": one["name"], "AttributeType": one["type"]} for one in inputs["attributes"]]


def _attributes_of(table: dict[str, Any]) -> list[Inputs]:
    """Inverse of `_attributes`."""
    return [{"name": one["AttributeName"], "type": one["AttributeType"]} for one in table["AttributeDefinitions"]]


def _index(given: Inputs) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": given["projectionType"]}
    if given.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = given["nonKeyAttributes"]
    return {"IndexName": given["name"], "KeySchema": _keys(given), "Projection": projection}


def _index_of(index: dict[str, Any]) -> Inputs:
    """Inverse of `_index`."""
    projection = index["Projection"]
    more = {"nonKeyAttributes": projection["NonKeyAttributes"]} if projection.get("NonKeyAttributes") else {}
    named = {"name": index["IndexName"], "projectionType": projection["ProjectionType"]}
    return {**named, **_keys_of(index["KeySchema"]), **more}


def _in_order(written: list[Inputs], there: list[Inputs]) -> list[Inputs]:
    """What is there, in the order in which the program names it: AWS keeps none."""
    places = {one["name"]: place for place, one in enumerate(written)}
    return sorted(there, key=lambda one: (places.get(one["name"], len(places)), one["name"]))


def _attribute_of_life(inputs: Inputs) -> str | None:
    ttl = inputs.get("ttl")
    return ttl["attributeName"] if ttl and ttl.get("enabled", True) else None
