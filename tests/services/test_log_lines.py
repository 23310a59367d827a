"""No line of a log has a word of a client's: not at debug level, not when what it sent is refused, not by a detour.

Everything that a request and a message can carry is marked with words that nobody else would say, and every line of
both services is looked through for them.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog
from litestar.testing import TestClient
from structlog.testing import capture_logs

from contracts.messages import Finished, Process, Queue, encode
from contracts.options import Options
from services.upload.application import application
from services.upload.auth import KeyDoor
from tests.support import pictures
from tests.support.keys import PEPPER, MemoryKeys
from tests.support.pipeline import Pipeline
from tests.support.upload_room import UploadRoom, file_part, multipart, options_part

WORD = "Zq9Marked"
"""In everything that a client says."""


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """Every line at every level, as it is before anything shortens it."""
    with capture_logs() as found:
        yield found


def text_of(lines: list[Any]) -> str:
    """All that the lines say, tracebacks' messages too."""
    return json.dumps([{**line, "exc_info": repr(line.get("exc_info"))} for line in lines], default=repr)


@pytest.fixture
def keyed() -> Iterator[tuple[UploadRoom, TestClient[Any], str]]:
    room, keys = UploadRoom(), MemoryKeys()
    desk = msgspec.structs.replace(room.desk, door=KeyDoor(keys, PEPPER, room.clock, room.threads))
    room.readiness.begin()
    with TestClient[Any](application(desk), raise_server_exceptions=False) as client:
        yield room, client, keys.made("shop", now=room.clock.now())


def marked_picture() -> bytes:
    """A JPEG whose EXIF, comment and trailing bytes are marked."""
    picture = pictures.jpeg_with_exif(6)
    comment = b"\xff\xfe" + (len(WORD) + 2).to_bytes(2) + WORD.encode()
    return picture[:2] + comment + picture[2:] + WORD.encode()


def test_nothing_of_a_request_is_in_any_line(keyed: tuple[UploadRoom, TestClient[Any], str], lines: list[Any]) -> None:
    room, client, key = keyed
    secret = key.rpartition("_")[2]
    bearer = {"Authorization": f"Bearer {key}"}
    picture = marked_picture()
    options = json.dumps({"meta": {WORD: WORD}, "variants": [{"name": "a", "resize": {"width": 50}}]})
    said = {
        "Idempotency-Key": f'"{WORD}"',
        "User-Agent": WORD,
        "X-Request-Id": f"{WORD} with a space",
        "X-Forwarded-For": WORD,
        "Referer": f"https://{WORD}.example/",
        "Cookie": f"a={WORD}",
    }
    body, form = multipart([options_part(options), file_part(picture, f"{WORD}.jpg")])
    accepted = client.post("/uploads", content=body, headers={**form, **bearer, **said})
    assert accepted.status_code == 202
    job = accepted.json()["id"]
    assert client.get(f"/status/{job}", headers=bearer).json()["meta"] == {WORD: WORD}
    refused = [
        client.post("/uploads", content=body[:-30], headers={**form, **bearer}),
        client.post("/uploads", content=WORD.encode(), headers={"Content-Type": "image/jpeg", **bearer}),
        client.post(f"/uploads?{WORD}={WORD}", content=picture, headers={"Content-Type": "image/jpeg", **bearer}),
        client.post(f"/uploads?options={WORD}", content=picture, headers={"Content-Type": "image/jpeg", **bearer}),
        client.post("/uploads", content=b"x", headers={"Content-Type": f"multipart/{WORD}", **bearer}),
        client.post("/uploads/presign", json={"content_type": WORD, "filename": WORD}, headers=bearer),
        client.post("/uploads/presign", content=WORD.encode(), headers={"Content-Type": "application/json", **bearer}),
        client.get(f"/status/{WORD}", headers=bearer),
        client.get(f"/status/%0d%0aX-Evil:{WORD}", headers=bearer),
        client.get(f"/{WORD}/%0d%0a%0d%0a{WORD}", headers=bearer),
        client.get(f"/jobs/{job}/variants/{WORD}", headers=bearer),
        client.get(f"/jobs?cursor={WORD}&tag={WORD}:{WORD}", headers=bearer),
        client.get(f"/usage?day={WORD}", headers=bearer),
        client.post(f"/jobs/{job}/retry", json={WORD: WORD}, headers=bearer),
        client.get("/jobs", headers={"Authorization": f"Bearer {WORD}"}),
        client.get("/jobs", headers={"Authorization": f"Basic {WORD}"}),
        client.request(WORD.upper(), "/jobs", headers=bearer),
    ]
    bad = multipart([options_part(json.dumps({WORD: WORD})), file_part(picture, f"{WORD}.jpg")])
    refused.append(client.post("/uploads", content=bad[0], headers={**bad[1], **bearer}))
    assert {answer.status_code // 100 for answer in refused} == {4}
    assert len([line for line in lines if line["event"] == "http.answered"]) >= len(refused)
    told = text_of(lines)
    assert job in told
    for held in (WORD, WORD.lower(), WORD.upper(), secret, key):
        assert held not in told
    assert room.ledger.jobs()[0].meta == {WORD: WORD}


def test_a_bug_tells_where_and_nothing_of_the_request(
    keyed: tuple[UploadRoom, TestClient[Any], str], lines: list[Any]
) -> None:
    room, client, key = keyed

    def broken(op: str) -> None:
        if op == "ledger.create":
            raise ZeroDivisionError

    room.before = broken
    body, form = multipart([options_part(json.dumps({"meta": {WORD: WORD}})), file_part(marked_picture(), WORD)])
    answer = client.post("/uploads", content=body, headers={**form, "Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert any(line["event"] == "http.failed" for line in lines)
    assert WORD not in text_of(lines)
    assert key not in text_of(lines)


def test_nothing_of_a_job_or_a_message_is_in_a_line_of_the_processing_service(lines: list[Any]) -> None:
    pipeline = Pipeline()
    accepted = pipeline.upload(picture=marked_picture(), options=Options(meta={WORD: WORD}))
    for body in (
        WORD,
        json.dumps({WORD: WORD}),
        json.dumps({"type": WORD}),
        encode(Process(job_id=accepted.job.id, run=1, request_id="r")).decode().replace('"process"', f'"{WORD}"'),
        f"\r\n{WORD}\r\n",
    ):
        for queue in (Queue.JOBS, Queue.JOBS_BULK, Queue.COMPLETIONS, Queue.INGEST):
            pipeline.queues.put(queue, body)
        pipeline.queues.put(Queue.TRANSFORMS, body, dead_letters=True)
    forged = Finished(job_id=accepted.job.id, token=1, undecodable=WORD, detail=WORD, engine=WORD)
    pipeline.turn("jobs")
    pipeline.queues.put(Queue.COMPLETIONS, encode(forged).decode())
    for name in list(pipeline.host.readers):
        pipeline.turn(name)
        pipeline.turn(name)
    told = text_of(lines)
    assert "message.parked" in told
    assert accepted.job.id in told
    assert WORD not in told


def test_the_marks_would_be_found(lines: list[Any]) -> None:
    structlog.get_logger().debug("test.said", what=WORD)
    assert WORD in text_of(lines)
