"""Links are what AWS checks, live as long as they say, and cannot be bent by a file name."""

import base64
import email.message
import functools
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import httpx
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import example, given
from hypothesis import strategies as st

from adapters import clients
from adapters.clients import AwsClient, Keys
from adapters.clock import SystemClock
from adapters.links import MARGIN_SECONDS, CloudFrontLinks, S3Links, signing_key
from adapters.objects import CACHE_CONTROL
from adapters.sessions import assume
from contracts.environment import BadEnvironment
from contracts.errors import Unavailable
from contracts.filenames import disposition
from tests.support.agreement_cloud import PATIENCE_SECONDS, ROOT, CloudWorld, maker
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


def signed_by_botocore(key: str, seconds: int, shown: str, *, region: str, endpoint_url: str | None, now: int) -> str:
    client = s3(KEYS, region, endpoint_url)
    moment = datetime.fromtimestamp(now // 1000, UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        return client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": "results-bucket",
                "Key": key,
                "ResponseContentDisposition": shown,
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
    saved=st.booleans(),
    now=st.integers(0, 4_000_000_000_000),
)
def test_a_link_is_what_botocore_would_sign(
    region: str, endpoint_url: str | None, key: str, seconds: int, filename: str, saved: bool, now: int
) -> None:
    signer = links(_until(now + 3_600_000), region=region, endpoint_url=endpoint_url, now=now)
    ours = signer.link(key, seconds=seconds, filename=filename, saved=saved)
    shown = disposition(filename, saved=saved)
    theirs = signed_by_botocore(key, seconds, shown, region=region, endpoint_url=endpoint_url, now=now)
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


@pytest.mark.parametrize("kind", ["inline", "attachment"])
@given(filename=st.text())
@example('a"; filename="b.exe')
@example("line\r\nSet-Cookie: x=1")
@example("\u202egpj.exe")
@example("naïve café 写真.jpg")
@example("\ud800half")
def test_no_name_gets_out_of_its_header(kind: str, filename: str) -> None:
    header = disposition(filename, saved=kind == "attachment")
    assert header.isascii()
    assert header.isprintable()
    message = email.message.Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == kind
    offered = "".join(char for char in filename if char.isprintable())
    names = {name for name, _ in message.get_params(header="content-disposition") or []}
    assert names == ({kind, "filename"} if offered else {kind})
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
    url = signer.link(KEY, seconds=900, filename="写真 1.webp").url
    answer = httpx.get(url, timeout=PATIENCE_SECONDS)
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == CACHE_CONTROL
    assert answer.headers["Content-Disposition"] == disposition("写真 1.webp")
    other = signer.link(KEY, seconds=900, filename="写真 1.webp", saved=True).url
    saving = httpx.get(other, timeout=PATIENCE_SECONDS)
    assert saving.headers["Content-Disposition"] == disposition("写真 1.webp", saved=True)
    for bent in (url.replace("thumb", "thumc"), url.replace("1.webp", "2.webp"), url.replace("=900&", "=899&")):
        assert bent != url
        assert httpx.get(bent, timeout=PATIENCE_SECONDS).status_code == 403


NAME = "darkroom-test-delivery"
DOMAIN = "d111111abcdef8.cloudfront.net"
SHA256_OF = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 in an RSA signature (RFC 8017, 9.2, note 1)."""


@functools.cache
def private(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def written(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, format: str = "PKCS8", secret: bytes = b"") -> str:
    closed = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, getattr(serialization.PrivateFormat, format), closed).decode()


def stored(text: str | bytes) -> AwsClient:
    """Secrets Manager with this secret."""
    secrets = maker(None)("secretsmanager")
    secrets.create_secret(Name=NAME, **{"SecretBinary" if isinstance(text, bytes) else "SecretString": text})
    return secrets


@pytest.fixture
def sign(moto: None) -> Callable[[bytes], bytes]:
    return signing_key(stored(written(private())), NAME)


def cloudfront_takes(signature: bytes, text: bytes) -> bool:
    """Whether the public key opens a SHA-256 of the text, by arithmetic alone (RFC 8017, 8.2.2)."""
    public = private().public_key().public_numbers()
    opened = pow(int.from_bytes(signature), public.e, public.n).to_bytes(256)
    ending = b"\x00" + SHA256_OF + hashlib.sha256(text).digest()
    return opened == b"\x00\x01" + b"\xff" * (254 - len(ending)) + ending


def test_a_link_through_cloudfront_is_what_cloudfront_checks(sign: Callable[[bytes], bytes]) -> None:
    """It takes the four parameters of its own away and puts address and time into the canned policy, byte for byte."""

    @given(key=keys_of_objects, seconds=st.integers(1, 1800), filename=st.text(), now=st.integers(0, 4_000_000_000_000))
    @example(key=KEY, seconds=900, filename='a"; filename="b.exe', now=NOW)
    def check(key: str, seconds: int, filename: str, now: int) -> None:
        link = CloudFrontLinks(DOMAIN, "K2JCJMDEHXQW5F", sign, VirtualClock(now)).link(
            key, seconds=seconds, filename=filename
        )
        address, _, query = link.url.partition("?")
        name, expires, signature, key_id, algorithm = query.split("&")
        dies_at = now // 1000 + seconds
        assert (expires, key_id, algorithm) == (
            f"Expires={dies_at}",
            "Key-Pair-Id=K2JCJMDEHXQW5F",
            "Hash-Algorithm=SHA256",
        )
        assert link.expires_at == dies_at * 1000
        parts = urlsplit(address)
        assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("https", DOMAIN, f"/{key}")
        assert parse_qsl(name, strict_parsing=True) == [("response-content-disposition", disposition(filename))]
        policy = (
            f'{{"Statement":[{{"Resource":"{address}?{name}",'
            f'"Condition":{{"DateLessThan":{{"AWS:EpochTime":{dies_at}}}}}}}]}}'
        )
        assert json.loads(policy)
        letters = signature.removeprefix("Signature=").translate(str.maketrans("-_~", "+=/"))
        bytes_of_it = base64.b64decode(letters, validate=True)
        assert cloudfront_takes(bytes_of_it, policy.encode())
        assert not cloudfront_takes(bytes_of_it, policy.replace(str(dies_at), str(dies_at + 1)).encode())

    check()


@pytest.mark.parametrize("format", ["PKCS8", "TraditionalOpenSSL"])
def test_a_key_is_read_from_its_secret_in_either_format(moto: None, format: str) -> None:
    signature = signing_key(stored(written(private(), format=format)), NAME)(b"text")
    assert cloudfront_takes(signature, b"text")
    assert not cloudfront_takes(signature, b"other")


def _public_half() -> str:
    public = private().public_key()
    format = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, format).decode()


UNFIT: dict[str, Callable[[], str | bytes]] = {
    "the public half": _public_half,
    "too short": lambda: written(private(1024)),
    "elliptic": lambda: written(ec.generate_private_key(ec.SECP256R1())),
    "under a passphrase": lambda: written(private(), secret=b"open"),
    "json": lambda: json.dumps({"key": written(private())}),
    "cut off": lambda: written(private())[:900],
    "binary": lambda: written(private()).encode(),
}


@pytest.mark.parametrize("what", UNFIT)
def test_a_secret_that_holds_no_key_for_cloudfront_is_refused_and_not_shown(moto: None, what: str) -> None:
    text = UNFIT[what]()
    with pytest.raises(BadEnvironment) as refused:
        signing_key(stored(text), NAME)
    assert str(refused.value) == (
        f"DARKROOM_DELIVERY_SECRET_NAME: the secret {NAME} does not hold a private RSA key of 2048 bits, "
        "in PEM and without a passphrase"
    )
    assert refused.value.__cause__ is None


def test_a_secret_that_is_not_there_is_refused_with_the_reason(moto: None) -> None:
    with pytest.raises(BadEnvironment) as refused:
        signing_key(maker(None)("secretsmanager"), NAME)
    assert str(refused.value) == (
        f"DARKROOM_DELIVERY_SECRET_NAME: the secret {NAME} cannot be read (ResourceNotFoundException)"
    )


def test_a_secret_that_may_not_be_read_is_refused_with_the_reason() -> None:
    secrets = mock.Mock()
    secrets.get_secret_value.side_effect = ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")
    with pytest.raises(BadEnvironment, match=r"cannot be read \(AccessDeniedException\)$"):
        signing_key(secrets, NAME)


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
