"""Server-sent events: what a listener hears, that nothing is said twice, and that every stream ends."""

import asyncio
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from contracts.errors import Overloaded
from contracts.events import Cancelled, Deleted, Planned
from contracts.job import Job
from contracts.lifecycle import step
from services.upload.application import application
from services.upload.streams import Streams
from services.upload.watch import MOST_WAITING, Watcher
from tests.services.upload.test_status import finished, moved, uploaded
from tests.support.upload_room import Spoken, UploadRoom

Client = TestClient[Litestar]


def events(text: str) -> list[dict[str, Any]]:
    """What a browser would hand on: id, event and data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            data = msgspec.json.decode(fields["data"])
            found.append({"id": fields.get("id"), "event": fields["event"], "data": data})
    return found


def test_a_job_that_is_over_is_told_once(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    job = finished(room)
    answer = client.get(f"/status/{job_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("retry: 1000\n\n")
    [event] = events(answer.text)
    assert (event["id"], event["event"]) == (str(job.revision), "status")
    assert event["data"] == {
        "id": job_id,
        "run": 1,
        "revision": job.revision,
        "state": "completed",
        "progress": {"done": 4, "total": 4},
        "variants": [{"name": record.spec.name, "state": "completed"} for record in job.variants],
    }
    assert "http" not in event["data"], "a link would be dead before the stream is"


def test_who_knows_the_end_is_not_asked_to_listen_again(client: Client, room: UploadRoom) -> None:
    """204 stops a browser from taking the stream up again."""
    job_id = uploaded(client)
    job = finished(room)
    path = f"/status/{job_id}/events"
    assert client.get(path, headers={"Last-Event-ID": str(job.revision)}).status_code == 204
    for other in (str(job.revision - 1), "", "x", "9" * 400, "١"):
        answer = client.get(path, headers={"Last-Event-ID": other.encode()})
        assert answer.status_code == 200
        assert len(events(answer.text)) == 1


@pytest.mark.parametrize("name", ["00000000-0000-7000-8000-00000000ffff", "x", "%00"])
def test_a_job_that_there_is_not_is_no_stream(client: Client, name: str) -> None:
    answer = client.get(f"/status/{name}/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def heard(room: UploadRoom, act: Any, *, known: int | None = None, until: str = "") -> str:
    """A stream of the one job while `act` happens; read to its end, or until something was said."""
    [job] = room.ledger.jobs()

    async def listen() -> str:
        text = ""
        stream = room.desk.streams.of(job, known)
        async for piece in stream:
            text += piece.decode()
            if "retry" in text and act is not None and not done:
                done.append(act())
            if until and until in text:
                await stream.aclose()
        return text

    done: list[Any] = []
    return asyncio.run(listen())


def test_every_change_that_is_seen_is_told_in_its_order(client: Client, room: UploadRoom) -> None:
    uploaded(client)
    told = events(heard(room, lambda: finished(room)))
    revisions = [int(event["id"]) for event in told]
    assert revisions == sorted(set(revisions))
    assert [event["data"]["state"] for event in told] == ["queued", "completed"]
    assert room.desk.streams.open == 0


def test_a_stream_that_is_taken_up_again_says_only_what_is_new(client: Client, room: UploadRoom) -> None:
    uploaded(client)
    [job] = room.ledger.jobs()
    told = events(heard(room, lambda: finished(room), known=job.revision))
    assert [event["data"]["state"] for event in told] == ["completed"]


def test_a_quiet_stream_shows_that_it_lives(client: Client, room: UploadRoom) -> None:
    uploaded(client)
    text = heard(room, None, until=": still here")
    assert len(events(text)) == 1
    assert room.desk.streams.open == 0


def test_a_job_that_is_deleted_ends_its_stream(client: Client, room: UploadRoom) -> None:
    uploaded(client)
    moved(room, Planned())
    told = events(heard(room, lambda: moved(room, Deleted(command="d"))))
    assert [event["event"] for event in told] == ["status", "gone"]


def test_a_drain_ends_every_stream(client: Client, room: UploadRoom) -> None:
    uploaded(client)
    text = heard(room, room.desk.watcher.stop)
    assert len(events(text)) == 1
    assert room.desk.streams.open == 0


def test_there_are_so_many_streams_and_no_more(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    room.desk.streams.open = 500
    answer = client.get(f"/status/{job_id}/events")
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "5"
    room.desk.streams.open = 499
    finished(room)
    assert client.get(f"/status/{job_id}/events").status_code == 200
    with pytest.raises(Overloaded):
        Streams(room.desk.watcher, most=0).check_room()


def test_streams_share_the_looks_of_the_one_watcher(client: Client, room: UploadRoom) -> None:
    uploaded(client)
    [job] = room.ledger.jobs()
    watcher = Watcher(room.ledger, room.threads)
    streams = Streams(watcher, heartbeat=5)

    async def listen() -> list[str]:
        async def one(job: Job) -> str:
            return "".join([piece.decode() async for piece in streams.of(job, None)])

        listeners = [asyncio.create_task(one(job)) for _ in range(50)]
        while watcher.looks < 1:
            await asyncio.sleep(0)
        # in one write: that look may be reading still, and would see what lies between two
        moved(room, Cancelled(command="c"))
        return await asyncio.gather(*listeners)

    texts = asyncio.run(listen())
    assert {len(events(text)) for text in texts} == {2}
    assert watcher.looks < 50
    assert MOST_WAITING > 500


def test_a_listener_that_leaves_is_forgotten(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    room.readiness.begin()
    app = application(room.desk)
    gone = Spoken("GET", f"/status/{job_id}/events", {}, [{"type": "http.disconnect"}])
    asyncio.run(asyncio.wait_for(gone.to(app), 90))
    assert room.desk.streams.open == 0


def test_what_is_heard_never_goes_back(client: Client, room: UploadRoom) -> None:
    """9: also when a read is older than the one before it."""
    uploaded(client)
    [job] = room.ledger.jobs()
    later = step(job, [Planned()], room.clock.now(), room.timing).job
    assert later is not None

    async def listen() -> list[bytes]:
        return [piece async for piece in room.desk.streams.of(later, None)]

    room.desk.watcher.stop()
    [_, event] = asyncio.run(listen())
    assert f'"revision":{later.revision}'.encode() in event
