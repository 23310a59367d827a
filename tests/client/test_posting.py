"""A picture that is too large for the service goes straight to where pictures are stored, and is not sent twice."""

import hashlib
from typing import Any

import msgspec
import pytest

from client import Accepted, Busy, Refused, StrangeAnswer, Unreachable, conversation
from client.asking import TRIES
from client.effects import Answer, Ask, Silence
from contracts.direct import DirectUpload, decode_direct
from contracts.formats import ImageFormat
from tests.client.test_conversation import ADDRESS, Played, play
from tests.client.test_conversation import conversation as talk
from tests.support.imitation import JOB, accepted_reply, problem_reply
from tests.support.pictures import sample

PICTURE = sample(ImageFormat.JPEG)
STORAGE = "https://originals.s3.example"
FORM = {
    "id": JOB,
    "state": "awaiting_upload",
    "method": "POST",
    "url": STORAGE,
    "fields": {"key": "direct/default/x/original", "Content-Type": "image/jpeg", "policy": "eyJ9"},
    "max_bytes": len(PICTURE),
    "expires_at": "2026-11-23T15:04:05.120Z",
    "complete_url": f"/uploads/{JOB}/complete",
    "status_url": f"/status/{JOB}",
}
TYPE = {"content-type": "application/json"}
SIGNED = Answer(201, TYPE, msgspec.json.encode(FORM))
SIGNED_AGAIN = Answer(201, {**TYPE, "idempotency-replayed": "?1"}, SIGNED.body)
STORED = Answer(204, {}, b"")
DONE = Answer(202, TYPE, accepted_reply().body)
NOT_YET = Answer(409, {"content-type": "application/problem+json"}, problem_reply(409, "state-conflict").body)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture is too large for the service."""
    monkeypatch.setattr(conversation, "MAX_BODY_BYTES", 10)


def sent(*script: Answer | Silence, **options: Any) -> tuple[Accepted, list[Ask]]:
    played = Played()
    job = play(talk().upload(PICTURE, {"idempotency_key": "k", "filename": "a.jpg", **options}), list(script), played)
    return job, played.asks


def test_a_form_the_file_and_a_word_are_all_that_it_takes() -> None:
    job, (asked, posted, said) = sent(SIGNED, STORED, DONE, preset="web@1")
    assert (job.id, job.state, job.replayed) == (JOB, "queued", False)
    assert (asked.method, asked.url, asked.headers) == (
        "POST",
        f"{ADDRESS}/uploads/presign",
        {"Idempotency-Key": '"k"'},
    )
    assert asked.content is not None
    assert decode_direct(asked.content) == DirectUpload(
        preset="web@1",
        filename="a.jpg",
        content_type="image/jpeg",
        bytes=len(PICTURE),
        sha256=hashlib.sha256(PICTURE).hexdigest(),
    )
    assert (posted.method, posted.url, posted.headers) == ("POST", STORAGE, {})
    *fields, (last, (name, file, kind)) = posted.parts
    assert [(field, content) for field, (_, content, _) in fields] == [
        (field, value.encode()) for field, value in FORM["fields"].items()
    ]
    assert (last, name, kind, file.length) == ("file", "a.jpg", "image/jpeg", len(PICTURE))
    assert (said.method, said.url) == ("POST", f"{ADDRESS}/uploads/{JOB}/complete")


def test_a_file_that_no_name_says_the_type_of_is_looked_at() -> None:
    _, (asked, *_) = sent(SIGNED, STORED, DONE, filename="picture")
    assert asked.content is not None
    assert msgspec.json.decode(asked.content)["content_type"] == "image/jpeg"


def test_progress_is_of_the_file_that_goes_out_and_not_of_its_hashing() -> None:
    heard: list[tuple[int, int]] = []
    sent(SIGNED, STORED, DONE, on_progress=lambda done, total: heard.append((done, total)))
    assert heard == [(len(PICTURE), len(PICTURE))]


def test_an_upload_that_was_broken_off_is_completed_without_sending_it_again() -> None:
    _, asks = sent(SIGNED_AGAIN, DONE)
    assert [ask.to_storage for ask in asks] == [False, False]


def test_an_upload_that_was_broken_off_before_the_file_is_sent_after_all() -> None:
    _, asks = sent(SIGNED_AGAIN, NOT_YET, STORED, DONE)
    assert [ask.to_storage for ask in asks] == [False, False, True, False]


def test_a_picture_that_is_there_is_not_sent_at_all() -> None:
    replayed = Answer(202, {**TYPE, "idempotency-replayed": "?1"}, DONE.body)
    job, asks = sent(replayed)
    assert (job.replayed, len(asks)) == (True, 1)


def test_a_broken_post_is_repeated_whole() -> None:
    _, asks = sent(
        SIGNED, Silence("the connection broke"), Answer(503, {}, b"<Error><Code>SlowDown</Code>"), STORED, DONE
    )
    assert [ask.to_storage for ask in asks] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (Answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>"), Refused, "storage answered AccessDenied"),
        (Answer(400, {}, b"<Error><Code>EntityTooLarge</Code></Error>"), Refused, "storage answered EntityTooLarge"),
        (Answer(400, {}, b"no xml"), Refused, "answered 400"),
        (Answer(307, {}, b""), StrangeAnswer, "307"),
    ],
)
def test_what_storage_refuses_is_said_in_its_words(answer: Answer, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        sent(SIGNED, answer)


def test_storage_that_never_answers_is_named() -> None:
    with pytest.raises(Unreachable, match=STORAGE):
        sent(SIGNED, *[Silence("it took too long")] * TRIES)
    with pytest.raises(Busy):
        sent(SIGNED, *[Answer(503, {}, b"")] * TRIES)


def test_what_arrived_and_is_no_picture_is_the_problem_it_is() -> None:
    wrong = Answer(422, {"content-type": "application/problem+json"}, problem_reply(422, "image-corrupt").body)
    with pytest.raises(Refused) as caught:
        sent(SIGNED, STORED, wrong)
    assert caught.value.code == "image-corrupt"


@pytest.mark.parametrize("answer", [Answer(201, TYPE, b"{}"), Answer(201, TYPE, b"\xff"), Answer(200, TYPE, b"")])
def test_a_strange_form_is_said_to_be_strange(answer: Answer) -> None:
    with pytest.raises(StrangeAnswer):
        sent(answer)
