"""Signed links to results, to S3 or through CloudFront: no call to AWS but the renewal of the session that signs.

botocore would take 0.17 ms for a link to S3 (2026-11), more than the rest of a status read with four of them; the query
form of Signature Version 4 is short, and the tests hold it against botocore's, byte for byte. A link through CloudFront
takes 0.3 ms (2026-11), nearly all of it RSA, so there botocore writes the policy and the query.
Sources: "Authenticating Requests: Using Query Parameters", Amazon S3 API reference; "Create a signed URL using a canned
policy", Amazon CloudFront developer guide.
"""

import functools
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.signers import CloudFrontSigner

from adapters.clients import AwsClient, Keys
from adapters.errors import code_of
from adapters.sessions import RoleSession
from contracts.environment import BadEnvironment
from contracts.errors import Unavailable
from contracts.filenames import disposition
from contracts.ports import Clock, Link

MARGIN_SECONDS: Final = 10
"""A link dies this long before the keys that signed it: our clock is not that of S3."""

RSA_BITS: Final = 2048
"""Of a key that CloudFront takes."""

Sign: TypeAlias = Callable[[bytes], bytes]
"""The signature of a text, by a private key that it keeps to itself."""

ALGORITHM: Final = "AWS4-HMAC-SHA256"


class S3Links:
    """GET links, as `LinkSigner`. `client` only says where the bucket is; the session's keys sign."""

    def __init__(self, client: AwsClient, bucket: str, session: RoleSession, clock: Clock) -> None:
        self._client = client
        self._bucket = bucket
        self._session = session
        self._clock = clock
        self._region: str = client.meta.region_name

    def link(self, key: str, *, seconds: int, filename: str, saved: bool = False) -> Link:
        keys = self._session.keys()
        # the signature speaks in whole seconds
        signed_at = self._clock.now() // 1000
        life = min(seconds, keys.expires_at // 1000 - MARGIN_SECONDS - signed_at)
        if life < 1:
            raise Unavailable("the session that signs links is about to end")
        parameters = {"response-content-disposition": disposition(filename, saved=saved)}
        url = presigned(f"{self._base}/{quote(key, safe='/~')}", parameters, keys, self._region, signed_at, life)
        return Link(url=url, expires_at=(signed_at + life) * 1000)

    @functools.cached_property
    def _base(self) -> str:
        return bucket_address(self._client, self._bucket)


class CloudFrontLinks:
    """GET links through a distribution, as `LinkSigner`. Its key never ends, so a link lives as long as it is asked to.

    `key_id` is that of the public key, as CloudFront gave it.
    """

    def __init__(self, domain: str, key_id: str, sign: Sign, clock: Clock) -> None:
        self._domain = domain
        self._signer = CloudFrontSigner(key_id, sign)
        self._clock = clock

    def link(self, key: str, *, seconds: int, filename: str, saved: bool = False) -> Link:
        # the policy speaks in whole seconds
        dies_at = self._clock.now() // 1000 + seconds
        name = quote(disposition(filename, saved=saved), safe="~")
        url = f"https://{self._domain}/{quote(key, safe='/~')}?response-content-disposition={name}"
        signed = self._signer.generate_presigned_url(url, date_less_than=datetime.fromtimestamp(dies_at, UTC))
        # without it CloudFront takes the signature for one of SHA-1, which hardened hosts no longer make; since 2026-04
        return Link(url=f"{signed}&Hash-Algorithm=SHA256", expires_at=dies_at * 1000)


def signing_key(secrets: AwsClient, name: str) -> Sign:
    """The private key in a secret, read once. Raises BadEnvironment if it cannot be read, or is none for CloudFront."""
    # 70 ms of the start of a process, which only stacks with CloudFront have to pay (2026-11)
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        text = secrets.get_secret_value(SecretId=name).get("SecretString", "")
    except (BotoCoreError, ClientError) as error:
        reason = code_of(error) if isinstance(error, ClientError) else type(error).__name__
        raise BadEnvironment(f"DARKROOM_DELIVERY_SECRET_NAME: the secret {name} cannot be read ({reason})") from error
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        # its cause would show the key
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != RSA_BITS:
        raise BadEnvironment(
            f"DARKROOM_DELIVERY_SECRET_NAME: the secret {name} does not hold a private RSA key of {RSA_BITS} bits, "
            "in PEM and without a passphrase"
        )
    private = key
    return lambda text: private.sign(text, padding.PKCS1v15(), hashes.SHA256())


def bucket_address(client: AwsClient, bucket: str) -> str:
    """Where the bucket is, without a slash at the end."""
    # asked of botocore, which knows partitions, endpoints and when a bucket's name may be part of the host's
    sample = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "key"})
    return sample.partition("?")[0].removesuffix("/key")


def presigned(url: str, parameters: dict[str, str], keys: Keys, region: str, signed_at: int, seconds: int) -> str:
    """`url` (quoted, without a query) signed for GET. `signed_at` is in seconds since the epoch."""
    stamp = datetime.fromtimestamp(signed_at, UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    asked = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{keys.access_key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
        **({"X-Amz-Security-Token": keys.token} if keys.token else {}),
        **parameters,
    }
    query = "&".join(f"{name}={quote(asked[name], safe='~')}" for name in sorted(asked))
    parts = urlsplit(url)
    canonical = f"GET\n{parts.path}\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(key_of_day(keys.secret_key, stamp[:8], region), text.encode(), "sha256").hex()
    return f"{url}?{query}&X-Amz-Signature={signature}"


@functools.lru_cache(maxsize=8)
def key_of_day(secret: str, day: str, region: str) -> bytes:
    """What signs everything that is asked of S3 on one day (`YYYYMMDD`), by Signature Version 4."""
    key = f"AWS4{secret}".encode()
    for text in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, text.encode(), "sha256")
    return key
