"""What quotas look like from outside: refusals, header fields, a tenant's usage."""

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from contracts.formats import ImageFormat
from contracts.limits import DAY_SECONDS
from contracts.quotas import Quotas, seconds_left
from services.upload.application import application
from tests.support.pictures import sample
from tests.support.upload_room import UploadRoom, file_part, multipart

JPEG = sample(ImageFormat.JPEG)
MEGAPIXELS = Quotas(megapixels_per_day=1)


def opened(quotas: Quotas) -> Iterator[tuple[UploadRoom, TestClient]]:
    room = UploadRoom(quotas=quotas)
    with TestClient(application(room.desk)) as client:
        room.readiness.begin()
        yield room, client


@pytest.fixture
def limited() -> Iterator[tuple[UploadRoom, TestClient]]:
    yield from opened(Quotas(requests_per_second=10, burst_requests=10, bytes_per_day=len(JPEG) * 2))


def sent(client: TestClient, key: str | None = None):
    body, headers = multipart([file_part(JPEG)])
    return client.post("/uploads", content=body, headers=headers | ({} if key is None else {"Idempotency-Key": key}))


def test_a_days_quota_ends_with_429_and_leaves_nothing(limited: tuple[UploadRoom, TestClient]) -> None:
    room, client = limited
    answers = [sent(client) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert len(room.ledger.jobs()) == 2
    refused, left = answers[-1], seconds_left(room.clock.now())
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json() | {"request_id": "", "detail": ""} == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "A quota of this tenant is used up",
        "status": 429,
        "detail": "",
        "instance": "/uploads",
        "code": "quota-exceeded",
        "retryable": True,
        "request_id": "",
        "violated-policies": ["bytes"],
    }
    assert refused.headers["retry-after"] == str(left)
    assert refused.headers["ratelimit-policy"] == (
        f'"requests";q=10;w=1, "bytes";q={len(JPEG) * 2};qu="content-bytes";w={DAY_SECONDS}'
    )
    assert refused.headers["ratelimit"] == f'"requests";r=7;t=1, "bytes";r=0;t={left}'


def test_a_request_too_many_is_refused_before_its_body(limited: tuple[UploadRoom, TestClient]) -> None:
    room, client = limited
    for _ in range(10):
        assert client.get("/jobs").status_code == 200
    refused = sent(client)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert room.is_untouched
    assert client.get("/limits").status_code == 200
    room.clock.advance(1)
    assert client.get("/jobs").status_code == 200


def test_what_is_repeated_and_what_is_refused_costs_nothing(limited: tuple[UploadRoom, TestClient]) -> None:
    _, client = limited
    first = sent(client, "a")
    for _ in range(3):
        assert sent(client, "a").json() == first.json()
    body, headers = multipart([file_part(JPEG[:-10])])
    assert client.post("/uploads", content=body, headers=headers | {"Idempotency-Key": "a"}).status_code == 422
    assert client.get("/usage").json() == {
        "day": "2027-01-15",
        "resets_at": "2027-01-16T00:00:00.000Z",
        "jobs": 1,
        "bytes": len(JPEG),
        "pixels": 96 * 64,
        "in_flight": 1,
        "quotas": [
            {"name": "requests", "quota": 10, "left": 4, "window_seconds": 1},
            {"name": "bytes", "quota": len(JPEG) * 2, "left": len(JPEG), "window_seconds": DAY_SECONDS},
        ],
    }


def test_a_repetition_is_answered_though_the_quota_is_used_up(limited: tuple[UploadRoom, TestClient]) -> None:
    _, client = limited
    first, _ = sent(client, "a"), sent(client, "b")
    assert sent(client, "c").status_code == 429
    assert sent(client, "a").json() == first.json()


def test_usage_of_another_day_is_asked_for_by_its_date() -> None:
    for room, client in opened(Quotas()):
        sent(client)
        day = client.get("/usage").json()
        room.clock.advance(DAY_SECONDS)
        assert client.get("/usage").json()["jobs"] == 0
        earlier = client.get("/usage", params={"day": day["day"]}).json()
        assert {**earlier, "jobs": 0} == {**day, "bytes": earlier["bytes"], "pixels": earlier["pixels"], "jobs": 0}
        for bad in ("", "today", "2027-1-5", "2027-02-30", "9999-12-31", "20270115", "2027-W02-5"):
            assert client.get("/usage", params={"day": bad}).status_code == 400, bad


def test_where_nothing_is_limited_no_field_says_so() -> None:
    for _, client in opened(Quotas()):
        assert "ratelimit" not in client.get("/jobs").headers


def test_a_form_for_a_direct_upload_costs_what_may_be_posted() -> None:
    for _, client in opened(Quotas(bytes_per_day=1_000_000)):
        wish = {"content_type": "image/jpeg", "bytes": 600_000}
        first = client.post("/uploads/presign", json=wish, headers={"Idempotency-Key": "a"})
        assert first.status_code == 201
        assert client.post("/uploads/presign", json=wish, headers={"Idempotency-Key": "a"}).status_code == 201
        assert client.post("/uploads/presign", json=wish).status_code == 429
        assert client.get("/usage").json()["bytes"] == 600_000
