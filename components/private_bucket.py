"""What every bucket of ours is, whatever it holds: nobody's but the account's, without access lists, encrypted."""

from typing import NamedTuple

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.stage import Stage

ABORT_DAYS = 1
"""Days after which an unfinished multipart upload is thrown away: an upload has minutes."""


class PrivateBucket(NamedTuple):
    """The annotations are quoted: looking at one imports the package of S3's resources."""

    bucket: "aws.s3.Bucket"
    closed: "aws.s3.BucketPublicAccessBlock"
    """What a policy of the bucket waits for: S3 refuses two changes of a bucket's access at once."""


def private_bucket(
    name: str,
    *,
    stage: Stage,
    called: Output[str],
    encryption: "aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict",
    force_destroy: bool,
    parent: pulumi.Resource,
) -> PrivateBucket:
    """A bucket of the physical name `called`, shut, with the one rule of its encryption. Its policy is the caller's."""
    child = ResourceOptions(parent=parent)
    bucket = aws.s3.Bucket(
        name,
        bucket=called,
        force_destroy=force_destroy,
        tags=stage.tags,
        opts=ResourceOptions(parent=parent, protect=stage.deletion_protection),
    )
    closed = aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=child,
    )
    aws.s3.BucketOwnershipControls(name, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child)
    aws.s3.BucketServerSideEncryptionConfiguration(name, bucket=bucket.id, rules=[encryption], opts=child)
    return PrivateBucket(bucket, closed)
