"""Inputs whose change takes a new resource: each replaces, no other does, and each rests on a page of AWS."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from local.aws import Clients
from local.cloud import Cloud
from local.deployment import Deployment
from local.handlers import TYPES
from tests.support.engine import deployment, everything, ops, touched

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = [
    pytest.mark.xdist_group("engine-replacements"),
    pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning"),
]

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
GRANT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x"}],
    }
)
TOLD = "arn:aws:sqs:eu-west-1:000000000000:base-told"
HEARS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": TOLD,
            }
        ],
    }
)
ROLE = "arn:aws:iam::000000000000:role/base-{}"
POLICY = "arn:aws:iam::000000000000:policy/base-{}"
LETTERS = "arn:aws:sqs:eu-west-1:000000000000:base-{}"
KEYS = {"attributes": [{"name": name, "type": "S"} for name in ("pk", "sk")], "billing_mode": "PAY_PER_REQUEST"}

BASES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "aws:s3/bucket:Bucket": lambda zip: {"bucket": "things-one"},
    "aws:s3/bucketVersioning:BucketVersioning": lambda zip: {
        "bucket": "base-one",
        "versioning_configuration": {"status": "Enabled"},
    },
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": lambda zip: {
        "bucket": "base-one",
        "rules": [{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
    },
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": lambda zip: {
        "bucket": "base-one",
        "block_public_acls": True,
    },
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": lambda zip: {
        "bucket": "base-one",
        "rule": {"object_ownership": "BucketOwnerEnforced"},
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lambda zip: {
        "bucket": "base-one",
        "rules": [{"id": "all", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 9}}],
    },
    "aws:s3/bucketPolicy:BucketPolicy": lambda zip: {"bucket": "base-one", "policy": TRUST},
    "aws:s3/bucketNotification:BucketNotification": lambda zip: {
        "bucket": "base-one",
        "queues": [{"id": "told", "queue_arn": TOLD, "events": ["s3:ObjectCreated:*"]}],
    },
    "aws:sqs/queue:Queue": lambda zip: {"name": "letters-one"},
    "aws:sqs/queuePolicy:QueuePolicy": lambda zip: {"queue_url": "base-one", "policy": TRUST},
    "aws:sqs/redrivePolicy:RedrivePolicy": lambda zip: {
        "queue_url": "base-one",
        "redrive_policy": json.dumps({"deadLetterTargetArn": LETTERS.format("two"), "maxReceiveCount": 3}),
    },
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": lambda zip: {
        "queue_url": "base-one",
        "redrive_allow_policy": json.dumps({"redrivePermission": "denyAll"}),
    },
    "aws:dynamodb/table:Table": lambda zip: {"name": "rows-one", "hash_key": "pk", "range_key": "sk", **KEYS},
    "aws:secretsmanager/secret:Secret": lambda zip: {"name": "word-one", "recovery_window_in_days": 0},
    "aws:iam/role:Role": lambda zip: {"name": "actor-one", "path": "/", "assume_role_policy": TRUST},
    "aws:iam/rolePolicy:RolePolicy": lambda zip: {"name": "granted-one", "role": "base-one", "policy": GRANT},
    "aws:iam/policy:Policy": lambda zip: {"name": "bound-one", "path": "/", "description": "one", "policy": GRANT},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda zip: {
        "role": "base-one",
        "policy_arn": POLICY.format("one"),
    },
    "aws:lambda/function:Function": lambda zip: {
        "name": "worker-one",
        "role": ROLE.format("one"),
        "runtime": "python3.13",
        "handler": "there.handle",
        "code": pulumi.FileArchive(str(zip)),
    },
    "aws:lambda/eventSourceMapping:EventSourceMapping": lambda zip: {
        "event_source_arn": LETTERS.format("one"),
        "function_name": "arn:aws:lambda:eu-west-1:000000000000:function:base-one",
    },
    "aws:cloudwatch/logGroup:LogGroup": lambda zip: {"name": "/lines/one"},
}
"""One resource of each applied type, on neighbours that lie there in twos: `base-one` and `base-two`."""

OTHERS: dict[str, dict[str, Any]] = {
    "aws:s3/bucket:Bucket": {"bucket": "things-two"},
    "aws:sqs/queue:Queue": {"name": "letters-two"},
    "aws:dynamodb/table:Table": {"name": "rows-two", "hash_key": "sk", "range_key": "pk"},
    "aws:secretsmanager/secret:Secret": {"name": "word-two"},
    "aws:iam/role:Role": {"name": "actor-two", "path": "/other/"},
    "aws:iam/rolePolicy:RolePolicy": {"name": "granted-two", "role": "base-two"},
    "aws:iam/policy:Policy": {"name": "bound-two", "path": "/other/", "description": "another"},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"role": "base-two", "policy_arn": POLICY.format("two")},
    "aws:lambda/function:Function": {"name": "worker-two"},
    "aws:lambda/eventSourceMapping:EventSourceMapping": {"event_source_arn": LETTERS.format("two")},
    "aws:cloudwatch/logGroup:LogGroup": {"name": "/lines/two"},
}
"""Another value for each replacing input; of what hangs on a bucket or a queue, that is the other one."""

UPDATES: dict[str, dict[str, Any]] = {
    "aws:s3/bucket:Bucket": {"tags": {"a": "b"}},
    "aws:sqs/queue:Queue": {"visibility_timeout_seconds": 40, "tags": {"a": "b"}},
    "aws:sqs/redrivePolicy:RedrivePolicy": {
        "redrive_policy": json.dumps({"deadLetterTargetArn": LETTERS.format("two"), "maxReceiveCount": 4})
    },
    "aws:dynamodb/table:Table": {
        "ttl": {"attribute_name": "at", "enabled": True},
        "point_in_time_recovery": {"enabled": True},
        "global_secondary_indexes": [{"name": "by-sk", "hash_key": "sk", "projection_type": "KEYS_ONLY"}],
        "tags": {"a": "b"},
    },
    "aws:secretsmanager/secret:Secret": {"description": "another", "tags": {"a": "b"}},
    "aws:iam/role:Role": {"description": "another", "max_session_duration": 7200, "tags": {"a": "b"}},
    "aws:iam/rolePolicy:RolePolicy": {"policy": GRANT.replace("GetObject", "PutObject")},
    "aws:iam/policy:Policy": {"policy": GRANT.replace("GetObject", "PutObject"), "tags": {"a": "b"}},
    "aws:lambda/function:Function": {
        "handler": "there.other",
        "memory_size": 256,
        "timeout": 9,
        "environment": {"variables": {"A": "b"}},
        "reserved_concurrent_executions": 2,
        "tags": {"a": "b"},
    },
    "aws:lambda/eventSourceMapping:EventSourceMapping": {
        "batch_size": 3,
        "function_name": "arn:aws:lambda:eu-west-1:000000000000:function:base-two",
        "scaling_config": {"maximum_concurrency": 4},
    },
    "aws:cloudwatch/logGroup:LogGroup": {"retention_in_days": 3, "tags": {"a": "b"}},
}
"""Inputs whose change is an update: the table of the replacing ones is not merely all."""


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _others(kind: str) -> dict[str, Any]:
    """Every replacing input of a type, in Python's spelling, with another value."""
    hanging = {"bucket": "base-two", "queue_url": "base-two"}
    return {name: {**hanging, **OTHERS.get(kind, {})}[name] for name in map(_snake, TYPES[kind].replaced_by)}


class Shop:
    """Two neighbours of each sort, and one resource of each applied type; `over` is laid over their inputs."""

    def __init__(self, folder: Path) -> None:
        self.over: dict[str, dict[str, Any]] = {}
        self._zip = folder / "there.zip"
        with zipfile.ZipFile(self._zip, "w") as archive:
            archive.writestr("there.py", "def handle(event, context):\n    return None\n\n\nother = handle\n")

    def __call__(self) -> None:
        urls, waited = {}, []
        for name in ("base-one", "base-two"):
            role = aws.iam.Role(name, name=name, assume_role_policy=TRUST)
            queue = aws.sqs.Queue(name, name=name)
            urls[name] = queue.url
            function = aws.lambda_.Function(
                name,
                name=name,
                role=role.arn,
                runtime="python3.13",
                handler="there.handle",
                code=pulumi.FileArchive(str(self._zip)),
            )
            bounds = aws.iam.Policy(name, name=name, policy=GRANT)
            waited += [role, queue, function, bounds, aws.s3.Bucket(name, bucket=name)]
        # a bucket tells only a queue that lets S3 in
        told = aws.sqs.Queue("base-told", name="base-told")
        waited.append(aws.sqs.QueuePolicy("base-told", queue_url=told.url, policy=HEARS))
        for kind in TYPES:
            inputs = {**BASES[kind](self._zip), **self.over.get(kind, {})}
            if "queue_url" in inputs:
                inputs["queue_url"] = urls[inputs["queue_url"]]
            module, name = kind.split(":")[1].partition("/")[0], kind.rpartition(":")[2]
            made = getattr(getattr(aws, {"lambda": "lambda_"}.get(module, module)), name)
            made("one", **inputs, opts=pulumi.ResourceOptions(depends_on=waited))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud, shop: Shop) -> Deployment:
    made = deployment(tmp_path_factory.mktemp("stack"), cloud, stack="shop", config={}, program=shop)
    made.up()
    return made


def test_every_applied_type_is_here_and_every_replacing_input_has_its_page() -> None:
    assert BASES.keys() >= TYPES.keys()
    for kind, handler in TYPES.items():
        assert handler.replaced_by, kind
        for page in handler.replaced_by.values():
            assert page.startswith("https://docs.aws.amazon.com/"), kind


def test_each_replacing_input_shows_a_replacement(stack: Deployment, shop: Shop) -> None:
    """One input of each type at a time, until every one had its turn."""
    longest = max(len(handler.replaced_by) for handler in TYPES.values())
    for turn in range(longest):
        changed = {kind: list(_others(kind).items())[turn:][:1] for kind in TYPES}
        shop.over = {kind: dict(items) for kind, items in changed.items() if items}
        planned = stack.preview()
        assert ops(planned) == dict.fromkeys((f"{kind}/one" for kind in shop.over), "replace")
        for step in planned.changes:
            if step.op == "replace":
                ((name, _),) = changed[step.type]
                assert step.differences.keys() == {camel_of(name)}
                assert step.differences[camel_of(name)].endswith("-replace")


def test_every_other_input_shows_an_update(stack: Deployment, shop: Shop) -> None:
    shop.over = {kind: UPDATES[kind] for kind in UPDATES if kind in TYPES}
    planned = stack.preview()
    assert ops(planned) == dict.fromkeys((f"{kind}/one" for kind in shop.over), "update")
    assert ops(stack.up()) == ops(planned)
    assert touched(stack.refresh()) == {}
    # and each of them can be taken back
    shop.over = {}
    assert ops(stack.up()) == ops(planned)
    assert touched(stack.refresh()) == {}


def test_a_replacement_leaves_the_new_one_and_nothing_of_the_old(
    stack: Deployment, shop: Shop, clients: Clients
) -> None:
    """All replacing inputs at once; and back again with the names kept, where the old must go before the new comes."""
    shop.over = {kind: _others(kind) for kind in TYPES}
    assert set(ops(stack.up()).values()) == {"replace"}
    there = everything(clients)
    assert {name for names in there.values() for name in names if name.endswith("-one") and "base" not in name} == set()
    assert "rows-two" in there["dynamodb/table:Table"]
    assert touched(stack.refresh()) == {}
    named = {kind: {key: value for key, value in _others(kind).items() if key == "name"} for kind in TYPES}
    shop.over = {kind: {**UPDATES.get(kind, {}), **names} for kind, names in named.items() if names}
    stack.up()
    assert everything(clients)["dynamodb/table:Table"] == ["rows-two"]
    assert touched(stack.refresh()) == {}
    stack.destroy()
    assert not any(everything(clients).values())


def camel_of(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
