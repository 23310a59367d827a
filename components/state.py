"""SecretsKey and StateBucket: what opens the secrets of stacks, and where Pulumi keeps what it knows of them."""

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.access import tls_only
from components.naming import type_token
from components.private_bucket import ABORT_DAYS, private_bucket
from components.secrets_policy import secrets_key_policy, secrets_provider
from components.stage import Stage

DELETION_WINDOW_DAYS = 30
"""Between the order to delete the key and its end: the longest that KMS takes. Without it no state can be read."""


class SecretsKey(pulumi.ComponentResource):
    """A symmetric key that KMS renews each year; what was encrypted before stays readable."""

    arn: Output[str]
    provider: str
    """Of Pulumi's secrets; a stack's name is to be written behind it."""

    def __init__(
        self, name: str, *, stage: Stage, state_bucket: Input[str], opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(type_token("state", "SecretsKey"), name, None, opts)
        policy = Output.all(account=stage.account, bucket=state_bucket).apply(
            lambda known: secrets_key_policy(account=known["account"], region=stage.region, bucket=known["bucket"])
        )
        key = aws.kms.Key(
            name,
            description="Secrets in the configuration of stacks, and their state",
            policy=policy,
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            tags=stage.tags,
            opts=ResourceOptions(parent=self, protect=stage.deletion_protection),
        )
        alias = f"alias/{stage.name(name)}"
        aws.kms.Alias(name, name=alias, target_key_id=key.key_id, opts=ResourceOptions(parent=self))
        self.arn = key.arn
        self.provider = secrets_provider(alias, stage.region)
        self.register_outputs({"arn": self.arn, "provider": self.provider})


class StateBucket(pulumi.ComponentResource):
    """Nobody's but the account's, TLS only, every object under the key and with its older versions for some days."""

    bucket_name: Output[str]

    def __init__(
        self, name: str, *, stage: Stage, key: SecretsKey, version_days: int, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(type_token("state", "StateBucket"), name, None, opts)
        child = ResourceOptions(parent=self)
        bucket, closed = private_bucket(
            name,
            stage=stage,
            called=stage.bucket_name(name),
            encryption={
                "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn},
                "bucket_key_enabled": True,
            },
            # what it holds is all that is known of what there is to delete
            force_destroy=False,
            parent=self,
        )
        versioned = aws.s3.BucketVersioning(
            name, bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=child
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                {
                    "id": "older-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": version_days},
                    # a lock that was given back leaves a marker, and later nothing else
                    "expiration": {"expired_object_delete_marker": True},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_DAYS},
                }
            ],
            opts=ResourceOptions(parent=self, depends_on=[versioned]),
        )
        aws.s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=bucket.arn.apply(lambda arn: tls_only("s3", [arn, f"{arn}/*"])),
            # S3 refuses two changes of a bucket's access at once
            opts=ResourceOptions(parent=self, depends_on=[closed]),
        )
        self.bucket_name = bucket.bucket
        self.register_outputs({"bucket_name": self.bucket_name})
