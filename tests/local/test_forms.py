"""A signed form on the embedded cloud: it takes and refuses what its twin in memory does, and S3 tells of it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import pytest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.clock import SystemClock
from adapters.objects import S3Originals
from adapters.posts import S3Posts
from contracts.notices import decode_notices
from contracts.ports import Post
from local.aws import Clients
from local.handlers.messaging import QueuePolicy
from local.handlers.storage import BucketNotification
from tests.support.memory import MemoryObjects
from tests.support.stack import PATIENCE_SECONDS, until

Role = Callable[..., Callable[[str], Any]]

BUCKET: Final = "posted-originals"
LIFE: Final = 600_000
"""Milliseconds that a form is good for: no machine is so slow that its time is over before it is posted."""
BODIES: Final = [b"", b"one", b"other", b"three bytes too many"]
MISUSES: Final[list[dict[str, str | None]]] = [
    {},
    {},
    {"key": "direct/default/other/original"},
    {"Content-Type": "text/html"},
    {"Content-Type": None},
    {"x-amz-acl": "public-read"},
    {"x-amz-meta-evil": "1"},
    {"x-amz-checksum-sha256": None},
    {"x-amz-signature": "0" * 64},
]
"""Fields that are changed, added or (None) left out before a form is posted."""


@pytest.fixture(scope="module")
def bucket(clients: Clients) -> str:
    s3 = clients["s3"]
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return BUCKET


@pytest.fixture
def posts(role: Role, bucket: str) -> S3Posts:
    """Signed by a role that may put under `direct/`, and nothing else."""
    client = role({"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/direct/*"})("s3")
    keys = client._request_signer._credentials.get_frozen_credentials()
    return S3Posts(client, bucket, lambda: Credentials(*keys[:3]), SystemClock())


def posted(form: Post, fields: Mapping[str, str], body: bytes) -> str | None:
    """The code that S3 refuses it with."""
    answer = httpx.post(
        form.url, data=dict(fields), files={"file": ("a.jpg", body, "image/jpeg")}, timeout=PATIENCE_SECONDS
    )
    if answer.status_code == 204:
        return None
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


def changed(fields: Mapping[str, str], by: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**fields, **by}.items() if value is not None}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    body=st.sampled_from(BODIES),
    misuse=st.sampled_from(MISUSES),
    named=st.none() | st.sampled_from([b"one", b"other"]),
    least=st.integers(0, 3),
    most=st.integers(3, 6),
    number=st.integers(0, 3),
)
def test_a_form_is_taken_and_refused_as_its_twin_in_memory_is(
    clients: Clients,
    posts: S3Posts,
    bucket: str,
    body: bytes,
    misuse: dict,
    named: bytes | None,
    least: int,
    most: int,
    number: int,
) -> None:
    memory = MemoryObjects(SystemClock())  # type: ignore[arg-type] - of the clock only the time is asked
    key = f"direct/default/{number}/original"
    sha256 = None if named is None else hashlib.sha256(named).hexdigest()
    until = SystemClock().now() + LIFE
    asked: dict[str, Any] = {"media_type": "image/jpeg", "least_bytes": least, "most_bytes": most, "sha256": sha256}
    ours, theirs = (signer.post(key, **asked, until=until) for signer in (memory, posts))
    assert ours.expires_at == theirs.expires_at
    ended = memory.post_form(changed(ours.fields, misuse), body)
    refused = posted(theirs, changed(theirs.fields, misuse), body)
    # of two faults either may be named
    assert (refused is None) == (ended is None)
    assert refused == ended or misuse
    if ended is None:
        seen, twin = S3Originals(clients["s3"], bucket).head_original(key), memory.head_original(key)
        assert seen is not None
        assert twin is not None
        assert (seen.etag, seen.bytes, seen.sha256, seen.media_type) == (
            twin.etag,
            twin.bytes,
            twin.sha256,
            twin.media_type,
        )


def test_b53_a_form_is_refused_after_its_time(posts: S3Posts) -> None:
    class Past(SystemClock):
        def now(self) -> int:
            return super().now() - 120_000

    posts._clock = Past()
    form = posts.post(
        "direct/default/x/original",
        media_type="image/jpeg",
        least_bytes=1,
        most_bytes=9,
        sha256=None,
        until=SystemClock().now() - 60_000,
    )
    assert posted(form, form.fields, b"one") == "AccessDenied"


def test_a_form_has_the_rights_of_whoever_signed_it(posts: S3Posts) -> None:
    asked: dict[str, Any] = {"media_type": "image/jpeg", "least_bytes": 1, "most_bytes": 9, "sha256": None}
    form = posts.post("inline/default/x/original", **asked, until=SystemClock().now() + LIFE)
    assert posted(form, form.fields, b"one") == "AccessDenied"


def test_ranges_of_what_was_posted_are_read_with_the_right_to_what_is_there_now(
    posts: S3Posts, role: Role, clients: Clients, bucket: str
) -> None:
    key = "direct/default/ranges/original"
    form = posts.post(
        key, media_type="image/jpeg", least_bytes=1, most_bytes=99, sha256=None, until=SystemClock().now() + LIFE
    )
    assert posted(form, form.fields, bytes(range(50))) is None
    reader = S3Originals(role({"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/direct/*"})("s3"), bucket)
    head = reader.head_original(key)
    assert head is not None
    assert reader.read_range(key, head.version_id, 10, 5) == bytes(range(10, 15))
    assert reader.read_range(key, head.version_id, 48, 100) == bytes([48, 49])


def test_s3_says_to_a_queue_what_was_posted_and_to_no_other_queue(
    clients: Clients, posts: S3Posts, bucket: str
) -> None:
    """The setting is made, seen, and removed by the handler of its type; the queue's policy lets the bucket in."""
    sqs = clients["sqs"]
    url = sqs.create_queue(QueueName="notices")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    source = {
        "StringEquals": {"aws:SourceAccount": "000000000000"},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
    }
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": source,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    QueuePolicy(clients).create({"queueUrl": url, "policy": policy})
    handler = BucketNotification(clients)
    told = {"id": "direct", "queueArn": arn, "events": ["s3:ObjectCreated:*"], "filterPrefix": "direct/"}
    inputs = {"bucket": bucket, "queues": [told]}
    assert handler.read(bucket, inputs) is None
    handler.create(inputs)
    assert handler.read(bucket, inputs) == {}
    assert handler.seen(bucket, inputs) == inputs
    assert handler.seen(bucket, {"bucket": bucket, "queues": []}) == inputs
    key = "direct/default/01932c00-0000-7000-8000-000000000001/original"
    clients["s3"].put_object(Bucket=bucket, Key="inline/elsewhere", Body=b"nobody is told")
    form = posts.post(
        key, media_type="image/jpeg", least_bytes=1, most_bytes=9, sha256=None, until=SystemClock().now() + LIFE
    )
    assert posted(form, form.fields, b"one") is None
    bodies: list[str] = []

    def told_of_both() -> bool:
        # hidden for long: what was received is not received again while the rest is waited for
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20, VisibilityTimeout=900)
        bodies.extend(message["Body"] for message in answer.get("Messages", []))
        return len(bodies) >= 2

    until(told_of_both, "the test notice and the one that is meant")
    [notice] = [one for body in bodies for one in decode_notices(body, bucket)]
    head = S3Originals(clients["s3"], bucket).head_original(key)
    assert head is not None
    assert (notice.place.key, notice.version_id) == (key, head.version_id)
    handler.delete(bucket, inputs)
    assert handler.read(bucket, inputs) is None
    handler.delete("no-such-bucket", inputs)
