"""Where each action of EC2 applies: on what it makes, tagged in the same call, and on what bears the tags. Pure.

Nothing in EC2 is known by a name of ours, so everything is told by its tags: an action is allowed on a thing of the
stack and with things of the stack. A list shows all that there is in the region; EC2 has no narrower right.
"""

from collections.abc import Iterator
from typing import Final

from components.deployment_scope import Scope
from components.rights import Condition, Right, holds

MADE: Final[dict[str, str]] = {
    "AllocateAddress": "elastic-ip",
    "AuthorizeSecurityGroupEgress": "security-group-rule",
    "AuthorizeSecurityGroupIngress": "security-group-rule",
    "CreateFlowLogs": "vpc-flow-log",
    "CreateInternetGateway": "internet-gateway",
    "CreateLaunchTemplate": "launch-template",
    "CreateNatGateway": "natgateway",
    "CreateRouteTable": "route-table",
    "CreateSecurityGroup": "security-group",
    "CreateSubnet": "subnet",
    "CreateVpc": "vpc",
    "CreateVpcEndpoint": "vpc-endpoint",
}
"""What an action of EC2 makes; it is tagged in the same call, or the call is refused."""

OURS: Final[dict[str, str]] = {
    "AssociateRouteTable": "route-table subnet",
    "AttachInternetGateway": "internet-gateway vpc",
    "AuthorizeSecurityGroupEgress": "security-group",
    "AuthorizeSecurityGroupIngress": "security-group",
    "CreateFlowLogs": "vpc",
    "CreateLaunchTemplateVersion": "launch-template",
    "CreateNatGateway": "elastic-ip subnet",
    "CreateRoute": "route-table",
    "CreateRouteTable": "vpc",
    "CreateSecurityGroup": "vpc",
    "CreateSubnet": "vpc",
    "CreateVpcEndpoint": "route-table security-group subnet vpc",
    "DeleteFlowLogs": "vpc-flow-log",
    "DeleteInternetGateway": "internet-gateway",
    "DeleteLaunchTemplate": "launch-template",
    "DeleteNatGateway": "natgateway",
    "DeleteRoute": "route-table",
    "DeleteRouteTable": "route-table",
    "DeleteSecurityGroup": "security-group",
    "DeleteSubnet": "subnet",
    "DeleteVpc": "vpc",
    "DeleteVpcEndpoints": "vpc-endpoint",
    "DescribeVpcAttribute": "vpc",
    "DetachInternetGateway": "internet-gateway vpc",
    "DisassociateRouteTable": "route-table subnet",
    "ModifyLaunchTemplate": "launch-template",
    "ModifySecurityGroupRules": "security-group security-group-rule",
    "ModifySubnetAttribute": "subnet",
    "ModifyVpcAttribute": "vpc",
    "ModifyVpcEndpoint": "route-table security-group subnet vpc-endpoint",
    "ReleaseAddress": "elastic-ip",
    "ReplaceRoute": "route-table",
    "ReplaceRouteTableAssociation": "route-table subnet",
    "RevokeSecurityGroupEgress": "security-group",
    "RevokeSecurityGroupIngress": "security-group",
}
"""What an action of EC2 works on, or with; it bears the stack's tags."""

STARTED: Final = "instance network-interface volume"
"""What starting a host makes."""

STARTED: Final = ("instance", "network-interface", "volume")
"""What starting a host makes; the launch template has the tags for it."""

CLAIMED: Final = "security-group"
"""What AWS makes together with another thing, untagged, and the program takes over: a network's default group."""


def ec2_rights(names: set[str], scope: Scope, *, claims: bool) -> Iterator[Right]:
    """The rights of these actions of EC2; `claims` says whether what is CLAIMED may be."""
    for name in sorted(names - {"CreateTags", "DeleteTags"}):
        yield from _rights(name, scope)
    if "CreateTags" in names:
        yield from _tagging(names, scope, claims)


def _rights(name: str, scope: Scope) -> Iterator[Right]:
    if name == "RunInstances":
        yield from _starting(scope)
    elif name in MADE or name in OURS:
        if name in MADE:
            yield _right(name, scope, MADE[name].split(), scope.tagged("RequestTag"))
        if name in OURS:
            yield _right(name, scope, OURS[name].split(), scope.tagged("ResourceTag"))
        if name == "ModifySecurityGroupRules":
            # where a rule leads to may be a list of a service's addresses, which AWS keeps
            yield Right(frozenset({f"ec2:{name}"}), frozenset({f"arn:aws:ec2:{scope.region}:aws:prefix-list/*"}))
    elif name.startswith("Describe"):
        yield Right(frozenset({f"ec2:{name}"}), frozenset({"*"}), scope.here)
    else:
        raise KeyError(f"ec2:{name}")


def _starting(scope: Scope) -> Iterator[Right]:
    """A group is made by whoever might start its hosts: from a template of ours, among things of ours, and no other.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html
    """
    by_template = holds("ArnLike", "ec2:LaunchTemplate", scope.arn("ec2", "launch-template/*"))
    kinds = ["launch-template", "security-group", "subnet"]
    yield _right("RunInstances", scope, kinds, scope.tagged("ResourceTag"))
    yield _right("RunInstances", scope, list(STARTED), by_template | scope.tagged("RequestTag"))
    images = frozenset({f"arn:aws:ec2:{scope.region}::image/*"})
    yield Right(frozenset({"ec2:RunInstances"}), images, by_template | holds("StringEquals", "ec2:Owner", "amazon"))


def _tagging(names: set[str], scope: Scope, claims: bool) -> Iterator[Right]:
    """Tags are given in the call that makes a thing, and changed on what is ours already."""
    makers = sorted(names & {*MADE, "RunInstances"})
    made = {kind for name in makers for kind in (MADE[name].split() if name in MADE else STARTED)}
    known = made | {kind for name in names & OURS.keys() for kind in OURS[name].split()}
    if makers:
        at_once = holds("StringEquals", "ec2:CreateAction", *makers)
        yield _right("CreateTags", scope, sorted(made), at_once | scope.tagged("RequestTag"))
    yield _right("CreateTags", scope, sorted(known), scope.kept)
    if "DeleteTags" in names:
        yield _right("DeleteTags", scope, sorted(known), scope.tagged("ResourceTag"))
    if claims:
        untagged = holds("Null", "aws:ResourceTag/stack", "true")
        yield _right("CreateTags", scope, [CLAIMED], untagged | scope.tagged("RequestTag"))


def _right(name: str, scope: Scope, kinds: list[str], condition: Condition) -> Right:
    return Right(frozenset({f"ec2:{name}"}), frozenset(scope.arn("ec2", f"{kind}/*") for kind in kinds), condition)
