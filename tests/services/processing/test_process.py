"""The process itself: its settings, the socket that it is given, health, and how it leaves."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.environment import ProcessingEnvironment, to_environ
from contracts.messages import Queue

ROOT = Path(__file__).parents[3]


def settings(endpoint_url: str) -> dict[str, str]:
    urls = {queue: f"{endpoint_url}/000000000000/{queue}" for queue in Queue}
    environment = ProcessingEnvironment(
        region="eu-central-1",
        endpoint_url=endpoint_url,
        stack="test",
        originals_bucket="originals",
        results_bucket="results",
        jobs_table="jobs",
        due_shards=2,
        queue_urls=urls,
        dead_letter_urls={queue: f"{url}-dead" for queue, url in urls.items()},
        eraser_role_arn="arn:aws:iam::000000000000:role/eraser",
        transform_concurrency=2,
        registry_table="registry",
    )
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
    return to_environ(environment) | keys | {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}


def command() -> list[str]:
    return [sys.executable, "-m", "services.processing"]


@contextmanager
def running(environ: dict[str, str], *, descriptors: tuple[int, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(),
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=descriptors,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def nobody() -> Iterator[str]:
    """An endpoint that nobody answers at: bound, so that nobody else takes it, and not listening."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_a_setting_that_is_missing_is_one_clear_line(nobody: str) -> None:
    environ = settings(nobody)
    del environ["DARKROOM_JOBS_TABLE"]
    ended = subprocess.run(command(), cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr == (
        "processing: DARKROOM_JOBS_TABLE is not set; the deployment makes it for ProcessingEnvironment\n"
    )


def test_a_port_in_use_is_one_clear_line(nobody: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = settings(nobody) | {"DARKROOM_PORT": str(taken.getsockname()[1])}
        ended = subprocess.run(
            command(), cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("processing: cannot listen: Address already in use")
    assert line.endswith("set DARKROOM_PORT to a free port")


def test_it_serves_the_socket_it_was_given_and_leaves_when_told(nobody: str) -> None:
    """Though no part of the cloud answers: health is the process's own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, descriptor = listener.getsockname()[1], listener.fileno()
        environ = settings(nobody) | {"DARKROOM_LISTEN_FD": str(descriptor)}
        with running(environ, descriptors=(descriptor,)) as process:
            for path in ("/healthz", "/readyz"):
                # the supervisor's socket takes the connection before the process is there to answer
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request("GET", path)
                assert connection.getresponse().status == 200
                connection.close()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == ""
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert events[0] == "process.started"
    assert events[-1] == "process.ended"


def test_a_thread_that_dies_ends_the_process_loudly(nobody: str) -> None:
    """Without the address of a queue its reader cannot live, and a host without a reader only looks healthy."""
    environ = settings(nobody) | {"DARKROOM_PORT": "0"}
    urls = json.loads(environ["DARKROOM_QUEUE_URLS"])
    del urls["completions"]
    environ["DARKROOM_QUEUE_URLS"] = json.dumps(urls)
    with running(environ) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode != 0
    died = [line for line in map(json.loads, out.splitlines()) if line["event"] == "thread.died"]
    assert [(line["thread"], line["level"]) for line in died] == [("completions", "error")]
    assert err == ""
