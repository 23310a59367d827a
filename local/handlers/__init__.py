"""The types of resources that the local run applies: each created, read back, updated and deleted through boto3.

`TYPES` is the whole list; a program that declares another type is refused by name. Calls of functions of the provider
are answered by `CALLS`.
"""

from collections.abc import Callable
from typing import Any, Final

from local.handlers import function, identity, ledger, logs, messaging, secrets, storage
from local.handlers.resource import Handler

TYPES: Final[dict[str, type[Handler]]] = {
    "aws:s3/bucket:Bucket": storage.Bucket,
    "aws:s3/bucketVersioning:BucketVersioning": storage.BucketVersioning,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": storage.BucketEncryption,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": storage.BucketPublicAccessBlock,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": storage.BucketOwnership,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": storage.BucketLifecycle,
    "aws:s3/bucketPolicy:BucketPolicy": storage.BucketPolicy,
    "aws:s3/bucketNotification:BucketNotification": storage.BucketNotification,
    "aws:sqs/queue:Queue": messaging.Queue,
    "aws:sqs/queuePolicy:QueuePolicy": messaging.QueuePolicy,
    "aws:sqs/redrivePolicy:RedrivePolicy": messaging.RedrivePolicy,
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": messaging.RedriveAllowPolicy,
    "aws:dynamodb/table:Table": ledger.Table,
    "aws:secretsmanager/secret:Secret": secrets.Secret,
    "aws:iam/role:Role": identity.Role,
    "aws:iam/rolePolicy:RolePolicy": identity.RolePolicy,
    "aws:iam/policy:Policy": identity.Policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": identity.RolePolicyAttachment,
    "aws:lambda/function:Function": function.Function,
    "aws:lambda/eventSourceMapping:EventSourceMapping": function.EventSourceMapping,
    "aws:cloudwatch/logGroup:LogGroup": logs.LogGroup,
}

CALLS: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": lambda region: identity.CALLER,
    "aws:index/getRegion:getRegion": lambda region: {"name": region, "region": region, "id": region},
    "aws:index/getPartition:getPartition": lambda region: {
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
        "id": "aws",
    },
}
"""Answers, given the region."""
