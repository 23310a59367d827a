"""Adapters on fresh buckets, queues and a table of a cloud: moto in this process, or MiniStack.

What `components` declares is tested with it; here is only what the ports need, with names of their own in each world.
"""

import contextlib
import functools
import itertools
import json
from collections.abc import Callable
from typing import Any

from adapters import clients
from adapters.catalogue import DynamoCatalogue
from adapters.clients import AwsClient, Keys
from adapters.deliveries import DynamoDeliveries
from adapters.eraser import S3Eraser
from adapters.ledger import DynamoLedger
from adapters.objects import S3Originals, S3Results
from adapters.presets import DynamoPresets
from adapters.queues import SqsQueues
from adapters.registry import DynamoKeys
from adapters.tallies import DynamoTallies
from adapters.webhooks import DynamoWebhooks
from contracts.messages import Queue
from contracts.tables import JOBS, REGISTRY, Table
from tests.support.ministack import REGION

ROOT = Keys(access_key="test", secret_key="test", token="", expires_at=0)  # noqa: S106 - the embedded cloud's root
RECEIVES = 3
VISIBILITY_SECONDS = 600
"""Longer than any test: a message comes back only when `surface` says so."""

PATIENCE_SECONDS = 120
"""With an answer of a cloud that runs on this machine: a call that is repeated because a busy machine was slow would
find what it has done already."""

_worlds = itertools.count(1)

Make = Callable[..., AwsClient]
"""`make(service, keys=...)`: a client of this cloud."""


def maker(endpoint_url: str | None, region: str = REGION) -> Make:
    """Clients of MiniStack at `endpoint_url`, or (None) of the moto that is in force; parameters are checked.

    Those of root are shared between worlds: making one takes longer than making a bucket.
    """

    @functools.cache
    def make(service: str, keys: Keys = ROOT) -> AwsClient:
        return clients.make(
            service,
            region=region,
            endpoint_url=endpoint_url,
            keys=keys,
            check_parameters=True,
            read_seconds=PATIENCE_SECONDS,
        )

    return make


class CloudWorld:
    """Ports on a cloud, with what a test does behind their backs."""

    def __init__(self, make: Make, *, shards: int = 1) -> None:
        self.name = f"world-{next(_worlds)}"
        self.make = make
        self.s3 = make("s3")
        self.sqs = make("sqs")
        self.dynamodb = make("dynamodb")
        self.originals_bucket = f"{self.name}-originals"
        self.results_bucket = f"{self.name}-results"
        for bucket in (self.originals_bucket, self.results_bucket):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_versioning(Bucket=self.originals_bucket, VersioningConfiguration={"Status": "Enabled"})
        create_table(self.dynamodb, JOBS, self.name)
        create_table(self.dynamodb, REGISTRY, f"{self.name}-registry")
        self.dead_letter_urls = {queue: self._queue(f"{queue}-dead") for queue in Queue}
        self.urls = {queue: self._queue(queue, self.dead_letter_urls[queue]) for queue in Queue}

        self.originals = S3Originals(self.s3, self.originals_bucket)
        self.results = S3Results(self.s3, self.results_bucket)
        self.eraser = S3Eraser(
            make("sts"),
            eraser_role(make("iam")),
            originals_bucket=self.originals_bucket,
            results_bucket=self.results_bucket,
            make_s3=lambda keys: make("s3", keys),
        )
        self.queues = SqsQueues(self.sqs, self.urls, self.dead_letter_urls)
        self.ledger = DynamoLedger(self.dynamodb, self.name, shards)
        self.deliveries = DynamoDeliveries(self.dynamodb, self.name)
        self.catalogue = DynamoCatalogue(self.dynamodb, self.name)
        self.tallies = DynamoTallies(self.dynamodb, self.name)
        self.keys = DynamoKeys(self.dynamodb, f"{self.name}-registry")
        self.presets = DynamoPresets(self.dynamodb, f"{self.name}-registry")
        self.webhooks = DynamoWebhooks(self.dynamodb, f"{self.name}-registry")

    def post_original(self, key: str, body: bytes) -> str:
        """What a presigned POST does: an unconditional put. The version's id."""
        return self.s3.put_object(Bucket=self.originals_bucket, Key=key, Body=body)["VersionId"]

    def stored(self, bucket: str) -> list[tuple[str, str]]:
        """(key, version id) of everything in the bucket, markers included."""
        page = self.s3.list_object_versions(Bucket=bucket)
        assert not page["IsTruncated"]
        return [(one["Key"], one["VersionId"]) for one in page.get("Versions", []) + page.get("DeleteMarkers", [])]

    def surface(self, queue: Queue, receipt: str, *, dead_letters: bool = False) -> None:
        """The visibility time-out of this receive is over. A message that has gone to the dead letters stays there."""
        urls = self.dead_letter_urls if dead_letters else self.urls
        with contextlib.suppress(self.sqs.exceptions.ReceiptHandleIsInvalid):
            self.sqs.change_message_visibility(QueueUrl=urls[queue], ReceiptHandle=receipt, VisibilityTimeout=0)

    def _queue(self, name: str, dead_letters: str | None = None) -> str:
        attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        if dead_letters is not None:
            arn = self.sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])
            attributes["RedrivePolicy"] = json.dumps(
                {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": RECEIVES}
            )
        return self.sqs.create_queue(QueueName=f"{self.name}-{name}", Attributes=attributes)["QueueUrl"]


def create_table(dynamodb: AwsClient, table: Table, name: str) -> None:
    """The table as `contracts.tables` describes it."""

    def keys(hash_key: str, range_key: str | None) -> list[dict[str, str]]:
        ranged = [] if range_key is None else [{"AttributeName": range_key, "KeyType": "RANGE"}]
        return [{"AttributeName": hash_key, "KeyType": "HASH"}, *ranged]

    indexes = [
        {
            "IndexName": index.name,
            "KeySchema": keys(index.hash_key, index.range_key),
            "Projection": {"ProjectionType": "KEYS_ONLY"}
            if index.projected is None
            else {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.projected)},
        }
        for index in table.indexes
    ]
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in table.attributes.items()
        ],
        KeySchema=keys(table.hash_key, table.range_key),
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )


def fresh_registry(make: Make, name: str) -> AwsClient:
    """A client, and an empty table of this name as `contracts.tables` describes the registry."""
    client = make("dynamodb")
    if name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)
    create_table(client, REGISTRY, name)
    return client


def eraser_role(iam: AwsClient) -> str:
    """A role that may erase anything: what narrows it is the session policy. Its ARN."""
    name = "eraser"
    try:
        return iam.get_role(RoleName=name)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        pass
    arn = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=_policy("sts:AssumeRole", Principal={"AWS": "*"}, Resource=None)
    )["Role"]["Arn"]
    rights = _policy("s3:ListBucketVersions", "s3:DeleteObject", "s3:DeleteObjectVersion", Resource="*")
    iam.put_role_policy(RoleName=name, PolicyName="erase", PolicyDocument=rights)
    return arn


def _policy(*actions: str, **rest: Any) -> str:
    statement = {"Effect": "Allow", "Action": actions, **{name: value for name, value in rest.items() if value}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
