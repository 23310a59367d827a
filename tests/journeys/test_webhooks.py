"""A webhook's whole way on the embedded cloud: from the end of a job to a receiver that shows a certificate, checks
what came as docs/api.md says, and is sent it again when somebody asks.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from client import Darkroom, verify
from contracts.formats import ImageFormat
from local.supervisor import Supervisor
from local.temporary import temporary
from tests.support import pictures
from tests.support.believing import believing
from tests.support.receivers import Authority, Receiver, answering, receiving
from tests.support.stack import until

PICTURE = pictures.encoded(pictures.photo(400, 300), ImageFormat.JPEG)
HOST = "localhost"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stack(authority: Authority) -> Iterator[Supervisor]:
    with temporary(kind=believing(authority)) as supervisor:
        yield supervisor


@pytest.fixture
def receiver(authority: Authority) -> Iterator[Receiver]:
    with receiving(answering(204), authority.server(HOST)) as one:
        yield one


def came(receiver: Receiver, number: int) -> tuple[dict[str, str], bytes]:
    """Headers and body of a request, once it came."""
    until(lambda: len(receiver.requests) >= number, f"request {number} at the receiver")
    head, _, body = receiver.requests[number - 1].partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert first == "POST /in HTTP/1.1"
    return dict(line.split(": ", 1) for line in lines), body


def listened(stack: Supervisor, job_id: str) -> list[dict[str, Any]]:
    """What a listener is told until the job is over."""
    with httpx.stream("GET", f"{stack.url}/status/{job_id}/events", timeout=90) as stream:
        assert stream.status_code == 200
        return [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line.startswith("data: ")]


def test_a_job_that_is_over_is_told_to_an_endpoint_that_can_check_it(stack: Supervisor, receiver: Receiver) -> None:
    with Darkroom(stack.url) as darkroom:
        endpoint = darkroom.create_webhook(f"https://{HOST}:{receiver.port}/in")
        assert endpoint.secret is not None
        job = darkroom.upload(
            PICTURE,
            filename="chair.jpg",
            variants=[{"name": "thumb", "resize": {"width": 64}}],
            meta={"sku": "A-17"},
            webhook=endpoint.id,
        )
        heard = listened(stack, job.id)
        headers, body = came(receiver, 1)
        event = verify(body, headers, endpoint.secret)
        status = darkroom.wait(job.id)

        [thumb] = event.variants
        assert (event.type, event.job_id, event.meta) == ("job.completed", job.id, {"sku": "A-17"})
        assert (thumb.name, thumb.bytes) == ("thumb", status.variants[0].bytes)
        assert event.status_url.endswith(f"/status/{job.id}")
        told = {"id": event.job_id, "run": event.run, "state": event.state}
        assert told == {name: heard[-1][name] for name in told}, "who listens hears of the same end"
        # that the event is on its way may be seen beside the end, or after it
        assert heard[-1]["revision"] >= event.revision

        until(lambda: darkroom.deliveries(endpoint.id)[0].state == "delivered", "the answer to be written down")
        [delivery] = darkroom.deliveries(endpoint.id)
        assert (delivery.event, delivery.job_id, delivery.reason) == (event.id, job.id, None)
        assert [attempt.status for attempt in delivery.attempts] == [204]
        # the row says so a moment before the log does
        until(lambda: bool(logged(stack, "delivery.delivered")), "the delivery to be told of")
        assert logged(stack, "delivery.delivered") == [(job.id, event.id, 204)]

        newer = darkroom.rotate_webhook(endpoint.id).secret
        assert newer is not None
        assert darkroom.redeliver(endpoint.id, event.id).state == "pending"
        headers, body = came(receiver, 2)
        again = [verify(body, headers, secret) for secret in (endpoint.secret, newer)]
        assert again == [event, event], "the same event under the same id, for either secret"
        until(lambda: len(darkroom.deliveries(endpoint.id)[0].attempts) == 2, "the second answer to be written down")
        assert len(receiver.requests) == 2


def logged(stack: Supervisor, fact: str) -> list[tuple[str, str, int]]:
    """What the processing service's log says of a fact: job, event, status."""
    # the last line may be in the middle of being written
    whole = stack.folder.log("processing").read_text().rpartition("\n")[0]
    lines = map(json.loads, whole.splitlines())
    return [(line["job_id"], line["event_id"], line["status"]) for line in lines if line["event"] == fact]
