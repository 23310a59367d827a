"""The program in the hands of the real engine: deployed, looked at, changed, repaired, taken away."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.aws import Clients
from local.cloud import Cloud
from local.deployment import Deployment, Failed
from local.stack import laid_over
from tests.support.engine import declared, deployment, everything, local_config, ops, touched

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = [
    pytest.mark.xdist_group("engine-lifecycle"),
    pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Deployment:
    """A stack that is deployed; each test leaves it as it found it."""
    made = deployment(tmp_path_factory.mktemp("stack"), cloud)
    outcome = made.up()
    assert set(outcome.counts) == {"create"}
    return made


def test_a_second_look_finds_nothing_to_do(stack: Deployment) -> None:
    assert touched(stack.preview()) == {}
    assert touched(stack.up(refresh=True)) == {}


def test_everything_is_there_and_nothing_is_recorded_only(stack: Deployment, clients: Clients) -> None:
    assert set(stack.provider.answered) == {"applied"}
    assert {kind: len(names) for kind, names in everything(clients).items()} == declared(stack)


CHANGES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "days that logs are kept": (
        {"log_retention_days": 3},
        {"aws:cloudwatch/logGroup:LogGroup/transform": "retentionInDays"},
    ),
    "the function's memory": (
        {"transform": {"memory_mb": 2048}},
        {"aws:lambda/function:Function/transform": "memorySize"},
    ),
    "functions at work at once": (
        {"transform": {"concurrency": 3}},
        {"aws:lambda/eventSourceMapping:EventSourceMapping/transform": "scalingConfig.maximumConcurrency"},
    ),
    "days that results are kept": (
        {"results_days": 500},
        {"aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration/results": ("rules[1].expiration.days")},
    ),
    "protection of what holds data": (
        {"deletion_protection": True, "force_destroy": False},
        {
            "aws:s3/bucket:Bucket/originals": "forceDestroy",
            "aws:s3/bucket:Bucket/results": "forceDestroy",
            "aws:dynamodb/table:Table/jobs": "deletionProtectionEnabled",
            "aws:dynamodb/table:Table/registry": "deletionProtectionEnabled",
        },
    ),
}


def test_a_changed_setting_is_exactly_that_update(stack: Deployment, cloud: Cloud) -> None:
    for what, (over, expected) in CHANGES.items():
        stack.configure(local_config(cloud.endpoint, over))
        planned = stack.preview()
        assert ops(planned) == dict.fromkeys(expected, "update"), what
        paths = {f"{step.type}/{step.name}": list(step.differences) for step in planned.changes}
        assert paths == {name: [path] for name, path in expected.items()}, what
    together = functools.reduce(laid_over, (over for over, _ in CHANGES.values()))
    changed = dict.fromkeys((name for _, expected in CHANGES.values() for name in expected), "update")
    stack.configure(local_config(cloud.endpoint, together))
    assert ops(stack.up()) == changed
    assert touched(stack.refresh()) == {}
    stack.configure(local_config(cloud.endpoint))
    assert ops(stack.up()) == changed
    assert touched(stack.refresh()) == {}


def _of(stack: Deployment, kind: str) -> list[dict[str, Any]]:
    return [one for one in stack.resources().values() if one["type"] == f"aws:{kind}"]


def _id(stack: Deployment, kind: str, name: str) -> str:
    return next(one["id"] for one in _of(stack, kind) if one["urn"].endswith(f"::{name}"))


def _queue_attribute(clients: Clients, url: str, name: str, value: str) -> None:
    clients["sqs"].set_queue_attributes(QueueUrl=url, Attributes={name: value})


DRIFTS: dict[str, Callable[[Deployment, Clients], Any]] = {
    "aws:sqs/queue:Queue/jobs": lambda stack, clients: _queue_attribute(
        clients, _id(stack, "sqs/queue:Queue", "jobs"), "VisibilityTimeout", "7"
    ),
    "aws:sqs/queue:Queue/transforms": lambda stack, clients: _queue_attribute(
        clients, _id(stack, "sqs/queue:Queue", "transforms"), "RedrivePolicy", ""
    ),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy/jobs": lambda stack, clients: _queue_attribute(
        clients,
        _id(stack, "sqs/redriveAllowPolicy:RedriveAllowPolicy", "jobs"),
        "RedriveAllowPolicy",
        json.dumps({"redrivePermission": "denyAll"}),
    ),
    "aws:s3/bucketVersioning:BucketVersioning/originals": lambda stack, clients: clients["s3"].put_bucket_versioning(
        Bucket=_id(stack, "s3/bucket:Bucket", "originals"), VersioningConfiguration={"Status": "Suspended"}
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock/results": lambda stack, clients: clients[
        "s3"
    ].put_public_access_block(
        Bucket=_id(stack, "s3/bucket:Bucket", "results"),
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), False
        ),
    ),
    "aws:s3/bucket:Bucket/results": lambda stack, clients: clients["s3"].put_bucket_tagging(
        Bucket=_id(stack, "s3/bucket:Bucket", "results"), Tagging={"TagSet": [{"Key": "stack", "Value": "mine"}]}
    ),
    "aws:dynamodb/table:Table/jobs": lambda stack, clients: clients["dynamodb"].update_continuous_backups(
        TableName=_id(stack, "dynamodb/table:Table", "jobs"),
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
    ),
    "aws:iam/rolePolicy:RolePolicy/upload": lambda stack, clients: clients["iam"].put_role_policy(
        RoleName=_id(stack, "iam/role:Role", "upload"),
        PolicyName="granted",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        ),
    ),
    "aws:iam/role:Role/eraser": lambda stack, clients: clients["iam"].update_assume_role_policy(
        RoleName=_id(stack, "iam/role:Role", "eraser"),
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
        ),
    ),
    "aws:lambda/function:Function/transform": lambda stack, clients: clients["lambda"].update_function_configuration(
        FunctionName=_id(stack, "lambda/function:Function", "transform"), MemorySize=512
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping/transform": lambda stack, clients: clients[
        "lambda"
    ].update_event_source_mapping(
        UUID=_id(stack, "lambda/eventSourceMapping:EventSourceMapping", "transform"), BatchSize=10
    ),
    "aws:cloudwatch/logGroup:LogGroup/transform": lambda stack, clients: clients["logs"].put_retention_policy(
        logGroupName=_id(stack, "cloudwatch/logGroup:LogGroup", "transform"), retentionInDays=90
    ),
}
"""What somebody does to a resource behind the engine's back."""

LOSSES: dict[str, Callable[[Deployment, Clients], Any]] = {
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration/originals": lambda stack, clients: clients[
        "s3"
    ].delete_bucket_lifecycle(Bucket=_id(stack, "s3/bucket:Bucket", "originals")),
    "aws:sqs/queue:Queue/completions-dead-letters": lambda stack, clients: clients["sqs"].delete_queue(
        QueueUrl=_id(stack, "sqs/queue:Queue", "completions-dead-letters")
    ),
    "aws:iam/rolePolicy:RolePolicy/link-signer": lambda stack, clients: clients["iam"].delete_role_policy(
        RoleName=_id(stack, "iam/role:Role", "link-signer"), PolicyName="granted"
    ),
}
"""What somebody takes away."""


def test_a_refresh_sees_what_was_changed_behind_its_back_and_the_next_up_repairs_it(
    stack: Deployment, clients: Clients
) -> None:
    for change in DRIFTS.values():
        change(stack, clients)
    # the engine trusts its state until it is told to look
    assert touched(stack.preview()) == {}
    seen = stack.refresh()
    assert {f"{step.type}/{step.name}" for step in seen.steps if step.op == "refresh-update"} == DRIFTS.keys()
    assert ops(stack.up()) == dict.fromkeys(DRIFTS, "update")
    assert touched(stack.refresh()) == {}


def test_a_refresh_sees_what_is_gone_and_the_next_up_makes_it_again(stack: Deployment, clients: Clients) -> None:
    for take in LOSSES.values():
        take(stack, clients)
    seen = stack.refresh()
    assert {f"{step.type}/{step.name}" for step in seen.steps if step.op == "refresh-delete"} >= LOSSES.keys()
    repaired = ops(stack.up())
    assert {name for name, op in repaired.items() if op == "create"} >= LOSSES.keys()
    assert touched(stack.refresh()) == {}


def test_what_is_taken_away_leaves_nothing_behind(tmp_path: Path, cloud: Cloud, clients: Clients) -> None:
    before = everything(clients)
    stack = deployment(tmp_path, cloud, stack="gone")
    for bucket in stack.up().exports["buckets"].values():
        clients["s3"].put_object(Bucket=bucket, Key="inline/a", Body=b"left behind")
    assert everything(clients) != before
    assert set(stack.destroy().counts) == {"delete"}
    assert everything(clients) == before
    assert stack.exported().get("resources", []) == []


def test_what_is_protected_is_not_taken_away(tmp_path: Path, cloud: Cloud, clients: Clients) -> None:
    """The engine takes the rest: nothing of it holds what cannot be made again, but for the messages under way."""
    config = local_config(cloud.endpoint, {"deletion_protection": True, "force_destroy": False})
    stack = deployment(tmp_path, cloud, stack="kept", config=config)
    stack.up()
    with pytest.raises(Failed, match="protected"):
        stack.destroy()
    left = {one["type"]: one["id"] for one in stack.resources().values()}
    assert left.keys() == {"aws:s3/bucket:Bucket", "aws:dynamodb/table:Table"}
    there = everything(clients)
    assert len([name for name in there["s3/bucket:Bucket"] if "-kept-" in name]) == 2
    assert len([name for name in there["dynamodb/table:Table"] if "-kept-" in name]) == 2
