"""Webhook endpoints: names, secrets, and signatures that another hand's library takes and makes."""

import base64
import os
from datetime import UTC, datetime

import msgspec
import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import NotFound
from contracts.limits import WEBHOOK_OVERLAP_SECONDS
from contracts.webhooks import (
    SCHEMA,
    TOLERANCE_SECONDS,
    Webhook,
    decode_webhook,
    deleted,
    disabled,
    enabled,
    encode_webhook,
    is_signed,
    new_webhook,
    parse_webhook_id,
    rotated,
    signed_headers,
)

NOW = 1_800_000_000_000
DAY = WEBHOOK_OVERLAP_SECONDS * 1000
EVENT = "5f2c" * 8
BODY = b'{"type":"job.completed"}'

secrets = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())


def an_endpoint() -> Webhook:
    return new_webhook("default", "https://hooks.example/", NOW, os.urandom)


def test_the_signature_of_the_specification_is_ours() -> None:
    """The vector of the reference libraries."""
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330_000,
        b'{"test": 2432232314}',
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(secrets, secrets, st.binary(max_size=300).map(lambda raw: raw.hex().encode()))
def test_the_reference_library_takes_what_we_sign_with_either_secret(old: str, new: str, body: bytes) -> None:
    """Invariant 17."""
    now = round(datetime.now(UTC).timestamp() * 1000)
    headers = signed_headers(EVENT, now, body, (new, old))
    when = datetime.fromtimestamp(now // 1000, UTC)
    for secret in (old, new):
        assert standardwebhooks.Webhook(secret).sign(EVENT, when, body.decode()) in headers["webhook-signature"].split()
        assert is_signed(headers, body, secret, now)


def test_the_reference_library_verifies_a_whole_event() -> None:
    secret = an_endpoint().secrets[-1].value
    now = round(datetime.now(UTC).timestamp() * 1000)
    headers = signed_headers(EVENT, now, BODY, (secret,))
    assert standardwebhooks.Webhook(secret).verify(BODY, headers) == msgspec.json.decode(BODY)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(BODY + b" ", headers)


@given(secrets, st.binary(max_size=60))
def test_we_take_what_the_reference_library_signs(secret: str, raw: bytes) -> None:
    body = raw.hex()
    signature = standardwebhooks.Webhook(secret).sign("msg_1", datetime.fromtimestamp(NOW // 1000, UTC), body)
    headers = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(NOW // 1000), "Webhook-Signature": f"v2,x {signature}"}
    assert is_signed(headers, body.encode(), secret, NOW)


def test_nothing_else_is_signed() -> None:
    secret = an_endpoint().secrets[-1].value
    headers = signed_headers(EVENT, NOW, BODY, (secret,))
    assert is_signed(headers, BODY, secret, NOW)
    assert not is_signed(headers, b'{"type": "job.completed"}', secret, NOW)
    assert not is_signed(headers, BODY, an_endpoint().secrets[-1].value, NOW)
    assert not is_signed(headers, BODY, "whsec_not base64", NOW)
    for late in (TOLERANCE_SECONDS + 1, -TOLERANCE_SECONDS - 1):
        assert not is_signed(headers, BODY, secret, NOW + late * 1000)
    for wrong in (
        {"webhook-id": "other"},
        {"webhook-timestamp": "1800000001"},
        {"webhook-timestamp": "١٨٠٠٠٠٠٠٠٠"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,")},
        {"webhook-signature": "v1,\udcff"},
    ):
        assert not is_signed(headers | wrong, BODY, secret, NOW)
    assert not is_signed({}, BODY, secret, NOW)


def test_two_secrets_sign_during_a_rotation_and_one_after_it() -> None:
    first = an_endpoint()
    second = rotated(first, NOW, os.urandom)
    old, new = first.secrets[0].value, second.secrets[-1].value
    assert old != new
    assert first.signing(NOW) == (old,)
    assert second.signing(NOW) == second.signing(NOW + DAY - 1) == (new, old)
    assert second.signing(NOW + DAY) == (new,)
    third = rotated(second, NOW + 1, os.urandom)
    assert third.signing(NOW + 1) == (third.secrets[-1].value, new), "of three, the oldest signs no more"
    assert [one.revision for one in (first, second, third)] == [1, 2, 3]


def test_a_secret_is_as_long_as_it_has_to_be_and_no_line_shows_it() -> None:
    webhook = an_endpoint()
    [secret] = webhook.secrets
    assert 24 <= len(base64.b64decode(secret.value.removeprefix("whsec_"))) <= 64
    assert secret.value not in repr(webhook)
    assert secret.value not in f"{secret}"


def test_a_disabled_endpoint_can_be_enabled_and_a_deleted_one_keeps_nothing() -> None:
    webhook = an_endpoint()
    off = disabled(webhook, NOW, "it answered 410")
    assert (webhook.is_live, off.is_live, enabled(off).is_live) == (True, False, True)
    gone = deleted(webhook, NOW)
    assert not gone.is_live
    assert (gone.url, gone.secrets) == ("", ())


def test_what_is_kept_of_an_endpoint_is_read_back() -> None:
    for webhook in (an_endpoint(), rotated(disabled(an_endpoint(), NOW, "why"), NOW, os.urandom)):
        assert decode_webhook(encode_webhook(webhook)) == webhook
    later = msgspec.structs.replace(an_endpoint(), schema=SCHEMA + 1)
    with pytest.raises(msgspec.ValidationError):
        decode_webhook(encode_webhook(later))


@pytest.mark.parametrize("text", ["", "wh_", "wh_" + "a" * 15, "wh_" + "A" * 16, "wh_" + "a" * 16 + "\n", "../x"])
def test_what_is_no_id_is_an_address_of_nothing(text: str) -> None:
    with pytest.raises(NotFound):
        parse_webhook_id(text)
    assert parse_webhook_id(an_endpoint().id)
