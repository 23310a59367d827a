"""The process itself: it starts from its environment, or says in one line why it cannot."""

import http.client
import json
import signal
import socket
import subprocess
import sys

import pytest

from contracts.environment import UploadEnvironment, to_environ
from contracts.messages import Queue

SETTINGS = UploadEnvironment(
    region="eu-west-1",
    # nobody listens there: starting calls nothing
    endpoint_url="http://127.0.0.1:1",
    stack="test",
    originals_bucket="originals",
    results_bucket="results",
    jobs_table="jobs",
    due_shards=1,
    queue_urls={Queue.JOBS: "http://127.0.0.1:1/jobs", Queue.JOBS_BULK: "http://127.0.0.1:1/jobs-bulk"},
    link_signer_role_arn="arn:aws:iam::000000000000:role/signer",
    auth="open",
    registry_table="registry",
)
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "PYTHONPATH": "."}
COMMAND = [sys.executable, "-m", "services.upload"]


def ended(**changes: str) -> subprocess.CompletedProcess[str]:
    environ = {**to_environ(SETTINGS), **KEYS, "DARKROOM_PORT": "0", **changes}
    return subprocess.run(COMMAND, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"DARKROOM_AUTH": "required"}, "DARKROOM_PEPPER_SECRET_NAME: not set"),
        (
            {"DARKROOM_AUTH": "required", "DARKROOM_PEPPER_SECRET_NAME": "pepper"},
            "the secret pepper cannot be read (EndpointConnectionError)",
        ),
        ({"DARKROOM_AUTH": "maybe"}, "DARKROOM_AUTH"),
        ({"DARKROOM_HOST": "0.0.0.0"}, "loopback only"),  # noqa: S104 - refused before it is bound
        ({"DARKROOM_DUE_SHARDS": "none"}, "DARKROOM_DUE_SHARDS"),
        ({"DARKROOM_DELIVERY_DOMAIN": "d1.cloudfront.net"}, "DARKROOM_DELIVERY_KEY_ID and"),
        (
            {
                "DARKROOM_DELIVERY_DOMAIN": "d1.cloudfront.net",
                "DARKROOM_DELIVERY_KEY_ID": "K2JCJMDEHXQW5F",
                "DARKROOM_DELIVERY_SECRET_NAME": "links",
            },
            "the secret links cannot be read (EndpointConnectionError)",
        ),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(changes: dict[str, str], reason: str) -> None:
    process = ended(**changes)
    assert process.returncode == 1
    assert reason in process.stderr
    assert len(process.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_port_in_use_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = ended(DARKROOM_PORT=str(taken.getsockname()[1]))
    assert process.returncode == 1
    assert "set DARKROOM_PORT to a free port" in process.stderr


@pytest.mark.slow
def test_it_serves_the_socket_it_was_given_and_ends_with_0() -> None:
    """Without AWS: the page is there, an upload is told to come back, and nothing of it stays."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor = listener.fileno()
        environ = {**to_environ(SETTINGS), **KEYS, "DARKROOM_LISTEN_FD": str(descriptor)}
        process = subprocess.Popen(COMMAND, env=environ, pass_fds=[descriptor], stdout=subprocess.PIPE, text=True)
        try:
            asked = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=60)
            asked.request("GET", "/readyz")
            answer = asked.getresponse()
            assert (answer.status, json.load(answer)) == (200, {"process": "upload", "stage": "ready"})
            asked.request("GET", "/status/01900000-0000-7000-8000-000000000000")
            answer = asked.getresponse()
            document = json.load(answer)
            assert (answer.status, document["code"], document["retryable"]) == (503, "unavailable", True)
            assert answer.headers["retry-after"]
            asked.close()
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["event"] for line in lines if line["event"].startswith("process.")] == [
        "process.started",
        "process.draining",
        "process.ended",
    ]
