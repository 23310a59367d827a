"""Links are what botocore would sign, live as long as they say, and cannot be bent by a file name."""

import email.message
import functools
import hashlib
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters import clients
from adapters.clients import AwsClient, Keys
from adapters.clock import SystemClock
from adapters.links import MARGIN_SECONDS, S3Links, disposition
from adapters.objects import CACHE_CONTROL
from adapters.sessions import assume
from contracts.errors import Unavailable
from tests.support.agreement_cloud import ROOT, CloudWorld, maker
from tests.support.memory import VirtualClock

NOW = 1_800_000_000_000
KEYS = Keys(access_key="ASIAEXAMPLE", secret_key="secret/+", token="to/ken+==", expires_at=NOW + 3_600_000)  # noqa: S106
KEY = "default/01932c00-0000-7000-8000-000000000001/thumb-" + "0" * 64 + ".webp"

keys_of_objects = st.text("abz09-_./~ +é%", min_size=1).filter(lambda key: key.strip("/.") and "//" not in key)


class Held:
    """A session that has these keys."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def keys(self) -> Keys:
        return self._keys


@functools.cache
def s3(keys: Keys, region: str, endpoint_url: str | None) -> AwsClient:
    return clients.make("s3", region=region, endpoint_url=endpoint_url, keys=keys)


def links(
    keys: Keys = KEYS, *, region: str = "eu-central-1", endpoint_url: str | None = None, now: int = NOW
) -> S3Links:
    return S3Links(s3(ROOT, region, endpoint_url), "results-bucket", Held(keys), VirtualClock(now))  # type: ignore[arg-type]


def signed_by_botocore(
    key: str, seconds: int, filename: str, *, region: str, endpoint_url: str | None, now: int
) -> str:
    client = s3(KEYS, region, endpoint_url)
    moment = datetime.fromtimestamp(now // 1000, UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        return client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": "results-bucket",
                "Key": key,
                "ResponseContentDisposition": disposition(filename),
            },
            ExpiresIn=seconds,
        )


@pytest.mark.parametrize(
    ("region", "endpoint_url"),
    [("eu-central-1", None), ("us-east-1", None), ("cn-north-1", None), ("eu-central-1", "http://127.0.0.1:4566")],
)
@given(
    key=keys_of_objects,
    seconds=st.integers(1, 1800),
    filename=st.text(),
    now=st.integers(0, 4_000_000_000_000),
)
def test_a_link_is_what_botocore_would_sign(
    region: str, endpoint_url: str | None, key: str, seconds: int, filename: str, now: int
) -> None:
    keys = _until(now + 3_600_000)
    ours = links(keys, region=region, endpoint_url=endpoint_url, now=now).link(key, seconds=seconds, filename=filename)
    theirs = signed_by_botocore(key, seconds, filename, region=region, endpoint_url=endpoint_url, now=now)
    assert _taken_apart(ours.url) == _taken_apart(theirs)
    assert ours.expires_at == (now // 1000 + seconds) * 1000


@given(asked=st.integers(1, 1800), left=st.integers(MARGIN_SECONDS + 2, 4000))
def test_a_link_says_how_long_it_lives(asked: int, left: int) -> None:
    """Never longer than asked for, nor than the session that signed it."""
    link = links(_until(NOW + left * 1000)).link(KEY, seconds=asked, filename="a.webp")
    life = int(parse_qs(urlsplit(link.url).query)["X-Amz-Expires"][0])
    assert link.expires_at == NOW + life * 1000
    assert life == min(asked, left - MARGIN_SECONDS)


@pytest.mark.parametrize("left", [MARGIN_SECONDS, 1, 0, -5])
def test_a_session_at_its_end_signs_nothing(left: int) -> None:
    with pytest.raises(Unavailable):
        links(_until(NOW + left * 1000)).link(KEY, seconds=60, filename="a.webp")


@given(filename=st.text())
@example('a"; filename="b.exe')
@example("line\r\nSet-Cookie: x=1")
@example("\u202egpj.exe")
@example("naïve café 写真.jpg")
@example("\ud800half")
def test_no_name_gets_out_of_its_header(filename: str) -> None:
    header = disposition(filename)
    assert header.isascii()
    assert header.isprintable()
    message = email.message.Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == "inline"
    offered = "".join(char for char in filename if char.isprintable())
    names = {name for name, _ in message.get_params(header="content-disposition") or []}
    assert names == ({"inline", "filename"} if offered else {"inline"})
    assert not offered or _extended(header) == offered


def test_signing_a_page_of_links_calls_nobody() -> None:
    """Every socket is refused in a client to nowhere; the session is held."""
    signer = links(endpoint_url="http://127.0.0.1:9")
    assert len({signer.link(f"{KEY}{number}", seconds=900, filename="a").url for number in range(50)}) == 50


def test_a_link_opens_and_gives_what_was_stored(ministack_url: str) -> None:
    """IAM enforced, an assumed role's session; then with one character of the key, the name and the time changed."""
    make = maker(ministack_url)
    world = CloudWorld(make)
    body = b"not really a picture"
    world.results.put_result(KEY, body, digest=hashlib.sha256(body).hexdigest(), media_type="image/webp")
    signer = S3Links(make("s3"), world.results_bucket, _reader(world), SystemClock())
    url = signer.link(KEY, seconds=60, filename="写真 1.webp").url
    answer = httpx.get(url)
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == CACHE_CONTROL
    assert answer.headers["Content-Disposition"] == disposition("写真 1.webp")
    for bent in (url.replace("thumb", "thumc"), url.replace("1.webp", "2.webp"), url.replace("=60&", "=61&")):
        assert bent != url
        assert httpx.get(bent).status_code == 403


def _reader(world: CloudWorld) -> Held:
    iam, sts = world.make("iam"), world.make("sts")
    name = f"{world.name}-link-signer"
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",%s}]}'
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=document % '"Principal":{"AWS":"*"},"Action":"sts:AssumeRole"'
    )
    resource = f'"Action":"s3:GetObject","Resource":"arn:aws:s3:::{world.results_bucket}/*"'
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=document % resource)
    return Held(assume(sts, role["Role"]["Arn"], "links"))


def _until(expires_at: int) -> Keys:
    return Keys(access_key=KEYS.access_key, secret_key=KEYS.secret_key, token=KEYS.token, expires_at=expires_at)


def _taken_apart(url: str) -> tuple[str, str, str, dict[str, str]]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path, dict(parse_qsl(parts.query, strict_parsing=True))


def _extended(header: str) -> str:
    return unquote(header.rpartition("filename*=UTF-8''")[2])
