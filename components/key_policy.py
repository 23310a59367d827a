"""Who may use the customer's key, and through what. Pure.

The policy of a key is the only place that lets anyone near it. It lets the account administer the key and leaves to IAM
which of its people do, so nobody is locked out. It lets nobody, administrators included, encrypt or decrypt by hand:
keys are used by services alone, on behalf of whom IAM lets use the service and the key.

    who                           comes through              for
    principals of the account     S3, SQS, Secrets Manager   objects, messages, the pepper of API keys
    principals of the account     DynamoDB, Lambda           tables, the function's settings (they make grants)
    CloudWatch Logs               -                          the stack's logs
    CloudWatch                    -                          alarms to an encrypted topic
    EC2 Auto Scaling's own role   -                          the disks of hosts (it makes grants)
    CloudFront                    -                          results, read only
    S3                            -                          its notices to a queue
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from components.access import VERSION

ADMINISTRATION: Final = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
"""Everything that manages a key; nothing that encrypts, decrypts or lets somebody else do so."""

DATA_KEYS: Final = ("kms:Decrypt", "kms:GenerateDataKey")

CRYPTOGRAPHY: Final = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What AWS asks for by `Encrypt*`, `ReEncrypt*` and `GenerateDataKey*`, named one by one."""

SCALING_ROLE: Final = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"

_Statement = dict[str, Any]


class KeyUses(Struct, frozen=True, kw_only=True):
    """What the key is for beyond buckets, queues, tables, the function and logs, which every stack has."""

    hosts: bool = False
    """Whether groups start hosts with disks under the key."""
    alarms: bool = False
    """Whether alarms write to a topic under the key."""
    delivered_bucket: str | None = None
    """ARN of the bucket that CloudFront reads."""
    announcing_bucket: str | None = None
    """ARN of the bucket whose notices S3 writes to a queue under the key."""


def key_policy(*, account: str, region: str, prefix: str, uses: KeyUses) -> str:
    """The policy of a stack's key. `prefix` begins the names of what is the stack's: `darkroom-<stack>-`."""
    statements = [
        _administration(account),
        _through("UseForObjectsAndMessages", DATA_KEYS, ("s3", "secretsmanager", "sqs"), account, region),
        _through(
            "UseForTablesAndFunction", (*CRYPTOGRAPHY, "kms:CreateGrant"), ("dynamodb", "lambda"), account, region
        ),
        _logs(account, region, prefix),
    ]
    if uses.alarms:
        statements.append(_alarms(account, region, prefix))
    if uses.hosts:
        statements += _disks(account)
    if uses.delivered_bucket is not None:
        statements.append(_delivery(account, uses.delivered_bucket))
    if uses.announcing_bucket is not None:
        statements.append(_notices(account, uses.announcing_bucket))
    return json.dumps({"Version": VERSION, "Statement": statements}, separators=(",", ":"))


def _allow(sid: str, principal: dict[str, str], actions: Sequence[str], condition: _Statement | None) -> _Statement:
    made: _Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": sorted(actions),
        # in the policy of a key this is the key
        "Resource": "*",
    }
    return made if condition is None else {**made, "Condition": condition}


def _account(account: str) -> dict[str, str]:
    """The account: each of its principals, as far as IAM allows it the same."""
    return {"AWS": f"arn:aws:iam::{account}:root"}


def _administration(account: str) -> _Statement:
    return _allow("AdministerByIam", _account(account), ADMINISTRATION, None)


def _through(sid: str, actions: Sequence[str], services: Sequence[str], account: str, region: str) -> _Statement:
    """On behalf of whom IAM allows it, when one of these services asks."""
    return _allow(
        sid,
        _account(account),
        actions,
        {
            "StringEquals": {
                "kms:CallerAccount": account,
                "kms:ViaService": [f"{service}.{region}.amazonaws.com" for service in services],
            }
        },
    )


def _logs(account: str, region: str, prefix: str) -> _Statement:
    """The name of the log is part of what is encrypted, so the key opens the stack's logs and no others.

    Source: "Encrypt log data in CloudWatch Logs using AWS Key Management Service", step 2.
    """
    logs = f"arn:aws:logs:{region}:{account}:log-group:*{prefix}*"
    return _allow(
        "UseForLogs",
        {"Service": f"logs.{region}.amazonaws.com"},
        CRYPTOGRAPHY,
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
    )


def _alarms(account: str, region: str, prefix: str) -> _Statement:
    """Source: "Key management" of Amazon SNS, "Enable compatibility between event sources from AWS services"."""
    return _allow(
        "UseForAlarms",
        {"Service": "cloudwatch.amazonaws.com"},
        DATA_KEYS,
        {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{region}:{account}:alarm:{prefix}*"},
        },
    )


def _notices(account: str, bucket: str) -> _Statement:
    """Source: "Key management" of Amazon SQS, "Enable compatibility between event sources from AWS services"."""
    return _allow(
        "UseForNotices",
        {"Service": "s3.amazonaws.com"},
        DATA_KEYS,
        {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": bucket}},
    )


def _disks(account: str) -> list[_Statement]:
    """Groups start hosts by a role that AWS makes with an account's first group. It is named in a condition: a
    principal that is not there yet makes KMS refuse the whole policy.

    Source: "Required AWS KMS key policy for use with encrypted volumes", Amazon EC2 Auto Scaling.
    """
    role: _Statement = {
        "StringEquals": {"kms:CallerAccount": account},
        "ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{account}:{SCALING_ROLE}"},
    }
    return [
        _allow("UseForDisks", {"AWS": "*"}, CRYPTOGRAPHY, role),
        _allow(
            "GrantForDisks",
            {"AWS": "*"},
            ["kms:CreateGrant"],
            {**role, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def _delivery(account: str, bucket: str) -> _Statement:
    """Any distribution of the account, but for objects of this bucket alone, and its policy names the very one.

    The distribution cannot be named here: its id comes after the bucket, whose encryption comes after the key. The
    bucket stands in the encryption context, by its own ARN with bucket keys and by the object's without.
    """
    return _allow(
        "ReadForDelivery",
        {"Service": "cloudfront.amazonaws.com"},
        ["kms:Decrypt"],
        {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {
                "aws:SourceArn": f"arn:aws:cloudfront::{account}:distribution/*",
                "kms:EncryptionContext:aws:s3:arn": [bucket, f"{bucket}/*"],
            },
        },
    )
