"""`darkroom tunnel`: from a host that serves to the command that reaches it, and a line for each way it can fail."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)

from adapters.clients import Keys
from client import command
from operations import asking
from operations.command import app
from services.processing.__main__ import PORT as PROCESSING
from services.upload.__main__ import DEFAULT_PORT as UPLOAD
from tests.support.tree import ROOT

FILE = "config:\n  aws:region: eu-west-1\n  darkroom:pipeline: {}\n"


def host(name: str, state: str = "InService", health: str = "Healthy") -> dict[str, str]:
    return {"InstanceId": name, "LifecycleState": state, "HealthStatus": health}


class Groups:
    """AWS's answer, or what it fails with; what was asked."""

    def __init__(self, *hosts: dict[str, str], most: int = 2, missing: bool = False, error: Exception | None = None):
        self.answer = [] if missing else [{"Instances": list(hosts), "MaxSize": most}]
        self.error = error
        self.asked: list[tuple[str, str, list[str]]] = []

    def make(self, service: str, *, region: str, endpoint_url: str | None, keys: Keys | None, pool: int) -> "Groups":
        assert (endpoint_url, keys, pool > 0) == (None, None, True), "an operator's own AWS, by the chain's credentials"
        self.service, self.region = service, region
        return self

    def describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str]) -> dict[str, Any]:
        self.asked.append((self.service, self.region, AutoScalingGroupNames))
        if self.error is not None:
            raise self.error
        return {"AutoScalingGroups": self.answer}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.alice.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    command.app.update(app)
    return tmp_path


def told(monkeypatch: pytest.MonkeyPatch, groups: Groups, *arguments: str) -> int:
    monkeypatch.setattr(asking.clients, "make", groups.make)
    return command.run(["tunnel", "--stack", "alice", *arguments])


@pytest.mark.parametrize(
    ("arguments", "service", "remote", "here"),
    [
        ([], "upload", UPLOAD, UPLOAD),
        (["--port", "9000"], "upload", UPLOAD, 9000),
        (["--service", "processing"], "processing", PROCESSING, PROCESSING),
    ],
)
def test_the_command_leads_to_the_service_on_a_host_that_serves(
    arguments: list[str],
    service: str,
    remote: int,
    here: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    groups = Groups(host("i-3", state="Pending:Wait"), host("i-2"), host("i-4"), host("i-1", health="Unhealthy"))
    assert told(monkeypatch, groups, "--print", *arguments) == 0
    out, err = capsys.readouterr()
    words = shlex.split(out)
    assert words[:-1] == [
        *("aws", "ssm", "start-session", "--region", "eu-west-1", "--target", "i-2"),
        *("--document-name", "AWS-StartPortForwardingSession", "--parameters"),
    ]
    assert json.loads(words[-1]) == {"portNumber": [str(remote)], "localPortNumber": [str(here)]}
    assert err == ""
    assert groups.asked == [("autoscaling", "eu-west-1", [f"darkroom-alice-{service}"])]


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no."}}, "DescribeAutoScalingGroups")


@pytest.mark.parametrize(
    ("groups", "said", "code"),
    [
        (
            Groups(missing=True),
            "there is no group darkroom-alice-upload in eu-west-1; run: pulumi up --stack alice",
            3,
        ),
        (
            Groups(most=0),
            "no host of upload is in service in alice; it has no image yet; run: make images STACK=alice",
            3,
        ),
        (
            Groups(host("i-1", state="Pending:Wait")),
            "no host of upload is in service in alice; wait for one; it takes two minutes",
            3,
        ),
        (
            Groups(error=NoCredentialsError()),
            "there are no credentials for AWS; log in (aws sso login, or AWS_PROFILE=name)",
            2,
        ),
        (
            Groups(error=UnauthorizedSSOTokenError()),
            "the login to AWS is over; log in (aws sso login, or AWS_PROFILE=name)",
            2,
        ),
        (
            Groups(error=refusal("ExpiredToken")),
            "AWS does not know these credentials (ExpiredToken); log in (aws sso login, or AWS_PROFILE=name)",
            2,
        ),
        (
            Groups(error=ProfileNotFound(profile="x")),
            "The config profile (x) could not be found; name one that ~/.aws/config has",
            2,
        ),
        (
            Groups(error=refusal("AccessDenied")),
            "An error occurred (AccessDenied) when calling the DescribeAutoScalingGroups operation: no; "
            "ask for that right, or log in as somebody who has it",
            3,
        ),
        (
            Groups(error=EndpointConnectionError(endpoint_url="https://x")),
            "no answer from autoscaling in eu-west-1 (no connection); check the region and the network",
            3,
        ),
        (
            Groups(error=ReadTimeoutError(endpoint_url="https://x")),
            'Read timeout on endpoint URL: "https://x"; see what it says',
            3,
        ),
    ],
)
def test_every_way_to_fail_is_one_line_with_what_to_do(
    groups: Groups, said: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(monkeypatch, groups, "--print") == code
    assert capsys.readouterr() == ("", f"darkroom: {said}\n")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x"])
def test_a_port_that_is_none_is_refused_before_anybody_is_asked(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = Groups(host("i-1"))
    assert told(monkeypatch, groups, "--print", f"--port={port}") == 2
    assert groups.asked == []


@pytest.mark.parametrize(("installed", "missing"), [((), "aws"), (("aws",), "session-manager-plugin")])
def test_a_tool_that_is_not_there_is_named_before_anybody_is_asked(
    installed: tuple[str, ...],
    missing: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path(tmp_path, monkeypatch, installed)
    groups = Groups(host("i-1"))
    assert told(monkeypatch, groups) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"darkroom: {missing} is not installed; https://docs.aws.amazon.com/")
    assert err.count("\n") == 1
    assert groups.asked == []


def path(folder: Path, monkeypatch: pytest.MonkeyPatch, tools: tuple[str, ...]) -> Path:
    """A PATH that has only these tools."""
    (folder / "bin").mkdir()
    for tool in tools:
        (folder / "bin" / tool).write_text('#!/bin/bash\necho "$0 $*"; exit 9\n')
        (folder / "bin" / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    return folder / "bin"


RUN = """
import sys
from client import command
from operations import asking, command as operators
from tests.operations.test_tunnel import Groups, host
asking.clients.make = Groups(host("i-1")).make
command.app.update(operators.app)
sys.exit(command.run(["tunnel", "--stack", "alice"]))
"""


def test_the_session_takes_the_place_of_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that Ctrl-C and the exit code are its own."""
    tools = path(folder, monkeypatch, ("aws", "session-manager-plugin"))
    ran = subprocess.run(
        [sys.executable, "-c", RUN],
        env={"PATH": f"{tools}:{os.defpath}", "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 9
    assert ran.stdout.startswith(f"{tools / 'aws'} ssm start-session --region eu-west-1 --target i-1 ")
    assert ran.stderr == "http://127.0.0.1:8000 is upload of alice, on i-1; Ctrl-C ends it\n"
