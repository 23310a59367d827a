"""The one policy of a bucket: what it refuses whoever comes, and the one distribution that it lets in. Pure."""

import json
from typing import Any, Final

from components.access import VERSION, tls_only

_OWN_WAYS: Final = {
    "RefuseOtherEncryption": "s3:x-amz-server-side-encryption",
    "RefuseKeysOfClients": "s3:x-amz-server-side-encryption-customer-algorithm",
}
"""Headers by which a put chooses its encryption, as S3's condition keys."""


def bucket_policy(
    bucket_arn: str,
    *,
    account: str,
    require_tls: bool,
    own_key: bool,
    distribution_arn: str | None,
) -> str:
    """With TLS required it refuses who comes without; with a key of our own, puts that name an encryption.

    A put that names none gets the bucket's, which is our key: that is how every client of ours puts, presigned or not.
    So a put that names one, by a header, can only mean another key or a slip (`aws:kms` without a key's id means the
    key of S3), and is refused before anything is stored. S3 looks at the policy before it fills in its default.
    """
    statements: list[dict[str, Any]] = []
    if require_tls:
        statements += json.loads(tls_only("s3", [bucket_arn, f"{bucket_arn}/*"]))["Statement"]
    if own_key:
        statements += [_refuse_header(bucket_arn, sid, header) for sid, header in _OWN_WAYS.items()]
    if distribution_arn is not None:
        statements.append(_delivery(bucket_arn, account, distribution_arn))
    return json.dumps({"Version": VERSION, "Statement": statements}, separators=(",", ":"))


def _refuse_header(bucket_arn: str, sid: str, header: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"{bucket_arn}/*",
        "Condition": {"Null": {header: "false"}},
    }


def _delivery(bucket_arn: str, account: str, distribution_arn: str) -> dict[str, Any]:
    """Without the right to list, an object that is not there is answered 403, as one that is nobody's business."""
    return {
        "Sid": "ReadForDelivery",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"{bucket_arn}/*",
        "Condition": {"StringEquals": {"aws:SourceArn": distribution_arn, "aws:SourceAccount": account}},
    }
