"""A stack with jobs in many states, for who examines one: made by the real actors in memory, then moved to a cloud.

It is whole: whatever a test wants to be found it plants by itself.
"""

import functools
import io
import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from adapters import clients
from adapters.clients import AwsClient
from adapters.ledger import item_of
from adapters.objects import S3Originals, S3Results
from adapters.rows import delivery_item
from components.naming import physical_name
from components.settings import PipelineConfig
from contracts.deliveries import Delivery, DeliveryState
from contracts.identifiers import JobId, event_id
from contracts.job import Job, JobState
from contracts.messages import Queue
from contracts.outputs import OutputFormat
from contracts.places import parse_result
from contracts.tables import JOBS
from operations.doctor import Doctor, Report
from operations.standing import EMBEDDED_ACCOUNT, Standing
from tests.support.agreement_cloud import create_table
from tests.support.pipeline import Pipeline, some_variants

REGION = "eu-west-1"
STACK = "ward"
WEBHOOK = "wh_aaaaaaaaaaaaaaaa"
LATER = 15 * 60 * 1_000
"""Milliseconds after the last thing that happened: everything has had its time."""


class Ward:
    """`jobs` has one job a name.

    `make` gives a client of the cloud, for a service by its name; without it that is the moto that is in force.
    """

    def __init__(self, make: Callable[[str], AwsClient] | None = None, stack: str = STACK) -> None:
        self.pipeline = Pipeline()
        # moto dates objects by the real clock
        self.pipeline.clock.time = int(time.time() * 1_000)
        self.dynamodb, self.s3, self.sqs = map(make or _of_moto, ("dynamodb", "s3", "sqs"))
        self.standing = Standing(
            stack=stack,
            settings=PipelineConfig(),
            account=EMBEDDED_ACCOUNT,
            region=REGION,
            dynamodb=self.dynamodb,
            s3=self.s3,
            sqs=self.sqs,
        )
        self._build()
        self.jobs = self._lived()
        self._move_in()
        self.deliver()

    def now(self) -> int:
        return self.pipeline.clock.now() + LATER

    def look(self, **how: Any) -> Report:
        return Doctor(self.standing, self.now, pause=lambda seconds: None, **how).look()

    def job(self, name: str) -> Job:
        job = self.standing.jobs([self.jobs[name]])[self.jobs[name]]
        assert job is not None
        return job

    def put(self, job: Job, **envelope: Any) -> None:
        """Write the row as it is given, whatever the rules say; `envelope` overrules what is made from it."""
        item = item_of(job, self.standing.shards) | envelope
        self.dynamodb.put_item(
            TableName=self.standing.table, Item={name: value for name, value in item.items() if value is not None}
        )

    def change(self, name: str, **fields: Any) -> Job:
        """The named job's row with other fields in its document."""
        job = replace(self.job(name), **fields)
        self.put(job)
        return job

    def deliver(self, **fields: Any) -> str:
        """The event of the completed job, delivered, or with other fields in its row; the row's key."""
        job = self.job("completed")
        event = event_id(job.id, job.run, job.state)
        delivery = Delivery(
            schema=1,
            event=event,
            webhook=WEBHOOK,
            tenant=job.tenant,
            job_id=job.id,
            run=job.run,
            type="job.completed",
            body="{}",
            state=DeliveryState.DELIVERED,
            created_at=job.created_at,
            ended_at=self.now(),
        )
        envelope = {name: fields.pop(name) for name in ("state_attribute",) if name in fields}
        item = delivery_item(replace(delivery, **fields))
        if envelope:
            item["state"] = {"S": envelope["state_attribute"]}
        key = item[JOBS.hash_key]["S"]
        self.dynamodb.put_item(TableName=self.standing.table, Item=item)
        return key

    def _build(self) -> None:
        create_table(self.dynamodb, JOBS, self.standing.table)
        for bucket in (self.standing.originals, self.standing.results):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_versioning(Bucket=self.standing.originals, VersioningConfiguration={"Status": "Enabled"})
        for queue in Queue:
            for what in (queue.value, f"{queue.value}-dead-letters"):
                self.sqs.create_queue(QueueName=physical_name(self.standing.stack, what))

    def _lived(self) -> dict[str, JobId]:
        """Jobs that the real actors brought where they are."""
        pipeline, jobs = self.pipeline, {}

        def upload() -> JobId:
            return pipeline.upload(options=some_variants("a", "b")).job.id

        jobs["deleted"] = upload()
        pipeline.host.commands.delete("default", jobs["deleted"], None)
        pipeline.sweep()
        pipeline.clock.advance(400)
        pipeline.sweep()
        assert pipeline.job(jobs["deleted"]).state is JobState.DELETED
        jobs["partial"], jobs["rejected"] = upload(), upload()
        pipeline.function.nature[jobs["partial"]] = {"b": "failed"}
        pipeline.function.nature[jobs["rejected"]] = "undecodable"
        jobs["completed"] = upload()
        pipeline.settle()
        jobs["processing"] = upload()
        pipeline.turn("jobs")
        jobs["queued"] = upload()
        jobs["reserved"] = pipeline.presign(b"a picture").job.id
        return jobs

    def _move_in(self) -> None:
        originals, results = (
            S3Originals(self.s3, self.standing.originals),
            S3Results(self.s3, self.standing.results),
        )
        pinned = {}
        for key, versions in self.pipeline.objects.originals.items():
            (version,) = versions
            pinned[key] = originals.put_original(
                key,
                io.BytesIO(version.body),
                length=len(version.body),
                sha256=version.sha256 or "",
                media_type="image/jpeg",
            )
        for key, versions in self.pipeline.objects.results.items():
            place: OutputFormat = parse_result(key).format
            for version in versions:
                results.put_result(key, version.body, digest=version.sha256 or "", media_type=place.media_type)
        for job in self.pipeline.ledger.jobs():
            there = pinned.get(job.key)
            if job.original is not None and there is not None:
                original = replace(job.original, version_id=there.version_id, etag=there.etag)
                self.put(_patient(replace(job, original=original), self.now()))
            else:
                self.put(_patient(job, self.now()))


def _patient(job: Job, now: int) -> Job:
    """The job as a sweeper keeps it while its message waits in a queue: dated ahead of the look."""
    debts = tuple(replace(debt, due_at=now + LATER, sent_at=now - 1_000) for debt in job.debts)
    alarm = None if job.alarm_at is None else max(job.alarm_at, now + LATER)
    return replace(job, debts=debts, alarm_at=alarm)


@functools.cache
def _of_moto(service: str) -> AwsClient:
    """Made once for all of a test process: moto forgets what is in its cloud, not who asks."""
    keys = clients.Keys(access_key="testing", secret_key="testing", token="", expires_at=0)  # noqa: S106 - moto asks for none
    return clients.make(service, region=REGION, keys=keys, pool=20)
