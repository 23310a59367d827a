"""AccessLogs: the bucket that a balancer writes to, who asked for what and when."""

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.gates import access_log_policy
from components.naming import type_token
from components.private_bucket import ABORT_DAYS, private_bucket
from components.stage import Stage

WHAT = "access"
"""In the bucket's name, which has room for nine letters beside the longest label of a stack and the longest region."""


class AccessLogs(pulumi.ComponentResource):
    """A private bucket that one balancer fills and that forgets after `days`.

    The lines hold addresses of clients: that is why they are kept for days and not for ever. Encrypted with S3's own
    keys whatever the stack has, because a balancer can write with no others.
    """

    bucket_name: Output[str]
    """Known once the balancer may write: it tries when it is told of the bucket."""

    def __init__(
        self, name: str, *, stage: Stage, balancer: str, days: int, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(type_token("accesslogs", "AccessLogs"), name, None, opts)
        child = ResourceOptions(parent=self)
        bucket, closed = private_bucket(
            name,
            stage=stage,
            called=stage.bucket_name(WHAT),
            encryption={"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}},
            force_destroy=stage.force_destroy,
            parent=self,
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                {
                    "id": "forget",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "expiration": {"days": days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_DAYS},
                }
            ],
            opts=child,
        )
        policy = aws.s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=Output.all(bucket.arn, stage.account, _balancers(stage, balancer)).apply(
                lambda known: access_log_policy(
                    known[0], account=known[1], balancer_arns=known[2], require_tls=stage.require_tls
                )
            ),
            # S3 refuses two changes of a bucket's access at once
            opts=ResourceOptions(parent=self, depends_on=[closed]),
        )
        self.bucket_name = policy.bucket
        self.register_outputs({"bucket_name": self.bucket_name})


def _balancers(stage: Stage, balancer: str) -> Output[str]:
    """ARNs of the application balancer of this name: it has a suffix that is made with it."""
    return stage.arn("elasticloadbalancing", f"loadbalancer/app/{balancer}/*")
