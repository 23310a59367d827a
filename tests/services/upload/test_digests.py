"""Whoever sends a digest has it compared: other bytes are refused, and nothing of them is left."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from contracts.digests import digest_field, in_base64, sha256_named, sha256_spelled
from contracts.errors import Malformed
from contracts.formats import ImageFormat
from tests.services.upload.test_bad_requests import refused
from tests.support.pictures import sample
from tests.support.upload_room import UploadRoom, file_part, multipart, options_part

Client = TestClient[Litestar]
JPEG = sample(ImageFormat.JPEG)


def field_of(content: bytes, kind: str = "sha-256") -> str:
    return f"{kind}=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


GOOD, BAD = field_of(JPEG), field_of(b"other bytes")


def form(*, part: str = "", options: str = "{}") -> tuple[bytes, dict[str, str]]:
    head, content = file_part(JPEG)
    return multipart([options_part(options), (head + part, content)])


@given(st.binary(min_size=32, max_size=32))
def test_a_field_and_both_spellings_are_read_back(digest: bytes) -> None:
    assert sha256_named(digest_field(digest.hex())) == digest.hex()
    assert sha256_spelled(in_base64(digest.hex())) == sha256_spelled(digest.hex().upper()) == digest.hex()


def test_other_kinds_of_digests_are_passed_over_and_the_last_of_one_kind_counts() -> None:
    sha256 = hashlib.sha256(JPEG).hexdigest()
    assert sha256_named("sha-512=:AAAA:") is None
    assert sha256_named(f"sha-512=:AAAA:, {GOOD};a=1 , unixsum=:Ng==:") == sha256
    assert sha256_named(f"{BAD}, {GOOD}") == sha256


@pytest.mark.parametrize(
    "text", ["", "sha-256", "sha-256=abc", "sha-256=:AAAA:", "sha-256=:A:", f"{GOOD},", "SHA-256=:AA==:", "=" * 3_000]
)
def test_what_is_no_digest_is_refused(client: Client, room: UploadRoom, text: str) -> None:
    with pytest.raises(Malformed):
        sha256_named(text)
    answer = client.post("/uploads", content=JPEG, headers={"Content-Type": "image/jpeg", "Repr-Digest": text})
    refused(answer, 400, "malformed")
    assert room.is_untouched


@pytest.mark.parametrize("name", ["Content-Digest", "Repr-Digest", "content-digest"])
def test_a_digest_of_the_file_in_the_head_of_its_part_is_compared(client: Client, room: UploadRoom, name: str) -> None:
    body, headers = form(part=f"\r\n{name}: {BAD}")
    refused(client.post("/uploads", content=body, headers=headers), 400, "digest-mismatch")
    assert room.is_untouched
    body, headers = form(part=f"\r\n{name}: {GOOD}")
    assert client.post("/uploads", content=body, headers=headers).status_code == 202


def test_every_digest_has_to_hold(client: Client, room: UploadRoom) -> None:
    body, headers = form(part=f"\r\nContent-Digest: {GOOD}\r\nRepr-Digest: {BAD}")
    refused(client.post("/uploads", content=body, headers=headers), 400, "digest-mismatch")
    assert room.is_untouched


def test_a_digest_of_a_form_is_of_its_whole_body(client: Client, room: UploadRoom) -> None:
    body, headers = form()
    refused(client.post("/uploads", content=body, headers={**headers, "Content-Digest": GOOD}), 400, "digest-mismatch")
    assert room.is_untouched
    answer = client.post("/uploads", content=body, headers={**headers, "Content-Digest": field_of(body)})
    assert answer.status_code == 202


def test_a_digest_of_a_bare_picture_is_of_the_picture(client: Client, room: UploadRoom) -> None:
    kind = {"Content-Type": "image/jpeg"}
    for name in ("Content-Digest", "Repr-Digest"):
        refused(client.post("/uploads", content=JPEG, headers={**kind, name: BAD}), 400, "digest-mismatch")
        assert room.is_untouched
    both = {"Content-Digest": GOOD, "Repr-Digest": GOOD}
    assert client.post("/uploads", content=JPEG, headers={**kind, **both}).status_code == 202


def test_a_digest_in_the_options_is_compared(client: Client, room: UploadRoom) -> None:
    body, headers = form(options=f'{{"digest":"{BAD}"}}')
    refused(client.post("/uploads", content=body, headers=headers), 400, "digest-mismatch")
    assert room.is_untouched
    body, headers = form(options=f'{{"digest":"{GOOD}"}}')
    assert client.post("/uploads", content=body, headers=headers).status_code == 202
    body, headers = form(options='{"digest":"sha-512=:AAAA:"}')
    assert refused(client.post("/uploads", content=body, headers=headers), 422, "spec-invalid")["errors"] == [
        {"pointer": "#/digest", "detail": "it must be sha-256=:<base64>: as RFC 9530 has it"}
    ]


def test_a_digest_makes_no_other_request_of_a_repeated_one(client: Client, room: UploadRoom) -> None:
    for options in ("{}", f'{{"digest":"{GOOD}"}}'):
        body, headers = form(options=options)
        answer = client.post("/uploads", content=body, headers={**headers, "Idempotency-Key": "k"})
        assert answer.status_code == 202
    assert len(room.ledger.jobs()) == 1
