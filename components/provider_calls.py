"""What the provider asks AWS for, by type of resource: the actions behind create, read, update and delete. Pure.

A role that may do these and no other can deploy a stack whose plan has these types and no other. Where an action
applies is not said here but in components/deployment_where.py; what is withheld from a workflow all the same, in
components/deployment_rights.py. The network and what stands in it is in components/provider_calls_site.py.
Sources: the provider's code for the calls (https://github.com/hashicorp/terraform-provider-aws, internal/service), and
for the action that each call needs https://docs.aws.amazon.com/service-authorization/latest/reference.
"""

from typing import Final

from msgspec import Struct


class Calls(Struct, frozen=True, kw_only=True):
    """The actions behind one type of resource, each as `service:Action`."""

    create: frozenset[str]
    read: frozenset[str]
    update: frozenset[str]
    delete: frozenset[str]
    passes_role_to: str | None = None
    """The service that is handed a role when such a thing is made: the role must be one of the stack's own."""
    service_role_of: str | None = None
    """The service that makes a role for itself with an account's first such thing, if whoever makes the thing may."""

    @property
    def all(self) -> frozenset[str]:
        return self.create | self.read | self.update | self.delete


def calls(
    service: str,
    *,
    create: str,
    read: str,
    update: str = "",
    delete: str = "",
    passes_role_to: str | None = None,
    service_role_of: str | None = None,
) -> Calls:
    """Actions by their names, parted by spaces; those of another service are written with it (`iam:PassRole`)."""

    def full(names: str) -> frozenset[str]:
        return frozenset(name if ":" in name else f"{service}:{name}" for name in names.split())

    return Calls(
        create=full(create),
        read=full(read),
        update=full(update),
        delete=full(delete),
        passes_role_to=passes_role_to,
        service_role_of=service_role_of,
    )


def bucket_part(name: str) -> Calls:
    """A setting of a bucket: one action writes and removes it, one reads it."""
    return calls("s3", create=f"Put{name}", read=f"Get{name}", update=f"Put{name}", delete=f"Put{name}")


_QUEUE_PART: Final = calls(
    "sqs",
    create="SetQueueAttributes",
    read="GetQueueAttributes",
    update="SetQueueAttributes",
    delete="SetQueueAttributes",
)

PIPELINE: Final[dict[str, Calls]] = {
    "aws:s3/bucket:Bucket": calls(
        "s3",
        create="CreateBucket TagResource PutBucketTagging",
        # the provider reads all that a bucket can be told, whether or not it was told it
        read="ListBucket GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging"
        " GetBucketObjectLockConfiguration GetBucketPolicy GetBucketRequestPayment GetBucketTagging"
        " GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration GetLifecycleConfiguration"
        " GetReplicationConfiguration ListTagsForResource",
        update="PutBucketTagging TagResource UntagResource",
        delete="DeleteBucket",
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucket_part("BucketPublicAccessBlock"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": bucket_part("BucketOwnershipControls"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": bucket_part(
        "EncryptionConfiguration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": bucket_part("BucketVersioning"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucket_part("LifecycleConfiguration"),
    "aws:s3/bucketNotification:BucketNotification": bucket_part("BucketNotification"),
    "aws:s3/bucketPolicy:BucketPolicy": calls(
        "s3", create="PutBucketPolicy", read="GetBucketPolicy", update="PutBucketPolicy", delete="DeleteBucketPolicy"
    ),
    "aws:sqs/queue:Queue": calls(
        "sqs",
        create="CreateQueue TagQueue",
        read="GetQueueAttributes GetQueueUrl ListQueueTags",
        update="SetQueueAttributes TagQueue UntagQueue",
        delete="DeleteQueue",
    ),
    "aws:sqs/queuePolicy:QueuePolicy": _QUEUE_PART,
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _QUEUE_PART,
    "aws:dynamodb/table:Table": calls(
        "dynamodb",
        create="CreateTable TagResource UpdateContinuousBackups UpdateTimeToLive",
        read="DescribeContinuousBackups DescribeTable DescribeTimeToLive ListTagsOfResource",
        update="TagResource UntagResource UpdateContinuousBackups UpdateTable UpdateTimeToLive",
        delete="DeleteTable",
    ),
    "aws:secretsmanager/secret:Secret": calls(
        "secretsmanager",
        create="CreateSecret TagResource",
        # what it holds is neither read nor written: it is declared without a value
        read="DescribeSecret GetResourcePolicy",
        update="TagResource UntagResource UpdateSecret",
        delete="DeleteSecret",
    ),
    "aws:lambda/function:Function": calls(
        "lambda",
        create="CreateFunction PutFunctionConcurrency TagResource iam:PassRole",
        read="GetFunction GetFunctionCodeSigningConfig GetFunctionConfiguration ListVersionsByFunction",
        update="DeleteFunctionConcurrency PutFunctionConcurrency TagResource UntagResource UpdateFunctionCode"
        " UpdateFunctionConfiguration iam:PassRole",
        delete="DeleteFunction",
        passes_role_to="lambda.amazonaws.com",
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": calls(
        "lambda",
        create="CreateEventSourceMapping TagResource",
        read="GetEventSourceMapping ListTags",
        update="TagResource UntagResource UpdateEventSourceMapping",
        delete="DeleteEventSourceMapping",
    ),
    "aws:cloudwatch/logGroup:LogGroup": calls(
        "logs",
        create="AssociateKmsKey CreateLogGroup PutRetentionPolicy TagResource",
        read="DescribeLogGroups ListTagsForResource",
        update="AssociateKmsKey DisassociateKmsKey PutRetentionPolicy TagResource UntagResource",
        delete="DeleteLogGroup",
    ),
    "aws:iam/role:Role": calls(
        "iam",
        create="CreateRole TagRole",
        read="GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies",
        update="PutRolePermissionsBoundary TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
        delete="DeleteRole ListInstanceProfilesForRole",
    ),
    "aws:iam/rolePolicy:RolePolicy": calls(
        "iam", create="PutRolePolicy", read="GetRolePolicy", update="PutRolePolicy", delete="DeleteRolePolicy"
    ),
}
"""Of every pipeline stack, whatever its configuration."""

CUSTOMER_KEY: Final[dict[str, Calls]] = {
    "aws:kms/key:Key": calls(
        "kms",
        # a table or a function under the key takes a grant of whoever makes it, and the settings of a function are
        # decrypted on behalf of whoever reads them
        create="CreateGrant CreateKey Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom"
        " ReEncryptTo TagResource",
        read="Decrypt DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
        update="EnableKeyRotation PutKeyPolicy TagResource UntagResource UpdateKeyDescription",
        delete="ScheduleKeyDeletion",
    ),
    "aws:kms/alias:Alias": calls(
        "kms", create="CreateAlias", read="ListAliases", update="UpdateAlias", delete="DeleteAlias"
    ),
}

ALARMS: Final[dict[str, Calls]] = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": calls(
        "cloudwatch",
        create="PutMetricAlarm TagResource",
        read="DescribeAlarms ListTagsForResource",
        update="PutMetricAlarm TagResource UntagResource",
        delete="DeleteAlarms",
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": calls(
        "logs",
        create="PutMetricFilter",
        read="DescribeMetricFilters",
        update="PutMetricFilter",
        delete="DeleteMetricFilter",
    ),
    "aws:cloudwatch/dashboard:Dashboard": calls(
        "cloudwatch", create="PutDashboard", read="GetDashboard", update="PutDashboard", delete="DeleteDashboards"
    ),
    "aws:sns/topic:Topic": calls(
        "sns",
        create="CreateTopic SetTopicAttributes TagResource",
        read="GetTopicAttributes ListTagsForResource",
        update="SetTopicAttributes TagResource UntagResource",
        delete="DeleteTopic",
    ),
    "aws:sns/topicPolicy:TopicPolicy": calls(
        "sns",
        create="SetTopicAttributes",
        read="GetTopicAttributes",
        update="SetTopicAttributes",
        delete="SetTopicAttributes",
    ),
    "aws:sns/topicSubscription:TopicSubscription": calls(
        "sns",
        create="Subscribe",
        read="GetSubscriptionAttributes ListSubscriptionsByTopic",
        update="SetSubscriptionAttributes",
        delete="Unsubscribe",
    ),
}
