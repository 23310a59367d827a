"""What each workflow of GitHub may do with an account, and which workflow it must be. Pure.

    purpose   is taken by                               may
    preview   an approved pull request, or main         read what a stack is made of, its state, and its secrets
    images    main                                      push to our repositories of images
    deploy    a run that a stack's environment let in   create, update and delete what the stack is made of

"Made of" is the table of components/provider_calls.py, and no action that is not in it.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from components.access import VERSION
from components.deployment_scope import Scope
from components.deployment_where import rights_of
from components.naming import PROJECT
from components.provider_calls import Calls
from components.provider_calls_site import CALLS
from components.rights import Denial, Right, holds

ISSUER: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"

POLICIES: Final[dict[str, tuple[str, ...]]] = {
    "pipeline": ("pipeline",),
    "network": ("network",),
    "doors": ("doors", "flow_logs"),
    "hosts": ("hosts",),
    "balancer": ("balancer", "domain"),
    "extras": ("delivery", "alarms", "customer_key"),
}
"""Parts that share a policy of changes: a role takes ten policies, and a policy only so many characters."""

READS: Final[dict[str, tuple[str, ...]]] = {
    "kept": ("pipeline", "customer_key", "alarms", "delivery"),
    "reached": ("network", "doors", "flow_logs", "hosts", "balancer", "domain"),
}
"""Parts that share a policy of reads."""

WITHHELD: Final = {
    "s3:DeleteBucket": "pictures have no copy",
    "dynamodb:DeleteTable": "jobs have no copy",
    "secretsmanager:DeleteSecret": "without its pepper no API key of a stack is of use",
    "kms:ScheduleKeyDeletion": "without its key nothing that is stored is of use",
}
"""In the provider's table, and refused to every workflow: a person deletes these, by a stack's own removal."""

PUSH: Final = frozenset(
    {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImageScanFindings",
        "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
    }
)
"""A push, and what is asked of an image that was just pushed: what is in it, and what ECR's scan found.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html"""


class Store(Struct, frozen=True, kw_only=True):
    """Where Pulumi keeps state and what opens its secrets."""

    bucket: str
    key_arn: str


def subjects(repository: str, *, environment: str | None = None, main: bool = False) -> tuple[str, ...]:
    """Whom GitHub's token names: a run in an environment, or one of the branch main in none.

    A pull request without an environment would be `repo:<repository>:pull_request`, which nothing here trusts; and a
    fork's runs get no token at all.
    https://docs.github.com/en/actions/reference/security/oidc
    """
    found = [] if environment is None else [f"repo:{repository}:environment:{environment}"]
    return (*found, *((f"repo:{repository}:ref:refs/heads/main",) if main else ()))


def trust(provider_arn: str, who: Sequence[str]) -> str:
    """Who may take a role: these subjects, each in full, with a token that was made for AWS."""
    equal = {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": list(who)}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": equal},
    }
    return json.dumps({"Version": VERSION, "Statement": [statement]}, separators=(",", ":"))


def read_rights(parts: frozenset[str], which: str, scope: Scope) -> tuple[Right, ...]:
    """What is read of a stack of these parts: one of READS."""
    rows = _rows(parts & frozenset(READS[which]))
    found = rights_of({action for row in rows for action in row.read}, scope)
    if which == "reached" and "hosts" in parts:
        # where AWS publishes its machine images; the account that owns it has no number
        published = f"arn:aws:ssm:{scope.region}::parameter/aws/service/ami-amazon-linux-latest/*"
        found += (Right(frozenset({"ssm:GetParameter", "ssm:GetParameters"}), frozenset({published})),)
    return found


def change_rights(parts: frozenset[str], which: str, scope: Scope) -> tuple[Right, ...]:
    """What is created, updated and deleted of a stack of these parts: one of POLICIES."""
    group = parts & frozenset(POLICIES[which])
    rows = _rows(group)
    actions = {action for row in rows for action in row.all} - {action for row in rows for action in row.read}
    return rights_of(actions - WITHHELD.keys(), scope, rows=rows, claims="doors" in group)


def state_reads(store: Store, stack: str) -> tuple[Right, ...]:
    """Look into a stack's state and open its secrets. A preview takes no lock (backend/diy of Pulumi 3.259).

    The bucket's list names all stacks: S3 says that an object is missing only to those who may list without a
    condition, and the CLI asks for some that are.
    """
    bucket = f"arn:aws:s3:::{store.bucket}"
    objects = (".pulumi/meta.yaml", *_own(stack))
    return (
        Right(frozenset({"s3:ListBucket"}), frozenset({bucket})),
        Right(frozenset({"s3:GetObject"}), frozenset(f"{bucket}/{one}" for one in objects)),
        Right(frozenset({"kms:Decrypt"}), frozenset({store.key_arn}), _through_s3(store)),
        Right(
            frozenset({"kms:Decrypt"}), frozenset({store.key_arn}), holds(_EQUALS, "kms:EncryptionContext:stack", stack)
        ),
    )


def state_changes(store: Store, stack: str) -> tuple[Right, ...]:
    """Write a stack's state, keep what it was, and lock it meanwhile."""
    bucket = f"arn:aws:s3:::{store.bucket}"
    locks = f"{bucket}/.pulumi/locks/organization/{PROJECT}/{stack}/*"
    return (
        Right(frozenset({"s3:PutObject"}), frozenset(f"{bucket}/{one}" for one in _own(stack))),
        Right(frozenset({"s3:DeleteObject"}), frozenset({locks})),
        Right(frozenset({"kms:GenerateDataKey"}), frozenset({store.key_arn}), _through_s3(store)),
    )


def refusals(scope: Scope, store: Store, foundation: str) -> tuple[Denial, ...]:
    """What no right of a workflow reaches, whatever is added later. `foundation` begins the foundation's names."""
    iam = f"arn:aws:iam::{scope.account}"
    ours = (f"{iam}:role/{foundation}*", f"{iam}:policy/{foundation}*", f"{iam}:oidc-provider/*")
    return (
        Denial("KeepWhatHasNoCopy", frozenset(WITHHELD), frozenset({"*"})),
        Denial(
            "KeepPictures",
            frozenset({"s3:DeleteObject", "s3:DeleteObjectVersion"}),
            frozenset({f"arn:aws:s3:::{scope.prefix}*/*"}),
        ),
        Denial("KeepTheFoundation", frozenset({"iam:*"}), frozenset(ours)),
        Denial(
            "KeepItsKey",
            frozenset({"kms:CreateGrant", "kms:PutKeyPolicy", "kms:TagResource"}),
            frozenset({store.key_arn}),
        ),
        Denial("KeepBoundaries", frozenset({"iam:DeleteRolePermissionsBoundary"}), frozenset({"*"})),
        Denial(
            "KeepTags",
            frozenset(
                {"acm:RemoveTagsFromCertificate", "cloudfront:UntagResource", "ec2:DeleteTags", "kms:UntagResource"}
            ),
            frozenset({"*"}),
            holds("ForAnyValue:StringEquals", "aws:TagKeys", "project", "stack"),
        ),
    )


def image_rights(repository_arns: Iterable[str]) -> tuple[Right, ...]:
    """Push to these repositories; a tag that is there cannot be written again, and nothing can be deleted."""
    return (
        Right(PUSH, frozenset(repository_arns)),
        Right(frozenset({"ecr:GetAuthorizationToken"}), frozenset({"*"})),
    )


_EQUALS: Final = "StringEquals"


def _rows(parts: Iterable[str]) -> list[Calls]:
    return [row for part in sorted(parts) for row in CALLS[part].values()]


def _own(stack: str) -> tuple[str, ...]:
    """Objects of one stack's state, as backend/diy of Pulumi names them."""
    return (
        f".pulumi/stacks/{PROJECT}/{stack}.json*",
        f".pulumi/stacks/{PROJECT}/{stack}.pulumi-tags",
        f".pulumi/history/{PROJECT}/{stack}/*",
        f".pulumi/backups/{PROJECT}/{stack}/*",
        f".pulumi/locks/organization/{PROJECT}/{stack}/*",
    )


def _through_s3(store: Store) -> frozenset[tuple[str, str, tuple[str, ...]]]:
    region = store.key_arn.split(":")[3]
    bucket = f"arn:aws:s3:::{store.bucket}"
    # with a bucket key the context is the bucket's ARN; without one, each object's
    return holds(_EQUALS, "kms:ViaService", f"s3.{region}.amazonaws.com") | holds(
        "ArnLike", "kms:EncryptionContext:aws:s3:arn", bucket, f"{bucket}/*"
    )
