"""A cloud that is killed comes back with what it had a second before."""

import io
import os
import signal
import socket
import zipfile
from pathlib import Path

from local.aws import Clients
from local.cloud import Cloud
from local.jsonlines import read
from tests.support.embedded import REGION, session_of
from tests.support.stack import until


def _function() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("there.py", "def handle(event, context):\n    return {'heard': event['said']}\n")
    return buffer.getvalue()


def _saved(folder: Path, service: str, text: str) -> bool:
    file = folder / "cloud" / "state" / f"{service}.json"
    return file.exists() and text in file.read_text()


def _still_being_made(folder: Path) -> None:
    """The functions' state as it is saved within half a second of their making, whenever it was saved."""
    file = folder / "cloud" / "state" / "lambda.json"
    text = file.read_text()
    for before, after in (('"State": "Active"', '"State": "Pending"'), ('"Successful"', '"InProgress"')):
        text = text.replace(before, after)
    assert '"State": "Pending"' in text
    file.write_text(text)


def test_a_killed_cloud_comes_back_with_everything(tmp_path: Path) -> None:
    """Tables, queues with their messages, objects and versions, roles, sessions and functions."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cloud = Cloud(tmp_path, region=REGION, listener=listener, log=tmp_path / "cloud.log")
        cloud.start()
        try:
            cloud.wait_until_ready()
            clients = Clients(cloud.endpoint, REGION)
            url = clients["sqs"].create_queue(QueueName="letters")["QueueUrl"]
            clients["s3"].create_bucket(
                Bucket="things-of-value", CreateBucketConfiguration={"LocationConstraint": REGION}
            )
            clients["s3"].put_bucket_versioning(Bucket="things-of-value", VersioningConfiguration={"Status": "Enabled"})
            version = clients["s3"].put_object(Bucket="things-of-value", Key="a", Body=b"gold")["VersionId"]
            session = session_of(clients, "reader", {"Action": "sqs:GetQueueAttributes", "Resource": "*"})
            clients["lambda"].create_function(
                FunctionName="there",
                Runtime="python3.13",
                Role="arn:aws:iam::000000000000:role/reader",
                Handler="there.handle",
                Code={"ZipFile": _function()},
            )
            clients["dynamodb"].create_table(
                TableName="rows",
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            for number in range(100):
                clients["dynamodb"].put_item(
                    TableName="rows", Item={"pk": {"S": f"row {number}"}, "bytes": {"B": b"\0\xff"}}
                )
            clients["sqs"].send_message(QueueUrl=url, MessageBody="the last thing said")
            until(lambda: _saved(tmp_path, "sqs", "the last thing said"), "a checkpoint of the queues")
            until(lambda: _saved(tmp_path, "dynamodb", "row 99"), "a checkpoint of the tables")
            until(lambda: _saved(tmp_path, "lambda", "there.handle"), "a checkpoint of the functions")
            until(lambda: _saved(tmp_path, "s3", "Enabled"), "a checkpoint of the buckets")
            until(lambda: _saved(tmp_path, "iam", "GetQueueAttributes"), "a checkpoint of the roles")

            assert cloud.process is not None
            os.killpg(cloud.process.pid, signal.SIGKILL)
            cloud.process.wait()
            _still_being_made(tmp_path)
            cloud.start()
            cloud.wait_until_ready()

            assert clients["dynamodb"].scan(TableName="rows", Select="COUNT")["Count"] == 100
            row = clients["dynamodb"].get_item(TableName="rows", Key={"pk": {"S": "row 7"}})["Item"]
            assert row["bytes"] == {"B": b"\0\xff"}
            assert clients["sqs"].receive_message(QueueUrl=url)["Messages"][0]["Body"] == "the last thing said"
            stored = clients["s3"].get_object(Bucket="things-of-value", Key="a", VersionId=version)
            assert stored["Body"].read() == b"gold"
            assert clients["s3"].get_bucket_versioning(Bucket="things-of-value")["Status"] == "Enabled"
            assert session("sqs").get_queue_attributes(QueueUrl=url)["ResponseMetadata"]["HTTPStatusCode"] == 200
            heard = clients["lambda"].invoke(FunctionName="there", Payload=b'{"said": "hello"}')
            assert heard["Payload"].read() == b'{"heard": "hello"}'
            made = clients["lambda"].get_function_configuration(FunctionName="there")
            assert (made["State"], made["LastUpdateStatus"]) == ("Active", "Successful")
        finally:
            cloud.stop()


def test_a_cloud_that_is_stopped_in_good_order_keeps_what_was_said_last(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cloud = Cloud(tmp_path, region=REGION, listener=listener, log=tmp_path / "cloud.log")
        for turn in range(2):
            cloud.start()
            try:
                cloud.wait_until_ready()
                clients = Clients(cloud.endpoint, REGION)
                queues = clients["sqs"].list_queues().get("QueueUrls", [])
                assert [url.rpartition("/")[2] for url in queues] == (["letters"] if turn else [])
                clients["sqs"].create_queue(QueueName="letters")
            finally:
                cloud.stop()
            assert cloud.process is not None
            assert cloud.process.returncode == 0
            calls = [line["operation"] for line in read(cloud.requests)]
            assert calls == ["ListQueues", "CreateQueue"] * (turn + 1)
