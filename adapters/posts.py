"""Signed forms that whoever has one posts a file with, straight to S3: no call to AWS but the renewal of credentials.

The form says everything that S3 is to check: this key, this type, a size within bounds, these very bytes if their
SHA-256 is known, and no other field. The tests hold it against botocore's own, byte for byte.
Source: "Authenticating Requests: Browser-Based Uploads Using POST", Amazon S3 API reference.
"""

import base64
import bisect
import functools
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from adapters.clients import AwsClient
from adapters.errors import translated
from adapters.links import ALGORITHM, MARGIN_SECONDS, bucket_address, key_of_day
from contracts.digests import in_base64
from contracts.errors import Unavailable
from contracts.job import Instant
from contracts.ports import Clock, Post

LONGEST_SECONDS: Final = 3_600
"""Of a form; how far ahead credentials are asked whether they will still live."""


class S3Posts:
    """As `PostSigner`. `client` only says where the bucket is.

    `credentials` gives botocore's: those of the process itself, so its role is whose rights the form has.
    """

    def __init__(self, client: AwsClient, bucket: str, credentials: Callable[[], Any], clock: Clock) -> None:
        self._client = client
        self._bucket = bucket
        self._credentials = credentials
        self._clock = clock
        self._region: str = client.meta.region_name

    def post(
        self, key: str, *, media_type: str, least_bytes: int, most_bytes: int, sha256: str | None, until: Instant
    ) -> Post:
        credentials = self._credentials()
        with translated():
            # renews them first, if it is time
            frozen = credentials.get_frozen_credentials()
        # a policy speaks in milliseconds, the signature in whole seconds
        now = self._clock.now()
        dies_at = min(until, now + (seconds_left(credentials) - MARGIN_SECONDS) * 1000) // 1000 * 1000
        if dies_at <= now:
            raise Unavailable("the credentials that sign forms are about to end")
        signed_at = datetime.fromtimestamp(now // 1000, UTC)
        stamp = signed_at.strftime("%Y%m%dT%H%M%SZ")
        checked = {} if sha256 is None else {"x-amz-checksum-sha256": in_base64(sha256)}
        said = {"Content-Type": media_type, **checked}
        signed = {
            "key": key,
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": f"{frozen.access_key}/{stamp[:8]}/{self._region}/s3/aws4_request",
            "x-amz-date": stamp,
            **({"x-amz-security-token": frozen.token} if frozen.token else {}),
        }
        policy = {
            "expiration": datetime.fromtimestamp(dies_at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "conditions": [
                *({name: value} for name, value in said.items()),
                ["content-length-range", least_bytes, most_bytes],
                {"bucket": self._bucket},
                *({name: value} for name, value in signed.items()),
            ],
        }
        text = base64.b64encode(json.dumps(policy).encode()).decode()
        day_key = key_of_day(frozen.secret_key, stamp[:8], self._region)
        signature = hmac.digest(day_key, text.encode(), "sha256").hex()
        return Post(
            url=self._url, fields={**said, **signed, "policy": text, "x-amz-signature": signature}, expires_at=dies_at
        )

    @functools.cached_property
    def _url(self) -> str:
        return bucket_address(self._client, self._bucket)


def seconds_left(credentials: Any) -> int:
    """How long botocore's credentials live, up to LONGEST_SECONDS; those that never end have them all."""
    # all that it says in public is whether a renewal is due so many seconds before the end
    due = getattr(credentials, "refresh_needed", None)
    if due is None:
        return LONGEST_SECONDS
    return bisect.bisect_left(range(1, LONGEST_SECONDS + 1), True, key=due)
