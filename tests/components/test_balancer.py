"""The load balancer: with a domain the one open door of a stack, without one open to the network alone."""

import json
from functools import cache
from typing import Any

import pulumi
import pytest

from components.balancer import DEREGISTRATION_SECONDS, LoadBalancer
from components.site import Balancer, site_contradictions
from components.site import Network as NetworkSettings
from components.stage import Stage
from contracts.limits import MAX_WAIT_SECONDS
from services.edge.serving import DRAIN_SECONDS, KEEP_ALIVE_SECONDS
from tests.support.laws import broken
from tests.support.plan import ACCOUNT, Declared, Plan
from tests.support.sites import REGION, a_network, planned, untagged

PORT = 8000
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/00000000-0000-4000-8000-000000000000"
DOMAIN, ZONE = "pictures.example.com", "Z0123456789ABC"

INTERNAL: dict[str, Any] = {}
PROVEN = {"domain": DOMAIN, "hosted_zone_id": ZONE}
GIVEN = {"domain": DOMAIN, "certificate_arn": CERTIFICATE}
BOTH = {**PROVEN, **GIVEN}
CONFIGURATIONS = {"internal": INTERNAL, "proven": PROVEN, "given": GIVEN, "both": BOTH}


@cache
def balanced(kind: str, egress: str = "public", **stage_values: Any) -> Plan:
    return declared(CONFIGURATIONS[kind], egress, **stage_values)


def declared(settings: dict[str, Any], egress: str = "public", **stage_values: Any) -> Plan:
    def program(stage: Stage) -> None:
        network = a_network(stage, NetworkSettings(egress=egress))
        made = LoadBalancer("balancer", stage=stage, settings=Balancer(**settings), network=network, port=PORT)
        for what in ("url", "dns_name", "arn_suffix", "target_group_arn", "target_group_arn_suffix"):
            pulumi.export(what, getattr(made, what))

    return planned(program, **stage_values)


@pytest.fixture(params=[(kind, egress) for kind in CONFIGURATIONS for egress in ("nat", "public")], ids="-".join)
def configuration(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture(params=["proven", "given", "both"])
def public(request: pytest.FixtureRequest) -> Plan:
    return balanced(request.param)


def callers(plan: Plan) -> set[tuple[str, int, int]]:
    rules = [one.inputs for one in plan.of("SecurityGroupIngressRule")]
    assert {(rule["securityGroupId"], rule["ipProtocol"]) for rule in rules} == {("balancer-id", "tcp")}
    return {(rule["cidrIpv4"], rule["fromPort"], rule["toPort"]) for rule in rules}


def the_balancer(plan: Plan) -> Declared:
    """The one of AWS, which has the name and nearly the type of ours."""
    (made,) = (one for one in plan.of("LoadBalancer") if not one.is_component)
    return made


def balancer_of(plan: Plan) -> dict[str, Any]:
    return the_balancer(plan).inputs


def listeners(plan: Plan) -> dict[int, dict[str, Any]]:
    return {one.inputs["port"]: one.inputs for one in plan.of("Listener")}


def test_every_configuration_keeps_the_laws_of_the_plan(configuration: tuple[str, str]) -> None:
    assert broken(balanced(*configuration)) == []


def test_everything_that_takes_tags_has_them(configuration: tuple[str, str]) -> None:
    plan = balanced(*configuration)
    assert plan.of("Listener")
    assert untagged(plan) == []


def test_every_component_registers_its_outputs(configuration: tuple[str, str]) -> None:
    plan = balanced(*configuration)
    kinds = {one.type for one in plan if one.is_component}
    assert {"darkroom:balancer:LoadBalancer", "darkroom:accesslogs:AccessLogs"} <= kinds
    assert all(plan.outputs[one.urn] for one in plan if one.is_component)


def test_with_a_domain_it_stands_on_the_internet(public: Plan) -> None:
    made = balancer_of(public)
    assert made["internal"] is False
    assert made["subnets"] == ["network-public-a-id", "network-public-b-id"]
    assert callers(public) == {("0.0.0.0/0", 80, 80), ("0.0.0.0/0", 443, 443)}
    assert public.exports["url"] == f"https://{DOMAIN}"


def test_with_a_domain_http_leads_to_https_and_nowhere_else(public: Plan) -> None:
    assert set(listeners(public)) == {80, 443}
    assert listeners(public)[80]["protocol"] == "HTTP"
    assert listeners(public)[80]["defaultActions"] == [
        {"type": "redirect", "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"}}
    ]


def test_https_speaks_modern_tls_and_leads_to_the_hosts(public: Plan) -> None:
    https = listeners(public)[443]
    assert (https["protocol"], https["sslPolicy"]) == ("HTTPS", "ELBSecurityPolicy-TLS13-1-2-2021-06")
    assert https["certificateArn"].startswith("arn:aws:acm:")
    assert https["defaultActions"] == [{"type": "forward", "targetGroupArn": public.exports["target_group_arn"]}]


@pytest.mark.parametrize("egress", ["nat", "public", "endpoints"])
def test_without_a_domain_it_is_reached_from_the_network_alone(egress: str) -> None:
    plan = balanced("internal", egress)
    made = balancer_of(plan)
    tier = "public" if egress == "public" else "private"
    assert made["internal"] is True
    assert made["subnets"] == [f"network-{tier}-a-id", f"network-{tier}-b-id"]
    assert callers(plan) == {("10.60.0.0/16", 80, 80)}
    assert set(listeners(plan)) == {80}
    assert listeners(plan)[80]["defaultActions"][0]["type"] == "forward"
    assert plan.exports["url"] == "http://made.elb.amazonaws.com"
    assert plan.of("Certificate") == plan.of("Record") == []


def test_it_leads_to_hosts_on_their_port_and_nowhere_else(configuration: tuple[str, str]) -> None:
    rules = [one.inputs for one in balanced(*configuration).of("SecurityGroupEgressRule") if one.name == "balancer"]
    assert [
        {key: rule[key] for key in ("securityGroupId", "cidrIpv4", "ipProtocol", "fromPort", "toPort")}
        for rule in rules
    ] == [
        {
            "securityGroupId": "balancer-id",
            "cidrIpv4": "10.60.0.0/16",
            "ipProtocol": "tcp",
            "fromPort": PORT,
            "toPort": PORT,
        }
    ]


def test_callers_come_from_the_blocks_that_are_allowed_each_named_once() -> None:
    plan = declared({**GIVEN, "allowed_cidrs": ("203.0.113.0/24", "198.51.100.7/32", "203.0.113.0/24")})
    blocks = ("203.0.113.0/24", "198.51.100.7/32")
    assert callers(plan) == {(block, port, port) for block in blocks for port in (80, 443)}
    assert len(plan.of("SecurityGroupIngressRule")) == 4
    assert callers(declared({"allowed_cidrs": blocks})) == {("10.60.0.0/16", 80, 80)}


def test_a_certificate_is_made_and_proven_in_the_zone() -> None:
    plan = balanced("proven")
    (certificate,) = plan.of("Certificate")
    assert (certificate.inputs["domainName"], certificate.inputs["validationMethod"]) == (DOMAIN, "DNS")
    proof = plan.one("Record", "balancer-proof").inputs
    assert (proof["zoneId"], proof["name"], proof["type"]) == (ZONE, f"_proof.{DOMAIN}.", "CNAME")
    assert proof["records"] == ["_aws."]
    (valid,) = plan.of("CertificateValidation")
    assert valid.inputs["certificateArn"] == certificate.state["arn"]
    assert valid.urn in plan.one("Listener", "balancer-https").depends_on


def test_a_certificate_that_is_there_already_is_taken() -> None:
    for kind in ("given", "both"):
        plan = balanced(kind)
        assert plan.of("Certificate") == plan.of("CertificateValidation") == []
        assert listeners(plan)[443]["certificateArn"] == CERTIFICATE


def test_the_address_is_written_where_the_zone_is_ours() -> None:
    for kind in ("proven", "both"):
        address = balanced(kind).one("Record", "balancer-address").inputs
        assert (address["zoneId"], address["name"], address["type"]) == (ZONE, DOMAIN, "A")
        assert address["aliases"][0]["name"] == "made.elb.amazonaws.com"
    assert balanced("given").of("Record") == []


def test_a_domain_without_a_proof_is_refused() -> None:
    with pytest.raises(ValueError, match="neither a certificate nor a zone"):
        declared({"domain": DOMAIN})


def test_a_name_that_no_certificate_is_made_for_is_refused_at_once() -> None:
    long = f"{'a' * 60}.example.com"
    refused = site_contradictions(None, None, Balancer(domain=long, hosted_zone_id=ZONE))
    assert any(line.startswith("balancer.domain: AWS makes no certificate") for line in refused)
    for fine in (
        Balancer(domain=long, certificate_arn=CERTIFICATE),
        Balancer(domain=long[:56] + ".example"),
        Balancer(),
    ):
        assert not any("makes no certificate" in line for line in site_contradictions(None, None, fine))


def test_requests_that_say_two_things_do_not_pass(configuration: tuple[str, str]) -> None:
    made = balancer_of(balanced(*configuration))
    assert made["dropInvalidHeaderFields"] is True
    assert made["desyncMitigationMode"] == "defensive"
    assert made["xffHeaderProcessingMode"] == "append"
    assert made["enableHttp2"] is True


def test_the_balancer_gives_up_after_the_longest_wait_and_before_the_service() -> None:
    """Whoever closes an idle connection first must not be the one that the next request is sent to."""
    plan = declared({"idle_timeout_seconds": 55})
    assert balancer_of(plan)["idleTimeout"] == 55
    (bounds,) = Balancer.__annotations__["idle_timeout_seconds"].__metadata__
    assert MAX_WAIT_SECONDS < bounds.ge <= Balancer().idle_timeout_seconds <= bounds.le < KEEP_ALIVE_SECONDS


def test_targets_are_hosts_that_say_they_are_ready(configuration: tuple[str, str]) -> None:
    plan = balanced(*configuration)
    (targets,) = plan.of("TargetGroup")
    assert {key: targets.inputs[key] for key in ("targetType", "protocol", "port", "vpcId")} == {
        "targetType": "instance",
        "protocol": "HTTP",
        "port": PORT,
        "vpcId": "network-id",
    }
    health = targets.inputs["healthCheck"]
    assert (health["path"], health["port"], health["matcher"]) == ("/readyz", "traffic-port", "200")
    assert health["timeout"] < health["interval"]
    assert targets.inputs["loadBalancingAlgorithmType"] == "least_outstanding_requests"


def test_a_host_that_leaves_ends_what_it_began() -> None:
    assert balanced("internal").of("TargetGroup")[0].inputs["deregistrationDelay"] == DEREGISTRATION_SECONDS
    assert DRAIN_SECONDS < DEREGISTRATION_SECONDS


def test_it_refuses_to_be_deleted_where_the_stack_does() -> None:
    for protected in (True, False):
        plan = balanced("internal", deletion_protection=protected)
        assert balancer_of(plan)["enableDeletionProtection"] is protected
        assert plan.one("Bucket", "access-logs").protected is protected


def test_its_logs_are_private_and_forgotten() -> None:
    plan = declared({"access_log_days": 7}, force_destroy=True)
    bucket = plan.one("Bucket", "access-logs")
    assert bucket.inputs["bucket"] == f"darkroom-dev-access-{ACCOUNT}-{REGION}"
    assert bucket.inputs["forceDestroy"] is True
    (rule,) = plan.one("BucketLifecycleConfiguration", "access-logs").inputs["rules"]
    assert (rule["expiration"], rule["filter"], rule["status"]) == ({"days": 7}, {"prefix": ""}, "Enabled")
    assert balancer_of(plan)["accessLogs"] == {"bucket": "access-logs-id", "enabled": True}


def test_its_logs_are_encrypted_with_the_only_keys_that_it_can_write_with() -> None:
    """Whatever key the stack has: with any other the balancer could not be made."""
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/made"
    rules = [
        plan.one("BucketServerSideEncryptionConfiguration", "access-logs").inputs["rules"]
        for plan in (balanced("internal"), declared(INTERNAL, key_arn=key))
    ]
    assert rules[0] == rules[1] == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]


def test_its_logs_are_written_by_it_alone_and_never_without_tls() -> None:
    plan = balanced("internal")
    arn = f"arn:aws:s3:::darkroom-dev-access-{ACCOUNT}-{REGION}"
    balancers = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/darkroom-dev-upload/*"
    written, *refused = json.loads(plan.one("BucketPolicy", "access-logs").inputs["policy"])["Statement"]
    assert written == {
        "Sid": "BalancerWrites",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{arn}/AWSLogs/{ACCOUNT}/*",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": balancers},
        },
    }
    assert [(one["Effect"], one["Principal"], one["Resource"]) for one in refused] == [
        ("Deny", "*", [arn, f"{arn}/*"])
    ] * 2
    assert plan.one("BucketPolicy", "access-logs").urn in the_balancer(plan).depends_on


@pytest.mark.parametrize("stack", ["abcdefghijklmnop", "Dev.With.A.Long.Name", "x" * 100, "dev"])
def test_its_names_fit_whatever_the_stack_is_called(stack: str) -> None:
    plan = declared(INTERNAL, stack=stack, region="ap-southeast-2")
    assert len(plan.one("Bucket", "access-logs").inputs["bucket"]) <= 63
    for one in (the_balancer(plan), *plan.of("TargetGroup")):
        assert one.inputs["name"].startswith("darkroom-")
        assert len(one.inputs["name"]) <= 32
        assert not one.inputs["name"].endswith("-")


def test_it_is_told_of_subnets_once_their_ways_are_there() -> None:
    plan = balanced("proven")
    assert plan.one("Route", "network-public").urn in the_balancer(plan).depends_on
