"""An upload that is the bare picture, its options in the query: the same checks, limits and pace as a form."""

import asyncio
from urllib.parse import quote

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from contracts.compact import spelled
from contracts.formats import READ, ImageFormat
from contracts.job import Lane
from contracts.limits import MAX_BODY_BYTES
from services.upload.application import application
from services.upload.desk import Pace
from tests.services.upload.test_bad_requests import refused
from tests.support.pictures import png_bomb, sample
from tests.support.upload_room import Spoken, UploadRoom, in_pieces

Client = TestClient[Litestar]
JPEG = sample(ImageFormat.JPEG)
KIND = {"Content-Type": "image/jpeg"}


@pytest.mark.parametrize("image_format", sorted(READ))
def test_a_picture_of_every_kind_may_come_by_itself(
    client: Client, room: UploadRoom, image_format: ImageFormat
) -> None:
    content = sample(image_format)
    answer = client.post("/uploads", content=content, headers={"Content-Type": image_format.media_type})
    assert answer.status_code == 202, answer.text
    [job] = room.ledger.jobs()
    assert (job.source.format, job.source.bytes, job.source.filename) == (image_format, len(content), None)
    assert room.objects.originals[job.key][0].body == content


def test_what_is_wanted_stands_in_the_query(client: Client, room: UploadRoom) -> None:
    query = "?preset=web%401&priority=bulk&expires_in=86400&filename=../K%C3%BCche.jpg"
    assert client.post(f"/uploads{query}", content=JPEG, headers=KIND).status_code == 202
    [job] = room.ledger.jobs()
    assert (job.preset, job.lane, job.source.filename) == ("web@1", Lane.BULK, "Küche.jpg")
    assert job.expires_at - job.created_at == 86_400_000


def test_all_options_may_stand_there_as_json(client: Client, room: UploadRoom) -> None:
    options = quote('{"variants":[{"name":"s","resize":{"width":10}}],"meta":{"sku":"A-17"}}')
    assert client.post(f"/uploads?options={options}", content=JPEG, headers=KIND).status_code == 202
    [job] = room.ledger.jobs()
    assert (job.meta, [record.spec.name for record in job.variants]) == ({"sku": "A-17"}, ["s"])


def test_variants_may_stand_there_in_a_line(client: Client, room: UploadRoom) -> None:
    line = "hero=rs:cover:40:30/g:fp:0.4:0.3/f:webp;mini=cf:0:0:0.5:1/gray"
    assert client.post(f"/uploads?t={quote(line)}&priority=bulk", content=JPEG, headers=KIND).status_code == 202
    [job] = room.ledger.jobs()
    assert spelled([record.spec for record in job.variants]) == line
    assert job.lane is Lane.BULK


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("hero=rs:cover:40:30/g:smart;mini=rs::30/f:webp", "hero=rs:cover:40:30/g:smart;mini=rs:inside:30/f:webp"),
        # a query is decoded once as such, and a text in it once more
        ("a=tx:50%2525+off", "a=tx:50%25 off"),
        ("a=tx:1%252F2", "a=tx:1%2F2"),
    ],
)
def test_a_line_may_be_typed_into_an_address(client: Client, room: UploadRoom, typed: str, line: str) -> None:
    assert client.post(f"/uploads?t={typed}", content=JPEG, headers=KIND).status_code == 202
    [job] = room.ledger.jobs()
    assert spelled([record.spec for record in job.variants]) == line


def test_a_line_may_be_the_only_words_of_a_form(client: Client, room: UploadRoom) -> None:
    answer = client.post("/uploads", data={"t": "mini=rs::30/f:png"}, files={"file": ("a.jpg", JPEG, "image/jpeg")})
    assert answer.status_code == 202, answer.text
    [job] = room.ledger.jobs()
    assert spelled([record.spec for record in job.variants]) == "mini=rs::30/f:png".replace("rs::30", "rs:inside:30")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ({"t": "a=f:webp", "options": "{}"}, 400, "malformed"),
        ({"options": "{}", "t": "a=f:webp"}, 400, "malformed"),
        ({"t": "a=rs:cover:0:9"}, 422, "spec-invalid"),
        ({"t": "a=nope"}, 422, "spec-invalid"),
        ({"t": ""}, 422, "spec-invalid"),
        ({"t": "a=cr:90:0:20:5"}, 422, "spec-invalid"),
        ({"options": '{"variants":[{"name":"a","crop":{"x":0,"y":90,"width":9,"height":9}}]}'}, 422, "spec-invalid"),
    ],
)
def test_a_bad_line_is_refused_and_leaves_nothing(
    client: Client, room: UploadRoom, data: dict[str, str], status: int, code: str
) -> None:
    refused(client.post("/uploads", data=data, files={"file": ("a.jpg", JPEG, "image/jpeg")}), status, code)
    assert room.is_untouched


def test_a_crop_that_a_picture_lying_on_its_side_may_have_is_taken(client: Client) -> None:
    """The header says 96 × 64; the orientation is in the EXIF that only the function reads."""
    assert client.post(f"/uploads?t={quote('a=cr:0:0:60:90')}", content=JPEG, headers=KIND).status_code == 202
    document = refused(
        client.post(f"/uploads?t={quote('a=cr:0:0:90:90')}", content=JPEG, headers=KIND), 422, "spec-invalid"
    )
    assert document["errors"] == [{"pointer": "#/variants/0/crop", "detail": document["errors"][0]["detail"]}]
    assert "96×64" in document["errors"][0]["detail"]


def test_a_bare_picture_and_a_form_of_it_are_the_same_request(client: Client, room: UploadRoom) -> None:
    first = client.post("/uploads?preset=web@1", content=JPEG, headers={**KIND, "Idempotency-Key": "k"})
    again = client.post("/uploads", files={"file": ("", JPEG, "image/jpeg")}, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (202, 202), again.text
    assert first.json()["id"] == again.json()["id"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?preset=nope@1", 422, "spec-invalid"),
        ("?expires_in=1", 422, "spec-invalid"),
        ("?expires_in=soon", 422, "spec-invalid"),
        ("?expires_in=%D9%A3%D9%A3%D9%A3%D9%A3", 422, "spec-invalid"),
        ("?priority=first", 422, "spec-invalid"),
        ("?digest=sha-256", 422, "spec-invalid"),
        ("?evil=1", 422, "spec-invalid"),
        ("?preset=web@1&preset=web@1", 400, "malformed"),
        ("?preset=web@1&options=%7B%7D", 400, "malformed"),
        ("?options=%7B", 400, "malformed"),
        ("?options=", 400, "malformed"),
        ("?filename=%FF%FE", 400, "malformed"),
        ("?preset", 400, "malformed"),
        ("?&&&", 400, "malformed"),
        ("?filename=a.png", 422, "type-mismatch"),
    ],
)
def test_a_bad_query_is_refused_and_leaves_nothing(
    client: Client, room: UploadRoom, query: str, status: int, code: str
) -> None:
    refused(client.post(f"/uploads{query}", content=JPEG, headers=KIND), status, code)
    assert room.is_untouched


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "image/jpeg", 400, "malformed"),
        (JPEG, "image/png", 422, "type-mismatch"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 415, "unsupported-media-type"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "image/x-eps", 415, "unsupported-media-type"),
        (JPEG[:3], "image/jpeg", 422, "image-corrupt"),
        (png_bomb(), "image/png", 422, "pixel-limit"),
        (JPEG, "application/octet-stream", 415, "unsupported-media-type"),
    ],
)
def test_a_bad_picture_is_refused_and_leaves_nothing(
    client: Client, room: UploadRoom, content: bytes, kind: str, status: int, code: str
) -> None:
    refused(client.post("/uploads", content=content, headers={"Content-Type": kind}), status, code)
    assert room.is_untouched


def test_a_coded_body_is_refused(client: Client, room: UploadRoom) -> None:
    answer = client.post("/uploads", content=JPEG, headers={**KIND, "Content-Encoding": "gzip"})
    refused(answer, 415, "unsupported-media-type")
    assert room.is_untouched


def test_a_body_beyond_the_limit_is_not_read_to_its_end(room: UploadRoom) -> None:
    """By its own word before a byte is read; without one, or with a lie, as soon as it is too much."""
    room.readiness.begin()
    app = application(room.desk)
    said = Spoken("POST", "/uploads", {**KIND, "Content-Length": str(MAX_BODY_BYTES + 1)}, in_pieces(JPEG, 10))
    asyncio.run(said.to(app))
    body = JPEG + bytes(MAX_BODY_BYTES + 4_000_000)
    silent = Spoken("POST", "/uploads", {**KIND, "Transfer-Encoding": "chunked"}, in_pieces(body, 1_000_000))
    asyncio.run(silent.to(app))
    assert (said.status, silent.status) == (413, 413)
    assert room.is_untouched


def test_the_largest_body_is_taken(room: UploadRoom) -> None:
    room.readiness.begin()
    body = JPEG + bytes(MAX_BODY_BYTES - len(JPEG))
    spoken = Spoken("POST", "/uploads", KIND, in_pieces(body, 1_000_000))
    asyncio.run(spoken.to(application(room.desk)))
    assert spoken.status == 202, spoken.body


def test_a_body_that_comes_too_slowly_is_cut_off() -> None:
    room = UploadRoom(pace=Pace(patience_seconds=0.05, bytes_per_second=1_000_000))
    room.readiness.begin()
    first = {"type": "http.request", "body": JPEG[:10], "more_body": True}
    spoken = Spoken("POST", "/uploads", KIND, [first])
    asyncio.run(spoken.to(application(room.desk)))
    assert spoken.status == 408
    assert room.is_untouched
    room.threads.close()
