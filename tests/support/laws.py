"""Laws that hold over every plan of this project, whatever component, old or new, declared a resource.

Each law looks at what is declared and not at who declared it, and answers with sentences that name what breaks it:
a resource that is added tomorrow, in whatever way the provider allows, is held to the same.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from components.access import ANYWHERE
from tests.support.plan import Declared, Plan

Law = Callable[[Plan], Iterator[str]]

ANYONE: Final = frozenset({"0.0.0.0/0", "::/0"})

PUBLIC_PORTS: Final = frozenset({80, 443})
"""What a balancer may answer the internet on: HTTPS, and HTTP that leads there."""

_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def broken(plan: Plan) -> list[str]:
    """A sentence for everything in the plan that breaks a law."""
    return sorted({sentence for law in LAWS for sentence in law(plan)})


def every_queue_has_dead_letters(plan: Plan) -> Iterator[str]:
    redriven = {}
    for one in plan.of("Queue"):
        if "redrivePolicy" in one.inputs:
            redriven[one.urn] = one.inputs["redrivePolicy"]
    for policy in plan.of("RedrivePolicy"):
        for one in plan.of("Queue"):
            if policy.inputs["queueUrl"] in (one.state.get("url"), f"{one.name}-id"):
                redriven[one.urn] = policy.inputs["redrivePolicy"]
    targets = {_read(text).get("deadLetterTargetArn") for text in redriven.values()}
    for one in plan.of("Queue"):
        if one.urn not in redriven and one.state["arn"] not in targets:
            yield f"the queue {one.name} has no dead letters"


def every_queue_is_encrypted(plan: Plan) -> Iterator[str]:
    for one in plan.of("Queue"):
        if not one.inputs.get("sqsManagedSseEnabled") and not one.inputs.get("kmsMasterKeyId"):
            yield f"the queue {one.name} is not encrypted"
    for one in plan.of("Topic"):
        if not one.inputs.get("kmsMasterKeyId"):
            yield f"the topic {one.name} is not encrypted"


def every_bucket_is_private(plan: Plan) -> Iterator[str]:
    blocks = plan.of("BucketPublicAccessBlock")
    owned = plan.of("BucketOwnershipControls")
    encrypted = plan.of("BucketServerSideEncryptionConfiguration")
    for bucket in (one for kind in ("Bucket", "BucketV2", "BucketObjectv2") for one in plan.of(kind)):
        mine = [one for one in blocks if _of_bucket(one, bucket)]
        open_ways = [name for name in _BLOCKS if not any(one.inputs.get(name) is True for one in mine)]
        if open_ways:
            yield f"the bucket {bucket.name} is public: {', '.join(open_ways)} is not on"
        if not any(_of_bucket(one, bucket) and "BucketOwnerEnforced" in json.dumps(one.inputs) for one in owned):
            yield f"the bucket {bucket.name} is public: its owner does not enforce that access lists mean nothing"
        if bucket.inputs.get("acl") or bucket.inputs.get("website"):
            yield f"the bucket {bucket.name} is public: it has an access list or a web site"
        if not any(_of_bucket(one, bucket) for one in encrypted):
            yield f"the bucket {bucket.name} is not encrypted"
    for kind in ("BucketAcl", "BucketAclV2", "BucketWebsiteConfiguration", "BucketWebsiteConfigurationV2"):
        for one in plan.of(kind):
            yield f"the bucket of {one.name} is public: {kind}"


def no_statement_allows_more_than_it_names(plan: Plan) -> Iterator[str]:
    for one, document in _policies(plan):
        for statement in _many(document["Statement"]):
            yield from _statement(one, statement)
    for one in plan.of("Role"):
        if one.inputs.get("managedPolicyArns") or one.inputs.get("inlinePolicies"):
            yield f"the role {one.name} has rights that no component granted"
    for one in plan.of("RolePolicyAttachment"):
        if one.inputs["policyArn"].startswith("arn:aws:iam::aws:"):
            yield f"the role of {one.name} has rights that AWS defines: {one.inputs['policyArn']}"


def _statement(one: Declared, statement: dict[str, Any]) -> Iterator[str]:
    if statement.get("Effect") != "Allow":
        return
    if {"NotAction", "NotResource", "NotPrincipal"} & statement.keys():
        yield f"the policy of {one.type} {one.name} allows everything but what it names"
    actions, resources = _many(statement.get("Action", [])), _many(statement.get("Resource", []))
    # a boundary grants nothing, and the policy of a resource speaks of that resource alone
    for action in actions:
        if "*" in action or "?" in action:
            yield f"the policy of {one.type} {one.name} allows the wildcard action {action}"
    if "*" in resources and one.type.endswith((":RolePolicy", ":Policy", ":UserPolicy", ":GroupPolicy")):
        wide = sorted(set(actions) - ANYWHERE.keys())
        if wide and not statement.get("Condition"):
            yield f"the policy of {one.type} {one.name} allows {', '.join(wide)} on every resource"
    who = statement.get("Principal")
    if (who == "*" or (isinstance(who, dict) and "*" in _many(who.get("AWS", [])))) and not statement.get("Condition"):
        yield f"the policy of {one.type} {one.name} allows anyone"


def every_volume_is_encrypted(plan: Plan) -> Iterator[str]:
    for one in plan:
        if not one.type.startswith("aws:"):
            continue
        if one.type.endswith(":Volume") and one.inputs.get("encrypted") is not True:
            yield f"the volume {one.name} is not encrypted"
        for device in one.inputs.get("blockDeviceMappings", []):
            if device.get("ebs", {}).get("encrypted") not in (True, "true"):
                yield f"the volume {device.get('deviceName')} of {one.name} is not encrypted"
        if one.type.endswith(":LaunchTemplate") and not one.inputs.get("blockDeviceMappings"):
            yield f"the volume of {one.name} is not encrypted: the template does not name it"
        for key in ("rootBlockDevice", "rootBlockDevices", "ebsBlockDevices"):
            for device in _many(one.inputs.get(key, [])):
                if device.get("encrypted") is not True:
                    yield f"the volume of {one.name} is not encrypted"
        if one.type.endswith(":Instance") and "rootBlockDevice" not in one.inputs:
            yield f"the volume of {one.name} is not encrypted"


def no_port_is_open_to_the_world(plan: Plan) -> Iterator[str]:
    for one, rule in _ingress(plan):
        first, last = _ports(rule)
        sources = {text for key in _SOURCES for text in _many(rule.get(key) or []) if isinstance(text, str)}
        if first <= 22 <= last:
            yield f"the SSH port is open in {one.name}: a session on a host comes through SSM"
        if sources & ANYONE and not (first == last and first in PUBLIC_PORTS):
            yield f"the ports {first} to {last} of {one.name} are open to the world"
    for one in plan:
        if one.type.startswith("aws:") and one.inputs.get("keyName"):
            yield f"the SSH port has a key in {one.name}: a session on a host comes through SSM"


_SOURCES: Final = ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6", "cidrBlock", "ipv6CidrBlock")


def _ingress(plan: Plan) -> Iterator[tuple[Declared, dict[str, Any]]]:
    """Every rule that lets somebody in, in each of the ways to write one."""
    for one in plan:
        kind = one.type.rpartition(":")[2]
        if kind in ("SecurityGroup", "DefaultSecurityGroup"):
            for rule in one.inputs.get("ingress", []):
                yield one, rule
        elif kind == "SecurityGroupIngressRule" or (
            kind == "SecurityGroupRule" and one.inputs.get("type") == "ingress"
        ):
            yield one, one.inputs


def _ports(rule: dict[str, Any]) -> tuple[int, int]:
    protocol = str(rule.get("protocol", rule.get("ipProtocol", "-1"))).lower()
    if protocol in ("-1", "all"):
        return 0, 65_535
    if protocol in ("icmp", "icmpv6", "1", "58"):
        return -1, -1
    return int(rule.get("fromPort", 0)), int(rule.get("toPort", 65_535))


def every_host_asks_for_a_token(plan: Plan) -> Iterator[str]:
    for one in [*plan.of("LaunchTemplate"), *plan.of("Instance")]:
        if one.inputs.get("metadataOptions", {}).get("httpTokens") != "required":
            yield f"the hosts of {one.name} answer for their role without a token (IMDSv1)"


def every_log_is_thrown_away_one_day(plan: Plan) -> Iterator[str]:
    for one in plan.of("LogGroup"):
        if not one.inputs.get("retentionInDays"):
            yield f"the log {one.name} is kept for ever"


LAWS: Final[tuple[Law, ...]] = (
    every_queue_has_dead_letters,
    every_queue_is_encrypted,
    every_bucket_is_private,
    no_statement_allows_more_than_it_names,
    every_volume_is_encrypted,
    no_port_is_open_to_the_world,
    every_host_asks_for_a_token,
    every_log_is_thrown_away_one_day,
)


def _policies(plan: Plan) -> Iterator[tuple[Declared, dict[str, Any]]]:
    """Every policy document in the plan, wherever an input holds one, as text or not."""
    for one in plan:
        if one.type.startswith("aws:"):
            for value in _values(one.inputs):
                if isinstance(value, dict) and "Statement" in value:
                    yield one, value


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _read(value)
    yield value
    if isinstance(value, dict):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)


def _read(text: Any) -> dict[str, Any]:
    if isinstance(text, dict):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _of_bucket(one: Declared, bucket: Declared) -> bool:
    return one.inputs.get("bucket") in (f"{bucket.name}-id", bucket.inputs.get("bucket"), bucket.state.get("id"))
