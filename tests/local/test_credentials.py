"""Each service gets the session of its own role, and nobody else's."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from local.aws import Clients
from local.credentials import Credentials
from tests.support.embedded import session_of

ROLE = "arn:aws:iam::000000000000:role/some-service"


class Sts:
    """Gives sessions that live for `minutes`, numbered."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.given = 0

    def __getitem__(self, service: str) -> "Sts":
        return self

    def assume_role(self, **asked: Any) -> dict[str, Any]:
        self.given += 1
        return {
            "Credentials": {
                "AccessKeyId": f"key {self.given}",
                "SecretAccessKey": "secret",
                "SessionToken": asked["RoleArn"],
                "Expiration": datetime.now(UTC) + timedelta(minutes=self.minutes),
            }
        }


def _credentials(clients: Any) -> Iterator[Credentials]:
    made = Credentials(lambda: clients)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def numbered() -> Iterator[tuple[Credentials, Sts]]:
    sts = Sts(minutes=60)
    for made in _credentials(sts):
        yield made, sts


def _ask(credentials: Credentials, process: str, token: str) -> tuple[HTTPStatus, dict[str, Any]]:
    return credentials.answer(f"/credentials/{process}", token)


def test_a_process_needs_its_own_token(numbered: tuple[Credentials, Sts]) -> None:
    credentials, _ = numbered
    mine = credentials.environment("upload", ROLE)["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    other = credentials.environment("processing", ROLE)["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    assert mine != other
    status, answer = _ask(credentials, "upload", mine)
    assert (status, answer["AccessKeyId"], answer["Token"]) == (HTTPStatus.OK, "key 1", ROLE)
    assert {"SecretAccessKey", "Expiration", "RoleArn"} <= answer.keys()
    for wrong in (other, "", mine[:-1], "ü"):
        assert _ask(credentials, "upload", wrong)[0] is HTTPStatus.UNAUTHORIZED
    assert _ask(credentials, "nobody", mine)[0] is HTTPStatus.NOT_FOUND
    assert credentials.answer("/upload", mine)[0] is HTTPStatus.NOT_FOUND


def test_a_session_is_kept_until_it_is_near_its_end(numbered: tuple[Credentials, Sts]) -> None:
    credentials, sts = numbered
    token = credentials.environment("upload", ROLE)["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    keys = [_ask(credentials, "upload", token)[1]["AccessKeyId"] for _ in range(3)]
    assert keys == ["key 1"] * 3
    credentials.forget_sessions()
    sts.minutes = 10
    assert [_ask(credentials, "upload", token)[1]["AccessKeyId"] for _ in range(2)] == ["key 2", "key 3"]


def test_while_the_cloud_is_away_the_answer_is_to_ask_again() -> None:
    class Away(Sts):
        def assume_role(self, **asked: Any) -> dict[str, Any]:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")

    for credentials in _credentials(Away(60)):
        token = credentials.environment("upload", ROLE)["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        assert _ask(credentials, "upload", token)[0] is HTTPStatus.SERVICE_UNAVAILABLE


def test_boto3_finds_the_session_by_itself(clients: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    session_of(clients, "some-service", {"Action": "sqs:ListQueues", "Resource": "*"})
    for credentials in _credentials(clients):
        for name, value in credentials.environment("upload", ROLE).items():
            monkeypatch.setenv(name, value)
        sts = boto3.Session(region_name="eu-west-1").client("sts", endpoint_url=clients.endpoint)
        assert sts.get_caller_identity()["Arn"].split("/")[1:] == ["some-service", "upload-local"]
        assert json.dumps(credentials.environment("upload", ROLE)) == json.dumps(
            credentials.environment("upload", ROLE)
        )
