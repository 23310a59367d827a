"""What a receiver of webhooks is told of what came: the vector of the specification, the reference library, two
secrets, and everything that is not to be believed.
"""

import base64
import os
import re
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import Headers

from client import BadInput, Event, StrangeEvent, ToldVariant, Unverified, verify
from contracts.webhooks import TOLERANCE_SECONDS, new_webhook, rotated, signed_headers
from tests.support.pipeline import ENDPOINT, Pipeline, some_variants

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
NOW = 1_800_000_000
EVENT = "5f2c" * 8
BODY = b'{"type":"job.completed","timestamp":"2027-01-15T08:00:00.000Z","data":{"id":"0192f0c4"}}'
secrets = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())


def a_secret() -> str:
    return new_webhook("default", "https://hooks.example/", 1, os.urandom).secrets[0].value


def signed(body: bytes, *held: str, at: int = NOW) -> dict[str, str]:
    return signed_headers(EVENT, at * 1000, body, held)


def checked(body: bytes, headers: Any, secret: Any, *, now: float = NOW) -> Event:
    return verify(body, headers, secret, clock=lambda: now)


def why(body: Any, headers: Any, secret: Any, *, now: float = NOW) -> str:
    with pytest.raises(Unverified) as caught:
        checked(body, headers, secret, now=now)
    assert caught.value.advice.startswith("answer 400")
    return caught.value.reason


def test_the_vector_of_the_specification_is_believed_in_its_time_alone() -> None:
    """Its body is no event of Darkroom, and that is found out after the signature."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    with pytest.raises(StrangeEvent) as caught:
        checked(body, headers, secret, now=1_614_265_330)
    assert caught.value.event == headers["webhook-id"]
    assert why(body, headers, secret) == "timestamp"
    assert why(body + b" ", headers, secret, now=1_614_265_330) == "signature"


@given(secrets, st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3))
def test_what_the_reference_library_signs_is_believed_and_what_it_believes_is(
    secret: str, meta: dict[str, str]
) -> None:
    document = {"type": "job.failed", "timestamp": "2027-01-15T08:00:00Z", "data": {"meta": meta}}
    body = msgspec.json.encode(document)
    now = datetime.now(UTC)
    signature = standardwebhooks.Webhook(secret).sign("msg_1", now, body.decode())
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": f"v2,x {signature}",
    }
    event = verify(body, headers, secret)
    assert (event.id, event.type, event.meta, event.as_sent) == ("msg_1", "job.failed", meta, document)
    ours = signed(body, secret, at=int(now.timestamp()))
    assert standardwebhooks.Webhook(secret).verify(body, ours) == verify(body, ours, secret).as_sent


def test_while_a_secret_is_changed_either_is_enough_and_both_may_be_held() -> None:
    before = new_webhook("default", "https://hooks.example/", 1, os.urandom)
    after = rotated(before, NOW * 1000, os.urandom)
    new, old = after.signing(NOW * 1000)
    both, first, last = signed(BODY, new, old), signed(BODY, old), signed(BODY, new)
    for held in (old, new, [old, new], [new, old], f"{new}\n"):
        assert checked(BODY, both, held).job_id == "0192f0c4"
    for headers in (first, last):
        assert checked(BODY, headers, [old, new]).id == EVENT
    assert why(BODY, first, new) == why(BODY, last, old) == why(BODY, both, a_secret()) == "signature"


def test_headers_are_taken_as_frameworks_give_them() -> None:
    secret = a_secret()
    plain = signed(BODY, secret)
    message = Message()
    for name, value in plain.items():
        message[name.title()] = value
    for headers in (plain, message, httpx.Headers(plain), Headers(plain)):
        assert checked(BODY, headers, secret).id == EVENT


def test_five_minutes_either_way_are_believed_and_no_more() -> None:
    secret = a_secret()
    headers = signed(BODY, secret)
    for apart in (-TOLERANCE_SECONDS, TOLERANCE_SECONDS):
        assert checked(BODY, headers, secret, now=NOW + apart).id == EVENT
    for apart in (-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1):
        assert why(BODY, headers, secret, now=NOW + apart) == "timestamp"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"webhook-id": ""}, "headers"),
        ({"webhook-timestamp": ""}, "headers"),
        ({"webhook-signature": ""}, "headers"),
        ({"webhook-id": "another"}, "signature"),
        ({"webhook-id": "\udcff"}, "signature"),
        ({"webhook-timestamp": str(NOW + 1)}, "signature"),
        ({"webhook-timestamp": "9" * 5_000}, "signature"),
        ({"webhook-timestamp": "nan"}, "signature"),
        ({"webhook-timestamp": "١٨٠٠٠٠٠٠٠٠"}, "signature"),
        ({"webhook-signature": "v1"}, "signature"),
        ({"webhook-signature": "v1,"}, "signature"),
        ({"webhook-signature": "v1,not base64 é"}, "signature"),
        ({"webhook-signature": "v1,\udcff"}, "signature"),
        ({"webhook-signature": "v1," * 10_000}, "signature"),
    ],
)
def test_what_is_wrong_with_its_headers_is_never_more_than_a_refusal(wrong: dict[str, str], reason: str) -> None:
    secret = a_secret()
    headers = signed(BODY, secret)
    assert checked(BODY, headers, secret)
    assert why(BODY, headers | wrong, secret) == reason
    without = {name: value for name, value in headers.items() if name not in wrong}
    assert why(BODY, without, secret) == "headers"


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_no_headers_at_all_are_more_than_a_refusal(headers: dict[str, str]) -> None:
    assert why(BODY, headers, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") in ("headers", "timestamp", "signature")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b"[" * 10_000, b'{"type":7}', b'{"type":"job.new"}'])
def test_what_is_signed_and_cannot_be_read_is_told_apart(body: bytes) -> None:
    secret = a_secret()
    with pytest.raises(StrangeEvent, match=EVENT):
        checked(body, signed(body, secret), secret)


@pytest.mark.parametrize("secret", ["", "secret", "whsec_", "whsec_not base64", "dk_aaaa_bbbb", [], ["whsec_"]])
def test_what_is_no_secret_is_said_before_anything_is_compared(secret: Any) -> None:
    with pytest.raises(BadInput, match="no secret of a webhook") as caught:
        checked(BODY, {}, secret)
    assert "dk_" not in str(caught.value) + caught.value.advice


def test_a_body_that_was_decoded_is_not_what_was_signed() -> None:
    secret = a_secret()
    with pytest.raises(BadInput, match="not bytes"):
        checked(BODY.decode(), signed(BODY, secret), secret)  # type: ignore[arg-type] - as people do


def test_an_event_says_what_the_processing_service_told() -> None:
    """Of a job of which one variant failed: whole, from its end to the receiver's type."""
    pipeline = Pipeline()
    accepted = pipeline.upload(options=some_variants("good", "bad", told=True))
    pipeline.function.nature[accepted.job.id] = {"bad": "failed"}
    pipeline.settle()
    [(_, headers, body)] = pipeline.receiver.got
    event = checked(body, headers, ENDPOINT.secrets[0].value, now=pipeline.clock.now() / 1000)
    job = pipeline.job(accepted.job.id)
    [delivery] = pipeline.deliveries.all()
    assert (event.id, event.type, event.job_id) == (delivery.event, "job.partially_completed", job.id)
    assert (event.state, event.run, event.code, event.meta) == ("partially_completed", 1, None, {})
    assert event.status_url == f"https://img.example/status/{job.id}"
    [good] = [record.result for record in job.variants if record.result is not None]
    assert event.variants == (
        ToldVariant(name="good", state="completed", bytes=good.bytes),
        ToldVariant(name="bad", state="failed", code="spec-invalid"),
    )


def test_the_receiver_of_the_page_does_what_it_says(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """docs/api.md: believed once, dropped when it comes again, refused when it is forged."""
    [snippet] = [text for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "verify(" in text]
    secret = a_secret()
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    place: dict[str, Any] = {}
    exec(snippet, place)  # noqa: S102 - it is ours, and this is what shows that it runs
    now = int(datetime.now(UTC).timestamp())
    document = {
        "type": "job.completed",
        "timestamp": "2027-01-15T08:00:00Z",
        "data": {"id": "0192f0c4", "variants": [{"name": "thumb", "state": "completed", "bytes": 7}]},
    }
    body = msgspec.json.encode(document)
    headers = signed(body, secret, at=now)
    assert [place["received"](headers, body) for _ in range(2)] == [204, 204]
    assert place["received"](headers, body + b" ") == 400
    assert place["received"](signed(b"{}", secret, at=now), b"{}") == 204
    assert capsys.readouterr().out == "job.completed 0192f0c4 ['thumb']\n"
