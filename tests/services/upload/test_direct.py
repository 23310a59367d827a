"""Direct uploads over ports in memory: a form for exactly one file, and what is taken of what was posted with it."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec.structs import replace

from contracts.errors import Unavailable
from contracts.events import Cancelled, Deleted, Refused, Stored
from contracts.formats import READ, ImageFormat
from contracts.identifiers import derived_job_id
from contracts.job import Job, JobState, Source
from contracts.lifecycle import step
from contracts.limits import MAX_DIRECT_BYTES, MAX_OPTIONS_BYTES
from contracts.messages import Process, decode
from contracts.ports import Head
from services.upload.document import rfc3339
from tests.services.upload.test_bad_requests import refused
from tests.support.pictures import gif_frames, png_bomb, sample
from tests.support.upload_room import UploadRoom, file_part, multipart

Client = TestClient[Litestar]
JPEG = sample(ImageFormat.JPEG)
SHA256 = base64.b64encode(hashlib.sha256(JPEG).digest()).decode()
WANTED = {"content_type": "image/jpeg", "bytes": len(JPEG), "filename": "chair.jpg"}


def presign(client: Client, key: str | None = None, **wanted: Any) -> Any:
    """With what is usually wanted, and this; None leaves it out."""
    headers = {} if key is None else {"Idempotency-Key": key}
    sent = {name: value for name, value in (WANTED | wanted).items() if value is not None}
    return client.post("/uploads/presign", json=sent, headers=headers)


def presigned(client: Client, key: str | None = None, **wanted: Any) -> dict[str, Any]:
    answer = presign(client, key, **wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def complete(client: Client, form: dict[str, Any]) -> Any:
    return client.post(form["complete_url"])


def moved(room: UploadRoom, job: Job, event: Any) -> Job:
    outcome = step(job, [event], room.clock.now(), room.timing)
    assert outcome.changed
    assert outcome.job is not None
    room.ledger.replace(outcome.job, job.revision)
    return outcome.job


def the_job(room: UploadRoom) -> Job:
    [job] = room.ledger.jobs()
    return job


def overtaken(room: UploadRoom, form: dict[str, Any], rival: Callable[[Head], None]) -> None:
    """Let somebody else find the posted file, and act on it, just before the service looks at it."""

    def before(op: str) -> None:
        if op == "objects.head_original":
            room.before = lambda op: None
            head = room.objects.head_original(form["fields"]["key"])
            assert head is not None
            rival(head)

    room.before = before


def test_a_form_is_for_exactly_what_was_asked(client: Client, room: UploadRoom) -> None:
    form = presigned(client, sha256=SHA256, preset="web@1", meta={"sku": "A-17"})
    job = the_job(room)
    assert (job.state, job.direct, job.meta) == (JobState.AWAITING_UPLOAD, True, {"sku": "A-17"})
    assert job.key == f"direct/default/{job.id}/original"
    assert job.alarm_at == job.upload_until + 900_000 == room.clock.now() + 1_500_000
    assert job.source == Source(filename="chair.jpg", bytes=len(JPEG), sha256=hashlib.sha256(JPEG).hexdigest())
    assert {name: form[name] for name in form if name != "fields"} == {
        "id": job.id,
        "state": "awaiting_upload",
        "method": "POST",
        "url": "https://originals.invalid",
        "max_bytes": len(JPEG),
        "expires_at": rfc3339(job.upload_until),
        "complete_url": f"/uploads/{job.id}/complete",
        "status_url": f"/status/{job.id}",
    }
    assert json.loads(form["fields"]["policy"])[1:] == [
        len(JPEG),
        len(JPEG),
        {"key": job.key, "Content-Type": "image/jpeg", "x-amz-checksum-sha256": SHA256},
    ]
    assert not room.messages


def test_a_posted_picture_is_taken_when_the_client_says_so(client: Client, room: UploadRoom) -> None:
    form = presigned(client)
    assert room.objects.post_form(form["fields"], JPEG) is None
    answer = complete(client, form)
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"id": form["id"], "state": "queued", "status_url": form["status_url"]}
    job = the_job(room)
    assert job.original is not None
    assert job.original.version_id == room.objects.originals[job.key][0].id
    assert (job.source.format, job.source.bytes, job.source.sha256) == (ImageFormat.JPEG, len(JPEG), None)
    process = Process(job_id=job.id, request_id=job.request_id, run=1, tenant=job.tenant)
    assert [decode(body) for body in room.messages] == [process]


@pytest.mark.parametrize("image_format", sorted(READ))
def test_a_picture_of_every_kind_is_measured_by_its_head(
    client: Client, room: UploadRoom, image_format: ImageFormat
) -> None:
    content = sample(image_format)
    form = presigned(client, content_type=image_format.media_type, bytes=len(content), filename=None)
    assert room.objects.post_form(form["fields"], content) is None
    assert complete(client, form).status_code == 202
    source = the_job(room).source
    assert (source.format, source.bytes) == (image_format, len(content))
    assert source.width
    assert source.height


def test_a_bound_stands_in_for_a_size_that_is_not_known(client: Client, room: UploadRoom) -> None:
    form = presigned(client, bytes=None, max_bytes=len(JPEG) + 1)
    assert form["max_bytes"] == len(JPEG) + 1
    assert room.objects.post_form(form["fields"], JPEG + bytes(2)) == "EntityTooLarge"
    assert room.objects.post_form(form["fields"], b"") == "EntityTooSmall"
    assert room.objects.post_form(form["fields"], JPEG) is None
    assert complete(client, form).status_code == 202


BAD: dict[str, tuple[Any, int, str]] = {
    "no type": ({"content_type": None}, 422, "spec-invalid"),
    "a type that is not read": ({"content_type": "image/svg+xml"}, 415, "unsupported-media-type"),
    "a type of nothing": ({"content_type": "application/octet-stream"}, 415, "unsupported-media-type"),
    "a name of another type": ({"filename": "a.png"}, 422, "type-mismatch"),
    "no size": ({"bytes": None}, 422, "spec-invalid"),
    "two sizes": ({"max_bytes": 5}, 422, "spec-invalid"),
    "no bytes": ({"bytes": 0}, 422, "spec-invalid"),
    "negative bytes": ({"bytes": -1}, 422, "spec-invalid"),
    "bytes as text": ({"bytes": "12"}, 422, "spec-invalid"),
    "bytes as true": ({"bytes": True}, 422, "spec-invalid"),
    "too many bytes": ({"bytes": MAX_DIRECT_BYTES + 1}, 413, "payload-too-large"),
    "too large a bound": ({"bytes": None, "max_bytes": 10**30}, 413, "payload-too-large"),
    "no sha256": ({"sha256": "abc"}, 422, "spec-invalid"),
    "a short sha256": ({"sha256": "AAAA"}, 422, "spec-invalid"),
    "two files": ({"sha256": "0" * 64, "digest": f"sha-256=:{SHA256}:"}, 422, "spec-invalid"),
    "an unknown option": ({"evil": 1}, 422, "spec-invalid"),
    "an unknown preset": ({"preset": "nope@1"}, 422, "spec-invalid"),
    "an acl": ({"x-amz-acl": "public-read"}, 422, "spec-invalid"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_wish_is_refused_and_leaves_nothing(client: Client, room: UploadRoom, case: str) -> None:
    wanted, status, code = BAD[case]
    refused(presign(client, **wanted), status, code)
    assert room.is_untouched


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "malformed"),
        (b"{", "application/json", 400, "malformed"),
        (b'{"bytes":1,"bytes":2}', "application/json", 400, "malformed"),
        (b"[]", "application/json", 422, "spec-invalid"),
        (b"{}", "text/plain", 415, "unsupported-media-type"),
        (b"{}", "", 415, "unsupported-media-type"),
        (b" " * (MAX_OPTIONS_BYTES + 1), "application/json", 413, "payload-too-large"),
    ],
)
def test_what_is_no_wish_is_refused(
    client: Client, room: UploadRoom, content: bytes, kind: str, status: int, code: str
) -> None:
    refused(client.post("/uploads/presign", content=content, headers={"Content-Type": kind}), status, code)
    assert room.is_untouched


# B49 to B55: S3's own refusals, as the twin in memory has them; tests/journeys shows them on the embedded cloud
MISUSES: dict[str, tuple[dict[str, str], bytes, str]] = {
    "B49 other key": ({"key": "direct/default/other/original"}, JPEG, "AccessDenied"),
    "B50 limit + 1 bytes": ({}, JPEG + b"1", "EntityTooLarge"),
    "B51 other Content-Type": ({"Content-Type": "text/html"}, JPEG, "AccessDenied"),
    "B52 extra field": ({"x-amz-acl": "public-read"}, JPEG, "AccessDenied"),
    "another policy": ({"policy": "[9999999999999,0,9999999999,{}]"}, JPEG, "SignatureDoesNotMatch"),
    "other bytes": ({}, bytes(len(JPEG)), "BadDigest"),
}


@pytest.mark.parametrize("case", MISUSES)
def test_a_misused_form_stores_nothing(client: Client, room: UploadRoom, case: str) -> None:
    fields, body, code = MISUSES[case]
    form = presigned(client, sha256=SHA256)
    assert room.objects.post_form({**form["fields"], **fields}, body) == code
    refused(complete(client, form), 409, "state-conflict")
    assert not room.objects.originals
    assert the_job(room).state is JobState.AWAITING_UPLOAD


def test_b53_a_form_is_worth_nothing_after_its_time(client: Client, room: UploadRoom) -> None:
    form = presigned(client)
    room.clock.advance(600)
    assert room.objects.post_form(form["fields"], JPEG) == "AccessDenied"
    assert not room.objects.originals


def test_b54_what_is_posted_over_the_pinned_version_is_ignored(client: Client, room: UploadRoom) -> None:
    form = presigned(client, bytes=None, max_bytes=1_000_000)
    room.objects.post_form(form["fields"], JPEG)
    complete(client, form)
    pinned = the_job(room)
    room.objects.post_form(form["fields"], sample(ImageFormat.PNG))
    assert complete(client, form).status_code == 202
    assert the_job(room) == pinned
    assert pinned.original is not None
    assert room.objects.get_original(pinned.key, pinned.original.version_id) == JPEG


def test_b56_nothing_is_complete_without_a_post(client: Client, room: UploadRoom) -> None:
    form = presigned(client)
    refused(complete(client, form), 409, "state-conflict")
    room.objects.post_form(form["fields"], JPEG)
    assert [complete(client, form).status_code for _ in range(2)] == [202, 202]
    assert len(room.messages) == 1


def test_b56_nobody_completes_the_job_of_another_tenant(client: Client, room: UploadRoom) -> None:
    own = presigned(client)["id"]
    other = "01932c00-0000-7000-8000-000000000001"
    key = f"direct/other/{other}/original"
    room.ledger.create(replace(room.ledger.read([own])[own], id=other, tenant="other", key=key))
    room.objects.post_original(key, JPEG, "image/jpeg")
    refused(client.post(f"/uploads/{other}/complete"), 404, "not-found")
    assert room.ledger.read([other])[other].state is JobState.AWAITING_UPLOAD


@pytest.mark.parametrize("job_id", ["nobody", "..", "%00", "0" * 10_000, "01932c00-0000-7000-8000-00000000ffff"])
def test_b56_there_is_no_completing_what_is_not_there(client: Client, job_id: str) -> None:
    answer = client.post(f"/uploads/{job_id}/complete")
    assert answer.status_code in (404, 405)


def test_a_job_of_a_form_upload_is_complete_by_itself(client: Client, room: UploadRoom) -> None:
    body, headers = multipart([file_part(JPEG)])
    job_id = client.post("/uploads", content=body, headers=headers).json()["id"]
    answer = client.post(f"/uploads/{job_id}/complete")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    room.objects.originals.clear()


def test_an_upload_through_the_service_is_committed_by_itself_alone(client: Client, room: UploadRoom) -> None:
    """Its bytes are there and its row is not yet told, so to say that it was posted would be to look at half of it."""

    def dies(op: str) -> None:
        if op == "objects.put_original":
            raise Unavailable("the reply of the put was lost")

    room.after = dies
    body, headers = multipart([file_part(JPEG)])
    assert client.post("/uploads", content=body, headers=headers).status_code == 503
    room.after = lambda op: None
    before = the_job(room)
    assert room.objects.head_original(before.key) is not None
    refused(client.post(f"/uploads/{before.id}/complete"), 409, "state-conflict")
    assert room.ledger.jobs() == [before]
    room.objects.originals.clear()


WRONG: dict[str, tuple[bytes, dict[str, Any], str, int]] = {
    "text": (b"just text, and enough of it", {}, "unsupported-media-type", 415),
    "another type": (sample(ImageFormat.PNG), {"filename": None}, "type-mismatch", 422),
    "a bomb": (png_bomb(), {"content_type": "image/png", "filename": "a.png"}, "pixel-limit", 422),
    "cut short": (JPEG[:20], {}, "image-corrupt", 422),
    "too many frames": (gif_frames(301), {"content_type": "image/gif", "filename": None}, "frame-limit", 422),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_arrived_is_judged_as_any_other_upload(client: Client, room: UploadRoom, case: str) -> None:
    content, wanted, code, status = WRONG[case]
    form = presigned(client, bytes=len(content), **wanted)
    assert room.objects.post_form(form["fields"], content) is None
    refused(complete(client, form), status, code)
    job = room.ledger.read([form["id"]])[form["id"]]
    assert job.state is JobState.REJECTED
    assert job.error is not None
    assert job.error.code == code
    assert client.get(form["status_url"]).json()["error"]["code"] == code
    # and again, the same answer
    refused(complete(client, form), status, code)
    assert not room.messages


def test_bytes_that_s3_did_not_check_are_not_taken(client: Client, room: UploadRoom) -> None:
    """Whoever else may write there: what has no checksum of S3's, or another, is refused."""
    form = presigned(client, sha256=SHA256)
    room.objects.post_original(form["fields"]["key"], JPEG, "image/jpeg")
    refused(complete(client, form), 400, "digest-mismatch")
    assert the_job(room).state is JobState.REJECTED


# --- repeats ---------------------------------------------------------------------------------------------------------


def test_a_repeated_wish_is_signed_to_the_first_expiry(client: Client, room: UploadRoom) -> None:
    first = presigned(client, "k")
    room.clock.advance(400)
    answer = presign(client, "k")
    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (201, "?1")
    again = answer.json()
    assert (again["id"], again["expires_at"]) == (first["id"], first["expires_at"])
    assert first["id"] == derived_job_id("default", "k")
    room.clock.advance(199.5)
    refused(presign(client, "k"), 410, "gone")
    assert len(room.ledger.jobs()) == 1


def test_a_repeated_wish_of_a_picture_that_is_there_is_told_so(client: Client, room: UploadRoom) -> None:
    form = presigned(client, "k")
    room.objects.post_form(form["fields"], JPEG)
    complete(client, form)
    answer = presign(client, "k")
    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (202, "?1")
    assert answer.json() == {"id": form["id"], "state": "queued", "status_url": form["status_url"]}


@pytest.mark.parametrize(
    "other",
    [
        {"bytes": len(JPEG) + 1},
        {"bytes": None, "max_bytes": len(JPEG)},
        {"content_type": "image/png", "filename": "chair.png"},
        {"filename": "other.jpg"},
        {"sha256": SHA256},
        {"preset": "web@1", "variants": [{"name": "own"}]},
        {"meta": {"a": "b"}},
    ],
)
def test_another_wish_under_the_same_key_changes_nothing(client: Client, room: UploadRoom, other: dict) -> None:
    presigned(client, "k")
    job = the_job(room)
    refused(presign(client, "k", **other), 422, "idempotency-key-reused")
    assert the_job(room) == job


def test_spelling_makes_no_other_wish(client: Client, room: UploadRoom) -> None:
    hexadecimal = hashlib.sha256(JPEG).hexdigest()
    presigned(client, "k", sha256=SHA256)
    presigned(client, "k", sha256=hexadecimal, preset="web@1")
    presigned(client, "k", digest=f"sha-256=:{SHA256}:", content_type="IMAGE/JPEG; q=1")
    assert len(room.ledger.jobs()) == 1


def test_a_key_is_of_a_form_upload_or_of_a_direct_one(client: Client, room: UploadRoom) -> None:
    presigned(client, "k")
    body, headers = multipart([file_part(JPEG)])
    answer = client.post("/uploads", content=body, headers={**headers, "Idempotency-Key": "k"})
    refused(answer, 422, "idempotency-key-reused")
    assert client.post("/uploads", content=body, headers={**headers, "Idempotency-Key": "l"}).status_code == 202
    refused(presign(client, "l"), 422, "idempotency-key-reused")


@pytest.mark.parametrize("event", [Cancelled(command="c"), Deleted(command="d")])
def test_nobody_waits_for_the_file_of_a_job_that_was_given_up(client: Client, room: UploadRoom, event: Any) -> None:
    form = presigned(client, "k")
    moved(room, the_job(room), event)
    refused(presign(client, "k"), 410, "gone")
    refused(complete(client, form), 410, "gone")


# --- races and lost replies ------------------------------------------------------------------------------------------


def test_the_notice_of_s3_was_quicker(room: UploadRoom, client: Client) -> None:
    """Between our look and our write somebody else pinned the original: the client is told the same."""
    form = presigned(client)
    room.objects.post_form(form["fields"], JPEG)

    def rival(head: Head) -> None:
        moved(room, the_job(room), Stored(version_id=head.version_id, etag=head.etag, source=Source()))

    overtaken(room, form, rival)
    answer = complete(client, form)
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    # our write was refused, so what the rival owes is sent: it may have died before it could
    assert len(room.messages) == 1


def test_what_the_notice_of_s3_had_refused_and_erased_is_told_as_it_was(room: UploadRoom, client: Client) -> None:
    """Between our look at the row and that at the file both went: it was posted, and it was no good."""
    body = b"GIF89a<script>"
    form = presigned(client, bytes=len(body))
    room.objects.post_form(form["fields"], body)

    def rival(head: Head) -> None:
        fault = Refused(version_id=head.version_id, code="type-mismatch", detail="it is a GIF")
        job = moved(room, the_job(room), fault)
        assert room.objects.erase(job.tenant, job.id) == 1

    overtaken(room, form, rival)
    refused(complete(client, form), 422, "type-mismatch")
    assert the_job(room).state is JobState.REJECTED


def test_a_lost_reply_of_the_write_is_no_second_commit(room: UploadRoom, client: Client) -> None:
    form = presigned(client)
    room.objects.post_form(form["fields"], JPEG)

    def lost(op: str) -> None:
        if op == "ledger.replace":
            room.after = lambda op: None
            raise Unavailable("the reply was lost")

    room.after = lost
    refused(complete(client, form), 503, "unavailable")
    answer = complete(client, form)
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert the_job(room).revision == 2


def test_a_post_between_the_looks_is_looked_at_anew(room: UploadRoom, client: Client) -> None:
    """The swap that the pinned version guards against: what is pinned is what was looked at."""
    form = presigned(client, bytes=None, max_bytes=1_000_000)
    room.objects.post_form(form["fields"], JPEG)
    swapped = 0

    def swap(op: str) -> None:
        nonlocal swapped
        if op == "objects.read_range" and not swapped:
            swapped += 1
            room.objects.post_form(form["fields"], b"GIF89a<script>")

    room.before = swap
    refused(complete(client, form), 422, "type-mismatch")
    assert swapped == 1
    assert the_job(room).original is None
