"""Lambda's entry: a message in, an answer in the queue; what is not an order goes back."""

import hashlib
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import msgspec
import pytest
from moto import mock_aws

from adapters import clients
from contracts.environment import BadEnvironment, TransformEnvironment, to_environ
from contracts.errors import BadMessage, Unavailable
from contracts.framing import Resize
from contracts.messages import Done, Process, Queue, decode, encode
from contracts.variants import Variant
from functions.transform import handler
from functions.transform.work import Stores
from tests.support import pictures
from tests.support.memory import MemoryObjects, MemoryQueues
from tests.support.transform_room import JOB, Room, photo

SMALL = Variant(name="small", resize=Resize(width=20))

SETTINGS = TransformEnvironment(
    region="eu-central-1",
    originals_bucket="originals",
    results_bucket="results",
    completions_queue_url="https://sqs.invalid/completions",
    timeout_seconds=600,
    threads=2,
)
CONTEXT = SimpleNamespace(aws_request_id="function-1")


@pytest.fixture
def queues() -> MemoryQueues:
    return MemoryQueues()


@pytest.fixture
def hand(monkeypatch, queues):
    """The handler with its stores and queue in memory."""

    def bound(objects: MemoryObjects, *bodies: str) -> None:
        monkeypatch.setattr(handler, "_root", _Kept(handler.Root(SETTINGS, Stores(objects, objects), queues)))
        handler.handle({"Records": [{"body": body} for body in bodies]}, CONTEXT)

    return bound


class _Kept:
    """Stands for the cached root of a warm process."""

    def __init__(self, root: handler.Root) -> None:
        self.root = root

    def __call__(self) -> handler.Root:
        return self.root

    def cache_info(self) -> SimpleNamespace:
        return SimpleNamespace(currsize=1)


def test_an_order_is_carried_out_and_answered(hand, queues, capsys):
    room = Room(photo())
    hand(room.objects, encode(room.order(SMALL)).decode())
    (answer,) = (decode(body) for body in queues.bodies(Queue.COMPLETIONS))
    assert [type(each) for each in answer.answers] == [Done]
    assert (answer.token, answer.function_request_id, answer.timings.cold) == (7, "function-1", False)
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["level"], line["job_id"], line["done"]) == ("part.transformed", "info", JOB, 1)


@pytest.mark.parametrize("body", ["", "no json", "{}", encode(Process(job_id=JOB, run=1)).decode()])
def test_what_is_no_order_goes_back(hand, queues, capsys, body):
    with pytest.raises(BadMessage):
        hand(MemoryObjects(), body)
    assert queues.bodies(Queue.COMPLETIONS) == []
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["level"]) == ("message.refused", "error")


def test_an_answer_that_cannot_be_sent_brings_the_order_back(hand, queues, monkeypatch):
    def refuse(_messages):
        raise Unavailable("SQS did not answer")

    monkeypatch.setattr(queues, "send", refuse)
    room = Room(photo())
    with pytest.raises(Unavailable):
        hand(room.objects, encode(room.order(SMALL)).decode())
    assert len(room.objects.results) == 1


def test_settings_come_from_the_environment_at_the_first_event():
    with pytest.raises(BadEnvironment, match="DARKROOM_REGION"):
        handler.make_root({})
    root = handler.make_root(to_environ(SETTINGS) | {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"})
    assert root.settings == SETTINGS


def test_importing_the_function_reads_no_environment_and_loads_nothing_that_can_wait():
    script = (
        "import sys, functions.transform.handler\n"
        "LATER = {'numpy', 'structlog', 'pulumi', 'litestar', 'boto3', 'botocore', 'cykooz_resizer', 'tempfile'}\n"
        "print(json.dumps(sorted(set(sys.modules) & LATER)))"
    )
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    answer = subprocess.run(
        [sys.executable, "-c", "import json\n" + script], capture_output=True, check=True, env=environ, text=True
    )
    assert json.loads(answer.stdout) == []


@pytest.mark.parametrize("is_wanted", [True, False])
def test_the_collector_rests_while_the_function_starts_and_goes_on_as_it_was(is_wanted):
    """In a process of its own, which notes how often it had run when it was turned off and on again."""
    script = (
        "import gc, json\n"
        f"if not {is_wanted}: gc.disable()\n"
        "runs, off, on = [], gc.disable, gc.enable\n"
        "note = lambda: runs.append(sum(each['collections'] for each in gc.get_stats()))\n"
        "gc.disable = lambda: (off(), note())\n"
        "gc.enable = lambda: (note(), on())\n"
        "from functions.transform import handler\n"
        "seen = [runs[0] == runs[-1], len(runs), gc.isenabled()]\n"
        "try: handler.handle({'Records': []}, None)\n"
        "except Exception as error: seen += [type(error).__name__, gc.isenabled()]\n"
        "print(json.dumps(seen))"
    )
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env=environ, text=True)
    assert json.loads(answer.stdout) == [True, 2 if is_wanted else 1, is_wanted, "BadEnvironment", is_wanted]


def test_a_whole_event_on_the_real_adapters(monkeypatch, capsys):
    """Buckets and queue of moto: the original is read by its version, the results are there, the answer names them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        s3, sqs = (clients.make(service, region="us-east-1") for service in ("s3", "sqs"))
        for bucket in ("originals", "results"):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket="originals", VersioningConfiguration={"Status": "Enabled"})
        url = sqs.create_queue(QueueName="completions")["QueueUrl"]
        room = Room(pictures.jpeg_with_exif(6))
        first = s3.put_object(Bucket="originals", Key=room.place.key, Body=pictures.jpeg_with_exif(6))
        s3.put_object(Bucket="originals", Key=room.place.key, Body=b"a later version that nobody asked for")
        settings = msgspec.structs.replace(SETTINGS, region="us-east-1", completions_queue_url=url)
        monkeypatch.setattr(handler, "_root", _Kept(handler.make_root(to_environ(settings))))
        order = room.order(SMALL, version_id=first["VersionId"])
        handler.handle({"Records": [{"body": encode(order).decode()}]}, CONTEXT)
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        (answer,) = decode(message["Body"]).answers
        stored = s3.get_object(Bucket="results", Key=answer.key)
        body = stored["Body"].read()
    assert hashlib.sha256(body).hexdigest() == answer.digest
    assert stored["ContentType"] == "image/jpeg"
    assert pictures.corner_colours(pictures.opened(body)) == ["red", "green", "blue", "yellow"]
    assert json.loads(capsys.readouterr().out)["done"] == 1
