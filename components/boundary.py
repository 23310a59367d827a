"""The permissions boundary of a stack: the most that any of its processes ever does, on the stack's own things. Pure.

A boundary grants nothing. It is what makes it safe that a workflow may write roles: whatever such a role is granted, it
cannot do more than this. So it is the union of what components grant to processes, and a test holds it against them.
"""

from collections.abc import Iterable
from typing import Final

from components.access import ANYWHERE
from components.deployment_scope import Scope
from components.rights import Right

REACH: Final[dict[str, tuple[str, ...]]] = {
    "{bucket}": ("s3:ListBucketVersions",),
    "{bucket}/*": (
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
    ),
    "sqs:{prefix}*": ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"),
    "dynamodb:table/{prefix}*": ("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"),
    "logs:log-group:/aws/lambda/{prefix}*": ("logs:CreateLogStream", "logs:PutLogEvents"),
    "logs:log-group:/aws/vpc/{prefix}*": ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
    "logs:log-group:{prefix}*": ("logs:CreateLogStream", "logs:PutLogEvents"),
    "logs:log-group:*": ("logs:DescribeLogGroups",),
    "autoscaling:autoScalingGroup:*:autoScalingGroupName/{prefix}*": ("autoscaling:CompleteLifecycleAction",),
    "iam:role/{prefix}*": ("sts:AssumeRole",),
}
"""What is done, by where: a bucket of the stack, or `service:resource` in the account and region."""

DECRYPTION: Final = frozenset({"kms:Decrypt", "kms:GenerateDataKey"})
"""With a key that bears the stack's tags."""

PULL: Final = frozenset({"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"})
"""From the account's repositories of images."""


def boundary_rights(scope: Scope, repository_arns: frozenset[str]) -> tuple[Right, ...]:
    """The rights that no role of the stack goes beyond."""
    bucket = f"arn:aws:s3:::{scope.prefix}*-{scope.account}-{scope.region}"
    found = []
    for where, actions in REACH.items():
        service, _, resource = where.format(bucket=bucket, prefix=scope.prefix).partition(":")
        if where.startswith("{bucket}"):
            arn = f"{service}:{resource}"
        elif service == "iam":
            arn = f"arn:aws:iam::{scope.account}:{resource}"
        else:
            arn = scope.arn(service, resource)
        found.append(_right(actions, arn))
    return (
        *found,
        Right(DECRYPTION, frozenset({scope.arn("kms", "key/*")}), scope.tagged("ResourceTag")),
        Right(PULL, repository_arns),
        _right(ANYWHERE, "*"),
    )


def _right(actions: Iterable[str], resource: str) -> Right:
    return Right(frozenset(actions), frozenset({resource}))
