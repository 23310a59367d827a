"""Messages that no writer of ours would send (B61 to B72), for the queues of a running stack and of one in memory."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from contracts.limits import MAX_MESSAGE_BYTES, MIB
from contracts.messages import Done, Finished, Process, Queue, encode
from contracts.outputs import OutputFormat
from contracts.places import ResultPlace
from tests.support.bad_inputs.forms import JPEG, LIGHT, form
from tests.support.bad_inputs.outcome import Seen
from tests.support.stopped import Stopped
from tests.support.upload_room import file_part, options_part

if TYPE_CHECKING:
    from tests.support.bad_inputs.bench import Bench

NOBODY: Final = "00000000-0000-7000-8000-00000000ffff"

UNREADABLE: Final = {
    "B61 not JSON": "hello",
    "B61 a bare list": "[]",
    "B62 empty": " ",
    "B63 a version from the future": encode(Process(v=99, job_id=NOBODY, run=1)).decode(),
    "B63 version 0": json.dumps({"type": "process", "v": 0, "job_id": NOBODY, "run": 1}),
    "B64 no id": '{"type":"process","v":1,"run":1}',
    "B64 an id that is none": '{"type":"process","v":1,"job_id":"../../etc","run":1}',
    "B67 the largest body that a queue of ours takes": '{"type":"process","x":"%s"}' % ("x" * (MAX_MESSAGE_BYTES - 25)),
    "the largest body that SQS takes of anybody": '{"type":"process","x":"%s"}' % ("x" * (MIB - 25)),
    "B68 the test event of S3": '{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"originals"}',
    "B69 an event of S3": '{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"a+b%C3%A9"}}}]}',
    "B70 wrapped by SNS": json.dumps({"Type": "Notification", "Message": '{"type":"process"}'}),
    "B71 not a number": json.dumps({"type": "finished", "v": 1, "job_id": NOBODY, "token": float("nan")}),
    "B72 an error of Lambda": '{"errorMessage":"Task timed out","errorType":"Runtime.ExitError"}',
    "an unknown type, with a line break": '{"type":"pro\\u0000cess\\u202e","v":1}',
    "nested without end": "[" * 50_000,
}
"""What no reader of ours can make anything of; each begins with the number of its entry, if it has one."""

Spoil = Callable[[Finished], Finished]


def wrong(**changes: object) -> Spoil:
    """A change of the first result of an answer."""

    def changed(answer: Finished) -> Finished:
        first, *rest = answer.answers
        return msgspec.structs.replace(answer, answers=(msgspec.structs.replace(first, **changes), *rest))

    return changed


def _elsewhere(answer: Finished) -> Finished:
    first = answer.answers[0]
    assert isinstance(first, Done)
    place = ResultPlace("other", answer.job_id, first.name, first.digest, first.format)
    return wrong(key=place.key)(answer)


MISFITS: Final[dict[str, Spoil]] = {
    "a key outside its prefix": _elsewhere,
    "a key that is none": wrong(key="../../secrets"),
    "another digest than the key's": wrong(digest="0" * 64),
    "another format": wrong(format=OutputFormat.PNG),
    "a variant nobody asked for": wrong(name="extra"),
    "a variant missing": lambda answer: msgspec.structs.replace(answer, answers=answer.answers[1:]),
    "a variant twice": lambda answer: msgspec.structs.replace(answer, answers=answer.answers + answer.answers[:1]),
    "nothing at all": lambda answer: msgspec.structs.replace(answer, answers=()),
}
"""Answers that have an order's token and do not fit it."""


def parked(queue: Queue, body: str) -> "Callable[[Bench], Seen]":
    """It lies in the dead letters, as it was, with a reason that quotes nothing unprintable."""

    def send(bench: "Bench") -> Seen:
        reasons = bench.letters(queue, body)
        assert all(reason and reason.isascii() and reason.isprintable() and len(reason) <= 256 for reason in reasons)
        return Seen(letters=len(reasons))

    return send


def given_up(queue: Queue, body: str) -> "Callable[[Bench], Seen]":
    """Its receives are used up before it lies in the dead letters: what it is about may have been on its way."""
    return lambda bench: Seen(letters=len(bench.letters(queue, body)))


def _misfits(bench: "Bench") -> Seen:
    """Answers to orders that the function never got to see: nothing of them is believed, and every job completes."""
    # not all at once: nothing more is planned while too many orders wait
    spoils = list(MISFITS.values())
    for pair in (spoils[at : at + 2] for at in range(0, len(spoils), 2)):
        with Stopped(bench.stack):
            jobs = [bench.ask(form(options_part(LIGHT), file_part(JPEG))).document["id"] for _ in pair]
            for job_id, spoil in zip(jobs, pair, strict=True):
                record = bench.record_once(job_id, lambda seen: seen["state"] == "processing")
                [part] = record["parts"]
                answer = Finished(job_id=job_id, token=part["token"], answers=tuple(_done(record, part["variants"])))
                bench.post(Queue.COMPLETIONS, encode(spoil(answer)).decode())
            for job_id in jobs:
                bench.record_once(job_id, lambda seen: "crashed" in [one.get("outcome") for one in seen["parts"]])
        assert {bench.ended(job_id)["state"] for job_id in jobs} == {"completed"}
    return Seen(job_id=jobs[-1])


def _done(record: dict[str, Any], names: list[str]) -> list[Done]:
    found = []
    for name in names:
        place = ResultPlace(record["tenant"], record["id"], name, "1" * 64, OutputFormat.JPEG)
        found.append(
            Done(name=name, key=place.key, digest="1" * 64, bytes=1, width=8, height=5, format=OutputFormat.JPEG)
        )
    return found


def _forged(bench: "Bench") -> Seen:
    """Another tenant's job, under a made-up name: a message's word about whose it is counts for nothing."""
    forged = {"type": "process", "v": 1, "job_id": bench.job_id, "run": 1, "tenant": "bob", "key": "inline/bob/x"}
    before = bench.record(bench.job_id)
    letters = bench.letters(Queue.JOBS, json.dumps(forged))
    assert bench.record(bench.job_id) == before
    return Seen(letters=len(letters))


def noticed(event: str, key: str, bucket: str | None = None) -> "Callable[[Bench], Seen]":
    """A notice of S3's about this key, on the queue that has them."""

    def send(bench: "Bench") -> Seen:
        entity = {
            "bucket": {"name": bucket or bench.stack.exports["buckets"]["originals"]},
            "object": {"key": key.format(job_id=bench.job_id), "versionId": "v"},
        }
        record = {"eventSource": "aws:s3", "eventVersion": "2.1", "eventName": event, "s3": entity}
        return Seen(letters=len(bench.letters(Queue.INGEST, json.dumps({"Records": [record]}))))

    return send


def _readers(entry: str) -> "dict[str, Callable[[Bench], Seen]]":
    """What of `UNREADABLE` has this number, to each queue that a service of ours reads."""
    found = {}
    for name, body in UNREADABLE.items():
        number, _, what = name.partition(" ")
        if number == entry:
            for queue in (Queue.JOBS, Queue.COMPLETIONS, Queue.INGEST):
                if not (queue is Queue.INGEST and "s3:TestEvent" in body):
                    found[f"{what}, to {queue}"] = parked(queue, body)
    return found


def beyond(length: int) -> "Callable[[Bench], Seen]":
    """A body that the queue itself refuses: nothing of ours has to read it."""

    def send(bench: "Bench") -> Seen:
        assert bench.is_refused_by_sqs(Queue.COMPLETIONS, "x" * length)
        return Seen()

    return send


SENDERS: Final = {
    "B61": {**_readers("B61"), "not JSON, to jobs-bulk": parked(Queue.JOBS_BULK, UNREADABLE["B61 not JSON"])},
    **{entry: _readers(entry) for entry in ("B62", "B63", "B64", "B70")},
    "B65": {"a job to plan": given_up(Queue.JOBS, encode(Process(job_id=NOBODY, run=1)).decode())},
    "B66": {"another tenant's name": _forged},
    "B67": {**_readers("B67"), "one byte more": beyond(MAX_MESSAGE_BYTES + 1)},
    "B68": {
        **_readers("B68"),
        "to ingest": lambda bench: Seen(
            letters=len(bench.letters(Queue.INGEST, UNREADABLE["B68 the test event of S3"]))
        ),
    },
    "B69": {
        **_readers("B69"),
        "a key with plus and accents": noticed("ObjectCreated:Post", "direct/a+b/%C3%A9/original"),
        "a key that climbs": noticed("ObjectCreated:Post", "direct/alice/..%2F..%2Fx/original"),
        "another bucket": noticed("ObjectCreated:Post", "direct/alice/{job_id}/original", bucket="somebody-elses"),
        "something removed": noticed("ObjectRemoved:Delete", "direct/alice/{job_id}/original"),
    },
    "B71": {**_readers("B71"), "keys, digests and variants that do not fit": _misfits},
    "B72": {**_readers("B72"), "6 MB": beyond(6 * MIB)},
}
