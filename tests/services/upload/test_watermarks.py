"""A request for a watermark: taken with the picture fixed, or refused with its place and nothing left behind."""

import json
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from contracts.formats import ImageFormat
from contracts.identifiers import new_job_id
from contracts.job import Job, JobState
from services.upload.desk import Desk
from tests.contracts.test_assets import KEY, LOGO, LOGO_JOB, logo_job
from tests.support.keys import MemoryKeys
from tests.support.pictures import sample
from tests.support.upload_room import UploadRoom, file_part, multipart, options_part

Client = TestClient[Litestar]
JPEG = sample(ImageFormat.JPEG)


@pytest.fixture
def desk(keyed_desk: Desk) -> Desk:
    return keyed_desk


def headers_of(keys: MemoryKeys, room: UploadRoom, tenant: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {keys.made(tenant, now=room.clock.now())}", **more}


def wish(asset: str) -> dict[str, Any]:
    return {"variants": [{"name": "plain"}, {"name": "marked", "overlays": [{"text": "©"}, {"asset": asset}]}]}


def upload(client: Client, key: dict[str, str], options: dict[str, Any]) -> Any:
    body, headers = multipart([options_part(json.dumps(options)), file_part(JPEG)])
    return client.post("/uploads", content=body, headers={**headers, **key})


def line(client: Client, key: dict[str, str], options: dict[str, Any]) -> Any:
    asset = options["variants"][1]["overlays"][1]["asset"]
    return client.post(
        f"/uploads?t=plain;marked=tx:©/wm:{asset}", content=JPEG, headers={"Content-Type": "image/jpeg", **key}
    )


def presign(client: Client, key: dict[str, str], options: dict[str, Any]) -> Any:
    asked = {"content_type": "image/jpeg", "bytes": len(JPEG), **options}
    return client.post("/uploads/presign", json=asked, headers=key)


WAYS = {"form": upload, "bare": line, "direct": presign}


def made(room: UploadRoom) -> Job:
    [job] = [job for job in room.ledger.jobs() if job.id != LOGO_JOB]
    return job


@pytest.mark.parametrize("way", WAYS)
def test_the_job_remembers_which_picture_was_meant(
    way: str, client: Client, room: UploadRoom, keys: MemoryKeys
) -> None:
    room.ledger.create(logo_job())
    answer = WAYS[way](client, headers_of(keys, room, "shop"), wish(LOGO))
    assert answer.status_code in (201, 202), answer.text
    assert made(room).assets == {LOGO: KEY}


@pytest.mark.parametrize("way", WAYS)
def test_another_tenants_and_none_are_refused_alike_and_leave_nothing(
    way: str, client: Client, room: UploadRoom, keys: MemoryKeys
) -> None:
    room.ledger.create(logo_job())
    answers = []
    for tenant, asset in (("rival", LOGO), ("rival", f"{new_job_id(2_000, bytes(10))}.logo")):
        answer = WAYS[way](client, headers_of(keys, room, tenant), wish(asset))
        assert answer.status_code == 422
        document = answer.json()
        answers.append((document["code"], document["detail"], document["errors"]))
    assert answers[0] == answers[1]
    assert answers[0][2][0]["pointer"] == "#/variants/1/overlays/1/asset"
    assert [job.id for job in room.ledger.jobs()] == [LOGO_JOB]
    assert not any(room.objects.originals.values())
    assert not room.messages


@pytest.mark.parametrize("way", ["form", "direct"])
def test_a_request_that_is_repeated_gets_its_job_though_the_watermark_is_gone(
    way: str, client: Client, room: UploadRoom, keys: MemoryKeys
) -> None:
    room.ledger.create(logo_job())
    key = headers_of(keys, room, "shop", **{"Idempotency-Key": "once"})
    first = WAYS[way](client, key, wish(LOGO)).json()
    gone = logo_job(JobState.DELETING)
    room.ledger.replace(msgspec.structs.replace(gone, revision=gone.revision + 1), gone.revision)
    again = WAYS[way](client, key, wish(LOGO))
    assert (again.status_code in (201, 202), again.json()["id"]) == (True, first["id"])
    assert made(room).assets == {LOGO: KEY}
    fresh = WAYS[way](client, headers_of(keys, room, "shop"), wish(LOGO))
    assert fresh.status_code == 422


def test_a_presets_watermark_is_found_anew_for_each_job(client: Client, room: UploadRoom, keys: MemoryKeys) -> None:
    key = headers_of(keys, room, "shop")
    kept = client.put("/presets/marked@1", json={"variants": wish(LOGO)["variants"]}, headers=key)
    assert kept.status_code == 201, kept.text
    refused = upload(client, key, {"preset": "marked@1"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/preset")
    room.ledger.create(logo_job())
    assert upload(client, key, {"preset": "marked@1"}).status_code == 202
    assert made(room).assets == {LOGO: KEY}
