"""Forms are what AWS checks, say exactly what may be posted, and live as long as they say."""

import base64
import functools
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from hypothesis import given
from hypothesis import strategies as st

from adapters import clients
from adapters.clients import AwsClient, Keys
from adapters.links import MARGIN_SECONDS
from adapters.posts import LONGEST_SECONDS, S3Posts, seconds_left
from contracts.errors import Unavailable
from contracts.ports import Post
from tests.support.agreement_cloud import ROOT
from tests.support.memory import VirtualClock

NOW = 1_800_000_000_000
KEYS = Keys(access_key="ASIAEXAMPLE", secret_key="secret/+", token="to/ken+==", expires_at=NOW)  # noqa: S106
PLACE = "direct/default/01932c00-0000-7000-8000-000000000001/original"
SHA256 = hashlib.sha256(b"a picture").hexdigest()

shas = st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex)


@functools.cache
def s3(keys: Keys, region: str, endpoint_url: str | None) -> AwsClient:
    return clients.make("s3", region=region, endpoint_url=endpoint_url, keys=keys)


def posts(
    credentials: Any = None, *, region: str = "eu-central-1", endpoint_url: str | None = None, now: int = NOW
) -> S3Posts:
    held = credentials or Credentials(KEYS.access_key, KEYS.secret_key, KEYS.token)
    return S3Posts(s3(ROOT, region, endpoint_url), "originals-bucket", lambda: held, VirtualClock(now))


def a_form(made: S3Posts, *, until: int = NOW + 600_000, sha256: str | None = None) -> Post:
    return made.post(PLACE, media_type="image/tiff", least_bytes=1, most_bytes=9, sha256=sha256, until=until)


def policy(form: Post) -> dict[str, Any]:
    return json.loads(base64.b64decode(form.fields["policy"]))


def signed_by_botocore(
    seconds: int, least: int, most: int, sha256: str | None, *, region: str, endpoint_url: str | None, now: int
) -> dict[str, Any]:
    fields = {"Content-Type": "image/tiff"}
    if sha256 is not None:
        fields["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(sha256)).decode()
    moment = datetime.fromtimestamp(now // 1000, UTC)
    with (
        mock.patch("botocore.auth.get_current_datetime", return_value=moment),
        mock.patch("botocore.signers.get_current_datetime", return_value=moment),
    ):
        return s3(KEYS, region, endpoint_url).generate_presigned_post(
            "originals-bucket",
            PLACE,
            Fields=dict(fields),
            Conditions=[*({name: value} for name, value in fields.items()), ["content-length-range", least, most]],
            ExpiresIn=seconds,
        )


@pytest.mark.parametrize(
    ("region", "endpoint_url"),
    [("eu-central-1", None), ("us-east-1", None), ("cn-north-1", None), ("eu-central-1", "http://127.0.0.1:4566")],
)
@given(
    seconds=st.integers(1, LONGEST_SECONDS - MARGIN_SECONDS),
    least=st.integers(0, 10**9),
    most=st.integers(0, 10**9),
    sha256=shas,
    now=st.integers(0, 4_000_000_000_000),
)
def test_a_form_is_what_botocore_would_sign(
    region: str, endpoint_url: str | None, seconds: int, least: int, most: int, sha256: str | None, now: int
) -> None:
    begun = now // 1000 * 1000
    form = posts(region=region, endpoint_url=endpoint_url, now=begun).post(
        PLACE,
        media_type="image/tiff",
        least_bytes=least,
        most_bytes=most,
        sha256=sha256,
        until=begun + seconds * 1000,
    )
    theirs = signed_by_botocore(seconds, least, most, sha256, region=region, endpoint_url=endpoint_url, now=begun)
    assert (form.url, form.fields) == (theirs["url"].rstrip("/"), theirs["fields"])


def test_every_field_is_one_that_the_policy_names_and_the_file_is_bounded() -> None:
    form = a_form(posts(), sha256=SHA256)
    conditions = policy(form)["conditions"]
    named = {name: value for one in conditions if isinstance(one, dict) for name, value in one.items()}
    signed = {name: value for name, value in form.fields.items() if name not in ("policy", "x-amz-signature")}
    assert named == {**signed, "bucket": "originals-bucket"}
    assert [one for one in conditions if isinstance(one, list)] == [["content-length-range", 1, 9]]
    assert named["x-amz-checksum-sha256"] == base64.b64encode(bytes.fromhex(SHA256)).decode()
    assert KEYS.secret_key not in json.dumps(form.fields)


@given(now=st.integers(NOW, NOW + 5_000), life=st.integers(1_000, 600_000))
def test_a_form_never_outlives_what_was_asked_and_says_when_it_dies(now: int, life: int) -> None:
    if (now + life) // 1000 * 1000 <= now:
        return
    form = a_form(posts(now=now), until=now + life)
    assert form.expires_at <= now + life < form.expires_at + 1_000
    told = datetime.fromisoformat(policy(form)["expiration"])
    assert told == datetime.fromtimestamp(form.expires_at / 1000, UTC)


class Ending:
    """Credentials as a host has them, with so many seconds left."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def refresh_needed(self, refresh_in: int) -> bool:
        return self.seconds < refresh_in

    def get_frozen_credentials(self) -> Credentials:
        return Credentials(KEYS.access_key, KEYS.secret_key, KEYS.token)


@given(st.integers(0, LONGEST_SECONDS * 2))
def test_what_is_left_of_credentials_is_found_to_the_second(seconds: int) -> None:
    assert seconds_left(Ending(seconds)) == min(seconds, LONGEST_SECONDS)


def test_botocores_own_credentials_say_so_in_the_same_way() -> None:
    now = datetime.now(UTC)
    ends = now + timedelta(seconds=300.5)
    real = RefreshableCredentials("a", "s", "t", ends, dict, "test", time_fetcher=lambda: now)
    assert seconds_left(real) == 300
    assert seconds_left(Credentials("a", "s", "t")) == LONGEST_SECONDS


def test_a_form_dies_before_the_credentials_that_signed_it() -> None:
    assert a_form(posts(Ending(100))).expires_at == NOW + (100 - MARGIN_SECONDS) * 1000
    with pytest.raises(Unavailable):
        a_form(posts(Ending(MARGIN_SECONDS)))


def test_nothing_is_signed_for_what_is_over() -> None:
    with pytest.raises(Unavailable):
        a_form(posts(), until=NOW)
