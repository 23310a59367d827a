"""What the price counts is what the program declares: gateways, endpoints, addresses, keys, alarms, disks."""

import json
from typing import Any

import msgspec
import pytest

from components import price_file
from components.cost import monthly, monthly_foundation
from components.foundation_settings import FoundationConfig
from components.needs import needs
from components.quotas import ADDRESSES, VPCS, limits
from components.settings import PipelineConfig
from tests.support.everything import PUBLIC_KEY
from tests.support.plan import Plan, record, stack_settings

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "dev": ("dev", {}),
    "prod": ("prod", {}),
    "one gateway, on the internet": (
        "prod",
        {
            "network": {"zones": ["a", "b", "c"], "nat_gateways": "one"},
            "balancer": {"domain": "a.example.com", "hosted_zone_id": "Z1"},
        },
    ),
    "no way to the internet": ("prod", {"network": {"egress": "endpoints"}}),
    "a key for the alarms alone": ("prod", {"customer_key": False, "alarms": {"dashboard": False}}),
    "no way to the internet, with delivery": (
        "prod",
        {"network": {"egress": "endpoints"}, "delivery": {"public_keys": {"first": PUBLIC_KEY}}},
    ),
    "nobody is told": ("prod", {"alarms": None, "transform": {"isolated": False}}),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[PipelineConfig, Plan]:
    stack, over = CASES[request.param]
    _, pipeline = stack_settings(stack)
    return msgspec.convert(laid_over(pipeline, over), PipelineConfig), record(stack, over)


def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """As `record` does it: field by field, None removes one."""
    merged = {**below}
    for key, value in above.items():
        inner = merged.get(key)
        merged[key] = laid_over(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return {key: value for key, value in merged.items() if value is not None}


def counted(config: PipelineConfig, item: str) -> float:
    return sum(need.count for need in needs(config) if need.item == item)


def billed(alarm: dict[str, Any]) -> int:
    """Metrics that an alarm looks at; an expression is none."""
    return sum("metric" in query for query in alarm.get("metricQueries", [])) or 1


def tracked(policy: dict[str, Any]) -> int:
    """Of one of the two alarms that AWS makes for a policy."""
    custom = policy["targetTrackingConfiguration"].get("customizedMetricSpecification", {})
    return sum("metricStat" in metric for metric in custom.get("metrics", [])) or 1


def test_everything_that_is_paid_by_the_hour_is_counted_as_often_as_it_is_declared(
    case: tuple[PipelineConfig, Plan],
) -> None:
    config, plan = case
    endpoints = [one.inputs for one in plan.of("VpcEndpoint") if one.inputs["vpcEndpointType"] == "Interface"]
    balancers = [one.inputs for one in plan.of("LoadBalancer") if not one.is_component]
    # one on the internet has an address in each of its zones
    doors = sum(len(one["subnets"]) for one in balancers if not one["internal"])
    hosts = sum(one.inputs["minSize"] for one in plan.of("Group"))
    services = [config.hosts.upload, config.hosts.processing] if config.hosts else []
    if not any(service.image for service in services):
        # a group without an image is declared empty; the price is of the hosts that there will be
        hosts = sum(service.min_hosts for service in services)
    templates = [one.inputs for one in plan.of("LaunchTemplate")]
    open_hosts = any(
        interface.get("associatePublicIpAddress") == "true" or interface.get("associatePublicIpAddress") is True
        for one in templates
        for interface in one.get("networkInterfaces", [])
    )
    declared = {
        "nat-gateway": len(plan.of("NatGateway")),
        "load-balancer": len(balancers),
        "interface-endpoint": sum(len(one["subnetIds"]) for one in endpoints),
        "public-ipv4": len(plan.of("Eip")) + doors + (hosts if open_hosts else 0),
        "kms-key": len(plan.of("Key")),
        "dashboard": len(plan.of("Dashboard")),
        "alarm-metric": sum(billed(one.inputs) for one in plan.of("MetricAlarm"))
        + 2 * sum(tracked(one.inputs) for one in plan.of("Policy") if "policyType" in one.inputs),
    }
    assert {item: counted(config, item) for item in declared} == declared
    disks = [one["blockDeviceMappings"][0]["ebs"]["volumeSize"] for one in templates]
    assert set(disks) == {config.hosts.volume_gb} if config.hosts else not disks


def test_the_quotas_count_what_is_declared(case: tuple[PipelineConfig, Plan]) -> None:
    config, plan = case
    at_rest = {limit.quota.name: limit.at_rest for limit in limits(config)}
    assert at_rest.get(ADDRESSES.name, 0) == len(plan.of("Eip"))
    assert at_rest.get(VPCS.name, 0) == len(plan.of("Vpc"))


def test_the_foundation_declares_the_keys_that_it_is_priced_with() -> None:
    cost = monthly_foundation(FoundationConfig(), "eu-west-1", price_file.read())
    assert len(cost.lines) == len(record("foundation").of("Key"))


def test_the_prices_of_the_stacks_of_the_tree_are_all_known() -> None:
    for stack in ("dev", "prod"):
        region, pipeline = stack_settings(stack)
        cost = monthly(msgspec.convert(pipeline, PipelineConfig), region, price_file.read())
        assert cost.not_counted == ()
        assert json.dumps(cost.as_export())
