"""Where each action of a deployment applies: on which resources of a stack, under which conditions. Pure.

AWS gives three ways to say "of this stack only", and each action takes the narrowest that it has: the name of a
resource (`darkroom-<stack>-...`), the tags `project` and `stack` that it bears or is made with, and for what has
neither (lists, and some of CloudFront) the region. What a workflow can reach beyond its stack by that, and why, is in
BEYOND. The network is in components/deployment_ec2.py.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from components.deployment_ec2 import ec2_rights
from components.deployment_scope import Scope
from components.provider_calls import Calls
from components.rights import Condition, Right, holds

BEYOND: Final = {
    "lists": "what AWS lists it lists for the whole region: names and settings of other things can be read there",
    "ec2:CreateTags": "a security group that bears no tag can be claimed: a network's default group is made without",
    "kms:TagResource": "a key that bears no tag can be claimed: the tags of a new key are given by the same action",
    "acm:AddTagsToCertificate": "a certificate that bears no tag can be claimed, as a key can",
    "cloudfront:KeyGroup": "keys, and how results are reached and answered, have neither names of ours nor tags",
}
"""What lies beyond the stack and can be reached all the same, because AWS knows nothing narrower."""

EVERYWHERE: Final = holds("StringEquals", "aws:RequestedRegion", "us-east-1")
"""A service without regions says that it is there."""

_NAMED: Final[dict[str, tuple[str, ...]]] = {
    "autoscaling": ("autoScalingGroup:*:autoScalingGroupName/{prefix}*",),
    "cloudwatch": ("alarm:{prefix}*",),
    "dynamodb": ("table/{prefix}*",),
    "elasticloadbalancing": (
        "listener/app/{prefix}*/*/*",
        "loadbalancer/app/{prefix}*/*",
        "targetgroup/{prefix}*/*",
    ),
    "lambda": ("function:{prefix}*",),
    "logs": ("log-group:/aws/lambda/{prefix}*", "log-group:/aws/vpc/{prefix}*", "log-group:{prefix}*"),
    "secretsmanager": ("secret:{prefix}*",),
    "sns": ("{prefix}*",),
    "sqs": ("{prefix}*",),
}
"""Services whose things are known by their names: the part of the ARN after the account."""

_OF_BALANCER: Final = {
    "AddTags": ("listener", "loadbalancer", "targetgroup"),
    "CreateListener": ("loadbalancer",),
    "RemoveTags": ("listener", "loadbalancer", "targetgroup"),
    "SetIpAddressType": ("loadbalancer",),
    "SetSecurityGroups": ("loadbalancer",),
    "SetSubnets": ("loadbalancer",),
}
"""Other actions say in their names what they are about."""

_BOUNDED: Final = frozenset(
    (
        *("CreateRole", "DeleteRole", "DeleteRolePolicy", "PutRolePermissionsBoundary", "PutRolePolicy"),
        *("UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription"),
    )
)
"""What changes a role is allowed while the boundary is (or becomes) the role's."""

_BY_SERVICES: Final = frozenset(
    (
        *("CreateGrant", "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
        *("ReEncryptFrom", "ReEncryptTo"),
    )
)
"""What a table, a function or a secret under the customer's key asks of whoever makes or reads it; never by hand.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html and
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"""

_LISTED: Final = frozenset({"kms:ListAliases", "logs:DescribeLogGroups"})

_SERVICE_ROLES: Final = {
    "autoscaling.amazonaws.com": "AWSServiceRoleForAutoScaling",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
}
"""Names of the roles that services make for themselves with an account's first group or balancer."""


def rights_of(
    actions: Iterable[str], scope: Scope, *, rows: Iterable[Calls] = (), claims: bool = False
) -> tuple[Right, ...]:
    """Each action where it applies. `rows` say whom roles are passed to, and which services make one for themselves.

    Raises KeyError for an action whose place is not known here.
    """
    wanted, known = set(actions), list(rows)
    found = [right for action in sorted(wanted) for right in _places(action, scope, known)]
    network = {action.partition(":")[2] for action in wanted if action.startswith("ec2:")}
    return (*found, *ec2_rights(network, scope, claims=claims))


def _places(action: str, scope: Scope, rows: list[Calls]) -> Iterator[Right]:
    service, _, name = action.partition(":")
    if service == "ec2":
        return
    lists = action in _LISTED or (service in ("autoscaling", "elasticloadbalancing") and name.startswith("Describe"))
    if lists:
        found = [("*", scope.here)]
    elif service == "s3":
        found = [(f"arn:aws:s3:::{scope.prefix}*-{scope.account}-{scope.region}", _ALWAYS)]
    elif service == "route53":
        found = _route53(name, scope)
    elif service == "iam":
        found = _iam(name, scope, rows)
    elif service == "kms":
        found = _kms(name, scope)
    elif service == "acm":
        found = _acm(name, scope)
    elif service == "cloudfront":
        found = _cloudfront(name, scope)
    elif service == "lambda" and "EventSourceMapping" in name:
        found = _mapping(name, scope)
    else:
        found = [(resource, _ALWAYS) for resource in _by_name(service, name, scope)]
        if service == "lambda" and name in ("ListTags", "TagResource", "UntagResource"):
            of_mapping = scope.given if name == "TagResource" else scope.tagged("ResourceTag")
            found.append((scope.arn("lambda", "event-source-mapping:*"), of_mapping))
    for resource, condition in found:
        yield Right(frozenset({action}), frozenset({resource}), condition)


_ALWAYS: Final[Condition] = frozenset()
_Places = list[tuple[str, Condition]]


def _by_name(service: str, name: str, scope: Scope) -> list[str]:
    if service == "cloudwatch" and "Dashboard" in name:
        return [f"arn:aws:cloudwatch::{scope.account}:dashboard/{scope.prefix}*"]
    kinds = _NAMED[service]
    if service == "elasticloadbalancing":
        about = _OF_BALANCER.get(name) or [one for one in _KINDS if _KINDS[one] in name]
        kinds = tuple(kind for kind in kinds if kind.partition("/")[0] in about)
    return [scope.arn(service, kind.format(prefix=scope.prefix)) for kind in kinds]


_KINDS: Final = {"listener": "Listener", "loadbalancer": "LoadBalancer", "targetgroup": "TargetGroup"}


def _route53(name: str, scope: Scope) -> _Places:
    if scope.hosted_zone_id is None or scope.domain is None:
        raise KeyError(f"route53:{name}, and no zone or no domain is named")
    if name == "GetChange":
        # what a change has come to is asked by an id that says nothing of its zone
        return [("arn:aws:route53:::change/*", _ALWAYS)]
    zone = f"arn:aws:route53:::hostedzone/{scope.hosted_zone_id}"
    if name != "ChangeResourceRecordSets":
        return [(zone, _ALWAYS)]
    # the address, and what proves to the certificate's authority that the name is ours: `_<hash>` under it
    key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    return [(zone, holds("ForAllValues:StringLike", key, scope.domain, f"_*.{scope.domain}"))]


def _iam(name: str, scope: Scope, rows: list[Calls]) -> _Places:
    kind = "instance-profile" if "InstanceProfile" in name and name != "ListInstanceProfilesForRole" else "role"
    resource = f"arn:aws:iam::{scope.account}:{kind}/{scope.prefix}*"
    if name == "CreateServiceLinkedRole":
        home = f"arn:aws:iam::{scope.account}:role/aws-service-role"
        return [
            (f"{home}/{service}/{role}", holds("StringEquals", "iam:AWSServiceName", service))
            for service, role in _SERVICE_ROLES.items()
            if any(row.service_role_of == service for row in rows)
        ]
    if name == "PassRole":
        passed_to = sorted({row.passes_role_to for row in rows if row.passes_role_to is not None})
        return [(resource, holds("StringEquals", "iam:PassedToService", *passed_to))]
    if name in _BOUNDED:
        return [(resource, holds("StringEquals", "iam:PermissionsBoundary", scope.boundary_arn))]
    return [(resource, _ALWAYS)]


def _kms(name: str, scope: Scope) -> _Places:
    key = scope.arn("kms", "key/*")
    ours = scope.tagged("ResourceTag")
    if name == "CreateKey":
        return [("*", scope.tagged("RequestTag"))]
    if name == "TagResource":
        return [(key, scope.given)]
    if name in _BY_SERVICES:
        services = [f"{service}.{scope.region}.amazonaws.com" for service in ("dynamodb", "lambda", "secretsmanager")]
        return [(key, ours | holds("StringEquals", "kms:ViaService", *services))]
    places = [(key, ours)]
    return [*places, (scope.arn("kms", f"alias/{scope.prefix}*"), _ALWAYS)] if name.endswith("Alias") else places


def _acm(name: str, scope: Scope) -> _Places:
    if name == "RequestCertificate":
        ours = scope.tagged("RequestTag")
        return [("*", ours | holds("ForAllValues:StringEquals", "acm:DomainNames", scope.domain or ""))]
    condition = scope.given if name == "AddTagsToCertificate" else scope.tagged("ResourceTag")
    return [(scope.arn("acm", "certificate/*"), condition)]


def _cloudfront(name: str, scope: Scope) -> _Places:
    def of(kind: str) -> str:
        return f"arn:aws:cloudfront::{scope.account}:{kind}/*"

    if name == "CreateDistribution":
        return [("*", scope.tagged("RequestTag"))]
    if name == "TagResource":
        return [(of("distribution"), scope.given)]
    if "Distribution" in name or name in ("ListTagsForResource", "UntagResource"):
        return [(of("distribution"), scope.tagged("ResourceTag"))]
    if not name.startswith("Create"):
        for ending, kind in (
            ("CachePolicy", "cache-policy"),
            ("OriginAccessControl", "origin-access-control"),
            ("OriginRequestPolicy", "origin-request-policy"),
            ("ResponseHeadersPolicy", "response-headers-policy"),
        ):
            if name.endswith(ending):
                return [(of(kind), _ALWAYS)]
    return [("*", EVERYWHERE)]


def _mapping(name: str, scope: Scope) -> _Places:
    of_ours = holds("ArnLike", "lambda:FunctionArn", scope.arn("lambda", f"function:{scope.prefix}*"))
    if name == "CreateEventSourceMapping":
        return [("*", of_ours | scope.tagged("RequestTag"))]
    return [(scope.arn("lambda", "event-source-mapping:*"), of_ours)]
