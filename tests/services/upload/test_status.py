"""What a job's owner reads: the public document, its ETag, and waiting for news."""

import asyncio
import base64
import threading
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec.structs import replace

from contracts.analysis import Find, Seen, Swatch
from contracts.events import Cancelled, Deleted, Event, Planned
from contracts.formats import ImageFormat
from contracts.identifiers import OPEN_TENANT
from contracts.job import Job
from contracts.lifecycle import step
from contracts.messages import Done, Facts, Failed, Finished, Timings
from contracts.outputs import OutputFormat, Quantizer
from contracts.places import AnalysisPlace, ResultPlace
from contracts.plans import BranchPlan, LevelPlan, PartPlan
from services.upload.application import application
from services.upload.document import rfc3339
from services.upload.links import Links
from tests.support.memory import MemoryObjects, VirtualClock
from tests.support.pictures import sample
from tests.support.upload_room import Spoken, UploadRoom, file_part, in_pieces, multipart, options_part

Client = TestClient[Litestar]
JPEG = sample(ImageFormat.JPEG)
DIGEST = "ab" * 32


def uploaded(client: Client, options: str = '{"meta":{"sku":"A-17"}}') -> str:
    """Id of a new job."""
    body, headers = multipart([options_part(options), file_part(JPEG, "chair.jpg")])
    answer = client.post("/uploads", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["status_url"] == f"/status/{answer.json()['id']}"
    return answer.json()["id"]


def moved(room: UploadRoom, *events: Event) -> Job:
    [job] = room.ledger.jobs()
    outcome = step(job, events, room.clock.now(), room.timing)
    assert outcome.changed
    assert outcome.job is not None
    room.ledger.replace(outcome.job, job.revision)
    return outcome.job


def finished(room: UploadRoom, *, failing: str = "") -> Job:
    """Plan the job and answer all its parts; `failing` names a variant that fails."""
    room.clock.advance(0.04)
    job = moved(room, Planned())
    for part in [part for part in job.parts if part.is_open]:
        room.clock.advance(0.1)
        answers = tuple(
            Failed(name=name, code="resource-limit", detail="too much")
            if name == failing
            else Done(
                name=name,
                key=ResultPlace(job.tenant, job.id, name, DIGEST, _format(job, name)).key,
                digest=DIGEST,
                bytes=1234,
                width=96,
                height=64,
                format=_format(job, name),
                elapsed_ms=12.34,
                warnings=("kept small",),
            )
            for name in part.variants
        )
        facts = Facts(width=64, height=96, orientation=6, metadata={"camera": "X100"}, has_alpha=False)
        timings = Timings(fetch_ms=3, decode_ms=31.04, transform_ms=120, store_ms=9)
        event = Finished(job_id=job.id, token=part.token, answers=answers, facts=facts, timings=timings)
        job = moved(room, event)
    return job


def _format(job: Job, name: str) -> OutputFormat:
    return next(record.spec.output.format for record in job.variants if record.spec.name == name)


def test_a_queued_job_shows_what_is_known_of_it(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    answer = client.get(f"/status/{job_id}")
    assert answer.headers["etag"] == '"2-0"'
    assert answer.headers["cache-control"] == "private, no-cache"
    document = answer.json()
    source = document.pop("source")
    assert source.pop("sha256") == room.ledger.jobs()[0].source.sha256
    assert source == {
        "filename": "chair.jpg",
        "media_type": "image/jpeg",
        "bytes": len(JPEG),
        "width": 96,
        "height": 64,
        "frames": 1,
        "orientation_applied": None,
    }
    assert document == {
        "id": job_id,
        "run": 1,
        "revision": 2,
        "state": "queued",
        "created_at": "2027-01-15T08:00:00.000Z",
        "finished_at": None,
        "expires_at": "2027-02-14T08:00:00.000Z",
        "preset": "web@1",
        "meta": {"sku": "A-17"},
        "progress": {"done": 0, "total": 4},
        "variants": [{"name": name, "state": "pending"} for name in ("large", "medium", "small", "thumb")],
        "plan": [],
        "timings_ms": {},
        "analysis": {},
        "metadata": {},
        "leaks": None,
        "error": None,
        "links": {
            "self": f"/status/{job_id}",
            "cancel": f"/jobs/{job_id}/cancel",
            "retry": None,
            "delete": f"/jobs/{job_id}",
        },
    }


def test_a_finished_job_shows_its_variants_with_links(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    finished(room, failing="thumb")
    document = client.get(f"/status/{job_id}").json()
    assert (document["state"], document["progress"]) == ("partially_completed", {"done": 4, "total": 4})
    assert document["finished_at"] > document["created_at"]
    large, *_, thumb = document["variants"]
    url = large.pop("url")
    assert url.startswith(f"https://results.invalid/default/{job_id}/large-{DIGEST}.jpg")
    assert large == {
        "name": "large",
        "state": "completed",
        "media_type": "image/jpeg",
        "width": 96,
        "height": 64,
        "bytes": 1234,
        "digest": f"sha-256=:{base64.b64encode(bytes.fromhex(DIGEST)).decode()}:",
        "url_expires_at": rfc3339(room.clock.now() // 1000 * 1000 + 900_000),
        "stable_url": f"http://testserver.local/i/{job_id}/large",
        "elapsed_ms": 12.3,
        "warnings": ["kept small"],
    }
    error = thumb.pop("error")
    assert thumb == {"name": "thumb", "state": "failed"}
    assert error["type"].endswith("/problems/resource-limit")
    assert (error["code"], error["status"], error["detail"], error["retryable"]) == (
        "resource-limit",
        422,
        "too much",
        False,
    )
    assert document["source"]["orientation_applied"] == 6
    assert document["metadata"] == {"camera": "X100"}
    assert document["timings_ms"]["queued"] == 40
    assert (document["timings_ms"]["decode"], document["timings_ms"]["transform"]) == (31.0, 120)


def test_a_focal_point_is_echoed_from_the_beginning_to_the_end(client: Client, room: UploadRoom) -> None:
    focal = {"x": 0.42, "y": 0.3}
    wish = {"name": "hero", "resize": {"width": 90, "height": 90, "fit": "cover"}, "focal": focal}
    job_id = uploaded(client, msgspec.json.encode({"variants": [wish]}).decode())
    (queued,) = client.get(f"/status/{job_id}").json()["variants"]
    assert queued == {"name": "hero", "state": "pending", "focal": focal}
    finished(room)
    (done,) = client.get(f"/status/{job_id}").json()["variants"]
    assert (done["state"], done["focal"]) == ("completed", focal)


def test_nothing_internal_is_shown(client: Client, room: UploadRoom) -> None:
    """Presence first: the job does have tokens, parts, keys and a pinned version."""
    job_id = uploaded(client)
    job = finished(room)
    assert job.parts
    assert job.original is not None
    text = client.get(f"/status/{job_id}").text
    for secret in (job.fingerprint, job.key, '"token"', '"parts"', '"debts"', '"revision_id"', '"version_id"'):
        assert secret not in text


def test_a_job_of_another_tenant_was_never_there(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    [job] = room.ledger.jobs()
    room.ledger.forget(job_id)
    room.ledger.create(msgspec.structs.replace(job, tenant="somebody-else"))
    foreign, unknown = client.get(f"/status/{job_id}"), client.get("/status/01900000-0000-7000-8000-000000000000")
    assert foreign.status_code == unknown.status_code == 404
    assert _same(foreign.json()) == _same(unknown.json())


def _same(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("instance", "request_id")}


def test_a_deleted_job_is_gone(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    moved(room, Deleted(command="d"))
    for path in (f"/status/{job_id}", f"/status/{job_id}?wait=1", f"/jobs/{job_id}/variants/large"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (410, "gone")


def test_what_the_client_has_is_not_sent_again(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    tag = client.get(f"/status/{job_id}").headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = client.get(f"/status/{job_id}", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    for other in ('"1-0"', '"2-1"', "nonsense", ""):
        assert client.get(f"/status/{job_id}", headers={"If-None-Match": other}).status_code == 200
    moved(room, Planned())
    assert client.get(f"/status/{job_id}", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("seconds", [10, 60, 900, 1800])
def test_a_304_never_leaves_a_dead_link(seconds: int) -> None:
    """Whatever two moments: if the epochs agree, the earlier answer's links live for half a life more."""
    clock = VirtualClock()
    links = Links(MemoryObjects(clock), seconds, clock)
    given: dict[int, int] = {}
    for _ in range(60):
        clock.advance(seconds / 10 + 0.123)
        link = links._signer.link("k", seconds=seconds, filename="f")
        earliest = given.setdefault(links.epoch({"v": link}), link.expires_at)
        assert earliest - clock.now() >= seconds * 1000 // 2 - 1000
    assert len(given) > 10


def test_the_tag_changes_before_links_die(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    finished(room)
    tag = client.get(f"/status/{job_id}").headers["etag"]
    room.clock.advance(460)
    answer = client.get(f"/status/{job_id}", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.headers["etag"].split("-")[0] == tag.split("-")[0]


def test_a_variant_has_an_address_that_leads_to_its_bytes(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    pending = client.get(f"/jobs/{job_id}/variants/large", follow_redirects=False)
    assert (pending.status_code, pending.json()["code"], pending.json()["state"]) == (409, "state-conflict", "pending")
    finished(room)
    answer = client.get(f"/jobs/{job_id}/variants/large", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(f"https://results.invalid/default/{job_id}/large-")
    assert answer.headers["cache-control"] == "no-store"
    assert client.get(f"/jobs/{job_id}/variants/huge", follow_redirects=False).status_code == 404


class Looks:
    """Lets a test act at the n-th read of the ledger, with no clock in it."""

    def __init__(self, room: UploadRoom) -> None:
        self.count = 0
        self.acts: dict[int, Any] = {}
        self._lock = threading.Lock()
        room.before = self._look

    def _look(self, op: str) -> None:
        if op == "ledger.read":
            with self._lock:
                self.count += 1
                act = self.acts.pop(self.count, None)
            if act is not None:
                act()


def test_waiting_ends_when_the_job_does(client: Client, room: UploadRoom) -> None:
    """Planned is no end: the answer comes with the final state, and within the time that was asked for."""
    job_id = uploaded(client)
    looks = Looks(room)
    looks.acts = {2: lambda: moved(room, Planned()), 4: lambda: moved(room, Cancelled(command="c"))}
    answer = client.get(f"/status/{job_id}?wait=30")
    assert (answer.json()["state"], looks.count) == ("cancelled", 4)


def test_waiting_with_a_tag_ends_with_any_change(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    tag = client.get(f"/status/{job_id}").headers["etag"]
    looks = Looks(room)
    looks.acts = {3: lambda: moved(room, Planned())}
    answer = client.get(f"/status/{job_id}", headers={"If-None-Match": tag, "Prefer": "respond-async, wait=30"})
    assert (answer.status_code, answer.json()["state"], looks.count) == (200, "processing", 3)
    assert answer.headers["preference-applied"] == "wait=30"


def test_waiting_with_an_old_tag_does_not_wait(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    looks = Looks(room)
    answer = client.get(f"/status/{job_id}?wait=30", headers={"If-None-Match": '"1-0"'})
    assert (answer.status_code, looks.count) == (200, 1)


def test_waiting_for_a_finished_job_does_not_wait(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    finished(room)
    looks = Looks(room)
    assert client.get(f"/status/{job_id}?wait=30").json()["state"] == "completed"
    assert looks.count == 1


@pytest.mark.slow
def test_when_nothing_happens_the_answer_is_what_it_was(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    tag = client.get(f"/status/{job_id}").headers["etag"]
    assert client.get(f"/status/{job_id}?wait=1").json()["state"] == "queued"
    assert client.get(f"/status/{job_id}?wait=1", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("prefer", ["wait=0", "wait=abc", "wait", "wait=-1", "return=minimal", ""])
def test_a_preference_that_cannot_be_met_is_ignored(prefer: str, client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    looks = Looks(room)
    answer = client.get(f"/status/{job_id}", headers={"Prefer": prefer})
    assert (answer.status_code, looks.count, "preference-applied" in answer.headers) == (200, 1, False)


def test_all_who_wait_are_served_by_one_read(room: UploadRoom) -> None:
    """A hundred clients wait for two jobs: each look is one read, not a hundred."""

    async def waiting() -> tuple[set[int], int]:
        app = application(room.desk)
        body, headers = multipart([file_part(JPEG)])
        message = {"type": "http.request", "body": body, "more_body": False}
        for _ in range(2):
            await Spoken("POST", "/uploads", headers, [message]).to(app)
        nothing = {"type": "http.request", "body": b"", "more_body": False}
        jobs = room.ledger.jobs()
        asked = [
            asyncio.create_task(Spoken("GET", f"/status/{jobs[n % 2].id}?wait=20", {}, [nothing]).to(app))
            for n in range(100)
        ]
        while room.desk.watcher.looks < 2:
            await asyncio.sleep(0.01)
        for job in jobs:
            outcome = step(job, [Cancelled(command="c")], room.clock.now(), room.timing)
            assert outcome.job is not None
            room.ledger.replace(outcome.job, job.revision)
        answers = await asyncio.gather(*asked)
        assert all(b'"cancelled"' in answer.body for answer in answers)
        return {answer.status for answer in answers}, room.desk.watcher.looks

    statuses, looks = asyncio.run(waiting())
    assert statuses == {200}
    assert looks <= 4


def test_nobody_is_looked_for_once_everybody_is_told(room: UploadRoom) -> None:
    async def told() -> tuple[int, int]:
        app, watcher = application(room.desk), room.desk.watcher
        body, headers = multipart([file_part(JPEG)])
        await Spoken("POST", "/uploads", headers, in_pieces(body, 1 << 16)).to(app)
        [job] = room.ledger.jobs()
        nothing = {"type": "http.request", "body": b"", "more_body": False}
        asked = asyncio.create_task(Spoken("GET", f"/status/{job.id}?wait=30", {}, [nothing]).to(app))
        while not watcher.looks:
            await asyncio.sleep(0.01)
        moved(room, Cancelled(command="c"))
        await asked
        looks = watcher.looks
        while watcher._looking is not None:
            await asyncio.sleep(0.01)
        return looks, watcher.looks

    looks, after = asyncio.run(told())
    assert looks == after


def test_who_waits_is_sent_home_when_the_process_drains(room: UploadRoom) -> None:
    async def waiting() -> Spoken:
        app = application(room.desk)
        async with app.lifespan():
            body, headers = multipart([file_part(JPEG)])
            await Spoken("POST", "/uploads", headers, [{"type": "http.request", "body": body, "more_body": False}]).to(
                app
            )
            [job] = room.ledger.jobs()
            nothing = {"type": "http.request", "body": b"", "more_body": False}
            asked = asyncio.create_task(Spoken("GET", f"/status/{job.id}?wait=30", {}, [nothing]).to(app))
            while not room.desk.watcher.looks:
                await asyncio.sleep(0.01)
            room.readiness.begin()
            room.readiness.drain()
            return await asked

    answer = asyncio.run(waiting())
    assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_nobody_is_waited_for_who_has_left(room: UploadRoom) -> None:
    async def leaving() -> int:
        app = application(room.desk)
        body, headers = multipart([file_part(JPEG)])
        await Spoken("POST", "/uploads", headers, in_pieces(body, 1 << 16)).to(app)
        [job] = room.ledger.jobs()
        gone = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]
        await Spoken("GET", f"/status/{job.id}?wait=30", {}, gone).to(app)
        return len(room.desk.watcher._waiters)

    assert asyncio.run(leaving()) == 0


def test_whose_a_palette_is_is_told_of_who_has_one(client: Client, room: UploadRoom) -> None:
    uploaded(client)
    job = moved(room, Planned())
    [part] = job.parts
    whose = {"thumb": Quantizer.IMAGEQUANT, "small": Quantizer.PILLOW}
    done = tuple(replace(_done(job, name), palette=whose.get(name)) for name in part.variants)
    moved(room, Finished(job_id=job.id, token=part.token, answers=done))
    variants = client.get(f"/status/{job.id}").json()["variants"]
    assert {one["name"]: one["palette"] for one in variants if "palette" in one} == whose


def _done(job: Job, name: str) -> Done:
    """The answer for a variant of the job that was made."""
    return Done(
        name=name,
        key=ResultPlace(job.tenant, job.id, name, DIGEST, _format(job, name)).key,
        digest=DIGEST,
        bytes=9,
        width=9,
        height=9,
        format=_format(job, name),
    )


def answered(room: UploadRoom, facts: Facts, *, carries: tuple[str, ...] | None = ()) -> None:
    """Plan the job and answer its part with these facts; every variant carries the same."""
    job = moved(room, Planned())
    for part in [part for part in job.parts if part.is_open]:
        answers = tuple(
            replace(_done(job, name), carries=carries if name == "thumb" else None if carries is None else ())
            for name in part.variants
        )
        job = moved(room, Finished(job_id=job.id, token=part.token, answers=answers, facts=facts))


CARRIED = Facts(
    width=9,
    height=9,
    metadata={"camera_make": "Darkroom"},
    iptc={"keywords": ["oak"]},
    private={"latitude": 48.1},
    seen=Seen(dominant="#c81e1e", palette=(Swatch(hex="#c81e1e", share=1),)),
    carried=(Find(what="gps"), Find(what="exif", bytes=400)),
)


def test_what_was_found_out_is_shown(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    answered(room, CARRIED)
    document = client.get(f"/status/{job_id}").json()
    assert document["analysis"] == {
        "width": 9,
        "height": 9,
        "frames": 1,
        "animated": False,
        "has_alpha": False,
        "icc": None,
        "dominant": "#c81e1e",
        "palette": [{"hex": "#c81e1e", "share": 1.0}],
    }
    assert document["metadata"] == {
        "camera_make": "Darkroom",
        "iptc": {"keywords": ["oak"]},
        "private": {"latitude": 48.1},
    }
    assert document["leaks"] == {
        "found": [{"what": "gps"}, {"what": "exif", "bytes": 400}],
        "outputs": "clean",
        "kept": {},
    }
    assert "analysis" not in document["links"]


@pytest.mark.parametrize(
    ("carries", "outputs", "kept"), [(("exif",), "kept", {"thumb": ["exif"]}), (None, "unknown", {})]
)
def test_results_that_carry_something_say_so(
    client: Client, room: UploadRoom, carries: tuple[str, ...] | None, outputs: str, kept: dict[str, list[str]]
) -> None:
    job_id = uploaded(client)
    answered(room, CARRIED, carries=carries)
    leaks = client.get(f"/status/{job_id}").json()["leaks"]
    assert (leaks["outputs"], leaks["kept"]) == (outputs, kept)


def test_a_long_analysis_is_led_to(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    key = AnalysisPlace(OPEN_TENANT, job_id, DIGEST).key
    answered(room, replace(CARRIED, metadata={}, iptc={}, more=key))
    assert key in client.get(f"/status/{job_id}").json()["links"]["analysis"]


def test_the_plan_is_told_by_names_and_the_engine_of_each_variant(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    job = moved(room, Planned())
    assert client.get(f"/status/{job_id}").json()["plan"] == [{"variants": ["large", "medium", "small", "thumb"]}]
    [part] = job.parts
    done = [_done(job, name) for name in part.variants]
    levels = (LevelPlan(1600, 1067, None, (0,)), LevelPlan(400, 267, 0, (2, 3)))
    plan = PartPlan(
        branches=(BranchPlan(2, levels), BranchPlan(4, (LevelPlan(800, 533, None, (1,)),))),
        threads=2,
        deadline_ms=58_000,
        estimated_ms=70,
    )
    timings = Timings(decode_ms=30, transform_ms=45.55)
    answer = Finished(job_id=job.id, token=part.token, answers=tuple(done), plan=plan, timings=timings, engine="7")
    moved(room, answer)
    document = client.get(f"/status/{job_id}").json()
    assert document["plan"] == [
        {
            "variants": ["large", "medium", "small", "thumb"],
            "outcome": "finished",
            "decodes": [
                {
                    "scale": "1/2",
                    "levels": [
                        {"width": 1600, "height": 1067, "variants": ["large"]},
                        {"width": 400, "height": 267, "of": 0, "variants": ["small", "thumb"]},
                    ],
                },
                {"scale": "1/4", "levels": [{"width": 800, "height": 533, "variants": ["medium"]}]},
            ],
            "threads": 2,
            "deadline_ms": 58_000,
            "estimated_ms": 70,
            "measured_ms": 75.5,
        }
    ]
    assert {variant["engine"] for variant in document["variants"]} == {"7"}
