"""Clients are bounded, ask nobody while they are made, and say what they need."""

from pathlib import Path

import pytest

from adapters import clients
from adapters.clients import ATTEMPTS, CONNECT_SECONDS, LONG_POLL_READ_SECONDS, READ_SECONDS, Keys
from adapters.queues import LONGEST_WAIT_SECONDS
from tests.support.agreement_cloud import ROOT
from tests.support.replies import Answer, Replies

SERVICES = ["s3", "sqs", "dynamodb", "sts"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_wait_of_a_client_is_bounded(service: str) -> None:
    config = clients.make(service, region="eu-central-1", keys=ROOT, pool=7).meta.config
    assert (config.connect_timeout, config.read_timeout) == (CONNECT_SECONDS, READ_SECONDS)
    assert config.retries == {"mode": "standard", "total_max_attempts": ATTEMPTS}
    assert config.max_pool_connections == 7
    assert config.tcp_keepalive is True


def test_a_client_for_long_polls_is_more_patient_than_the_longest() -> None:
    assert LONG_POLL_READ_SECONDS > LONGEST_WAIT_SECONDS + 5


@pytest.mark.parametrize(
    ("endpoint_url", "address"),
    [
        (None, "https://some-bucket.s3.eu-central-1.amazonaws.com/key"),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566/some-bucket/key"),
    ],
)
def test_buckets_are_addressed_as_their_cloud_knows_them(endpoint_url: str | None, address: str) -> None:
    s3 = clients.make("s3", region="eu-central-1", endpoint_url=endpoint_url, keys=ROOT)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "some-bucket", "Key": "key"})
    assert url.partition("?")[0] == address
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url


def test_a_session_token_is_sent_and_the_program_named() -> None:
    keys = Keys(access_key="ASIAEXAMPLE", secret_key="s", token="the-token", expires_at=0)  # noqa: S106
    sqs = clients.make("sqs", region="eu-central-1", keys=keys)
    met = Replies(sqs, Answer(200, b"{}"))
    sqs.list_queues()
    ((_, request),) = met.seen
    assert request.headers["X-Amz-Security-Token"] == b"the-token"
    assert request.headers["User-Agent"] == b"darkroom"


def test_without_keys_the_container_endpoint_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the supervisor offers: an address on loopback and a token to show there."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/role")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "shown")
    asked: list[tuple[str, object]] = []

    def fetch(_fetcher: object, url: str, headers: dict[str, str]) -> dict[str, str]:
        asked.append((url, headers["Authorization"]))
        return {
            "AccessKeyId": "ASIAFROMENDPOINT",
            "SecretAccessKey": "s",
            "Token": "t",
            "Expiration": "2999-01-01T00:00:00Z",
        }

    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.retrieve_full_uri", fetch)
    monkeypatch.setattr(clients, "_session", clients._session.__wrapped__)  # a session that has asked nobody yet
    sqs = clients.make("sqs", region="eu-central-1")
    met = Replies(sqs, Answer(200, b"{}"))
    sqs.list_queues()
    assert asked == [("http://127.0.0.1:9/role", "shown")]
    assert b"ASIAFROMENDPOINT" in met.seen[0][1].headers["Authorization"]


def test_no_proxy_stands_before_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    sqs = clients.make("sqs", region="eu-central-1", endpoint_url="http://127.0.0.1:4566", keys=ROOT)
    assert sqs.meta.config.proxies == {}


@pytest.mark.parametrize("key", ["first", "second"])
def test_credentials_of_a_test_are_not_those_of_the_test_before(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session kept what an earlier test had put into the environment, and the next stack did not know that key."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    assert clients.own_credentials().access_key == key
