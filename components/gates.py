"""Policies of what is not a role: endpoints of the network, and what a service of AWS does in our name. Pure.

An endpoint's policy grants nobody anything: it is a gate before rights that roles have. Ours let through whoever is of
this account to what is of this account. Somebody who broke into a host or the function and brought keys of an account
of their own could otherwise carry pictures out to a bucket or queue of theirs, past every policy of ours.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from components.access import VERSION, tls_only

Document = dict[str, Any]

GATED: Final = {
    "dynamodb": (
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    ),
    "s3": (
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:GetObjectAttributes",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
        "s3:PutObjectTagging",
    ),
    "sqs": (
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    ),
}
"""What passes the gate of each service that holds data: work with what is there, never its administration. A test holds
every role of every stack against it."""


def gate(service: str, *, account: str, region: str) -> str | None:
    """The policy of an endpoint; None for a service that holds none of our data: its own default lets all through.

    S3 has a second statement. The layers of images in ECR and the packages of Amazon Linux lie in buckets of AWS's own
    accounts, and are fetched by links that AWS signed or by nobody at all, so neither condition of the first statement
    could hold for them. They may be read, and only read: nothing can be carried out to them.
    """
    if service not in GATED:
        return None
    ours = {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}
    statements = [_passing("OursToOurs", GATED[service], ["*"], {"StringEquals": ours})]
    if service == "s3":
        statements.append(
            _passing(
                "LayersAndPackages",
                ["s3:GetObject"],
                [
                    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
                    f"arn:aws:s3:::prod-{region}-starport-layer-bucket/*",
                    # https://docs.aws.amazon.com/linux/al2023/ug/managing-repos-os-updates.html
                    f"arn:aws:s3:::al2023-repos-{region}-de612dc2/*",
                ],
                {"Bool": {"aws:SecureTransport": "true"}},
            )
        )
    return _document(statements)


def trust_of_flow_logs(*, account: str, region: str) -> str:
    """Who may take the role that writes flow logs: the service, for flow logs of this account and region.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    return _document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": _on_behalf_of(account, f"arn:aws:ec2:{region}:{account}:vpc-flow-log/*"),
            }
        ]
    )


def access_log_policy(bucket_arn: str, *, account: str, balancer_arns: str, require_tls: bool) -> str:
    """A bucket's policy: the balancers of `balancer_arns` (a pattern) may put their logs, and nobody comes without TLS.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    written = {
        "Sid": "BalancerWrites",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{bucket_arn}/AWSLogs/{account}/*",
        "Condition": _on_behalf_of(account, balancer_arns),
    }
    refused = json.loads(tls_only("s3", [bucket_arn, f"{bucket_arn}/*"]))["Statement"] if require_tls else []
    return _document([written, *refused])


def _on_behalf_of(account: str, arns: str) -> Document:
    return {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": {"aws:SourceArn": arns}}


def _passing(sid: str, actions: Iterable[str], resources: list[str], condition: Document) -> Document:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": "*",
        "Action": list(actions),
        "Resource": resources,
        "Condition": condition,
    }


def _document(statements: list[Document]) -> str:
    return json.dumps({"Version": VERSION, "Statement": statements}, separators=(",", ":"))
