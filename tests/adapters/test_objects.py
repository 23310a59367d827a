"""Originals and results in S3: stored once, checked at both ends, read by their pinned version."""

import base64
import hashlib
import io
import os

import pytest
from botocore.exceptions import ReadTimeoutError

from adapters.eraser import S3Eraser, erasure_policy
from adapters.objects import CACHE_CONTROL, CONFLICT_TRIES, Copied
from contracts.errors import AlreadyStored, SourceMissing, Unavailable
from contracts.outputs import OutputFormat
from contracts.places import OriginalPlace, ResultPlace, original_prefixes, result_prefix
from tests.support.agreement_cloud import CloudWorld, eraser_role, maker
from tests.support.replies import LOST, PASS, SLOW_DOWN, Answer, Replies

JOB = "01932c00-0000-7000-8000-000000000001"
NEIGHBOUR = "01932c00-0000-7000-8000-000000000002"
KEY = OriginalPlace("inline", "default", JOB).key
BODY = bytes(range(256)) * 40
CONFLICT = Answer(409, code="ConditionalRequestConflict")
TIME_OUT = ReadTimeoutError(endpoint_url="https://nowhere.invalid")


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def put(world: CloudWorld, body: bytes = BODY, key: str = KEY, file: io.BytesIO | None = None) -> str:
    return world.originals.put_original(
        key, file or io.BytesIO(body), length=len(body), sha256=sha256(body), media_type="image/png"
    ).version_id


def result_key(body: bytes = BODY, job_id: str = JOB) -> str:
    return ResultPlace("default", job_id, "thumb", sha256(body), OutputFormat.WEBP).key


# --- originals -------------------------------------------------------------------------------------------------------


def test_an_original_is_put_under_every_guard(cloud: CloudWorld) -> None:
    met = Replies(cloud.s3)
    put(cloud)
    ((operation, request),) = met.seen
    assert operation == "PutObject"
    assert {name: request.headers[name] for name in ("If-None-Match", "Content-Type", "x-amz-checksum-sha256")} == {
        "If-None-Match": b"*",
        "Content-Type": b"image/png",
        "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(BODY).digest()),
    }
    assert request.headers["Content-Length"] == b"10240"
    # hashed once by the spool, not again to be signed
    assert request.headers["X-Amz-Content-SHA256"] == b"UNSIGNED-PAYLOAD"


def test_a_body_is_read_from_its_start_at_every_attempt(cloud: CloudWorld, waits: list[float]) -> None:
    file = io.BytesIO(BODY)
    file.seek(17)
    Replies(cloud.s3, SLOW_DOWN, CONFLICT, TIME_OUT)
    assert cloud.originals.get_original(KEY, put(cloud, file=file)) == BODY


def test_an_original_is_stored_once(cloud: CloudWorld) -> None:
    version = put(cloud)
    with pytest.raises(AlreadyStored):
        put(cloud, b"other bytes")
    assert cloud.stored(cloud.originals_bucket) == [(KEY, version)]


def test_a_put_whose_reply_is_lost_finds_its_own_object(cloud: CloudWorld, waits: list[float]) -> None:
    Replies(cloud.s3, LOST)
    with pytest.raises(AlreadyStored):
        put(cloud)
    head = cloud.originals.head_original(KEY)
    assert head is not None
    assert cloud.originals.get_original(KEY, head.version_id) == BODY
    assert len(cloud.stored(cloud.originals_bucket)) == 1


def test_two_writers_that_meet_try_again(cloud: CloudWorld, waits: list[float]) -> None:
    met = Replies(cloud.s3, *[CONFLICT] * (CONFLICT_TRIES - 1))
    put(cloud)
    assert met.operations == ["PutObject"] * CONFLICT_TRIES
    assert len(waits) == CONFLICT_TRIES - 1


def test_two_writers_that_keep_meeting_give_up(cloud: CloudWorld, waits: list[float]) -> None:
    Replies(cloud.s3, *[CONFLICT] * CONFLICT_TRIES)
    with pytest.raises(Unavailable):
        put(cloud)
    assert cloud.stored(cloud.originals_bucket) == []


@pytest.mark.parametrize("code", ["403", "404"])
def test_a_reader_without_the_right_to_list_is_told_403_of_what_is_missing(cloud: CloudWorld, code: str) -> None:
    put(cloud)
    Replies(cloud.s3, Answer(int(code)))
    assert cloud.originals.head_original(KEY) is None


def test_a_head_under_an_expired_token_is_no_missing_object(cloud: CloudWorld) -> None:
    put(cloud)
    Replies(cloud.s3, *[Answer(400)] * 5)  # botocore asks on, in case the region is to blame
    with pytest.raises(Unavailable):
        cloud.originals.head_original(KEY)


def test_the_head_of_a_deleted_object_is_none(cloud: CloudWorld) -> None:
    put(cloud)
    cloud.s3.delete_object(Bucket=cloud.originals_bucket, Key=KEY)
    assert cloud.originals.head_original(KEY) is None


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, code="AccessDenied"),
        Answer(404, code="NoSuchKey"),
        Answer(404, code="NoSuchVersion"),
        Answer(400, code="InvalidArgument"),
        Answer(405, code="MethodNotAllowed"),
    ],
    ids=lambda answer: answer.code,
)
def test_a_version_that_cannot_be_read_is_missing(cloud: CloudWorld, answer: Answer) -> None:
    version = put(cloud)
    Replies(cloud.s3, answer)
    with pytest.raises(SourceMissing):
        cloud.originals.get_original(KEY, version)


def test_a_pinned_version_survives_being_swapped(cloud: CloudWorld) -> None:
    version = put(cloud)
    cloud.post_original(KEY, b"swapped in later")
    assert cloud.originals.get_original(KEY, version) == BODY


def test_an_expired_token_is_no_missing_original(cloud: CloudWorld) -> None:
    version = put(cloud)
    Replies(cloud.s3, Answer(400, code="ExpiredToken"))
    with pytest.raises(Unavailable):
        cloud.originals.get_original(KEY, version)


CUT_OFF = Answer(200, BODY[:100], headers={"Content-Length": str(len(BODY))})
SPOILT = Answer(
    200,
    BODY[:-1] + b"!",
    headers={"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(BODY).digest()).decode()},
)


@pytest.mark.parametrize("answer", [CUT_OFF, SPOILT], ids=["cut off", "spoilt"])
def test_a_body_that_arrives_broken_is_read_once_more(cloud: CloudWorld, answer: Answer) -> None:
    version = put(cloud)
    met = Replies(cloud.s3, answer)
    assert cloud.originals.get_original(KEY, version) == BODY
    assert len(met.seen) == 2
    met = Replies(cloud.s3, answer, answer)
    with pytest.raises(Unavailable):
        cloud.originals.get_original(KEY, version)


# --- results ---------------------------------------------------------------------------------------------------------


def test_a_result_says_what_it_is_and_that_it_stays(cloud: CloudWorld) -> None:
    cloud.results.put_result(result_key(), memoryview(BODY), digest=sha256(BODY), media_type="image/webp")
    stored = cloud.s3.get_object(Bucket=cloud.results_bucket, Key=result_key())
    assert (stored["Body"].read(), stored["ContentType"], stored["CacheControl"]) == (
        BODY,
        "image/webp",
        CACHE_CONTROL,
    )


def test_a_result_is_read_whole_and_one_that_was_erased_is_missing(cloud: CloudWorld) -> None:
    with pytest.raises(SourceMissing):
        cloud.results.get_result(result_key())
    cloud.results.put_result(result_key(), BODY, digest=sha256(BODY), media_type="image/webp")
    assert cloud.results.get_result(result_key()) == BODY
    cloud.s3.delete_object(Bucket=cloud.results_bucket, Key=result_key())
    with pytest.raises(SourceMissing):
        cloud.results.get_result(result_key())


@pytest.mark.parametrize("script", [(PASS, PASS), (LOST,), (CONFLICT, LOST), (SLOW_DOWN, PASS)])
def test_storing_a_result_again_is_success(cloud: CloudWorld, waits: list[float], script: tuple[object]) -> None:
    Replies(cloud.s3, *script)
    for _ in range(2):
        cloud.results.put_result(result_key(), BODY, digest=sha256(BODY), media_type="image/webp")
    assert [key for key, _ in cloud.stored(cloud.results_bucket)] == [result_key()]


# --- on the embedded cloud -------------------------------------------------------------------------------------------


def test_storage_checks_the_digest_and_keeps_it(ministack_url: str) -> None:
    """Presence first: the same put with the right digest is taken."""
    world = CloudWorld(maker(ministack_url))
    body = os.urandom(300_000)
    with pytest.raises(Unavailable):
        world.originals.put_original(
            KEY, io.BytesIO(body), length=len(body), sha256=sha256(b"other"), media_type="image/png"
        )
    assert world.originals.head_original(KEY) is None
    version = put(world, body)
    head = world.originals.head_original(KEY)
    assert head is not None
    assert (head.version_id, head.bytes, head.sha256) == (version, len(body), sha256(body))
    assert world.originals.get_original(KEY, version) == body


def test_only_the_object_that_was_looked_at_is_copied(ministack_url: str) -> None:
    """An import looks at a picture and then has S3 copy it: what was put in its place meanwhile is not taken."""
    world = CloudWorld(maker(ministack_url))
    world.s3.put_object(Bucket=world.results_bucket, Key="theirs/a.png", Body=BODY, Metadata={"owner": "them"})
    seen = world.s3.head_object(Bucket=world.results_bucket, Key="theirs/a.png")["ETag"].strip('"')

    def copy(key: str) -> Copied:
        return world.originals.copy_original(
            key, bucket=world.results_bucket, source="theirs/a.png", etag=seen, media_type="image/png"
        )

    copied = copy(KEY)
    assert copied.pinned.etag == seen
    assert world.originals.get_original(KEY, copied.pinned.version_id) == BODY
    world.s3.put_object(Bucket=world.results_bucket, Key="theirs/a.png", Body=BODY[::-1])
    later = OriginalPlace("inline", "default", NEIGHBOUR).key
    with pytest.raises(SourceMissing):
        copy(later)
    assert world.originals.head_original(later) is None


def test_the_eraser_cannot_reach_another_job(ministack_url: str) -> None:
    """IAM is enforced: the session it works under may list and delete under the prefixes of its job alone."""
    make = maker(ministack_url)
    world = CloudWorld(make)
    other = OriginalPlace("inline", "default", NEIGHBOUR).key
    versions = {key: put(world, key=key) for key in (KEY, other)}
    for job_id in (JOB, NEIGHBOUR):
        world.results.put_result(result_key(job_id=job_id), BODY, digest=sha256(BODY), media_type="image/webp")

    refused: list[str] = []

    class Trespasser:
        """Tries its keys on the neighbour before it does its work."""

        def __init__(self, s3: object) -> None:
            self.s3 = s3

        def __getattr__(self, name: str) -> object:
            if name == "list_object_versions" and not refused:
                self._trespass()
            return getattr(self.s3, name)

        def _trespass(self) -> None:
            errors = self.s3.exceptions.ClientError  # type: ignore[attr-defined]
            for call in (
                lambda: self.s3.list_object_versions(Bucket=world.originals_bucket, Prefix="inline/"),  # type: ignore[attr-defined]
                lambda: self.s3.delete_objects(  # type: ignore[attr-defined]
                    Bucket=world.originals_bucket,
                    Delete={"Objects": [{"Key": other, "VersionId": versions[other]}]},
                ),
                lambda: self.s3.get_object(Bucket=world.originals_bucket, Key=KEY),  # type: ignore[attr-defined]
                lambda: self.s3.put_object(Bucket=world.originals_bucket, Key=KEY, Body=b""),  # type: ignore[attr-defined]
            ):
                with pytest.raises(errors, match="AccessDenied"):
                    call()
                refused.append("AccessDenied")

    eraser = S3Eraser(
        make("sts"),
        eraser_role(make("iam")),
        originals_bucket=world.originals_bucket,
        results_bucket=world.results_bucket,
        make_s3=lambda keys: Trespasser(make("s3", keys)),
    )
    assert eraser.erase("default", JOB) == 2
    assert len(refused) == 4
    assert world.stored(world.originals_bucket) == [(other, versions[other])]
    assert [key for key, _ in world.stored(world.results_bucket)] == [result_key(job_id=NEIGHBOUR)]


# --- erasing ---------------------------------------------------------------------------------------------------------


def test_everything_of_a_job_goes_whatever_there_is_of_it(cloud: CloudWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions, markers, both ways in, more than a batch; a neighbour keeps its own."""
    monkeypatch.setattr("adapters.eraser.BATCH", 3)
    direct = OriginalPlace("direct", "default", JOB).key
    for number in range(7):
        cloud.post_original(direct, str(number).encode())
    cloud.s3.delete_object(Bucket=cloud.originals_bucket, Key=direct)
    put(cloud)
    cloud.results.put_result(result_key(), BODY, digest=sha256(BODY), media_type="image/webp")
    kept = OriginalPlace("inline", "default", NEIGHBOUR).key
    version = put(cloud, key=kept)

    met = Replies(cloud.s3)
    assert cloud.eraser.erase("default", JOB) == 7 + 1 + 1 + 1
    assert met.seen == []  # not with the keys of the process itself
    assert cloud.stored(cloud.originals_bucket) == [(kept, version)]
    assert cloud.stored(cloud.results_bucket) == []
    assert cloud.eraser.erase("default", JOB) == 0


def test_a_version_that_was_not_deleted_is_owed_again(cloud: CloudWorld) -> None:
    put(cloud)
    body = b"<DeleteResult><Error><Key>k</Key><Code>InternalError</Code></Error></DeleteResult>"

    def failing(keys: object) -> object:
        s3 = cloud.make("s3")
        Replies(s3, PASS, Answer(200, body))
        return s3

    eraser = S3Eraser(
        cloud.make("sts"),
        eraser_role(cloud.make("iam")),
        originals_bucket=cloud.originals_bucket,
        results_bucket=cloud.results_bucket,
        make_s3=failing,
    )
    with pytest.raises(Unavailable, match="InternalError"):
        eraser.erase("default", JOB)


def test_the_narrowest_policy_fits_where_policies_must_fit() -> None:
    """STS takes 2,048 characters; names at their longest."""
    tenant = "t" * 40
    places = {
        "o" * 63: list(original_prefixes(tenant, JOB)),
        "r" * 63: [result_prefix(tenant, JOB)],
    }
    assert len(erasure_policy(places, partition="aws-us-gov")) < 2_048
