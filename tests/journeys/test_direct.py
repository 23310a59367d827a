"""Pictures that go straight to S3, on the embedded cloud with IAM enforced, and those that should not have."""

import hashlib
import io
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from client import Darkroom, Refused
from contracts.formats import ImageFormat
from local.supervisor import Supervisor
from local.temporary import temporary
from tests.support import patient, pictures
from tests.support.stack import on_the_stack, until

pytestmark = on_the_stack

JPEG = pictures.sample(ImageFormat.JPEG)
SHORT = {
    "timing": {
        "post_seconds": 8,
        "abandon_after_seconds": 1,
        "sweep_seconds": 0.3,
        "late_post_seconds": 1,
        "grace_seconds": 0,
    }
}
"""An upload is given up nine seconds after it was announced, and not 25 minutes: what is to come in time does, on a
machine that stands still for a moment."""


@pytest.fixture(scope="module")
def hasty() -> Iterator[Supervisor]:
    """A stack of its own, whose policies last a few seconds."""
    with temporary(SHORT) as supervisor:
        yield supervisor


@pytest.fixture(scope="module")
def large() -> bytes:
    """60 MB that no compression makes smaller."""
    picture = io.BytesIO()
    Image.frombytes("RGB", (5000, 4000), random.Random(60).randbytes(60_000_000)).save(picture, "TIFF")
    return picture.getvalue()


def presign(stack: Supervisor, **wanted: Any) -> dict[str, Any]:
    wish = {"content_type": "image/jpeg", "bytes": len(JPEG), **wanted}
    answer = patient.post(
        f"{stack.url}/uploads/presign", json={name: value for name, value in wish.items() if value is not None}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def post(form: dict[str, Any], body: bytes = JPEG, **fields: str) -> httpx.Response:
    return patient.post(form["url"], data={**form["fields"], **fields}, files={"file": ("a", body, "image/jpeg")})


def complete(stack: Supervisor, form: dict[str, Any]) -> httpx.Response:
    return patient.post(f"{stack.url}{form['complete_url']}")


def versions(stack: Supervisor, job_id: str) -> list[str]:
    bucket = stack.exports["buckets"]["originals"]
    page = stack.clients["s3"].list_object_versions(Bucket=bucket, Prefix=f"direct/default/{job_id}/")
    return [one["VersionId"] for one in page.get("Versions", []) + page.get("DeleteMarkers", [])]


def test_a_large_picture_is_put_like_any_other(stack: Supervisor, large: bytes, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    path = tmp_path / "big.tif"
    path.write_bytes(large)
    with Darkroom(stack.url) as darkroom:
        accepted = darkroom.upload(path, on_progress=lambda sent, total: heard.append((sent, total)))
        status = darkroom.wait(accepted.id)
        assert (status.state, status.source.bytes, status.source.width) == ("completed", len(large), 5000)
        assert status.source.sha256 == hashlib.sha256(large).hexdigest()
        assert [file.name for file in darkroom.download(status, tmp_path / "out")] == [
            "large",
            "medium",
            "small",
            "thumb",
        ]
    assert heard[-1] == (len(large), len(large))


def test_an_upload_that_was_broken_off_is_not_sent_again(stack: Supervisor, large: bytes) -> None:
    """The file was posted, and the client died before it could say so."""
    with Darkroom(stack.url) as darkroom:
        first = darkroom.upload(large, filename="big.tif", idempotency_key="broken off")
        sent: list[int] = []
        again = darkroom.upload(
            large, filename="big.tif", idempotency_key="broken off", on_progress=lambda done, total: sent.append(done)
        )
    assert (again.id, again.replayed, sent) == (first.id, True, [])
    assert len(versions(stack, first.id)) == 1


def test_the_notice_and_the_word_are_raced_and_the_job_runs_once(stack: Supervisor, darkroom: Darkroom) -> None:
    forms = [presign(stack) for _ in range(12)]

    def say(form: dict[str, Any]) -> None:
        assert post(form).status_code == 204
        assert complete(stack, form).status_code == 202

    crowd = [threading.Thread(target=say, args=(form,)) for form in forms]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    for form in forms:
        status = darkroom.wait(form["id"], timeout=180)
        record = patient.get(f"{stack.internal_url}/api/status/{form['id']}").json()
        assert (status.state, status.progress.done) == ("completed", 4)
        assert len(record["parts"]) == len({part["token"] for part in record["parts"]}) == 1


def test_s3_says_it_too(stack: Supervisor, darkroom: Darkroom) -> None:
    form = presign(stack, filename="a.jpg", meta={"sku": "A-17"})
    assert post(form).status_code == 204
    status = darkroom.wait(form["id"], timeout=180)
    assert (status.state, status.meta, status.source.filename) == ("completed", {"sku": "A-17"}, "a.jpg")
    # nobody knew the digest before the picture was decoded
    assert status.source.sha256 == hashlib.sha256(JPEG).hexdigest()


def test_b49_to_b52_a_misused_form_stores_nothing(stack: Supervisor) -> None:
    form = presign(stack, sha256=hashlib.sha256(JPEG).hexdigest())
    assert post(form, key="direct/default/other/original").status_code == 403
    assert post(form, JPEG + b"1").status_code == 400
    assert post(form, **{"Content-Type": "text/html"}).status_code == 403
    assert post(form, **{"x-amz-acl": "public-read"}).status_code == 403
    assert post(form, bytes(len(JPEG))).status_code == 400
    refusal = complete(stack, form)
    assert (refusal.status_code, refusal.json()["code"]) == (409, "state-conflict")
    assert versions(stack, form["id"]) == []


def test_b54_a_swap_after_the_commit_is_not_what_is_made_into_variants(stack: Supervisor, darkroom: Darkroom) -> None:
    form = presign(stack, bytes=None, max_bytes=1_000_000)
    assert post(form).status_code == 204
    assert complete(stack, form).status_code == 202
    swapped = pictures.encoded(pictures.photo(800, 600), ImageFormat.JPEG)
    assert post(form, swapped).status_code == 204
    status = darkroom.wait(form["id"], timeout=180)
    assert status.state == "completed"
    assert status.source.sha256 == hashlib.sha256(JPEG).hexdigest()
    assert len(versions(stack, form["id"])) == 2
    # and both go with the job
    darkroom.delete(form["id"])
    until(lambda: versions(stack, form["id"]) == [], "every version to be erased")


@pytest.mark.parametrize(
    ("body", "code"),
    [(pictures.sample(ImageFormat.PNG), "type-mismatch"), (b"no picture at all", "unsupported-media-type")],
)
def test_what_is_another_type_is_refused_and_erased(
    stack: Supervisor, darkroom: Darkroom, body: bytes, code: str
) -> None:
    form = presign(stack, bytes=len(body))
    assert post(form, body).status_code == 204
    refusal = complete(stack, form)
    assert refusal.json()["code"] == code
    status = darkroom.wait(form["id"])
    assert status.error is not None
    assert (status.state, status.error.code) == ("rejected", code)
    until(lambda: versions(stack, form["id"]) == [], "every version to be erased")


def test_the_client_is_told_why_a_large_file_is_not_taken(stack: Supervisor) -> None:
    with Darkroom(stack.url) as darkroom, pytest.raises(Refused) as caught:
        darkroom.upload(b"\xff\xd8\xff" + bytes(27_000_000), filename="a.jpg")
    assert caught.value.code == "image-corrupt"


def test_b53_a_form_is_refused_after_its_time_and_the_job_is_given_up(hasty: Supervisor) -> None:
    form = presign(hasty)
    late = presign(hasty)
    assert post(late, JPEG[:-1]).status_code == 400

    def state() -> str:
        return patient.get(f"{hasty.url}{form['status_url']}").json()["state"]

    until(lambda: state() == "abandoned", "the job to be given up")
    assert post(form).status_code == 403
    refusal = complete(hasty, form)
    assert (refusal.status_code, refusal.json()["code"]) == (410, "gone")
    assert versions(hasty, form["id"]) == []


def test_what_was_posted_and_never_said_is_found_though_the_notices_are_lost(hasty: Supervisor) -> None:
    """The bucket tells nobody for a moment; the sweeper finds the file at the end of the form's time."""
    s3, bucket = hasty.clients["s3"], hasty.exports["buckets"]["originals"]
    told = s3.get_bucket_notification_configuration(Bucket=bucket)
    told.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        form = presign(hasty)
        assert post(form).status_code == 204
    finally:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)
    with Darkroom(hasty.url) as darkroom:
        assert darkroom.wait(form["id"], timeout=180).state == "completed"
