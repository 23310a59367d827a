"""What is asked, in which order and how often: the conversation alone, without sockets or clocks."""

import base64
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import (
    BadInput,
    Busy,
    DarkroomError,
    JobOptions,
    NotFinished,
    Refused,
    ServerFault,
    StrangeAnswer,
    Unreachable,
)
from client.answers import Focal, Probe, Quality, read_status, sha256_of
from client.asking import FIRST_BACK_OFF_SECONDS, LONGEST_RETRY_AFTER_SECONDS, TRIES
from client.conversation import UNHELD_POLL_SECONDS, Conversation
from client.effects import Answer, Ask, Flow, Pause, Silence
from client.errors import Problem, problem
from contracts.fetched import UrlUpload, decode_url_upload
from tests.support.imitation import JOB, accepted_reply, problem_reply, status_reply, variant

ADDRESS = "http://darkroom.example/pictures"
T = TypeVar("T")


class Clock:
    """Time passes only in pauses."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Played(msgspec.Struct):
    """What a flow wanted while its script lasted."""

    asks: list[Ask] = []
    pauses: list[float] = []


def conversation(clock: Callable[[], float] = Clock()) -> Conversation:  # noqa: B008 - never moved by who shares it
    return Conversation(ADDRESS, clock=clock, jitter=lambda: 1.0)


def play(flow: Flow[T], script: list[Answer | Silence], played: Played, clock: Clock | None = None) -> T:
    """Run the flow against these answers; fails if it asks for more."""
    waiting = list(script)
    came: Answer | Silence | None = None
    while True:
        try:
            wish = flow.send(came)
        except StopIteration as end:
            return end.value
        if isinstance(wish, Pause):
            played.pauses.append(wish.seconds)
            if clock is not None:
                clock.now += wish.seconds
            came = None
        else:
            # the body is read as a driver would
            for _, (_, content, _) in wish.parts:
                if not isinstance(content, bytes):
                    content.seek(0)
                    content.read()
            played.asks.append(wish)
            came = waiting.pop(0)


def answer(reply: Any) -> Answer:
    return Answer(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.body)


def busy(status: int, seconds: int | None) -> Answer:
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return answer(problem_reply(status, "overloaded", headers=headers))


troubles = st.one_of(
    st.just(Silence("the connection broke")),
    st.builds(busy, st.sampled_from([429, 503]), st.none() | st.integers(0, LONGEST_RETRY_AFTER_SECONDS)),
)


@given(st.lists(troubles, max_size=TRIES - 1))
def test_an_upload_outlives_every_trouble_that_ends_before_the_last_try(before: list[Answer | Silence]) -> None:
    played = Played()
    accepted = play(conversation().upload(b"picture", {}), [*before, answer(accepted_reply())], played)
    assert accepted.id == JOB
    assert len(played.asks) == len(before) + 1
    assert len({ask.headers["Idempotency-Key"] for ask in played.asks}) == 1
    for place, (trouble, pause) in enumerate(zip(before, played.pauses, strict=True)):
        asked = float(trouble.headers.get("retry-after", 0)) if isinstance(trouble, Answer) else 0
        assert pause == asked + FIRST_BACK_OFF_SECONDS * 2**place


@given(st.lists(troubles, min_size=TRIES, max_size=TRIES))
def test_after_the_last_try_the_last_trouble_is_what_is_told(script: list[Answer | Silence]) -> None:
    played = Played()
    expected = Unreachable if isinstance(script[-1], Silence) else Busy
    with pytest.raises(expected):
        play(conversation().upload(b"picture", {}), script, played)
    assert len(played.asks) == TRIES


@given(st.sampled_from([400, 404, 409, 410, 413, 415, 422, 500]))
def test_what_would_end_the_same_way_is_asked_once(status: int) -> None:
    played = Played()
    with pytest.raises(Refused if status < 500 else ServerFault):
        play(conversation().status(JOB), [answer(problem_reply(status, "some-code"))], played)
    assert (len(played.asks), played.pauses) == (1, [])


def test_a_server_that_asks_for_too_much_patience_is_given_up_at_once() -> None:
    played = Played()
    with pytest.raises(Busy) as caught:
        play(conversation().status(JOB), [busy(503, LONGEST_RETRY_AFTER_SECONDS + 1)], played)
    assert played.pauses == []
    assert caught.value.advice == "try again in 31 s"


def test_an_address_is_sent_with_its_options_and_as_one_upload() -> None:
    played = Played()
    options = JobOptions(preset="web@1", filename="chair.jpg", idempotency_key="k")
    script = [Silence("the connection broke"), answer(accepted_reply())]
    assert play(conversation().upload_url("https://shop.example/a", options), script, played).id == JOB
    first, again = played.asks
    assert first == again
    assert (first.url, first.headers, first.parts) == (f"{ADDRESS}/uploads", {"Idempotency-Key": '"k"'}, ())
    assert decode_url_upload(first.content or b"") == UrlUpload(
        url="https://shop.example/a", filename="chair.jpg", preset="web@1"
    )


@pytest.mark.parametrize("url", ["http://shop.example/a.jpg", "ftp://shop.example/a", "shop.example/a.jpg", ""])
def test_only_https_addresses_are_sent(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        play(conversation().upload_url(url, {}), [], Played())
    assert caught.value.advice == "write https://, or send the file itself"


def test_a_host_that_does_not_answer_is_not_asked_again_and_not_the_servers_fault() -> None:
    played = Played()
    script = [answer(problem_reply(502, "source-unreachable"))]
    with pytest.raises(ServerFault) as caught:
        play(conversation().upload_url("https://shop.example/a", {}), script, played)
    assert len(played.asks) == 1
    assert caught.value.advice == "check that the address answers from the internet, and try again"


def test_two_uploads_are_two_jobs_unless_they_share_a_key() -> None:
    played = Played()
    for options in ({}, {}, {"idempotency_key": "mine"}, {"idempotency_key": "mine"}):
        play(conversation().upload(b"p", options), [answer(accepted_reply())], played)  # type: ignore[arg-type]
    first, second, third, fourth = (ask.headers["Idempotency-Key"] for ask in played.asks)
    assert first != second
    assert third == fourth == '"mine"'


@given(st.text(max_size=300))
def test_a_key_is_sent_as_a_structured_field_string_or_not_at_all(key: str) -> None:
    played = Played()
    fits = 1 <= len(key) <= 255 and all(" " <= char <= "~" and char not in '"\\' for char in key)
    flow = conversation().upload(b"p", {"idempotency_key": key})
    if fits:
        play(flow, [answer(accepted_reply())], played)
        assert played.asks[0].headers["Idempotency-Key"] == f'"{key}"'
    else:
        with pytest.raises(BadInput):
            play(flow, [], played)


def test_only_what_was_asked_for_is_in_the_options() -> None:
    played = Played()
    play(conversation().upload(b"p", {}), [answer(accepted_reply())], played)
    play(
        conversation().upload(b"p", {"preset": "web@1", "meta": {"sku": "A"}, "expires_in": 3600, "filename": "x.png"}),
        [answer(accepted_reply())],
        played,
    )
    options = [msgspec.json.decode(ask.parts[0][1][1]) for ask in played.asks]
    assert options == [{}, {"preset": "web@1", "meta": {"sku": "A"}, "expires_in": 3600}]
    assert [ask.parts[1][1][::2] for ask in played.asks] == [
        ("picture", "application/octet-stream"),
        ("x.png", "image/png"),
    ]


def test_waiting_asks_for_news_since_the_last_answer_until_the_job_ends() -> None:
    played, seen, clock = Played(), [], Clock()
    pending = {"name": "a", "state": "pending"}
    script = [
        answer(status_reply("queued", revision=2)),
        Answer(304, {}, b""),
        answer(status_reply("processing", pending, revision=3)),
        answer(status_reply("completed", variant("a", b"x", url="http://s3/a"), revision=4)),
    ]
    final = play(conversation(clock).wait(JOB, on_change=seen.append), script, played, clock)
    assert final.is_success
    assert [status.state for status in seen] == ["queued", "processing", "completed"]
    assert [(ask.url.removeprefix(ADDRESS), ask.headers.get("If-None-Match")) for ask in played.asks] == [
        (f"/status/{JOB}", None),
        (f"/status/{JOB}?wait=20", '"2-1"'),
        (f"/status/{JOB}?wait=20", '"2-1"'),
        (f"/status/{JOB}?wait=20", '"3-1"'),
    ]
    # the 304 came at once: this server does not hold polls, so it is not asked in a tight loop
    assert played.pauses == [UNHELD_POLL_SECONDS]


def test_waiting_ends_with_the_time_it_was_given() -> None:
    played, clock = Played(), Clock()
    script = [answer(status_reply("queued"))] + [Answer(304, {}, b"")] * 3
    with pytest.raises(NotFinished) as caught:
        play(conversation(clock).wait(JOB, timeout=3), script, played, clock)
    assert str(caught.value) == f"job {JOB} is still queued after 3 s"
    assert caught.value.last.state == "queued"
    assert [ask.url.partition("?")[2] for ask in played.asks] == ["", "wait=3", "wait=2", "wait=1"]


@pytest.mark.parametrize("state", ["completed", "partially_completed", "failed", "rejected", "cancelled", "deleted"])
def test_a_job_that_has_ended_is_asked_for_once(state: str) -> None:
    played = Played()
    assert play(conversation().wait(JOB), [answer(status_reply(state))], played).state == state
    assert len(played.asks) == 1


def test_a_state_of_a_newer_server_is_neither_an_error_nor_an_end() -> None:
    status = read_status(status_reply("dreaming").body, etag="")
    assert (status.state, status.is_final) == ("dreaming", False)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text().map("x-".__add__), json_values, max_size=6))
def test_members_that_are_not_known_here_are_kept_and_harmless(extra: dict[str, Any]) -> None:
    known = msgspec.json.decode(status_reply("completed", variant("a", b"x", url="http://s3/a")).body)
    document = {**extra, **known, "source": {**extra, **known["source"]}}
    status = read_status(msgspec.json.encode(document), etag="")
    assert status.as_sent == document
    assert status.variants[0].bytes == 1


def test_what_is_told_of_a_variant_has_a_type() -> None:
    told = {
        "name": "hero",
        "state": "completed",
        "frames": 12,
        "kept_source": True,
        "palette": "imagequant",
        "engine": "2",
        "focal": {"x": 0.25, "y": 1},
        "quality": {
            "chosen": 54,
            "why": "ssim",
            "target_ssim": 0.97,
            "curve": [{"quality": 54, "width": 512, "bytes": 9_000, "ssim": 0.971}],
        },
    }
    document = {"id": JOB, "state": "completed", "variants": [told, {"name": "plain", "state": "pending"}]}
    hero, plain = read_status(msgspec.json.encode(document), etag="").variants
    assert (hero.frames, hero.kept_source, hero.engine, hero.focal) == (12, True, "2", Focal(x=0.25, y=1))
    assert (hero.palette, plain.palette) == ("imagequant", None)
    assert hero.quality == Quality(
        chosen=54, why="ssim", target_ssim=0.97, curve=(Probe(quality=54, width=512, bytes=9_000, ssim=0.971),)
    )
    assert (plain.frames, plain.kept_source, plain.quality, plain.focal) == (1, False, None, None)


@given(st.binary(max_size=200) | json_values.map(msgspec.json.encode), st.sampled_from([200, 202, 204, 302, 500, 503]))
def test_no_answer_can_raise_anything_but_an_error_of_ours(body: bytes, status: int) -> None:
    for kind in ("application/json", "application/problem+json", "text/html", ""):
        came = [Answer(status, {"content-type": kind}, body)] * TRIES
        for flow in (conversation().status(JOB), conversation().upload(b"p", {})):
            with pytest.raises(DarkroomError) as caught:
                play(flow, list(came), Played())
            assert "\n" not in str(caught.value)
            assert caught.value.advice


@given(st.dictionaries(st.sampled_from(["code", "title", "detail", "errors", "retryable", "request_id"]), json_values))
def test_every_problem_document_can_be_told_in_one_line(document: dict[str, Any]) -> None:
    told = problem(422, document)
    assert isinstance(told, Problem)
    assert len(str(told).splitlines()) == 1


def test_a_problem_has_its_members_and_what_to_do_next() -> None:
    reply = problem_reply(
        422, "spec-invalid", "2 fields", errors=[{"pointer": "#/variants/0/name", "detail": "too long"}], limit=40
    )
    with pytest.raises(Refused) as caught:
        play(conversation().upload(b"p", {}), [answer(reply)], Played())
    error = caught.value
    assert (error.code, error.status, error.detail, error.retryable, error.request_id) == (
        "spec-invalid",
        422,
        "2 fields",
        False,
        "req-1",
    )
    assert error.errors == (("#/variants/0/name", "too long"),)
    assert error.document["limit"] == 40
    assert str(error) == "Spec invalid: 2 fields [#/variants/0/name: too long]"
    assert error.advice == "correct the options that are named"


def test_what_a_problem_says_in_its_detail_is_not_said_again():
    document = {
        "title": "The options are not valid",
        "detail": "'jpg' is not one of jpeg, png (at #/variants/0/output/format)",
        "errors": [{"pointer": "#/variants/0/output/format", "detail": "'jpg' is not one of jpeg, png"}],
    }
    assert str(problem(422, document)) == f"The options are not valid: {document['detail']}"


@pytest.mark.parametrize("address", ["", "darkroom", "ftp://x", "http://", "http://x:99999", "http://[::1"])
def test_an_address_that_cannot_be_one_is_named_at_once(address: str) -> None:
    with pytest.raises(BadInput):
        Conversation(address, clock=Clock(), jitter=lambda: 1.0)


def test_an_id_cannot_leave_its_place_in_the_address() -> None:
    played = Played()
    with pytest.raises(StrangeAnswer):
        play(conversation().status("../../x?y#z"), [Answer(200, {}, b"")], played)
    assert played.asks[0].url == f"{ADDRESS}/status/..%2F..%2Fx%3Fy%23z"


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_is_read_as_it_was_written(value: bytes) -> None:
    assert sha256_of(f"sha-256=:{base64.b64encode(value).decode()}:") == value


@pytest.mark.parametrize("text", [None, "", "sha-256=::", "sha-256=:abc:", "md5=:AAAA:", "sha-256=:é:"])
def test_another_digest_is_no_digest(text: str | None) -> None:
    assert sha256_of(text) is None
