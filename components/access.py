"""IAM policies, by arithmetic: statements that are merged, checked and written as JSON. Pure.

What a role may do is a set of (action, resource) pairs; `merged` writes the set in one way only, so that the order in
which components grant changes nothing in a plan. No allowed action has a wildcard, no allowed resource is `*`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

MAX_INLINE_CHARS: Final = 10_240
"""Of all inline policies of one role together, white space not counted (an IAM quota that no request can raise).
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

VERSION: Final = "2012-10-17"

_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]*")

Document = dict[str, Any]

_REFERENCE: Final = "https://docs.aws.amazon.com/service-authorization/latest/reference"

CHANNELS: Final = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""What the agent of SSM on a host does so that a session can come."""

INTERFACES: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda does with a function's role to put it into a network."""

ANYWHERE: Final = {
    "ecr:GetAuthorizationToken": (
        "a token is of the account, not of a repository",
        f"{_REFERENCE}/list_amazonelasticcontainerregistry.html",
    ),
    "ssm:UpdateInstanceInformation": (
        "a host says that it is there before anything of it has a name",
        f"{_REFERENCE}/list_awssystemsmanager.html",
    ),
    **dict.fromkeys(
        CHANNELS,
        (
            "the channel of a session has no ARN",
            f"{_REFERENCE}/list_amazonsessionmanagermessagegatewayservice.html",
        ),
    ),
    **dict.fromkeys(
        INTERFACES,
        (
            "Lambda checks that a function's role may do it, and names no interface",
            "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
        ),
    ),
}
"""Actions that are allowed on `*`: why nothing narrower would do, and the page that says so."""


class Statement(Struct, frozen=True):
    """These actions are allowed on these resources.

    Raises ValueError for a wildcard of actions, and for `*` if any action is not in ANYWHERE.
    """

    actions: frozenset[str]
    resources: frozenset[str]

    def __post_init__(self) -> None:
        if not self.actions or not self.resources:
            raise ValueError("a statement names at least one action and one resource")
        for action in self.actions:
            if _ACTION.fullmatch(action) is None:
                raise ValueError(f"{action!r} is not one action of one service")
        anywhere = self.resources == {"*"} and self.actions <= ANYWHERE.keys()
        for resource in () if anywhere else self.resources:
            if not resource.startswith("arn:"):
                raise ValueError(f"{resource!r} is not the ARN of a resource")

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """What it means: every (action, resource) that it allows."""
        return {(action, resource) for action in self.actions for resource in self.resources}


def merged(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The one way to write what the statements allow together: resources with the same actions share a statement."""
    actions: defaultdict[str, set[str]] = defaultdict(set)
    for statement in statements:
        for action, resource in statement.pairs:
            actions[resource].add(action)
    resources: defaultdict[frozenset[str], set[str]] = defaultdict(set)
    for resource, allowed in actions.items():
        resources[frozenset(allowed)].add(resource)
    found = [Statement(allowed, frozenset(those)) for allowed, those in resources.items()]
    return tuple(sorted(found, key=lambda one: (sorted(one.actions), sorted(one.resources))))


def role_policy(statements: Iterable[Statement]) -> str:
    """The inline policy of a role; raises ValueError if IAM would refuse it for its size."""
    text = _document(
        {"Effect": "Allow", "Action": sorted(one.actions), "Resource": sorted(one.resources)}
        for one in merged(statements)
    )
    if len(text) > MAX_INLINE_CHARS:
        raise ValueError(f"a role's inline policy has {len(text)} characters; IAM takes {MAX_INLINE_CHARS}")
    return text


def parse_role_policy(text: str) -> tuple[Statement, ...]:
    """Inverse of `role_policy`; raises ValueError for a document that it does not write."""
    document = json.loads(text)
    if set(document) != {"Version", "Statement"} or document["Version"] != VERSION:
        raise ValueError("not a policy of ours")
    for one in document["Statement"]:
        if set(one) != {"Effect", "Action", "Resource"} or one["Effect"] != "Allow":
            raise ValueError("a role's statement allows actions on resources, and nothing else")
    return tuple(Statement(frozenset(one["Action"]), frozenset(one["Resource"])) for one in document["Statement"])


def refused_to_code(actions: Iterable[str], function_arn: str) -> str:
    """A role's policy that takes actions back from a function's code and leaves them to Lambda itself.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html (how to keep the code from EC2's interfaces)
    """
    condition = {"ArnEquals": {"lambda:SourceFunctionArn": function_arn}}
    return _document([{"Effect": "Deny", "Action": sorted(actions), "Resource": "*", "Condition": condition}])


def tls_only(service: Literal["s3", "sqs"], resources: Sequence[str]) -> str:
    """A resource's policy that refuses everyone who comes without TLS (S3: without TLS 1.2), and allows nothing.

    Rights come from the roles of the account alone, so whoever has none of them cannot feed a queue or read a bucket.
    The wildcards are right here: a denial of everything.
    """
    refuse = {"Effect": "Deny", "Principal": "*", "Action": f"{service}:*", "Resource": list(resources)}
    plain = {"Sid": "RefusePlainHttp", **refuse, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    old = {"Sid": "RefuseOldTls", **refuse, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}
    return _document([plain, old] if service == "s3" else [plain])


def queue_policy(queue_arn: str, *, account: str, require_tls: bool, bucket_arn: str | None) -> str:
    """The policy of a queue: nobody comes without TLS, where that is required; and S3 may send what it has to say of
    this bucket of this account.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    statements: list[Document] = json.loads(tls_only("sqs", [queue_arn]))["Statement"] if require_tls else []
    if bucket_arn is not None:
        announced = {
            "Sid": "BucketAnnounces",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": bucket_arn}},
        }
        statements.append(announced)
    return _document(statements)


def trust_of_service(principal: str, account: str | None = None) -> str:
    """Who may take a role: a service of AWS, on behalf of this account if one is named.

    EC2 hands a role to its own account's hosts only and sends no source account, so a condition would lock it out.
    """
    statement: Document = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    if account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return _document([statement])


def trust_of_role(role_arn: str) -> str:
    """Who may take a role: the holder of another one, and nobody else."""
    return _document([{"Effect": "Allow", "Principal": {"AWS": role_arn}, "Action": "sts:AssumeRole"}])


def _document(statements: Iterable[Document]) -> str:
    return json.dumps({"Version": VERSION, "Statement": list(statements)}, separators=(",", ":"))
