"""The tables are those of the contracts."""

import pytest

from contracts.tables import BY_TENANT, DUE, JOBS, REGISTRY, Table
from tests.support.plan import Plan


@pytest.mark.parametrize("table", [JOBS, REGISTRY], ids=lambda table: table.name)
def test_a_table_has_the_keys_that_adapters_use(plan: Plan, table: Table) -> None:
    declared = plan.one("Table", table.name).inputs
    assert declared["hashKey"] == table.hash_key
    assert declared.get("rangeKey") == table.range_key
    assert {one["name"]: one["type"] for one in declared["attributes"]} == table.attributes
    assert declared["ttl"] == {"attributeName": table.ttl, "enabled": True}


def test_the_index_of_what_is_due_holds_keys_alone(plan: Plan) -> None:
    due, by_tenant = plan.one("Table", "jobs").inputs["globalSecondaryIndexes"]
    assert due == {"name": DUE.name, "hashKey": "shard", "rangeKey": "due_at", "projectionType": "KEYS_ONLY"}
    assert by_tenant == {
        "name": BY_TENANT.name,
        "hashKey": "tenant_day",
        "rangeKey": "created_at",
        "projectionType": "INCLUDE",
        "nonKeyAttributes": list(BY_TENANT.projected or ()),
    }


def test_every_table_can_be_brought_back_and_is_paid_by_the_request(plan: Plan) -> None:
    assert {one.name for one in plan.of("Table")} == {"jobs", "registry"}
    for table in plan.of("Table"):
        assert table.inputs["pointInTimeRecovery"] == {"enabled": True}
        assert table.inputs["billingMode"] == "PAY_PER_REQUEST"
