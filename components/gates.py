"""Policies of what is not a role: endpoints of the network, and what a service of AWS does in our name. Pure.

An endpoint's policy grants nobody anything: it is a gate before rights that roles have. Ours let through whoever is of
this account to what is of this account. Somebody who broke into a host or the function and brought keys of an account
of their own could otherwise carry pictures out to a bucket or queue of theirs, past every policy of ours.
"""

import json
from typing import Any, Final

from components.access import VERSION, tls_only

Document = dict[str, Any]

GATED: Final = {
    "dynamodb": (
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    ),
    "s3": (
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucketVersions",
        "s3:PutObject",
    ),
    "sqs": (
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    ),
}
"""What passes the gate of each service that holds data of ours: what some role is granted there, as a test sees to. The
endpoint of any other service keeps the policy that AWS gives it, which lets all through."""


def gate(service: str, *, account: str, region: str) -> str:
    """The policy of the endpoint of a service that holds data of ours.

    S3 has a second statement. The layers of images in ECR and the packages of Amazon Linux lie in buckets of AWS's own
    accounts, and are fetched by links that AWS signed or by nobody at all, so neither condition of the first statement
    could hold for them. They may be read, and only read: nothing can be carried out to them.
    """
    ours = {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}
    statements = [_allowed("OursToOurs", GATED[service], ["*"], {"StringEquals": ours})]
    if service == "s3":
        statements.append(
            _allowed(
                "LayersAndPackages",
                ("s3:GetObject",),
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


def _allowed(sid: str, actions: tuple[str, ...], resources: list[str], condition: Document) -> Document:
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
