"""ImageBucket: a private bucket of pictures, and the verbs that grant rights over it."""

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.bucket_policy import bucket_policy
from components.encryption import let_decrypt, let_encrypt
from components.identity import ProcessRole
from components.messaging import PipelineQueue
from components.naming import type_token
from components.private_bucket import ABORT_DAYS, private_bucket
from components.stage import Stage


class ImageBucket(pulumi.ComponentResource):
    """Nobody's but the account's: no public access, no ACLs, encrypted, and (where required) TLS only.

    `versioned` keeps what is overwritten or deleted readable by its version, until its days are over. `prefixes` are
    those under which objects live; each is collected after `days`, however it came to be left behind. A bucket has one
    policy: that of a `delivered` one names its distribution, so `delivered_by` writes it.
    """

    bucket_name: Output[str]
    arn: Output[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        days: int,
        versioned: bool = False,
        prefixes: tuple[str, ...] = (),
        delivered: bool = False,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("storage", "ImageBucket"), name, None, opts)
        self._name = name
        self._stage = stage
        self._delivered = delivered
        child = ResourceOptions(parent=self)
        self.bucket, self._closed = private_bucket(
            name,
            stage=stage,
            called=stage.bucket_name(name),
            # a bucket key costs nothing with S3's own keys; with a key of ours it spares a call of KMS for each object
            encryption={"apply_server_side_encryption_by_default": _encryption(stage), "bucket_key_enabled": True},
            force_destroy=stage.force_destroy,
            parent=self,
        )
        self.bucket_name = self.bucket.bucket
        self.arn = self.bucket.arn
        follows: list[pulumi.Resource] = []
        if versioned:
            follows.append(
                aws.s3.BucketVersioning(
                    name, bucket=self.bucket.id, versioning_configuration={"status": "Enabled"}, opts=child
                )
            )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=self.bucket.id,
            rules=[_housekeeping(versioned), *(_collection(prefix, days, versioned) for prefix in prefixes or ("",))],
            opts=ResourceOptions(parent=self, depends_on=follows),
        )
        if not delivered and (stage.require_tls or stage.key_arn is not None):
            self._write_policy()
        self.register_outputs({"bucket_name": self.bucket_name, "arn": self.arn})

    def delivered_by(self, distribution_arn: Input[str]) -> None:
        """This distribution, and no other, may get objects. Raises ValueError unless the bucket is `delivered`."""
        if not self._delivered:
            raise ValueError(f"the policy of {self._name} is written: make the bucket `delivered`")
        self._write_policy(distribution_arn)

    def _write_policy(self, distribution_arn: Input[str] | None = None) -> None:
        stage = self._stage
        aws.s3.BucketPolicy(
            self._name,
            bucket=self.bucket.id,
            policy=Output.all(self.arn, stage.account, distribution_arn).apply(
                lambda known: bucket_policy(
                    known[0],
                    account=known[1],
                    require_tls=stage.require_tls,
                    own_key=stage.key_arn is not None,
                    distribution_arn=known[2],
                )
            ),
            # S3 refuses two changes of a bucket's access at once
            opts=ResourceOptions(parent=self, depends_on=[self._closed]),
        )

    def announced_to(self, queue: PipelineQueue, *, under: str) -> None:
        """S3 tells the queue of every object that comes to be there. The queue must be one that lets this bucket in."""
        aws.s3.BucketNotification(
            self._name,
            bucket=self.bucket.id,
            queues=[
                {
                    "id": under,
                    "queue_arn": queue.arn,
                    "events": ["s3:ObjectCreated:*"],
                    "filter_prefix": f"{under}/",
                }
            ],
            # S3 tries the way at once, and refuses the setting if it is closed
            opts=ResourceOptions(parent=self, depends_on=[] if queue.policy is None else [queue.policy]),
        )

    def storable_by(self, role: ProcessRole, *, under: str = "") -> None:
        """The role may put objects."""
        role.allow(["s3:PutObject"], self._objects(under))
        let_encrypt(self._stage, role)

    def checkable_by(self, role: ProcessRole, *, under: str) -> None:
        """The role may ask for an object's head (is it there, with which checksum), and read what is there now.

        AWS has no right but GET for either.
        """
        role.allow(["s3:GetObject"], self._objects(under))
        # S3 keeps the checksum under the same key
        let_decrypt(self._stage, role)

    def readable_by(self, role: ProcessRole) -> None:
        """The role may get the current version of objects (or sign links that do)."""
        role.allow(["s3:GetObject"], self._objects())
        let_decrypt(self._stage, role)

    def pinned_versions_readable_by(self, role: ProcessRole, *, under: str) -> None:
        """The role may get a version that it can name, and not whatever is there now."""
        role.allow(["s3:GetObjectVersion"], self._objects(under))
        let_decrypt(self._stage, role)

    def erasable_by(self, role: ProcessRole) -> None:
        """The role may list all versions and delete them for good."""
        role.allow(["s3:ListBucketVersions"], self.arn)
        # deleting in batches asks for the first always, and for the second where a version is named:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        role.allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], self._objects())

    def _objects(self, under: str = "") -> Output[str]:
        return self.arn.apply(lambda arn: f"{arn}/{under}/*" if under else f"{arn}/*")


# annotations are quoted: looking at one imports the package of S3's resources, which warns of its deprecated ones


def _encryption(
    stage: Stage,
) -> "aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgsDict":
    """Of an object that names none; with a key of ours none may name one (components/bucket_policy.py)."""
    if stage.key_arn is None:
        return {"sse_algorithm": "AES256"}
    return {"sse_algorithm": "aws:kms", "kms_master_key_id": stage.key_arn}


def _housekeeping(versioned: bool) -> "aws.s3.BucketLifecycleConfigurationRuleArgs":
    rule = aws.s3.BucketLifecycleConfigurationRuleArgs(
        id="unfinished",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=ABORT_DAYS
        ),
    )
    if versioned:
        # a marker with no version behind it is all that is left of an erased object
        rule.expiration = aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True)
    return rule


def _collection(prefix: str, days: int, versioned: bool) -> "aws.s3.BucketLifecycleConfigurationRuleArgs":
    rule = aws.s3.BucketLifecycleConfigurationRuleArgs(
        id=f"collect-{prefix or 'all'}",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=f"{prefix}/" if prefix else ""),
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
    )
    if versioned:
        rule.noncurrent_version_expiration = aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=days
        )
    return rule
