"""The program is run without the Pulumi engine, and what it declares is made so, again and again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.aws import Clients
from local.cloud import Cloud
from local.handlers import TYPES
from local.problems import CannotRun
from local.program import apply
from local.stack import Applied, Request
from local.state import load

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning")

Program = Callable[..., Applied]

HEAD = "import pulumi, pulumi_aws as aws\n"
QUEUE = 'queue = aws.sqs.Queue("letters", name="letters-{0}", visibility_timeout_seconds={1})\n'
BUCKET = 'aws.s3.Bucket("things", bucket="things-{0}", force_destroy={1})\n'
TABLE = """
aws.dynamodb.Table("rows", name="rows-{0}", billing_mode="PAY_PER_REQUEST", hash_key="pk",
    attributes=[{{"name": "pk", "type": "S"}}], deletion_protection_enabled={1})
"""


@pytest.fixture
def program(tmp_path: Path, cloud: Cloud) -> Program:
    """Write a program and apply it; each test has a state of its own on the shared cloud."""

    def run(text: str, config: str = "pipeline: {}", **overrides: Any) -> Applied:
        (tmp_path / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        (tmp_path / "Pulumi.local.yaml").write_text(f"config:\n  aws:region: eu-west-1\n  small:{config}\n")
        (tmp_path / "__main__.py").write_text(HEAD + text)
        return apply(
            Request(
                root=str(tmp_path),
                endpoint=cloud.endpoint,
                state_file=str(tmp_path / "state.json"),
                overrides=overrides,
            )
        )

    return run


def _seconds(clients: Clients, name: str) -> str:
    url = clients["sqs"].get_queue_url(QueueName=name)["QueueUrl"]
    answer = clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    return answer["Attributes"]["VisibilityTimeout"]


def _queues(clients: Clients, prefix: str) -> list[str]:
    return clients["sqs"].list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])


def test_what_is_declared_is_created_and_the_second_time_left_alone(program: Program) -> None:
    text = QUEUE.format("still", 30) + 'pulumi.export("address", queue.url)\npulumi.export("arn", queue.arn)\n'
    first, second = program(text), program(text)
    assert (first.counts, second.counts) == ({"created": 1}, {"unchanged": 1})
    assert first.exports == second.exports
    assert first.exports["arn"] == "arn:aws:sqs:eu-west-1:000000000000:letters-still"
    assert first.exports["address"].endswith("/letters-still")


def test_a_changed_input_is_an_update(program: Program, clients: Clients) -> None:
    program(QUEUE.format("changed", 30))
    assert program(QUEUE.format("changed", 45)).counts == {"updated": 1}
    assert _seconds(clients, "letters-changed") == "45"


def test_a_changed_name_is_a_replacement(program: Program, clients: Clients) -> None:
    program(QUEUE.format("before", 30))
    assert program(QUEUE.format("after", 30)).counts == {"replaced": 1}
    assert not _queues(clients, "letters-before")
    assert _queues(clients, "letters-after")


def test_what_the_cloud_lost_is_created_again(program: Program, clients: Clients) -> None:
    program(QUEUE.format("lost", 30))
    clients["sqs"].delete_queue(QueueUrl=_queues(clients, "letters-lost")[0])
    assert program(QUEUE.format("lost", 30)).counts == {"created": 1}
    assert _queues(clients, "letters-lost")


def test_what_is_there_without_being_remembered_is_taken_over(
    program: Program, clients: Clients, tmp_path: Path
) -> None:
    program(QUEUE.format("found", 30))
    (tmp_path / "state.json").unlink()
    assert program(QUEUE.format("found", 31)).counts == {"created": 1}
    assert _seconds(clients, "letters-found") == "31"


def test_a_state_with_urns_of_before_is_taken_over(program: Program, clients: Clients, tmp_path: Path) -> None:
    """They named the nearest of the types above a resource only; it is not taken for another one."""
    nested = """
class Outer(pulumi.ComponentResource): ...
outer = Outer("small:a:Outer", "outer")
inner = Outer("small:a:Inner", "inner", opts=pulumi.ResourceOptions(parent=outer))
aws.sqs.Queue("letters", name="letters-nested", opts=pulumi.ResourceOptions(parent=inner))
"""
    program(nested)
    clients["sqs"].send_message(QueueUrl=_queues(clients, "letters-nested")[0], MessageBody="gold")
    file = tmp_path / "state.json"
    now = "urn:pulumi:local::small::small:a:Outer$small:a:Inner$aws:sqs/queue:Queue::letters"
    assert load(file).keys() == {now}
    file.write_text(file.read_text().replace("small:a:Outer$small:a:Inner$", "small:a:Inner$"))
    assert program(nested).counts == {"unchanged": 1}
    assert load(file).keys() == {now}
    message = clients["sqs"].receive_message(QueueUrl=_queues(clients, "letters-nested")[0])["Messages"][0]
    assert message["Body"] == "gold"


def test_what_is_not_declared_any_more_is_deleted(program: Program, clients: Clients, tmp_path: Path) -> None:
    program(QUEUE.format("gone", 30))
    assert program("").counts == {"deleted": 1}
    assert not _queues(clients, "letters-gone")
    assert load(tmp_path / "state.json") == {}


def test_data_is_deleted_only_if_the_program_gave_it_up(program: Program, clients: Clients, tmp_path: Path) -> None:
    program(BUCKET.format("kept", False) + TABLE.format("kept", True))
    clients["s3"].put_object(Bucket="things-kept", Key="a", Body=b"gold")
    told = program("")
    assert sorted(told.kept) == [
        "bucket things-kept is not empty and the program does not say forceDestroy",
        "table rows-kept is protected from deletion by the program",
    ]
    assert clients["s3"].get_object(Bucket="things-kept", Key="a")["Body"].read() == b"gold"
    assert {resource.id for resource in load(tmp_path / "state.json").values()} == {"things-kept", "rows-kept"}
    program(BUCKET.format("kept", True) + TABLE.format("kept", False))
    assert program("").counts == {"deleted": 2}
    assert "things-kept" not in [bucket["Name"] for bucket in clients["s3"].list_buckets()["Buckets"]]


def test_a_resource_gets_what_others_put_out(program: Program, clients: Clients) -> None:
    program(
        QUEUE.format("dead", 30)
        + """
import json
aws.sqs.Queue("living", name="living-dead", redrive_policy=queue.arn.apply(
    lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})))
"""
    )
    url = _queues(clients, "living-dead")[0]
    policy = clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(policy["RedrivePolicy"]) == {
        "deadLetterTargetArn": "arn:aws:sqs:eu-west-1:000000000000:letters-dead",
        "maxReceiveCount": 3,
    }


def test_configuration_has_this_clouds_endpoint_and_what_was_laid_over_it(program: Program, cloud: Cloud) -> None:
    told = program(
        'pulumi.export("seen", pulumi.Config().require_object("pipeline"))\n',
        config="pipeline:\n    endpoint: http://127.0.0.1:1\n    timing: {sweep_seconds: 5, grace_seconds: 60}",
        timing={"sweep_seconds": 1},
    )
    assert told.exports["seen"] == {
        "endpoint": cloud.endpoint,
        "timing": {"sweep_seconds": 1, "grace_seconds": 60},
    }


def test_questions_to_the_provider_are_answered(program: Program) -> None:
    told = program(
        'pulumi.export("account", aws.get_caller_identity_output().account_id)\n'
        'pulumi.export("region", aws.get_region_output().region)\n'
        'pulumi.export("partition", aws.get_partition_output().partition)\n'
    )
    assert told.exports == {"account": "000000000000", "region": "eu-west-1", "partition": "aws"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('aws.sns.Topic("news")\n', "does not apply resources of type aws:sns/topic:Topic"),
        (
            'aws.sqs.Queue("odd", name="odd", fifo_queue=True)\n',
            "Queue odd: the local cloud does not apply the input 'fifoQueue'",
        ),
        ("aws.get_availability_zones_output()\n", "does not answer aws:index/getAvailabilityZones"),
        ('raise pulumi.RunError("pipeline.auth: must be open")\n', "Pulumi.local.yaml: pipeline.auth: must be open"),
        (
            'aws.iam.RolePolicy("wrong", name="granted", role="nobody", policy="{}")\n',
            "aws:iam/rolePolicy:RolePolicy wrong: An error occurred (NoSuchEntity)",
        ),
    ],
)
def test_what_cannot_be_applied_is_one_line_that_names_it(program: Program, text: str, line: str) -> None:
    with pytest.raises(CannotRun) as refusal:
        program(text)
    assert line in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_program_that_failed_is_finished_by_the_next_run(program: Program, clients: Clients) -> None:
    with pytest.raises(CannotRun):
        program(QUEUE.format("half", 30) + 'aws.sns.Topic("news", name=queue.name)\n')
    assert _queues(clients, "letters-half")
    assert program(QUEUE.format("half", 30)).counts == {"unchanged": 1}


@pytest.mark.parametrize(
    ("file", "content", "line"),
    [
        ("Pulumi.local.yaml", "config: [", "Pulumi.local.yaml is not YAML"),
        ("Pulumi.local.yaml", "just words", "Pulumi.local.yaml is not a mapping"),
        ("Pulumi.local.yaml", "other: {}", "Pulumi.local.yaml has no config"),
        ("Pulumi.local.yaml", "config: {a: b}", "names no aws:region"),
        ("Pulumi.yaml", "runtime: python", "names no project"),
    ],
)
def test_a_broken_configuration_is_one_line_that_says_where(tmp_path: Path, file: str, content: str, line: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: small\n")
    (tmp_path / "Pulumi.local.yaml").write_text("config: {aws:region: eu-west-1}\n")
    (tmp_path / file).write_text(content)
    with pytest.raises(CannotRun) as refusal:
        apply(Request(root=str(tmp_path), endpoint="http://127.0.0.1:9", state_file=str(tmp_path / "state.json")))
    assert line in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_every_applied_type_says_which_inputs_it_applies() -> None:
    for kind, handler in TYPES.items():
        assert handler.known, kind
        assert handler.replaced_by.keys() <= handler.known, kind
