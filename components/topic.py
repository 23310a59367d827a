"""Who may write to the topic of the alarms and use its key, by arithmetic. Pure."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from components.access import VERSION
from components.key_policy import ADMINISTRATION, DATA_KEYS

CLOUDWATCH: Final = {"Service": "cloudwatch.amazonaws.com"}

ACTIONS: Final = (
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
)
"""All that the policy of a topic can speak of: SNS takes no wildcard in one.
https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html"""

_Statement = dict[str, Any]


def topic_policy(topic_arn: str, *, account: str, alarm_arns: Sequence[str], tls: bool) -> str:
    """These alarms may publish, and no other service may; with `tls` nobody does anything without it.

    https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html
    """
    statements = [_by_alarms("PublishAlarms", ["sns:Publish"], topic_arn, account, alarm_arns)]
    if tls:
        statements.append(
            {
                "Sid": "RefusePlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": list(ACTIONS),
                "Resource": topic_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        )
    return _document(statements)


def topic_key_policy(*, account: str, alarm_arns: Sequence[str]) -> str:
    """Of a key that is the topic's alone: the account administers it, and only these alarms use it.

    SNS's own key (`alias/aws/sns`) will not do: nobody can let CloudWatch use that.
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return _document(
        [
            {
                "Sid": "AdministerByIam",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": sorted(ADMINISTRATION),
                "Resource": "*",
            },
            _by_alarms("UseForAlarms", DATA_KEYS, "*", account, alarm_arns),
        ]
    )


def alarm_arns(names: Iterable[str], *, account: str, region: str) -> list[str]:
    """Of alarms that are known by their names before they are there."""
    return [f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}" for name in sorted(names)]


def _by_alarms(sid: str, actions: Sequence[str], resource: str, account: str, arns: Sequence[str]) -> _Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": CLOUDWATCH,
        "Action": sorted(actions),
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": list(arns)}},
    }


def _document(statements: list[_Statement]) -> str:
    return json.dumps({"Version": VERSION, "Statement": statements}, separators=(",", ":"))
