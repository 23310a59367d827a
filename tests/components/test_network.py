"""The network in every configuration: what leads where, and what is paid for."""

from collections import Counter
from typing import Any

import pulumi_aws as aws
import pytest

from components import naming
from components.site import Network as Settings
from components.subnets import zone_subnets
from tests.support.laws import broken
from tests.support.plan import Declared, Plan
from tests.support.sites import CONFIGURATIONS, HOST_SERVICES, REGION, a_network, network, planned, untagged

ANYWHERE = "0.0.0.0/0"


@pytest.fixture(params=CONFIGURATIONS, ids="-".join)
def configuration(request: pytest.FixtureRequest) -> tuple[str, str, str, str]:
    return request.param


def table_of(plan: Plan, subnet: str) -> str:
    """Name of the one table that says where a subnet leads."""
    joined = [one for one in plan.of("RouteTableAssociation") if one.inputs["subnetId"] == f"{subnet}-id"]
    assert len(joined) == 1
    return joined[0].inputs["routeTableId"].removesuffix("-id")


def default_route(plan: Plan, table: str) -> dict[str, Any] | None:
    """Where a table leads that names no other way."""
    routes = [one.inputs for one in plan.of("Route") if one.inputs["routeTableId"] == f"{table}-id"]
    assert len(routes) <= 1
    assert all(one["destinationCidrBlock"] == ANYWHERE for one in routes)
    return {key: value for key, value in routes[0].items() if key.endswith("atewayId")} if routes else None


def gateways_of(plan: Plan, table: str) -> set[str]:
    """Services that a table leads to through gateway endpoints."""
    made = [one for one in plan.of("VpcEndpoint") if one.inputs["vpcEndpointType"] == "Gateway"]
    return {one.name for one in made if f"{table}-id" in one.inputs["routeTableIds"]}


def interfaces(plan: Plan) -> list[Declared]:
    return [one for one in plan.of("VpcEndpoint") if one.inputs["vpcEndpointType"] == "Interface"]


def test_every_configuration_keeps_the_laws_of_the_plan(configuration: tuple[str, str, str, str]) -> None:
    assert broken(network(*configuration)) == []


def test_everything_that_takes_tags_has_them(configuration: tuple[str, str, str, str]) -> None:
    plan = network(*configuration)
    assert sum("tags" in one.inputs for one in plan) > 10
    assert untagged(plan) == []


def test_every_component_registers_its_outputs_and_adopts_its_children() -> None:
    plan = network("endpoints", "one", "ab", "sqs", flow_logs=True)
    components = {one.urn for one in plan if one.is_component}
    assert {one.type for one in plan if one.is_component} == {
        "darkroom:network:Network",
        "darkroom:endpoints:Endpoints",
        "darkroom:identity:ProcessRole",
    }
    assert all(plan.outputs[urn] for urn in components)
    assert [one.name for one in plan if one.parent not in components] == ["network"]


def test_the_network_has_names(configuration: tuple[str, str, str, str]) -> None:
    (vpc,) = network(*configuration).of("Vpc")
    assert vpc.inputs["cidrBlock"] == "10.60.0.0/16"
    assert (vpc.inputs["enableDnsSupport"], vpc.inputs["enableDnsHostnames"]) == (True, True)


def test_each_zone_has_its_three_subnets_where_arithmetic_puts_them(configuration: tuple[str, str, str, str]) -> None:
    zones = configuration[2]
    assert {one.name: one.inputs["cidrBlock"] for one in network(*configuration).of("Subnet")} == {
        f"network-{tier}-{zone}": getattr(blocks, tier)
        for zone, blocks in zone_subnets("10.60.0.0/16", zones).items()
        for tier in ("public", "private", "isolated")
    }
    for one in network(*configuration).of("Subnet"):
        assert one.inputs["availabilityZone"] == f"{REGION}{one.name[-1]}"


def test_no_subnet_gives_public_addresses_by_itself(configuration: tuple[str, str, str, str]) -> None:
    plan = network(*configuration)
    assert {one.inputs["mapPublicIpOnLaunch"] for one in plan.of("Subnet")} == {False}


def test_public_subnets_lead_to_the_internet(configuration: tuple[str, str, str, str]) -> None:
    plan = network(*configuration)
    for zone in configuration[2]:
        table = table_of(plan, f"network-public-{zone}")
        assert default_route(plan, table) == {"gatewayId": "network-id"}
        assert gateways_of(plan, table) == {"s3", "dynamodb"}
    assert len(plan.of("InternetGateway")) == 1


def test_private_subnets_lead_out_through_nat_or_not_at_all(configuration: tuple[str, str, str, str]) -> None:
    egress, nat, zones, _ = configuration
    plan = network(*configuration)
    for zone in zones:
        table = table_of(plan, f"network-private-{zone}")
        through = zone if nat == "per_zone" else zones[0]
        expected = {"natGatewayId": f"network-nat-{through}-id"} if egress == "nat" else None
        assert default_route(plan, table) == expected
        assert gateways_of(plan, table) == {"s3", "dynamodb"}


def test_isolated_subnets_lead_to_s3_and_nowhere_else(configuration: tuple[str, str, str, str]) -> None:
    plan = network(*configuration)
    for zone in configuration[2]:
        table = table_of(plan, f"network-isolated-{zone}")
        assert default_route(plan, table) is None
        assert gateways_of(plan, table) == {"s3"}


def test_nat_gateways_are_where_they_are_asked_for_and_paid_for(configuration: tuple[str, str, str, str]) -> None:
    egress, nat, zones, _ = configuration
    plan = network(*configuration)
    asked = {"one": zones[:1], "per_zone": zones}[nat] if egress == "nat" else ""
    gateways = {one.name: one.inputs for one in plan.of("NatGateway")}
    assert {name: (one["subnetId"], one["allocationId"]) for name, one in gateways.items()} == {
        f"network-nat-{zone}": (f"network-public-{zone}-id", f"network-nat-{zone}-id") for zone in asked
    }
    assert {one.name for one in plan.of("Eip")} == set(gateways)
    internet = plan.one("Route", "network-public").urn
    assert all(internet in one.depends_on for one in plan.of("NatGateway") + plan.of("Eip"))


def test_interface_endpoints_are_where_they_are_asked_for_and_paid_for(
    configuration: tuple[str, str, str, str],
) -> None:
    egress, _, zones, isolated = configuration
    plan = network(*configuration)
    asked = set(filter(None, [isolated])) | (HOST_SERVICES - {"s3"} if egress == "endpoints" else set())
    assert {one.name for one in interfaces(plan)} == asked
    for one in interfaces(plan):
        assert one.inputs["serviceName"] == f"com.amazonaws.{REGION}.{one.name}"
        assert one.inputs["privateDnsEnabled"] is True
        assert one.inputs["subnetIds"] == [f"network-isolated-{zone}-id" for zone in zones]
        inner = one.name == isolated
        assert one.inputs["securityGroupIds"] == ["isolated-endpoints-id" if inner else "host-endpoints-id"]


def test_a_service_has_one_endpoint_because_its_private_name_can_lead_to_one_only(
    configuration: tuple[str, str, str, str],
) -> None:
    services = Counter(one.inputs["serviceName"] for one in network(*configuration).of("VpcEndpoint"))
    assert {"com.amazonaws.eu-west-1.s3", "com.amazonaws.eu-west-1.dynamodb"} <= set(services)
    assert set(services.values()) == {1}


def test_nothing_comes_in_but_https_from_the_network_to_endpoints(configuration: tuple[str, str, str, str]) -> None:
    plan = network(*configuration)
    groups = {one.inputs["securityGroupIds"][0] for one in interfaces(plan)}
    rules = [one.inputs for one in plan.of("SecurityGroupIngressRule")]
    assert [
        {key: rule[key] for key in ("securityGroupId", "cidrIpv4", "ipProtocol", "fromPort", "toPort")}
        for rule in sorted(rules, key=lambda rule: rule["securityGroupId"])
    ] == [
        {"securityGroupId": group, "cidrIpv4": "10.60.0.0/16", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
        for group in sorted(groups)
    ]
    assert not any("ingress" in one.inputs or "egress" in one.inputs for one in plan.of("SecurityGroup"))


def test_out_of_isolation_there_is_https_to_s3_and_the_endpoints_asked_for(
    configuration: tuple[str, str, str, str],
) -> None:
    plan = network(*configuration)
    rules = {one.name: one.inputs for one in plan.of("SecurityGroupEgressRule")}
    expected = {"isolated-s3": ("prefixListId", "pl-00000000000000000")}
    if configuration[3]:
        expected["isolated-endpoints"] = ("referencedSecurityGroupId", "isolated-endpoints-id")
    assert set(rules) == set(expected)
    for name, (key, target) in expected.items():
        rule = rules[name]
        assert (rule["securityGroupId"], rule[key]) == ("isolated-id", target)
        assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 443, 443)
        assert len(rule.keys() & {"prefixListId", "referencedSecurityGroupId", "cidrIpv4", "cidrIpv6"}) == 1


def test_what_names_no_group_reaches_nothing(configuration: tuple[str, str, str, str]) -> None:
    (group,) = network(*configuration).of("DefaultSecurityGroup")
    assert (group.inputs["ingress"], group.inputs["egress"]) == ([], [])
    assert group.inputs["vpcId"] == "network-id"


@pytest.mark.parametrize("egress", ["nat", "endpoints", "public"])
def test_hosts_stand_where_their_way_out_is(egress: str) -> None:
    zones = "fbacde"
    seen: dict[str, Any] = {}

    def program(stage: Any) -> None:
        made = a_network(stage, Settings(egress=egress, zones=tuple(zones)))
        seen["address"] = made.hosts_get_public_address
        seen["cidr"] = made.cidr
        for what in ("public_subnet_ids", "host_subnet_ids", "isolated_subnet_ids"):
            for one in getattr(made, what):
                one.apply(lambda subnet, what=what: seen.setdefault(what, []).append(subnet))

    planned(program)
    tier = "public" if egress == "public" else "private"
    assert seen == {
        "address": egress == "public",
        "cidr": "10.60.0.0/16",
        "public_subnet_ids": [f"network-public-{zone}-id" for zone in zones],
        "host_subnet_ids": [f"network-{tier}-{zone}-id" for zone in zones],
        "isolated_subnet_ids": [f"network-isolated-{zone}-id" for zone in zones],
    }


@pytest.mark.parametrize("what", ["host_subnet_ids", "isolated_subnet_ids", "public_subnet_ids"])
def test_a_subnet_is_named_once_its_ways_are_there(what: str) -> None:
    """A host that boots before its way out cannot fetch what it is to run."""

    def program(stage: Any) -> None:
        made = a_network(stage, Settings(egress="nat"), isolated_services=frozenset({"sqs"}))
        aws.autoscaling.Group("stands", min_size=0, max_size=0, vpc_zone_identifiers=getattr(made, what))

    plan = planned(program)
    waits_for = set(plan.one("Group", "stands").depends_on)
    for kind in ("Route", "RouteTableAssociation", "VpcEndpoint"):
        assert plan.of(kind)
        assert {one.urn for one in plan.of(kind)} <= waits_for, kind


def test_a_network_without_hosts_pays_for_nothing_that_only_they_use() -> None:
    """A function in isolation needs a network, and no gateway by the hour."""
    for egress in ("nat", "endpoints", "public"):
        plan = network(egress, "per_zone", "ab", "sqs", with_hosts=False)
        assert plan.of("NatGateway") == plan.of("Eip") == []
        assert [one.name for one in interfaces(plan)] == ["sqs"]


def test_no_two_stacks_can_confuse_their_names() -> None:
    plan = network("endpoints", "one", "ab", "sqs", flow_logs=True)
    for kind in ("SecurityGroup", "Role"):
        whats = {one.inputs["name"].removeprefix("darkroom-dev-") for one in plan.of(kind)}
        assert whats
        assert naming.ambiguous(frozenset(whats)) == set()
