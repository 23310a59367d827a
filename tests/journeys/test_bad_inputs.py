"""What is no picture is refused with the problem that names why, and a refused request leaves nothing behind."""

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from client import Darkroom
from contracts.formats import ImageFormat
from contracts.limits import MAX_BODY_BYTES
from local.supervisor import Supervisor
from tests.support import pictures
from tests.support.stack import on_the_stack, until

pytestmark = on_the_stack

Part = tuple[str, tuple[str | None, bytes, str]]

JPEG = pictures.sample(ImageFormat.JPEG)
OPTIONS: Part = ("options", (None, b"{}", "application/json"))


def _file(data: bytes, name: str = "a.jpg", kind: str = "image/jpeg") -> Part:
    return ("file", (name, data, kind))


def _options(text: bytes) -> Part:
    return ("options", (None, text, "application/json"))


class Bad(NamedTuple):
    parts: list[Part]
    status: int
    code: str


BAD = {
    "an empty file": Bad([OPTIONS, _file(b"")], 400, "malformed"),
    "text named .jpg": Bad([OPTIONS, _file(b"This is not a picture.\n" * 50)], 415, "unsupported-media-type"),
    "a PNG named .jpg": Bad([OPTIONS, _file(pictures.sample(ImageFormat.PNG))], 422, "type-mismatch"),
    "a PNG header of 50,000 x 50,000": Bad(
        [OPTIONS, _file(pictures.png_header(50_000, 50_000), "a.png", "image/png")], 422, "pixel-limit"
    ),
    "30 MB": Bad([OPTIONS, _file(JPEG + bytes(30_000_000))], 413, "payload-too-large"),
    "one byte too many": Bad([OPTIONS, _file(JPEG + bytes(MAX_BODY_BYTES + 1 - len(JPEG)))], 413, "payload-too-large"),
    "two files": Bad([OPTIONS, _file(JPEG), _file(JPEG)], 400, "malformed"),
    "no file": Bad([OPTIONS], 400, "malformed"),
    "options that are not UTF-8": Bad(
        [_options('{"meta":{"a":"é"}}'.encode("latin-1")), _file(JPEG)], 400, "malformed"
    ),
    "options that are not JSON": Bad([_options(b"{"), _file(JPEG)], 400, "malformed"),
    "an unknown option": Bad([_options(b'{"colour":"red"}'), _file(JPEG)], 422, "spec-invalid"),
    "an unknown preset": Bad([_options(b'{"preset":"web@999"}'), _file(JPEG)], 422, "spec-invalid"),
}


def _left(stack: Supervisor) -> dict[str, Any]:
    """Everything that a job could leave: rows, versions of objects, messages."""
    clients, exports = stack.clients, stack.exports
    rows = clients["dynamodb"].scan(TableName=exports["tables"]["jobs"], ProjectionExpression="pk, revision")["Items"]
    objects = [
        (bucket, version["Key"], version["VersionId"])
        for bucket in exports["buckets"].values()
        for page in clients["s3"].get_paginator("list_object_versions").paginate(Bucket=bucket)
        for version in page.get("Versions", []) + page.get("DeleteMarkers", [])
    ]
    return {
        "rows": sorted(row["pk"]["S"] for row in rows),
        "objects": sorted(objects),
        "messages": {
            url: clients["sqs"].get_queue_attributes(
                QueueUrl=url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )["Attributes"]
            for queue in exports["queues"].values()
            for url in (queue["url"], queue["dead_letter_url"])
        },
    }


@pytest.fixture
def quiet(stack: Supervisor) -> Callable[[], dict[str, Any]]:
    """What is left, once the queues are empty."""

    def look() -> dict[str, Any]:
        def is_empty() -> bool:
            return not any(int(count) for depth in _left(stack)["messages"].values() for count in depth.values())

        until(is_empty, "the queues to be empty")
        return _left(stack)

    return look


@pytest.mark.parametrize("what", sorted(BAD))
def test_bad_input_is_refused_and_leaves_nothing(
    stack: Supervisor, quiet: Callable[[], dict[str, Any]], what: str
) -> None:
    bad, before = BAD[what], quiet()
    answer = httpx.post(f"{stack.url}/uploads", files=bad.parts, timeout=60)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (bad.status, bad.code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert _left(stack) == before


def test_what_only_decoding_can_tell_is_rejected_and_keeps_only_its_row(
    stack: Supervisor, darkroom: Darkroom, quiet: Callable[[], dict[str, Any]]
) -> None:
    """Half a JPEG: its header is good."""
    before = quiet()
    half = pictures.truncated(pictures.encoded(pictures.photo(800, 600), ImageFormat.JPEG))
    job = darkroom.wait(darkroom.upload(half, filename="half.jpg").id)
    assert job.state == "rejected"
    assert job.error is not None
    assert job.error.code == "image-corrupt"
    assert not [variant.url for variant in job.variants if variant.url]
    until(lambda: quiet()["objects"] == before["objects"], "the objects to be erased")
    after = quiet()
    assert set(after["rows"]) - set(before["rows"]) == {f"job#{job.id}"}
    assert after["messages"] == before["messages"]
