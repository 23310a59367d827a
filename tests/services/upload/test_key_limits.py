"""A key may ask for less than its tenant: requests a second, jobs a day. Other keys of the tenant notice nothing."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from contracts.charges import Amounts
from contracts.errors import QuotaExceeded
from contracts.formats import ImageFormat
from contracts.keys import BURST_SECONDS, Limits, prefix_of
from contracts.limits import DAY_SECONDS
from contracts.quotas import Quotas, seconds_left
from services.upload.application import application
from services.upload.auth import KeyDoor
from tests.support.keys import PEPPER, MemoryKeys
from tests.support.pictures import sample
from tests.support.upload_room import UploadRoom, file_part, multipart

JPEG = sample(ImageFormat.JPEG)


class Street(TestClient[Any]):
    """A client of a service that asks for keys; `key` makes one for the tenant `shop`."""

    def __init__(self, quotas: Quotas) -> None:
        self.room, self.keys = UploadRoom(quotas=quotas), MemoryKeys()
        door = KeyDoor(self.keys, PEPPER, self.room.clock, self.room.threads)
        super().__init__(application(msgspec.structs.replace(self.room.desk, door=door)))

    def key(self, **limits: int) -> str:
        return self.keys.made("shop", now=self.room.clock.now(), limits=Limits(**limits))

    def listed(self, key: str) -> Any:
        return self.get("/jobs", headers={"Authorization": f"Bearer {key}"})

    def sent(self, key: str, body: bytes = JPEG, again: str | None = None) -> Any:
        content, headers = multipart([file_part(body)])
        named = {} if again is None else {"Idempotency-Key": again}
        return self.post("/uploads", content=content, headers={**headers, **named, "Authorization": f"Bearer {key}"})


@pytest.fixture
def street() -> Iterator[Street]:
    with Street(Quotas(requests_per_second=10, burst_requests=10, bytes_per_day=10**9)) as made:
        made.room.readiness.begin()
        yield made


def test_a_key_has_its_own_requests_and_its_neighbours_have_theirs(street: Street) -> None:
    slow, free = street.key(requests_per_second=1), street.key()
    answers = [street.listed(slow) for _ in range(BURST_SECONDS + 1)]
    assert [answer.status_code for answer in answers] == [200] * BURST_SECONDS + [429]
    refused = answers[-1]
    assert refused.json()["violated-policies"] == ["key-requests"]
    assert refused.headers["retry-after"] == "1"
    assert f'"key-requests";q={BURST_SECONDS};w=4' in refused.headers["ratelimit-policy"]
    assert '"key-requests";r=0;t=1' in refused.headers["ratelimit"]
    # what the key was refused took nothing of its tenant's
    assert '"requests";r=6;' in refused.headers["ratelimit"]
    other = street.listed(free)
    assert other.status_code == 200
    assert "key-" not in other.headers["ratelimit-policy"]
    street.room.clock.advance(1)
    assert street.listed(slow).status_code == 200


def test_a_tenant_that_is_in_a_hurry_is_refused_whatever_its_key_may(street: Street) -> None:
    quick = street.key(requests_per_second=1_000)
    answers = [street.listed(quick) for _ in range(11)]
    assert answers[-1].json()["violated-policies"] == ["requests"]


def test_a_key_has_so_many_jobs_a_day_and_a_new_day_has_as_many(street: Street) -> None:
    key, free = street.key(jobs_per_day=2), street.key()
    first = street.sent(key, again="a")
    assert f'"key-jobs";q=2;qu="jobs";w={DAY_SECONDS}' in first.headers["ratelimit-policy"]
    # a repetition, and what is refused, counts as nothing
    assert street.sent(key, again="a").json() == first.json()
    assert street.sent(key, b"no picture").status_code == 415
    assert '"key-jobs";r=0;' in street.sent(key).headers["ratelimit"]
    refused, left = street.sent(key), seconds_left(street.room.clock.now())
    assert (refused.status_code, refused.json()["violated-policies"]) == (429, ["key-jobs"])
    assert refused.headers["retry-after"] == str(left)
    assert street.sent(key, again="a").json() == first.json()
    assert len(street.room.ledger.jobs()) == 2
    assert street.room.meter.used("shop").amounts.jobs == 2
    assert street.sent(free).status_code == 202
    assert street.listed(key).status_code == 200
    street.room.clock.advance(DAY_SECONDS)
    assert street.sent(key).status_code == 202


def test_a_form_for_a_direct_upload_is_a_job_of_its_key(street: Street) -> None:
    key = street.key(jobs_per_day=1)
    wish = {"content_type": "image/jpeg", "bytes": len(JPEG)}
    headers = {"Authorization": f"Bearer {key}"}
    assert street.post("/uploads/presign", json=wish, headers=headers).status_code == 201
    refused = street.post("/uploads/presign", json=wish, headers=headers)
    assert (refused.status_code, refused.json()["violated-policies"]) == (429, ["key-jobs"])


def test_usage_says_how_the_limits_of_its_key_stand(street: Street) -> None:
    key = street.key(jobs_per_day=5)
    street.sent(key)
    usage = street.get("/usage", headers={"Authorization": f"Bearer {key}"}).json()
    assert {"name": "key-jobs", "quota": 5, "left": 4, "window_seconds": DAY_SECONDS} in usage["quotas"]


def test_what_the_tenant_has_no_room_for_takes_nothing_of_the_key() -> None:
    room = UploadRoom(quotas=Quotas(bytes_per_day=len(JPEG)))
    keys = MemoryKeys()
    prefix = prefix_of(keys.made("shop", now=0, limits=Limits(jobs_per_day=2)))
    assert prefix is not None
    record = keys.key(prefix)
    assert record is not None
    room.meter.charged("shop", Amounts(jobs=1, bytes=len(JPEG)), record.key_limits)
    with pytest.raises(QuotaExceeded):
        room.meter.charged("shop", Amounts(jobs=1, bytes=1), record.key_limits)
    [left] = [one.left for one in room.meter.policies("shop", record.key_limits) if one.name == "key-jobs"]
    assert left == 1
