"""PipelineKey: the customer's key, under which everything of a stack is stored; and what its use takes in rights."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.identity import ProcessRole
from components.key_policy import KeyUses, key_policy
from components.naming import PROJECT, stack_label, type_token
from components.stage import Stage

DELETION_WINDOW_DAYS = 30
"""Between the order to delete the key and its end, which is that of everything under it: the longest that KMS takes."""


class PipelineKey(pulumi.ComponentResource):
    """A symmetric key that KMS renews each year; what was encrypted before stays readable.

    Only services use it: see components/key_policy.py. `hosts` and `alarms` say whether disks and a topic are under it,
    `delivered_bucket` is the name of the bucket that CloudFront reads, `announcing_bucket` of the one that S3 announces
    new objects of.
    """

    arn: Output[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        hosts: bool = False,
        alarms: bool = False,
        delivered_bucket: Input[str] | None = None,
        announcing_bucket: Input[str] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("encryption", "PipelineKey"), name, None, opts)

        def policy(values: Mapping[str, Any]) -> str:
            uses = KeyUses(
                hosts=hosts,
                alarms=alarms,
                delivered_bucket=_bucket_arn(values["delivered"]),
                announcing_bucket=_bucket_arn(values["announcing"]),
            )
            prefix = f"{PROJECT}-{stack_label(stage.stack)}-"
            return key_policy(account=values["account"], region=stage.region, prefix=prefix, uses=uses)

        key = aws.kms.Key(
            name,
            description=f"Everything that the stack {stage.stack} of {PROJECT} stores",
            policy=Output.all(account=stage.account, delivered=delivered_bucket, announcing=announcing_bucket).apply(
                policy
            ),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            tags=stage.tags,
            # without the key nothing that it encrypted is of use
            opts=ResourceOptions(parent=self, protect=stage.deletion_protection),
        )
        aws.kms.Alias(
            name, name=f"alias/{stage.name(name)}", target_key_id=key.key_id, opts=ResourceOptions(parent=self)
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


def _bucket_arn(name: str | None) -> str | None:
    return None if name is None else f"arn:aws:s3:::{name}"


def let_encrypt(stage: Stage, role: ProcessRole) -> None:
    """The role may store under the stage's key, if there is one.

    The data key is made for it; and S3 checks a bucket key, SQS the data key that it reuses, by decrypting it.
    Sources: "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys"; "Key management" of Amazon SQS, for producers.
    """
    if stage.key_arn is not None:
        role.allow(["kms:Decrypt", "kms:GenerateDataKey"], stage.key_arn)


def let_decrypt(stage: Stage, role: ProcessRole) -> None:
    """The role may read what is stored under the stage's key, if there is one, and use a table under it.

    DynamoDB makes a table's key itself and decrypts it on behalf of whoever reads or writes.
    Sources: "Protecting data with SSE-KMS"; "Key management" of Amazon SQS, for consumers; "DynamoDB encryption at
    rest: usage notes", on the events of KMS.
    """
    if stage.key_arn is not None:
        role.allow(["kms:Decrypt"], stage.key_arn)
