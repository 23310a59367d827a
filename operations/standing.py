"""A stack that stands, as its operator sees it: the table, the buckets and the queues, whole and page by page.

On AWS with whatever credentials there are; an embedded cloud (the stack's file names an endpoint) with its root key, on
the port that the run in a data folder has, or at an address that is given.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from adapters import clients
from adapters.clients import AwsClient
from adapters.errors import translated
from adapters.ledger import DynamoLedger
from adapters.presets import DynamoPresets
from adapters.queues import SqsQueues
from adapters.rows import READ_BATCH
from client.errors import BadInput, Unreachable
from components.naming import bucket_name, physical_name
from components.settings import PipelineConfig
from contracts.errors import PipelineError
from contracts.identifiers import JobId
from contracts.job import Job
from contracts.messages import Queue
from contracts.tables import JOBS, REGISTRY, TALLY
from operations.asking import asking
from operations.configuration import pipeline_configuration

EMBEDDED_ACCOUNT: Final = "000000000000"
_EMBEDDED_KEYS: Final = clients.Keys(access_key="test", secret_key="test", token="", expires_at=0)  # noqa: S106 - everybody's
CALLS_AT_ONCE: Final = 16
"""Objects that are looked at side by side."""

Item = Mapping[str, Mapping[str, Any]]


class Version(Struct, frozen=True, kw_only=True):
    """One version of an object, or a marker; `at` in ms."""

    key: str
    version_id: str
    at: int


class _Process(Struct):
    """What a run's list says of one of its processes."""

    name: str
    port: int | None = None


class Standing:
    """Of one stack. All methods raise as botocore or the adapters do; `standing` puts that into words."""

    def __init__(
        self,
        *,
        stack: str,
        settings: PipelineConfig,
        account: str,
        region: str,
        dynamodb: AwsClient,
        s3: AwsClient,
        sqs: AwsClient,
    ) -> None:
        self.stack, self.settings, self.region, self.s3 = stack, settings, region, s3
        self.shards = settings.due_shards
        self.originals, self.results = (bucket_name(stack, what, account, region) for what in ("originals", "results"))
        self.table = physical_name(stack, JOBS.name)
        self.ledger = DynamoLedger(dynamodb, self.table, self.shards)
        self._dynamodb, self._sqs = dynamodb, sqs
        self._queues: SqsQueues | None = None

    @property
    def shelf(self) -> DynamoPresets:
        """The presets of its tenants."""
        return DynamoPresets(self._dynamodb, physical_name(self.stack, REGISTRY.name))

    @property
    def queues(self) -> SqsQueues:
        """All queues and their dead letters, looked up by their names when somebody first asks."""
        if self._queues is None:
            urls = {queue: self._url(queue.value) for queue in Queue}
            dead = {queue: self._url(f"{queue.value}-dead-letters") for queue in Queue}
            self._queues = SqsQueues(self._sqs, urls, dead)
        return self._queues

    def rows(self) -> Iterator[list[Item]]:
        """Every item of the table of jobs but the tallies, as it is when its page is read."""
        begin: dict[str, Any] = {}
        while True:
            page = self._dynamodb.scan(
                TableName=self.table,
                ConsistentRead=True,
                FilterExpression="NOT begins_with(#key, :tally)",
                ExpressionAttributeNames={"#key": JOBS.hash_key},
                ExpressionAttributeValues={":tally": {"S": TALLY}},
                **begin,
            )
            yield page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            begin = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def item(self, key: str) -> Item | None:
        """One row as it is now."""
        found = self._dynamodb.get_item(TableName=self.table, Key={JOBS.hash_key: {"S": key}}, ConsistentRead=True)
        return found.get("Item")

    def jobs(self, job_ids: Iterable[JobId]) -> dict[JobId, Job | None]:
        """The rows of these ids; None for a row that cannot be read. Ids without a row are absent."""
        wanted, found = list(dict.fromkeys(job_ids)), {}
        for start in range(0, len(wanted), READ_BATCH):
            found |= self._readable(wanted[start : start + READ_BATCH])
        return found

    def _readable(self, job_ids: list[JobId]) -> dict[JobId, Job | None]:
        try:
            return dict(self.ledger.read(job_ids))
        except msgspec.MsgspecError:
            if len(job_ids) == 1:
                return {job_ids[0]: None}
        half = len(job_ids) // 2
        return self._readable(job_ids[:half]) | self._readable(job_ids[half:])

    def versions(self, bucket: str, prefix: str = "") -> Iterator[list[Version]]:
        """Every version and marker of a bucket, by key."""
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            yield [
                Version(
                    key=one["Key"],
                    version_id=one["VersionId"],
                    at=round(one["LastModified"].timestamp() * 1_000),
                )
                for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            ]

    def has(self, bucket: str, key: str) -> bool:
        """Whether any version or marker of this very key is there."""
        return any(version.key == key for page in self.versions(bucket, key) for version in page)

    def unfinished(self, bucket: str) -> Iterator[Version]:
        """Uploads in parts that nobody has finished."""
        for page in self.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for one in page.get("Uploads", []):
                begun = round(one["Initiated"].timestamp() * 1_000)
                yield Version(key=one["Key"], version_id=one["UploadId"], at=begun)

    def _url(self, what: str) -> str:
        with translated():
            return self._sqs.get_queue_url(QueueName=physical_name(self.stack, what))["QueueUrl"]


@contextmanager
def standing(folder: Path, stack: str, *, data: Path, endpoint: str | None = None) -> Iterator[Standing]:
    """The stack of a file in `folder`. What goes wrong within is a DarkroomError of one line.

    `data` is where a local run keeps its things; `endpoint` is asked instead, where the cloud is somewhere else.
    """
    found, settings = pipeline_configuration(folder, stack)
    embedded = settings.endpoint is not None
    if endpoint is not None and not embedded:
        raise BadInput(f"the stack {stack} stands on AWS itself", "leave --endpoint out")
    address = (endpoint or _endpoint(data)) if embedded else None
    with ExitStack() as open_:
        if address is None:
            account = open_.enter_context(asking("sts", found.region)).get_caller_identity()["Account"]
        else:
            account = EMBEDDED_ACCOUNT
        keys = None if address is None else _EMBEDDED_KEYS
        dynamodb, s3, sqs = (
            open_.enter_context(asking(name, found.region, endpoint_url=address, keys=keys, pool=CALLS_AT_ONCE))
            for name in ("dynamodb", "s3", "sqs")
        )
        try:
            yield Standing(
                stack=stack,
                settings=settings,
                account=account,
                region=found.region,
                dynamodb=dynamodb,
                s3=s3,
                sqs=sqs,
            )
        except PipelineError as error:
            where = address or f"AWS in {found.region}"
            raise Unreachable(where, error.detail, "try again; if it stays so, look at the service's health") from error


def _endpoint(data: Path) -> str:
    """Of the embedded cloud of the run that uses this data folder."""
    file = data / "run.json"
    try:
        processes = msgspec.json.decode(file.read_bytes(), type=list[_Process])
    except (OSError, msgspec.DecodeError):
        processes = []
    port = next((process.port for process in processes if process.name == "cloud"), None)
    if port is None:
        raise BadInput(f"no run uses the folder {data}", "start one with: make run; or name its folder with --data")
    return f"http://127.0.0.1:{port}"
