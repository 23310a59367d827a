"""What the catalogue of bad inputs has no line for: bodies without end, clients that leave, forms cut and changed."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from contracts.formats import ImageFormat
from contracts.limits import MAX_BODY_BYTES
from services.edge import exchange
from services.upload.application import application
from services.upload.desk import Pace
from tests.support.pictures import sample
from tests.support.upload_room import Spoken, UploadRoom, file_part, in_pieces, multipart, options_part

Client = TestClient[Litestar]
JPEG = sample(ImageFormat.JPEG)
FORM = "multipart/form-data; boundary=b0undary"


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal, which is as RFC 9457 and our own promises have it."""
    document = answer.json()
    assert (answer.status_code, document.get("code")) == (status, code), document
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == status
    assert document["type"].endswith(f"/problems/{code}")
    assert document["type"].startswith("http")
    assert document["request_id"] == answer.headers["x-request-id"]
    assert {"title", "detail", "instance", "retryable"} <= set(document)
    return document


def test_the_same_form_without_its_fault_is_taken(client: Client, room: UploadRoom) -> None:
    """Presence before absence: the table above is not refused for the way it is written."""
    body, headers = multipart([options_part('{"preset":"web@1"}', "application/json; charset=UTF-8"), file_part(JPEG)])
    assert client.post("/uploads", content=body, headers=headers).status_code == 202
    assert not room.is_untouched


def test_b20_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(client: Client, room: UploadRoom) -> None:
    full = JPEG + b"\0" * (MAX_BODY_BYTES - len(JPEG))
    body, headers = multipart([file_part(full + b"\0")])
    document = refused(client.post("/uploads", content=body, headers=headers), 413, "payload-too-large")
    assert document["max_bytes"] == MAX_BODY_BYTES
    assert room.is_untouched
    body, headers = multipart([file_part(full)])
    assert client.post("/uploads", content=body, headers=headers).status_code == 202
    assert room.desk.room.inside == 0


def test_b20_an_endless_body_is_cut_off_while_reading(room: UploadRoom) -> None:
    """No Content-Length says how much comes: a few messages beyond the limit are taken to say goodbye, not all."""
    head, headers = multipart([file_part(JPEG)], end=False)
    endless = [{"type": "http.request", "body": head, "more_body": True}]
    endless += [{"type": "http.request", "body": b"\0" * (1 << 20), "more_body": True}] * 200
    spoken = asyncio.run(Spoken("POST", "/uploads", headers, endless).to(application(room.desk)))
    assert spoken.status == 413
    assert spoken.headers["connection"] == "close"
    assert spoken.received < 100
    assert room.is_untouched


def test_b22_a_body_that_comes_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LINGER_SECONDS", 0.05)
    room = UploadRoom(pace=Pace(patience_seconds=0.05))
    body, headers = multipart([file_part(JPEG)])
    first = [{"type": "http.request", "body": body[:100], "more_body": True}]
    spoken = asyncio.run(Spoken("POST", "/uploads", headers, first).to(application(room.desk)))
    assert spoken.status == 408
    assert b"request-timeout" in spoken.body
    assert room.is_untouched
    assert room.desk.room.inside == 0


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_client_that_leaves_leaves_nothing(share: float, room: UploadRoom) -> None:
    body, headers = multipart([file_part(JPEG)])
    part = {"type": "http.request", "body": body[: int(len(body) * share)], "more_body": True}
    asyncio.run(Spoken("POST", "/uploads", headers, [part, {"type": "http.disconnect"}]).to(application(room.desk)))
    assert room.is_untouched
    assert room.desk.room.inside == 0


@pytest.mark.parametrize("size", [1, 2, 7, 63, 1000])
def test_a_form_is_read_the_same_however_it_is_cut(size: int, room: UploadRoom) -> None:
    body, headers = multipart([options_part('{"meta":{"sku":"A-17"}}'), file_part(JPEG)])
    spoken = asyncio.run(Spoken("POST", "/uploads", headers, in_pieces(body, size)).to(application(room.desk)))
    assert spoken.status == 202, spoken.body
    [job] = room.ledger.jobs()
    [version] = room.objects.originals[job.key]
    assert (version.body, job.meta) == (JPEG, {"sku": "A-17"})


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_a_method_that_is_not_answered_names_those_that_are(method: str, client: Client) -> None:
    answer = client.request(method, "/uploads")
    refused(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("wait", ["0", "31", "-1", "abc", "1.5", "", "NaN", "99999999999999999999"])
def test_a_wait_out_of_range_is_malformed(wait: str, client: Client) -> None:
    job_id = "01900000-0000-7000-8000-000000000000"
    refused(client.get(f"/status/{job_id}?wait={wait}"), 400, "malformed")


def test_b25_a_forwarded_host_is_not_believed(client: Client) -> None:
    document = client.get("/nothing", headers={"X-Forwarded-Host": "evil.example"}).json()
    assert "evil" not in str(document)


GOOD_BODY, GOOD_HEADERS = multipart([options_part('{"preset":"web@1","meta":{"a":"b"}}'), file_part(JPEG)])


@pytest.fixture(scope="module")
def reused() -> Iterator[tuple[UploadRoom, Litestar]]:
    """One service for every example: making it takes longer than asking it."""
    room = UploadRoom()
    yield room, application(room.desk)
    room.threads.close()


@pytest.mark.generated
@given(body=st.binary(max_size=2_000))
@example(body=b"--b0undary--\r\n")
@example(body=b"--b0undary\r\n\r\n")
@example(body=b"--b0undary\r\nContent-Disposition: form-data; name=file\r\n\r\n\r\n--b0undary--")
def test_random_bytes_are_never_our_fault(reused: tuple[UploadRoom, Litestar], body: bytes) -> None:
    _never_ours(reused, body)


@pytest.mark.generated
@given(
    at=st.integers(0, len(GOOD_BODY) - 1),
    length=st.integers(0, 200),
    instead=st.binary(max_size=60),
    size=st.sampled_from([1, 3, 64, 1 << 16]),
)
def test_a_mutated_form_is_taken_whole_or_refused_whole(
    reused: tuple[UploadRoom, Litestar], at: int, length: int, instead: bytes, size: int
) -> None:
    _never_ours(reused, GOOD_BODY[:at] + instead + GOOD_BODY[at + length :], size)


def _never_ours(reused: tuple[UploadRoom, Litestar], body: bytes, size: int = 1 << 16) -> None:
    room, app = reused
    before = _left_by(room)
    spoken = asyncio.run(Spoken("POST", "/uploads", GOOD_HEADERS, in_pieces(body, size)).to(app))
    assert spoken.status < 500, spoken.body
    taken = int(spoken.status == 202)
    assert _left_by(room) == tuple(count + taken for count in before)
    assert room.desk.room.inside == 0


def _left_by(room: UploadRoom) -> tuple[int, ...]:
    return len(room.ledger.jobs()), len(room.objects.originals), len(room.messages)
