"""Faults F1 to F5, F13 to F15 and F34: what befalls an upload on its way in. Times are `siege.SHORTENED`."""

import os
import resource
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from contracts.formats import ImageFormat
from contracts.identifiers import derived_job_id
from tests.support import pictures
from tests.support.proxy import (
    Latency,
    LimitData,
    Match,
    ResetPeer,
    Then,
    dynamodb,
    operation,
    put,
    s3,
    slow_down,
    throttled,
)
from tests.support.siege import PICTURE, Siege, until

pytestmark = pytest.mark.xdist_group("siege")

LARGE = pictures.encoded(pictures.photo(2_000, 1_500), ImageFormat.PNG)


def killed_at(world: Siege, match: Match, *, before: bool) -> tuple[str, bool]:
    """Upload, and kill the service at that call; the key, and whether a 202 came all the same."""
    world.quiet()
    key, pid = world.key(), world.pid("upload")
    job_id = derived_job_id("default", key)

    def meant(head: str) -> bool:
        # a put names its job; whose message is sent, a head does not say
        return match(head) and (job_id in head or not s3(head))

    with world.proxies["upload"].breaking(
        meant, lambda: Then(lambda caller: world.kill("upload"), before=before), times=1
    ) as rule:
        try:
            answered = world.upload(key).status_code == 202
        except httpx.TransportError:
            answered = False
        until(rule.hit.is_set, "the call")
    world.restarted("upload", pid)
    return key, answered


def test_f01_an_upload_service_killed_before_the_put_leaves_a_row_that_its_client_takes_up(world: Siege) -> None:
    """F1: kill -9 of the upload service after it reserved the row, before the original is stored."""
    world.quiet()
    before = world.every_job()
    # nobody gives the row up while its client is away, however long that takes
    with world.held("processing"):
        key, answered = killed_at(world, put, before=True)
        assert not answered
        (left,) = world.every_job().keys() - before.keys()
        assert world.every_job()[left].state == "awaiting_upload"
        assert world.accepted(key) == left
    assert world.final(left)["state"] == "completed"


def test_f02_an_original_that_was_stored_when_its_service_died_is_owned_by_its_row(world: Siege) -> None:
    """F2: kill -9 after the put, before Stored. Nobody asks again: the row's alarm finds the object."""
    before = world.every_job()
    _, answered = killed_at(world, put, before=False)
    assert not answered
    (left,) = world.every_job().keys() - before.keys()
    key, answered = killed_at(world, put, before=False)
    again = world.accepted(key)
    assert again != left
    assert world.all_final([left, again]) == {left: "completed", again: "completed"}
    world.told_once("job.recovered", job_id=left)
    assert world.look(patience_seconds=30).symptoms == ()


@pytest.mark.parametrize(
    ("fault", "before"),
    [
        pytest.param("F3: kill -9 after Stored, before the send", True, id="f03"),
        pytest.param("F4: kill -9 after the send", False, id="f04"),
    ],
)
def test_f03_f04_a_job_whose_service_died_around_its_message_runs_once(world: Siege, fault: str, before: bool) -> None:
    """F3, F4: what is owed stands in the row that the 202 was for, and a message that was sent is one that was sent."""
    key, _ = killed_at(world, operation("SendMessage", "SendMessageBatch"), before=before)
    world.once([world.accepted(key)])


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_f05_a_client_that_goes_away_in_the_middle_leaves_nothing(world: Siege, share: float) -> None:
    """F5: the connection is closed at 0, 1, 50 and 99 % of the body: no row, no file, no descriptor stays."""
    pid, rows = world.pid("upload"), world.every_job().keys()
    world.final(world.accepted())  # what is opened once, is open
    rows = world.every_job().keys()
    held = _descriptors(pid)
    lines = (
        "--b",
        'Content-Disposition: form-data; name="file"; filename="a.png"',
        "Content-Type: image/png",
        "\r\n",
    )
    body = "\r\n".join(lines).encode() + LARGE + b"\r\n--b--\r\n"
    fields = ("Host: x", "Content-Type: multipart/form-data; boundary=b", f"Content-Length: {len(body)}", "\r\n")
    head = "\r\n".join(("POST /uploads HTTP/1.1", *fields))
    address = ("127.0.0.1", int(world.stack.url.rpartition(":")[2]))
    with socket.create_connection(address) as connection:
        connection.sendall(head.encode() + body[: int(len(body) * share)])
    until(lambda: _descriptors(pid) <= held, "everything to be closed")
    assert world.every_job().keys() == rows


def test_f13_a_slow_s3_makes_an_upload_slow_and_one_that_will_not_makes_it_refused_for_now(world: Siege) -> None:
    """F13: S3 that is slow, that says SlowDown, and that resets the connection in the middle of a body."""
    proxy = world.proxies["upload"]
    with proxy.breaking(s3, lambda: Latency(1.0)) as slow:
        jobs = [world.accepted()]
    with proxy.breaking(put, slow_down) as refusing:
        answer = world.upload(key := world.key())
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    jobs.append(world.accepted(key))
    with proxy.breaking(put, lambda: LimitData(200_000), times=1) as cut:
        jobs.append(world.accepted(picture=LARGE, media_type="image/png"))
    assert (slow.hits > 0, refusing.hits > 1, cut.hits) == (True, True, 1)
    assert set(world.all_final(jobs).values()) == {"completed"}


def test_f14_a_throttled_table_costs_time_and_no_try(world: Siege) -> None:
    """F14: DynamoDB says that it is asked too fast: 503 with Retry-After at the door, and nothing lost behind it."""
    with world.proxies["upload"].breaking(dynamodb, throttled) as rule:
        answer = world.upload(key := world.key())
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert rule.hits > 1
    with world.proxies["processing"].breaking(operation("PutItem"), throttled, times=7) as behind:
        jobs = [world.accepted(key), *(world.accepted() for _ in range(5))]
        until(lambda: behind.hits == 7, "the table to have been too busy")
        assert set(world.all_final(jobs).values()) == {"completed"}
    assert [record.tries for job in world.jobs(jobs).values() for record in job.variants] == [0] * 12


@pytest.mark.parametrize("lost", [1, 3])
def test_f15_a_write_whose_reply_was_lost_counts_once(world: Siege, lost: int) -> None:
    """F15: the table wrote and its reply never came, once and for every attempt of one call, in each process."""
    key = world.key()
    rules: list[Any] = []
    with world.proxies["upload"].breaking(operation("PutItem"), ResetPeer, times=lost) as first:
        job_id = world.accepted(key)
        rules.append(first)
    with world.proxies["processing"].breaking(operation("PutItem"), ResetPeer, times=2 * lost) as second:
        other = world.accepted()
        until(lambda: second.hits == 2 * lost, "replies to be lost")
        rules.append(second)
    assert world.all_final([job_id, other]) == {job_id: "completed", other: "completed"}
    assert [rule.hits for rule in rules] == [lost, 2 * lost]
    assert world.accepted(key) == job_id


def test_f34_a_full_disk_refuses_large_uploads_for_now_and_keeps_nothing(world: Siege) -> None:
    """F34: no file may grow beyond 8 MB, as on a disk that is full; uploads that fit in memory go on."""
    pid, rows = world.pid("upload"), world.every_job().keys()
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    held = _descriptors(pid)
    picture = pictures.encoded(Image.new("RGB", (2_700, 2_500)), ImageFormat.BMP)
    assert len(picture) > 20_000_000
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (8_000_000, before[1]))
    try:
        answer = world.upload(picture=picture, media_type="image/bmp")
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        small = world.accepted(picture=PICTURE)
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    assert world.every_job().keys() - rows == {small}
    until(lambda: _descriptors(pid) <= held, "the file to be given back")
    assert world.final(world.accepted(picture=picture, media_type="image/bmp"))["state"] == "completed"


def _descriptors(pid: int) -> int:
    """Files that a process holds open, those without a name too."""
    links = [_link(one) for one in Path(f"/proc/{pid}/fd").iterdir()]
    return sum(not link.startswith("socket:") for link in links if link)


def _link(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except OSError:  # closed meanwhile
        return ""
