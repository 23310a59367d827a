"""Inputs whose change takes a new resource: each replaces, no other does, and each rests on a page of AWS."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi_aws as aws
import pytest

from local.aws import Clients
from local.cloud import Cloud
from local.deployment import Deployment, Outcome
from local.handlers import TYPES
from tests.support.engine import deployment, everything, ops

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning")

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
GRANT = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x"}]}
)
ROLE = "arn:aws:iam::000000000000:role/base-{}"
LETTERS = "arn:aws:sqs:eu-west-1:000000000000:base-{}"
KEYS = {"attributes": [{"name": name, "type": "S"} for name in ("pk", "sk", "at")], "billing_mode": "PAY_PER_REQUEST"}

BASES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "aws:s3/bucket:Bucket": lambda zip: {"bucket": "things-one"},
    "aws:s3/bucketVersioning:BucketVersioning": lambda zip: {
        "bucket": "base-one",
        "versioning_configuration": {"status": "Enabled"},
    },
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": lambda zip: {
        "bucket": "base-one",
        "rules": [{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
    },
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": lambda zip: {
        "bucket": "base-one",
        "block_public_acls": True,
    },
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": lambda zip: {
        "bucket": "base-one",
        "rule": {"object_ownership": "BucketOwnerEnforced"},
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lambda zip: {
        "bucket": "base-one",
        "rules": [{"id": "all", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 9}}],
    },
    "aws:s3/bucketPolicy:BucketPolicy": lambda zip: {"bucket": "base-one", "policy": TRUST},
    "aws:sqs/queue:Queue": lambda zip: {"name": "letters-one"},
    "aws:sqs/queuePolicy:QueuePolicy": lambda zip: {"queue_url": "base-one", "policy": TRUST},
    "aws:sqs/redrivePolicy:RedrivePolicy": lambda zip: {
        "queue_url": "base-one",
        "redrive_policy": json.dumps({"deadLetterTargetArn": LETTERS.format("two"), "maxReceiveCount": 3}),
    },
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": lambda zip: {
        "queue_url": "base-one",
        "redrive_allow_policy": json.dumps({"redrivePermission": "denyAll"}),
    },
    "aws:dynamodb/table:Table": lambda zip: {"name": "rows-one", "hash_key": "pk", "range_key": "sk", **KEYS},
    "aws:iam/role:Role": lambda zip: {"name": "actor-one", "path": "/", "assume_role_policy": TRUST},
    "aws:iam/rolePolicy:RolePolicy": lambda zip: {"name": "granted-one", "role": "base-one", "policy": GRANT},
    "aws:iam/policy:Policy": lambda zip: {"name": "bound-one", "path": "/", "description": "one", "policy": GRANT},
    "aws:lambda/function:Function": lambda zip: {
        "name": "worker-one",
        "role": ROLE.format("one"),
        "runtime": "python3.13",
        "handler": "there.handle",
        "code": aws_archive(zip),
    },
    "aws:lambda/eventSourceMapping:EventSourceMapping": lambda zip: {
        "event_source_arn": LETTERS.format("one"),
        "function_name": "arn:aws:lambda:eu-west-1:000000000000:function:base-one",
    },
    "aws:cloudwatch/logGroup:LogGroup": lambda zip: {"name": "/lines/one"},
}
"""One resource of each applied type, on neighbours that lie there in twos: `base-one` and `base-two`."""
