"""Where the embedded cloud was made to do what AWS does. The shims are pinned to a version of MiniStack."""

import os
import threading
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import Clients
from local.cloud import Cloud
from local.launcher.__main__ import MINISTACK_VERSION

Role = Callable[..., Callable[[str], Any]]


def test_the_shims_are_made_for_the_version_that_is_installed() -> None:
    assert metadata.version("ministack") == MINISTACK_VERSION


def _queue(clients: Clients, name: str) -> tuple[str, str]:
    url = clients["sqs"].create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:eu-west-1:000000000000:{name}"


def _refused(call: Callable[[], Any]) -> bool:
    with pytest.raises(ClientError) as refusal:
        call()
    return refusal.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


def test_a_batch_is_checked_as_the_single_action(clients: Clients, role: Role) -> None:
    url, arn = _queue(clients, "batches")
    one = [{"Id": "a", "MessageBody": "x"}]
    sender = role({"Action": "sqs:SendMessage", "Resource": arn})("sqs")
    reader = role({"Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"], "Resource": arn})("sqs")
    patient = role({"Action": "sqs:ChangeMessageVisibility", "Resource": arn})("sqs")
    assert sender.send_message_batch(QueueUrl=url, Entries=one)["Successful"]
    receipt = reader.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    entry = {"Id": "a", "ReceiptHandle": receipt}
    assert patient.change_message_visibility_batch(QueueUrl=url, Entries=[{**entry, "VisibilityTimeout": 60}])[
        "Successful"
    ]
    assert _refused(lambda: reader.send_message_batch(QueueUrl=url, Entries=one))
    assert _refused(lambda: sender.delete_message_batch(QueueUrl=url, Entries=[entry]))
    assert reader.delete_message_batch(QueueUrl=url, Entries=[entry])["Successful"]


def _table(clients: Clients, name: str) -> str:
    clients["dynamodb"].create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "holder", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_holder",
                "KeySchema": [{"AttributeName": "holder", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return f"arn:aws:dynamodb:eu-west-1:000000000000:table/{name}"


MINE, THEIRS = {"pk": {"S": "mine"}}, {"pk": {"S": "theirs"}}
TABLE = "keys"


def _requests(key: dict[str, Any], owner: str) -> dict[str, Callable[[Any], Any]]:
    """Every way to name a key."""
    value = {":k": key["pk"], ":o": {"S": owner}}
    return {
        "put": lambda db: db.put_item(TableName=TABLE, Item={**key, "holder": {"S": owner}}),
        "get": lambda db: db.get_item(TableName=TABLE, Key=key),
        "update": lambda db: db.update_item(
            TableName=TABLE, Key=key, UpdateExpression="SET x = :k", ExpressionAttributeValues={":k": key["pk"]}
        ),
        "batch read": lambda db: db.batch_get_item(RequestItems={TABLE: {"Keys": [key]}}),
        "batch put": lambda db: db.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": key}}]}),
        "batch delete": lambda db: db.batch_write_item(RequestItems={TABLE: [{"DeleteRequest": {"Key": key}}]}),
        "transaction": lambda db: db.transact_write_items(
            TransactItems=[{"Put": {"TableName": TABLE, "Item": {**key, "holder": {"S": owner}}}}]
        ),
        "query": lambda db: db.query(
            TableName=TABLE,
            KeyConditionExpression="#k = :k",
            ExpressionAttributeNames={"#k": "pk"},
            ExpressionAttributeValues={":k": value[":k"]},
        ),
        "query of an index": lambda db: db.query(
            TableName=TABLE,
            IndexName="by_holder",
            KeyConditionExpression="holder = :o",
            ExpressionAttributeValues={":o": value[":o"]},
        ),
    }


def test_leading_keys_let_a_role_reach_its_own_items_and_no_others(clients: Clients, role: Role) -> None:
    arn = _table(clients, TABLE)
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine", "me"]}}
    database = role({"Action": "dynamodb:*", "Resource": [arn, f"{arn}/index/*"], "Condition": own})("dynamodb")
    for what, request in _requests(MINE, "me").items():
        assert request(database), what
    for what, request in _requests(THEIRS, "them").items():
        assert _refused(lambda request=request: request(database)), what


def test_deleting_versions_asks_for_both_rights_on_every_key(clients: Clients, role: Role) -> None:
    s3, bucket = clients["s3"], "versions-of-things"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    objects = [{"Key": key, "VersionId": s3.put_object(Bucket=bucket, Key=key)["VersionId"]} for key in ("a", "b")]
    every = f"arn:aws:s3:::{bucket}/*"
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        half = role({"Action": action, "Resource": every})("s3")
        assert _refused(lambda half=half: half.delete_objects(Bucket=bucket, Delete={"Objects": objects}))
    one = role({"Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"], "Resource": f"arn:aws:s3:::{bucket}/a"})("s3")
    assert _refused(lambda: one.delete_objects(Bucket=bucket, Delete={"Objects": objects}))
    both = role({"Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"], "Resource": every})("s3")
    assert len(both.delete_objects(Bucket=bucket, Delete={"Objects": objects})["Deleted"]) == 2


def test_versions_lie_on_disk_and_not_in_memory(cloud: Cloud, clients: Clients) -> None:
    s3, bucket = clients["s3"], "large-versions"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def memory() -> int:
        assert cloud.process is not None
        return int(Path(f"/proc/{cloud.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def body(number: int) -> bytes:
        return bytes([number]) * 8_000_000

    s3.put_object(Bucket=bucket, Key="warm", Body=body(0))
    before = memory()
    versions = [
        s3.put_object(Bucket=bucket, Key=f"a{number % 5}", Body=body(number))["VersionId"] for number in range(20)
    ]
    assert memory() - before < 80_000_000
    for number, version in enumerate(versions):
        stored = s3.get_object(Bucket=bucket, Key=f"a{number % 5}", VersionId=version)["Body"].read()
        assert stored == body(number)
    assert s3.get_object(Bucket=bucket, Key="a4")["Body"].read() == body(19)


def test_a_waiting_receive_gets_what_is_sent_meanwhile(clients: Clients) -> None:
    url, _ = _queue(clients, "polled")
    answers: list[dict[str, Any]] = []
    waiting = threading.Thread(
        target=lambda: answers.append(clients["sqs"].receive_message(QueueUrl=url, WaitTimeSeconds=20))
    )
    waiting.start()
    clients["sqs"].send_message(QueueUrl=url, MessageBody="at last")
    waiting.join()
    assert [message["Body"] for message in answers[0]["Messages"]] == ["at last"]
