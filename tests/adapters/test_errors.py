"""Every failure of AWS that has a name comes as that; every other one comes as it is."""

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from adapters.clients import ATTEMPTS
from adapters.errors import named, translated
from contracts.errors import AlreadyStored, PipelineError, RevisionMoved, SourceMissing, Unavailable
from contracts.messages import Queue
from tests.support.agreement_cloud import CloudWorld
from tests.support.replies import Answer, Replies

HERE: dict[str, Any] = {"endpoint_url": "https://nowhere.invalid"}


def refused(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "DoThis")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("SlowDown", 503, Unavailable),
        ("ThrottlingException", 400, Unavailable),
        ("ProvisionedThroughputExceededException", 400, Unavailable),
        ("RequestThrottled", 403, Unavailable),
        ("InternalError", 500, Unavailable),
        ("SomethingNobodyHasSeenYet", 502, Unavailable),
        ("ExpiredToken", 400, Unavailable),
        ("ExpiredTokenException", 400, Unavailable),
        ("InvalidClientTokenId", 403, Unavailable),
        ("RequestTimeTooSkewed", 403, Unavailable),
        ("BadDigest", 400, Unavailable),
        ("RequestTimeout", 400, Unavailable),
        ("ConditionalRequestConflict", 409, Unavailable),
        ("ConditionalCheckFailedException", 400, RevisionMoved),
        ("PreconditionFailed", 412, AlreadyStored),
        ("NoSuchKey", 404, SourceMissing),
        ("NoSuchVersion", 404, SourceMissing),
        ("404", 404, SourceMissing),
    ],
)
def test_a_code_has_one_name(code: str, status: int, kind: type[PipelineError]) -> None:
    assert type(named(refused(code, status))) is kind


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("AWS.SimpleQueueService.NonExistentQueue", 400),
        ("ResourceNotFoundException", 400),
        ("NoSuchBucket", 404),
        ("ValidationException", 400),
        ("", 400),
    ],
)
def test_a_wrong_deployment_or_a_bug_has_no_name(code: str, status: int) -> None:
    error = refused(code, status)
    assert named(error) is None
    with pytest.raises(ClientError) as raised, translated():
        raise error
    assert raised.value is error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionClosedError(**HERE),
        ConnectTimeoutError(**HERE),
        ReadTimeoutError(**HERE),
        EndpointConnectionError(**HERE),
        SSLError(**HERE, error="handshake"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_answer_is_unavailable_after_a_bounded_number_of_attempts(
    cloud: CloudWorld, waits: list[float], error: Exception
) -> None:
    met = Replies(cloud.sqs, *[error] * 10)
    with pytest.raises(Unavailable) as raised:
        cloud.queues.depth(Queue.JOBS)
    assert raised.value.__cause__ is error
    assert len(met.seen) == ATTEMPTS
    assert len(waits) == ATTEMPTS - 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_a_bounded_number_of_times(
    cloud: CloudWorld, waits: list[float], status: int
) -> None:
    met = Replies(cloud.sqs, *[Answer(status, code="Trouble")] * 10)
    with pytest.raises(Unavailable):
        cloud.queues.depth(Queue.JOBS)
    assert len(met.seen) == ATTEMPTS


def test_a_fault_that_passes_is_not_seen(cloud: CloudWorld, waits: list[float]) -> None:
    Replies(cloud.sqs, Answer(503, code="ServiceUnavailable"), ReadTimeoutError(**HERE))
    assert cloud.queues.depth(Queue.JOBS).total == 0


def test_an_answer_that_is_none_of_aws_is_unavailable(cloud: CloudWorld) -> None:
    Replies(cloud.s3, *[Answer(200, b"<html>a proxy's page")] * 5)
    with pytest.raises(Unavailable), translated():
        cloud.s3.list_object_versions(Bucket=cloud.results_bucket)


def test_one_operation_may_name_further_codes() -> None:
    assert type(named(refused("AccessDenied", 403), {"AccessDenied": SourceMissing})) is SourceMissing


def test_a_failure_tells_no_names_of_ours() -> None:
    failure = named(refused("SlowDown", 503))
    assert failure is not None
    assert failure.detail == "DoThis was answered SlowDown"


def test_missing_credentials_are_a_wrong_deployment() -> None:
    assert named(NoCredentialsError()) is None
