"""PipelineQueue: a queue and its dead letters, and the verbs that grant rights over either."""

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.access import queue_policy
from components.encryption import let_decrypt, let_encrypt
from components.identity import ProcessRole
from components.naming import type_token
from components.stage import Stage
from contracts.limits import MAX_MESSAGE_BYTES, Timing
from contracts.messages import Queue

LONG_POLL_SECONDS = 20
"""What a receive that names no wait waits for; SQS's longest."""

DATA_KEY_SECONDS = 300
"""That SQS uses a data key for before it asks KMS for the next, so also the delay of a key that is shut. Its default;
a minute would be five times as many calls of KMS, and of their price."""


class Mailbox:
    """Something that messages are sent to and received from: a queue, or its dead letters."""

    stage: Stage
    arn: Output[str]
    url: Output[str]

    def fed_by(self, role: ProcessRole) -> None:
        """The role may send."""
        role.allow(["sqs:SendMessage"], self.arn)
        let_encrypt(self.stage, role)

    def consumed_by(self, role: ProcessRole) -> None:
        """The role may receive, and delete what it received."""
        role.allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"], self.arn)
        let_decrypt(self.stage, role)

    def looked_into_by(self, role: ProcessRole) -> None:
        """The role may give back what it received, at once."""
        role.allow(["sqs:ChangeMessageVisibility"], self.arn)

    def measured_by(self, role: ProcessRole) -> None:
        """The role may see how many messages wait."""
        role.allow(["sqs:GetQueueAttributes"], self.arn)


class DeadLetters(Mailbox):
    """Where a queue's messages end that nobody could take: by SQS after too many receives, or parked by a reader."""

    def __init__(self, queue: aws.sqs.Queue, stage: Stage) -> None:
        self.stage = stage
        self.arn = queue.arn
        self.url = queue.url


class PipelineQueue(pulumi.ComponentResource, Mailbox):
    """One of the pipeline's queues with dead letters that only it may fill.

    Both are encrypted, with SQS's keys or the stage's, and refuse messages longer than any of ours. A dead letter keeps
    the time of its first send, so dead letters are kept longer than messages. `visibility_seconds` is how long a
    received message is hidden, `receives` how often it may be before it is dead. `bucket_arn` names the bucket whose
    notices S3 may send here.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        stage: Stage,
        visibility_seconds: int,
        receives: int,
        timing: Timing,
        bucket_arn: Input[str] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        name = queue.value
        self.stage = stage
        super().__init__(type_token("messaging", "PipelineQueue"), name, None, opts)
        letters = self._queue(
            f"{name}-dead-letters", stage, timing.queue_visibility_seconds, timing.dead_letter_retention_seconds
        )
        messages = self._queue(
            name, stage, visibility_seconds, timing.queue_retention_seconds, _redrive(letters.arn, receives)
        )
        self.policy = _policy(self, name, messages, stage, bucket_arn)
        _policy(self, f"{name}-dead-letters", letters, stage)
        aws.sqs.RedriveAllowPolicy(
            name,
            queue_url=letters.url,
            redrive_allow_policy=messages.arn.apply(
                lambda arn: json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn]})
            ),
            opts=ResourceOptions(parent=self),
        )
        self.arn = messages.arn
        self.url = messages.url
        self.dead_letters = DeadLetters(letters, stage)
        self.register_outputs({"arn": self.arn, "url": self.url, "dead_letter_url": self.dead_letters.url})

    def _queue(
        self,
        name: str,
        stage: Stage,
        visibility_seconds: int,
        retention_seconds: int,
        redrive: Output[str] | None = None,
    ) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            name,
            name=stage.name(name),
            visibility_timeout_seconds=visibility_seconds,
            message_retention_seconds=retention_seconds,
            receive_wait_time_seconds=LONG_POLL_SECONDS,
            max_message_size=MAX_MESSAGE_BYTES,
            # SQS's own keys or one of ours: naming both is a contradiction
            sqs_managed_sse_enabled=True if stage.key_arn is None else None,
            kms_master_key_id=stage.key_arn,
            kms_data_key_reuse_period_seconds=None if stage.key_arn is None else DATA_KEY_SECONDS,
            redrive_policy=redrive,
            tags=stage.tags,
            opts=ResourceOptions(parent=self),
        )


def pipeline_queues(
    stage: Stage, timing: Timing, originals_arn: Input[str], opts: ResourceOptions
) -> dict[Queue, PipelineQueue]:
    """All queues of the pipeline. The function works longer than any other reader, and is retried less often.

    S3 writes to `ingest` what is posted to the bucket of originals.
    """
    queues = {}
    for queue in Queue:
        long = queue is Queue.TRANSFORMS
        queues[queue] = PipelineQueue(
            queue,
            stage=stage,
            visibility_seconds=timing.transforms_visibility_seconds if long else timing.queue_visibility_seconds,
            receives=timing.transforms_receives if long else timing.queue_receives,
            timing=timing,
            bucket_arn=originals_arn if queue is Queue.INGEST else None,
            opts=opts,
        )
    return queues


def _policy(
    parent: pulumi.Resource, name: str, queue: aws.sqs.Queue, stage: Stage, bucket_arn: Input[str] | None = None
) -> "aws.sqs.QueuePolicy | None":
    """What the queue itself says of who comes, if it says anything."""
    if bucket_arn is None and not stage.require_tls:
        return None

    def written(known: Sequence[str]) -> str:
        arn, account, *bucket = known
        return queue_policy(arn, account=account, require_tls=stage.require_tls, bucket_arn=next(iter(bucket), None))

    known = [queue.arn, stage.account] if bucket_arn is None else [queue.arn, stage.account, bucket_arn]
    return aws.sqs.QueuePolicy(
        name,
        queue_url=queue.url,
        policy=Output.all(*known).apply(written),
        opts=ResourceOptions(parent=parent),
    )


def _redrive(letters_arn: Output[str], receives: int) -> Output[str]:
    return letters_arn.apply(lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": receives}))
