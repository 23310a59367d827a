"""The permissions boundary of a stack: the most that any of its processes ever does, on the stack's own things. Pure.

A boundary grants nothing. It is what makes it safe that a workflow may write roles: whatever such a role is granted, it
cannot do more than this. So it is the union of what components grant to processes, and a test holds it against them.
"""

from typing import Final

from components.access import ANYWHERE
from components.deployment_scope import Scope
from components.rights import Right, holds

IN_BUCKETS: Final[dict[str, tuple[str, ...]]] = {
    "": ("s3:ListBucketVersions",),
    "/*": ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
}
"""With the stack's buckets, and with what is in them."""

BY_NAME: Final[dict[str, tuple[str, ...]]] = {
    "sqs:{prefix}*": (
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    ),
    "dynamodb:table/{prefix}*": (
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    ),
    "logs:log-group:/aws/lambda/{prefix}*": ("logs:CreateLogStream", "logs:PutLogEvents"),
    "logs:log-group:/aws/vpc/{prefix}*": ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
    "logs:log-group:{prefix}*": ("logs:CreateLogStream", "logs:PutLogEvents"),
    "logs:log-group:*": ("logs:DescribeLogGroups",),
    "autoscaling:autoScalingGroup:*:autoScalingGroupName/{prefix}*": ("autoscaling:CompleteLifecycleAction",),
    "secretsmanager:secret:{prefix}*": ("secretsmanager:GetSecretValue",),
}
"""With a service's things in the account and region, as `service:resource`."""

OPENED: Final = frozenset({"kms:Decrypt", "kms:GenerateDataKey"})
"""With a key that bears the stack's tags."""

PULLED: Final = frozenset({"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"})
"""From the account's repositories of images."""


def boundary_rights(scope: Scope, repository_arns: frozenset[str]) -> tuple[Right, ...]:
    """The rights that no role of the stack goes beyond."""
    bucket = f"arn:aws:s3:::{scope.prefix}*-{scope.account}-{scope.region}"
    # the name of a bucket is anybody's to take, in an account of their own
    at_home = holds("StringEquals", "aws:ResourceAccount", scope.account)
    named = [(where.format(prefix=scope.prefix).split(":", 1), actions) for where, actions in BY_NAME.items()]
    roles = f"arn:aws:iam::{scope.account}:role/{scope.prefix}*"
    return (
        *(Right(frozenset(actions), frozenset({bucket + inside}), at_home) for inside, actions in IN_BUCKETS.items()),
        *(Right(frozenset(actions), frozenset({scope.arn(*where)})) for where, actions in named),
        Right(frozenset({"sts:AssumeRole"}), frozenset({roles})),
        Right(OPENED, frozenset({scope.arn("kms", "key/*")}), scope.tagged("ResourceTag")),
        Right(PULLED, repository_arns),
        Right(frozenset(ANYWHERE), frozenset({"*"})),
    )
