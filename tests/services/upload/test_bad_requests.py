"""Every way a request can be wrong gets its own 4xx problem, and leaves no row, no object, no message."""

import asyncio
import gzip
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
from services.upload.form import MAX_FORM_BYTES
from tests.support.pictures import gif_bomb, gif_frames, png_bomb, png_header, sample
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


def disposition(text: str) -> tuple[str, bytes]:
    return f"Content-Disposition: {text}", b"x"


FORMS: dict[str, tuple[list[tuple[str, bytes]], int, str]] = {
    "B5 options of bytes FF FE": ([options_part(b"\xff\xfe"), file_part(JPEG)], 400, "malformed"),
    "B6 charset=nope": ([options_part("{}", "application/json; charset=nope"), file_part(JPEG)], 400, "malformed"),
    "B6 charset=utf-7": ([options_part("{}", "application/json; charset=utf-7"), file_part(JPEG)], 400, "malformed"),
    "B6 charset=idna": ([options_part("{}", "application/json; charset=idna"), file_part(JPEG)], 400, "malformed"),
    "B7 part without Content-Disposition": ([("Content-Type: image/jpeg", JPEG)], 400, "malformed"),
    "B7 part without any header": ([("", JPEG)], 400, "malformed"),
    "B7 another disposition": ([disposition("attachment; name=file")], 400, "malformed"),
    "B8 part without name": ([disposition("form-data")], 400, "malformed"),
    "B8 file without name": ([disposition('form-data; filename="a.jpg"')], 400, "malformed"),
    "B8 empty name": ([disposition('form-data; name=""')], 400, "malformed"),
    "B9 two files": ([file_part(JPEG), file_part(JPEG)], 400, "malformed"),
    "no file": ([options_part("{}")], 400, "malformed"),
    "B10 unknown field": ([disposition('form-data; name="evil"'), file_part(JPEG)], 400, "malformed"),
    "B10 _charset_ field": ([disposition('form-data; name="_charset_"'), file_part(JPEG)], 400, "malformed"),
    "options after the file": ([file_part(JPEG), options_part("{}")], 400, "malformed"),
    "two options": ([options_part("{}"), options_part("{}"), file_part(JPEG)], 400, "malformed"),
    "B11 1 001 parts": ([disposition(f'form-data; name="p{n}"') for n in range(1001)], 400, "malformed"),
    "B11 1 001 options": ([options_part("{}")] * 1001, 400, "malformed"),
    "B19 10 kB part header": ([(f"X-Long: {'a' * 10_000}", b"")], 400, "malformed"),
    "B19 9 headers": ([("X: 1\r\n" * 8 + "X: 1", b"")], 400, "malformed"),
    "a header that is none": ([("nonsense", b"")], 400, "malformed"),
    "a header of other bytes": ([("X-\udcff: \udcff", b"")], 400, "malformed"),
    "part with base64": (
        [(f"{file_part(JPEG)[0]}\r\nContent-Transfer-Encoding: base64", b"aGk=")],
        400,
        "malformed",
    ),
    "part with a lying Content-Length": ([(f"{file_part(JPEG)[0]}\r\nContent-Length: 3", JPEG)], 400, "malformed"),
    "options that are not JSON": ([options_part("{"), file_part(JPEG)], 400, "malformed"),
    "options that are empty": ([options_part(""), file_part(JPEG)], 400, "malformed"),
    "options with a key twice": (
        [options_part('{"meta":{},"meta":{}}'), file_part(JPEG)],
        400,
        "malformed",
    ),
    "B60 options nested 10^4": ([options_part("[" * 10_000), file_part(JPEG)], 400, "malformed"),
    "options that are a list": ([options_part("[]"), file_part(JPEG)], 422, "spec-invalid"),
    "unknown option": ([options_part('{"watermark":true}'), file_part(JPEG)], 422, "spec-invalid"),
    "unknown preset": ([options_part('{"preset":"nope@9"}'), file_part(JPEG)], 422, "spec-invalid"),
    "B57 width 0": (
        [options_part('{"variants":[{"name":"a","resize":{"width":0}}]}'), file_part(JPEG)],
        422,
        "spec-invalid",
    ),
    "B57 width NaN": (
        [options_part('{"variants":[{"name":"a","resize":{"width":NaN}}]}'), file_part(JPEG)],
        422,
        "spec-invalid",
    ),
    "B58 quality 101": (
        [options_part('{"variants":[{"name":"a","output":{"quality":101}}]}'), file_part(JPEG)],
        422,
        "spec-invalid",
    ),
    "B59 duplicate names": (
        [options_part('{"variants":[{"name":"thumb"}],"preset":"web@1"}'), file_part(JPEG)],
        422,
        "spec-invalid",
    ),
    "B59 name with a slash": ([options_part('{"variants":[{"name":"a/b"}]}'), file_part(JPEG)], 422, "spec-invalid"),
    "options over their limit": ([options_part(b" " * 65_537), file_part(JPEG)], 413, "payload-too-large"),
    "B31 empty file": ([file_part(b"")], 400, "malformed"),
    "B32 one byte": ([file_part(b"\xff")], 415, "unsupported-media-type"),
    "B33 text named .jpg": (
        [file_part(b"not a picture at all, but long enough to look at" * 9)],
        415,
        "unsupported-media-type",
    ),
    "B34 PNG named .jpg": ([file_part(sample(ImageFormat.PNG))], 422, "type-mismatch"),
    "PNG named .jpg, untyped": (
        [file_part(sample(ImageFormat.PNG), media_type="application/octet-stream")],
        422,
        "type-mismatch",
    ),
    "B35 PNG of 50 000 x 50 000": (
        [file_part(png_header(50_000, 50_000), "a.png", "image/png")],
        422,
        "pixel-limit",
    ),
    "B36 PNG of 12 000 x 12 000": ([file_part(png_bomb(), "a.png", "image/png")], 422, "pixel-limit"),
    "B37 no width": ([file_part(png_header(0, 10), "a.png", "image/png")], 422, "image-corrupt"),
    "B39 a line": ([file_part(png_header(65_535, 1), "a.png", "image/png")], 422, "pixel-limit"),
    "B40 GIF of 10 000 frames": ([file_part(gif_frames(10_000), "a.gif", "image/gif")], 422, "frame-limit"),
    "B40 GIF with a huge frame": ([file_part(gif_bomb(), "a.gif", "image/gif")], 422, "pixel-limit"),
    "B43 JPEG without a frame": ([file_part(JPEG[:100])], 422, "image-corrupt"),
    "B46 PSD": ([file_part(b"8BPS\0\1" + b"\0" * 300)], 415, "unsupported-media-type"),
    "B46 EPS": ([file_part(b"%!PS-Adobe-3.0 EPSF-3.0\n" * 20)], 415, "unsupported-media-type"),
    "B47 SVG": ([file_part(b'<svg xmlns="http://www.w3.org/2000/svg"/>' * 9)], 415, "unsupported-media-type"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_bad_form_is_refused_and_leaves_nothing(name: str, client: Client, room: UploadRoom) -> None:
    parts, status, code = FORMS[name]
    body, headers = multipart(parts)
    refused(client.post("/uploads", content=body, headers=headers), status, code)
    assert room.is_untouched


def test_the_same_form_without_its_fault_is_taken(client: Client, room: UploadRoom) -> None:
    """Presence before absence: the table above is not refused for the way it is written."""
    body, headers = multipart([options_part('{"preset":"web@1"}', "application/json; charset=UTF-8"), file_part(JPEG)])
    assert client.post("/uploads", content=body, headers=headers).status_code == 202
    assert not room.is_untouched


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({}, 415, "unsupported-media-type", id="B1 no Content-Type"),
        pytest.param({"Content-Type": "application/json"}, 415, "unsupported-media-type", id="B12 JSON"),
        pytest.param({"Content-Type": "image/jpeg"}, 415, "unsupported-media-type", id="raw body"),
        pytest.param({"Content-Type": "multipart/mixed; boundary=b0undary"}, 415, "unsupported-media-type", id="mixed"),
        pytest.param({"Content-Type": ";;;"}, 415, "unsupported-media-type", id="nonsense"),
        pytest.param({"Content-Type": "multipart/form-data"}, 400, "malformed", id="B2 no boundary"),
        pytest.param({"Content-Type": "multipart/form-data; boundary="}, 400, "malformed", id="B2 empty boundary"),
        pytest.param({"Content-Type": 'multipart/form-data; boundary=""'}, 400, "malformed", id="B2 quoted empty"),
        pytest.param({"Content-Type": f"multipart/form-data; boundary={'b' * 71}"}, 400, "malformed", id="B2 71 chars"),
        pytest.param({"Content-Type": 'multipart/form-data; boundary="b\r\n"'}, 400, "malformed", id="B2 CRLF"),
        pytest.param({"Content-Type": 'multipart/form-data; boundary="é"'}, 400, "malformed", id="B2 not ASCII"),
        pytest.param({"Content-Type": "multipart/form-data; boundary=other"}, 400, "malformed", id="another boundary"),
        pytest.param(
            {"Content-Type": FORM, "Content-Encoding": "gzip"}, 415, "unsupported-media-type", id="B21 Content-Encoding"
        ),
        pytest.param(
            {"Content-Type": FORM, "Content-Length": str(MAX_FORM_BYTES + 1)}, 413, "payload-too-large", id="B20 length"
        ),
        pytest.param({"Content-Type": FORM, "Idempotency-Key": ""}, 400, "malformed", id="B28 empty key"),
        pytest.param({"Content-Type": FORM, "Idempotency-Key": '""'}, 400, "malformed", id="B28 quoted empty key"),
        pytest.param({"Content-Type": FORM, "Idempotency-Key": "   "}, 400, "malformed", id="B28 blank key"),
        pytest.param({"Content-Type": FORM, "Idempotency-Key": "k" * 256}, 400, "malformed", id="B28 long key"),
        pytest.param({"Content-Type": FORM, "Idempotency-Key": "a\tb"}, 400, "malformed", id="B28 control character"),
        pytest.param({"Content-Type": FORM, "Idempotency-Key": "a\x00b"}, 400, "malformed", id="B28 NUL"),
        pytest.param({"Content-Type": FORM, "Idempotency-Key": '"open'}, 400, "malformed", id="B28 open quote"),
        pytest.param({"Content-Type": FORM, "Idempotency-Key": "schlüssel"}, 400, "malformed", id="B28 not ASCII"),
    ],
)
def test_bad_headers_are_refused_before_anything_is_written(
    headers: dict[str, str], status: int, code: str, room: UploadRoom
) -> None:
    body, _ = multipart([file_part(JPEG)])
    spoken = asyncio.run(Spoken("POST", "/uploads", headers, in_pieces(body, 1 << 16)).to(application(room.desk)))
    assert (spoken.status, spoken.headers["content-type"]) == (status, "application/problem+json"), spoken.body
    assert f'"code":"{code}"'.encode() in spoken.body
    assert room.is_untouched


def test_two_idempotency_keys_are_none(room: UploadRoom) -> None:
    body, headers = multipart([file_part(JPEG)])
    spoken = Spoken("POST", "/uploads", {**headers, "Idempotency-Key": "a"}, in_pieces(body, 1 << 16))
    spoken.scope["headers"].append((b"idempotency-key", b"b"))
    asyncio.run(spoken.to(application(room.desk)))
    assert (spoken.status, b'"malformed"' in spoken.body) == (400, True)
    assert room.is_untouched


def test_b3_an_empty_body_is_malformed(client: Client, room: UploadRoom) -> None:
    refused(client.post("/uploads", content=b"", headers={"Content-Type": FORM}), 400, "malformed")
    assert room.is_untouched


@pytest.mark.parametrize("sixteenth", range(16))
def test_b4_a_body_cut_off_anywhere_is_malformed(sixteenth: int, client: Client, room: UploadRoom) -> None:
    body, headers = multipart([options_part("{}"), file_part(JPEG)])
    cut = body[: len(body) * sixteenth // 16]
    refused(client.post("/uploads", content=cut, headers=headers), 400, "malformed")
    assert room.is_untouched


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


def test_b21_a_gzip_bomb_is_not_even_looked_at(client: Client, room: UploadRoom) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    answer = client.post("/uploads", content=bomb, headers={"Content-Type": FORM, "Content-Encoding": "gzip"})
    refused(answer, 415, "unsupported-media-type")
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


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\Users\\me\\a.jpg", "a.jpg"),
        ("a.php\0.jpg", "a.php.jpg"),
        ("CON.jpg", "CON.jpg"),
        (".htaccess.jpg", ".htaccess.jpg"),
        ("\u202egpj.exe.jpg", "gpj.exe.jpg"),
        ("🐱.jpg", "🐱.jpg"),
        ("a%0D%0ASet-Cookie: x.jpg", "aSet-Cookie: x.jpg"),
    ],
)
def test_b13_to_b18_a_file_name_is_data_for_people(name: str, kept: str, client: Client, room: UploadRoom) -> None:
    body, headers = multipart([file_part(JPEG, name)])
    answer = client.post("/uploads", content=body, headers=headers)
    assert answer.status_code == 202
    [job] = room.ledger.jobs()
    assert job.source.filename == kept
    assert job.key == f"inline/default/{job.id}/original"


def test_b15_a_name_of_four_kilobytes_is_refused_or_cut(client: Client, room: UploadRoom) -> None:
    body, headers = multipart([file_part(JPEG, "ä" * 1_500 + ".jpg")])
    assert client.post("/uploads", content=body, headers=headers).status_code == 202
    [job] = room.ledger.jobs()
    assert job.source.filename is not None
    assert len(job.source.filename.encode()) <= 200


def test_b17_an_extended_file_name_is_not_read(client: Client, room: UploadRoom) -> None:
    head = "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''evil.png"
    body, headers = multipart([(head, JPEG)])
    assert client.post("/uploads", content=body, headers=headers).status_code == 202
    assert room.ledger.jobs()[0].source.filename is None


@pytest.mark.parametrize(
    "path",
    [
        *("/status/...", "/status/x", f"/status/{'9' * 10_000}", "/status/' OR 1=1", "/status/%00", "/status/٣"),
        *("/nothing", "/jobs/x/variants/large", "/problems/nope", "/presets/nope", "/status/a%0d%0ab"),
    ],
)
def test_b27_an_address_of_nothing_is_not_found(path: str, client: Client) -> None:
    refused(client.get(path), 404, "not-found")


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


@given(body=st.binary(max_size=2_000))
@example(body=b"--b0undary--\r\n")
@example(body=b"--b0undary\r\n\r\n")
@example(body=b"--b0undary\r\nContent-Disposition: form-data; name=file\r\n\r\n\r\n--b0undary--")
def test_random_bytes_are_never_our_fault(reused: tuple[UploadRoom, Litestar], body: bytes) -> None:
    _never_ours(reused, body)


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
