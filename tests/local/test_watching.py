"""Every IAM decision and every request is written down, with the role behind it."""

import contextlib
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from local.aws import Clients
from local.cloud import Cloud
from local.jsonlines import read
from tests.support.stack import until


def _lines(file: str, cloud: Cloud, role: str, how_many: int) -> list[dict[str, Any]]:
    path = {"audit": cloud.audit, "requests": cloud.requests}[file]

    def found() -> list[dict[str, Any]]:
        return [line for line in read(path) if line["role"] == role]

    until(lambda: len(found()) >= how_many, f"{how_many} lines about {role}")
    return found()


def test_decisions_and_requests_are_written_down(
    cloud: Cloud, clients: Clients, role: Callable[..., Callable[[str], Any]]
) -> None:
    url = clients["sqs"].create_queue(QueueName="watched")["QueueUrl"]
    arn = "arn:aws:sqs:eu-west-1:000000000000:watched"
    allowed = ["sqs:SendMessage", "sqs:ReceiveMessage"]
    queue = role({"Action": allowed, "Resource": arn}, name="watched-role")("sqs")
    queue.receive_message(QueueUrl=url)
    queue.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}])
    queue.receive_message(QueueUrl=url)
    with contextlib.suppress(ClientError):
        queue.purge_queue(QueueUrl=url)
    decisions = [
        (line["action"], line["resource"], line["decision"]) for line in _lines("audit", cloud, "watched-role", 4)
    ]
    assert decisions == [
        ("sqs:ReceiveMessage", arn, "allow"),
        ("sqs:SendMessage", arn, "allow"),
        ("sqs:ReceiveMessage", arn, "allow"),
        ("sqs:PurgeQueue", arn, "deny"),
    ]
    requests = [
        (line["service"], line["operation"], line["status"] < 400, line.get("empty"))
        for line in _lines("requests", cloud, "watched-role", 4)
    ]
    assert requests == [
        ("sqs", "ReceiveMessage", True, True),
        ("sqs", "SendMessageBatch", True, None),
        ("sqs", "ReceiveMessage", True, False),
        ("sqs", "PurgeQueue", False, None),
    ]


def test_who_deploys_is_called_root(cloud: Cloud, clients: Clients) -> None:
    clients["sqs"].create_queue(QueueName="roots")

    def created() -> list[dict[str, Any]]:
        return [line for line in read(cloud.audit) if line["resource"].endswith(":roots")]

    # The room's other tests share the cloud and are root too: the line meant is the one that names this queue.
    until(lambda: bool(created()), "a line about the queue")
    assert [(line["role"], line["action"]) for line in created()] == [("root", "sqs:CreateQueue")]
