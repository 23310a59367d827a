"""Cancel, retry and delete: the exact answer in every state, once and again, and what is left behind."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec.structs import replace

from contracts.errors import RevisionMoved, Unavailable
from contracts.events import Deleted, Erased, LapsedAlarm, Planned, Reserved
from contracts.identifiers import command_id
from contracts.job import Job, JobState
from contracts.lifecycle import step
from contracts.limits import MAX_COMMANDS
from contracts.messages import Failed, Finished, Process, Queue, decode
from contracts.places import INLINE, OriginalPlace
from contracts.variants import Variant
from services.upload.application import application
from tests.services.upload.test_status import finished, moved, uploaded
from tests.support.upload_room import UploadRoom

Client = TestClient[Litestar]
NOBODY: Final = "00000000-0000-7000-8000-00000000ffff"
PERSONAL: Final = "jane.doe@example.org"


def awaiting(client: Client, room: UploadRoom) -> Job:
    job_id, now = NOBODY, room.clock.now()
    event = Reserved(
        id=job_id,
        tenant="default",
        key=OriginalPlace(INLINE, "default", job_id).key,
        upload_until=now + 120_000,
        fingerprint="f",
        variants=(Variant(name="a"),),
        life_seconds=86_400,
    )
    job = step(None, [event], now, room.timing).job
    assert job is not None
    room.ledger.create(job)
    return job


def queued(client: Client, room: UploadRoom) -> Job:
    uploaded(client)
    return room.ledger.jobs()[0]


def processing(client: Client, room: UploadRoom) -> Job:
    queued(client, room)
    return moved(room, Planned())


def completed(client: Client, room: UploadRoom) -> Job:
    queued(client, room)
    return finished(room)


def partially_completed(client: Client, room: UploadRoom) -> Job:
    queued(client, room)
    return finished(room, failing="thumb")


def failed(client: Client, room: UploadRoom) -> Job:
    job = processing(client, room)
    for part in job.parts:
        answers = tuple(Failed(name=name, code="spec-invalid") for name in part.variants)
        job = moved(room, Finished(job_id=job.id, token=part.token, answers=answers))
    return job


def rejected(client: Client, room: UploadRoom) -> Job:
    job = processing(client, room)
    return moved(room, Finished(job_id=job.id, token=job.parts[0].token, undecodable="image-corrupt"))


def cancelled(client: Client, room: UploadRoom) -> Job:
    job = queued(client, room)
    assert client.post(f"/jobs/{job.id}/cancel").status_code == 200
    return room.ledger.jobs()[0]


def abandoned(client: Client, room: UploadRoom) -> Job:
    awaiting(client, room)
    room.clock.advance(86_000)
    return moved(room, LapsedAlarm())


def deleting(client: Client, room: UploadRoom) -> Job:
    queued(client, room)
    return moved(room, Deleted(command="before"))


def deleted(client: Client, room: UploadRoom) -> Job:
    job = deleting(client, room)
    for _ in range(2):
        room.clock.advance(200)
        job = moved(room, Erased(debt=job.debts[0].id))
    return job


MAKERS: Final[dict[JobState, Callable[[Client, UploadRoom], Job]]] = {
    JobState.AWAITING_UPLOAD: awaiting,
    JobState.QUEUED: queued,
    JobState.PROCESSING: processing,
    JobState.COMPLETED: completed,
    JobState.PARTIALLY_COMPLETED: partially_completed,
    JobState.FAILED: failed,
    JobState.REJECTED: rejected,
    JobState.CANCELLED: cancelled,
    JobState.ABANDONED: abandoned,
    JobState.DELETING: deleting,
    JobState.DELETED: deleted,
}

OVER: Final = (409, "state-conflict")
GONE: Final = (410, "gone")
ANSWERS: Final[dict[JobState, tuple[Any, Any, Any]]] = {
    # state before: what cancel, retry (at the right revision) and delete are answered
    JobState.AWAITING_UPLOAD: ((200, "cancelled"), OVER, (202, "deleting")),
    JobState.QUEUED: ((200, "cancelled"), OVER, (202, "deleting")),
    JobState.PROCESSING: ((200, "cancelled"), OVER, (202, "deleting")),
    JobState.COMPLETED: (OVER, OVER, (202, "deleting")),
    JobState.PARTIALLY_COMPLETED: (OVER, (202, "queued"), (202, "deleting")),
    JobState.FAILED: (OVER, (202, "queued"), (202, "deleting")),
    JobState.REJECTED: (OVER, OVER, (202, "deleting")),
    JobState.CANCELLED: ((200, "cancelled"), OVER, (202, "deleting")),
    JobState.ABANDONED: (OVER, OVER, (202, "deleting")),
    JobState.DELETING: (GONE, GONE, (202, "deleting")),
    JobState.DELETED: (GONE, GONE, (204, None)),
}


def commanded(client: Client, what: str, job: Job, **headers: str) -> Any:
    if what == "delete":
        return client.delete(f"/jobs/{job.id}", headers=headers)
    body = {"json": {"revision": job.revision}} if what == "retry" else {}
    return client.post(f"/jobs/{job.id}/{what}", headers=headers, **body)


def said(answer: Any) -> tuple[int, str | None]:
    if answer.status_code == 204:
        return 204, None if not answer.content else "a body"
    document = answer.json()
    return answer.status_code, document["code"] if "code" in document else document["state"]


@pytest.mark.parametrize(("place", "what"), list(enumerate(["cancel", "retry", "delete"])))
@pytest.mark.parametrize("state", list(JobState))
def test_every_command_has_its_answer_in_every_state(
    client: Client, room: UploadRoom, state: JobState, place: int, what: str
) -> None:
    job = MAKERS[state](client, room)
    assert job.state is state
    before = room.ledger.jobs()
    answer = commanded(client, what, job)
    assert said(answer) == ANSWERS[state][place]
    [after] = room.ledger.jobs()
    changed = answer.status_code < 300 and str(state) != answer.json()["state"] if answer.content else False
    if changed:
        assert (after.state, after.revision) == (answer.json()["state"], answer.json()["revision"])
        assert after.revision == job.revision + 1
    else:
        assert [after] == before
        if answer.status_code == 409:
            assert (answer.json()["state"], answer.json()["revision"]) == (str(state), job.revision)


@pytest.mark.parametrize("what", ["cancel", "retry", "delete"])
def test_a_repeated_command_gets_the_same_answer_whatever_happened_since(
    client: Client, room: UploadRoom, what: str
) -> None:
    job = partially_completed(client, room) if what == "retry" else queued(client, room)
    first = commanded(client, what, job, **{"Idempotency-Key": '"once"'})
    assert "idempotency-replayed" not in first.headers
    if what != "delete":
        moved(room, Deleted(command="another"))
    [gone] = room.ledger.jobs()
    while gone.state is not JobState.DELETED:
        room.clock.advance(200)
        gone = moved(room, Erased(debt=gone.debts[0].id))
    again = commanded(client, what, job, **{"Idempotency-Key": "once"})
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotency-replayed"] == "?1"
    assert room.ledger.jobs() == [gone]


def test_a_job_knows_its_last_eight_commands(client: Client, room: UploadRoom) -> None:
    job = failed(client, room)
    for number in range(MAX_COMMANDS + 1):
        assert commanded(client, "retry", job, **{"Idempotency-Key": f"k{number}"}).status_code == 202
        planned = moved(room, Planned())
        for part in [part for part in planned.parts if part.is_open]:
            answers = tuple(Failed(name=name, code="spec-invalid") for name in part.variants)
            job = moved(room, Finished(job_id=job.id, token=part.token, answers=answers))
    assert len(job.commands) == MAX_COMMANDS
    assert job.run == MAX_COMMANDS + 2
    known = replace(job, revision=job.commands[0].revision - 1)
    assert commanded(client, "retry", known, **{"Idempotency-Key": "k1"}).headers["idempotency-replayed"] == "?1"
    assert commanded(client, "retry", known, **{"Idempotency-Key": "k0"}).status_code == 409


def test_a_key_of_another_command_is_refused_and_changes_nothing(client: Client, room: UploadRoom) -> None:
    job = failed(client, room)
    assert commanded(client, "retry", job, **{"Idempotency-Key": "k"}).status_code == 202
    before = room.ledger.jobs()
    others = [
        commanded(client, "cancel", job, **{"Idempotency-Key": "k"}),
        commanded(client, "delete", job, **{"Idempotency-Key": "k"}),
        commanded(client, "retry", replace(job, revision=job.revision - 1), **{"Idempotency-Key": "k"}),
    ]
    assert [said(answer) for answer in others] == [(422, "idempotency-key-reused")] * 3
    assert room.ledger.jobs() == before


def test_a_retry_of_what_the_sender_did_not_see_is_a_conflict(client: Client, room: UploadRoom) -> None:
    job = failed(client, room)
    for revision in (job.revision - 1, job.revision + 1):
        answer = commanded(client, "retry", replace(job, revision=revision))
        assert said(answer) == OVER
        assert f"at revision {job.revision} by now" in answer.json()["detail"]
    assert room.ledger.jobs() == [job]


def test_a_retry_makes_the_failed_variants_again_and_no_others(client: Client, room: UploadRoom) -> None:
    job = partially_completed(client, room)
    room.queues.purge()
    answer = commanded(client, "retry", job)
    assert (answer.status_code, answer.headers["location"]) == (202, f"/status/{job.id}")
    [body] = room.queues.bodies(Queue.JOBS)
    assert decode(body) == Process(job_id=job.id, request_id=job.request_id, run=2, tenant=job.tenant)
    planned = moved(room, Planned())
    assert [part.variants for part in planned.parts if part.is_open] == [("thumb",)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"\xff", 400, "malformed"),
        (b"[]", 422, "spec-invalid"),
        (b"{}", 422, "spec-invalid"),
        (b'{"revision":"7"}', 422, "spec-invalid"),
        (b'{"revision":true}', 422, "spec-invalid"),
        (b'{"revision":7.5}', 422, "spec-invalid"),
        (b'{"revision":7,"force":true}', 422, "spec-invalid"),
        (b'{"revision":' + b"9" * 70_000 + b"}", 413, "payload-too-large"),
    ],
)
def test_a_retry_that_cannot_be_read_is_refused(
    client: Client, room: UploadRoom, body: bytes, status: int, code: str
) -> None:
    job = failed(client, room)
    answer = client.post(f"/jobs/{job.id}/retry", content=body)
    assert said(answer) == (status, code)
    assert room.ledger.jobs() == [job]


@pytest.mark.parametrize("what", ["cancel", "retry", "delete"])
def test_what_is_no_job_of_the_senders_is_not_found(client: Client, room: UploadRoom, what: str) -> None:
    job = queued(client, room)
    foreign = replace(job, id=NOBODY, tenant="another")
    room.ledger.create(foreign)
    nothing = replace(job, id="00000000-0000-7000-8000-00000000fffe")
    for other in (foreign, nothing, replace(job, id="not-an-id")):
        assert said(commanded(client, what, other)) == (404, "not-found")
    assert room.ledger.jobs() == [job, foreign]


def test_a_cancelled_job_that_waited_owes_no_work(client: Client, room: UploadRoom) -> None:
    job = cancelled(client, room)
    assert job.debts == ()
    assert {record.state for record in job.variants} == {"cancelled"}
    outcome = step(job, [Planned()], room.clock.now(), room.timing)
    assert (outcome.changed, outcome.send) == (False, ())


def test_a_lost_reply_of_the_table_is_no_second_command(client: Client, room: UploadRoom) -> None:
    job = failed(client, room)
    lost = []

    def after(op: str) -> None:
        if op == "ledger.replace" and not lost:
            lost.append(op)
            raise Unavailable("the reply was lost")

    room.queues.purge()
    room.after = after
    answer = commanded(client, "retry", job)
    assert said(answer) == (202, "queued")
    assert "idempotency-replayed" not in answer.headers
    [now] = room.ledger.jobs()
    assert (now.run, now.revision, len(now.commands)) == (2, job.revision + 1, 1)
    assert len(room.messages) == 1, "whoever doubts its own write sends what is owed"


def test_a_command_goes_on_when_others_were_quicker(client: Client, room: UploadRoom) -> None:
    job = queued(client, room)
    rivals = []

    def before(op: str) -> None:
        if op == "ledger.replace" and not rivals:
            rivals.append(op)
            moved(room, Planned())

    room.before = before
    answer = commanded(client, "cancel", job)
    assert said(answer) == (200, "cancelled")
    assert answer.json()["revision"] == job.revision + 2


def test_a_command_that_never_gets_through_asks_to_be_sent_again(client: Client, room: UploadRoom) -> None:
    job = queued(client, room)

    def before(op: str) -> None:
        if op == "ledger.replace":
            raise RevisionMoved("planted")

    room.before = before
    answer = commanded(client, "cancel", job)
    assert said(answer) == (503, "unavailable")
    assert answer.headers["retry-after"]
    assert room.ledger.jobs() == [job]


def test_nothing_of_a_key_is_kept(client: Client, room: UploadRoom) -> None:
    """A tombstone has the last commands, and a key may be anything, an address of somebody's too."""
    job = queued(client, room)
    commanded(client, "delete", job, **{"Idempotency-Key": PERSONAL})
    [row] = room.ledger._rows.values()
    assert PERSONAL.encode() not in row
    assert command_id(PERSONAL).encode() in row


def test_what_may_be_done_is_linked(client: Client, room: UploadRoom) -> None:
    job = queued(client, room)
    links = client.get(f"/status/{job.id}").json()["links"]
    assert links["cancel"] == f"/jobs/{job.id}/cancel"
    assert links["retry"] is None
    finished(room, failing="thumb")
    links = client.get(f"/status/{job.id}").json()["links"]
    assert (links["cancel"], links["retry"]) == (None, f"/jobs/{job.id}/retry")
    assert links["delete"] == f"/jobs/{job.id}"


def test_a_deleted_job_answers_410_until_it_is_forgotten(client: Client, room: UploadRoom) -> None:
    job = deleted(client, room)
    asked = [client.get(f"/status/{job.id}"), client.get(f"/jobs/{job.id}/variants/large")]
    assert [said(answer) for answer in asked] == [GONE, GONE]
    assert job.forget_at is not None
    assert job.forget_at - room.clock.now() == room.timing.tombstone_seconds * 1000
    room.ledger.forget(job.id)
    assert said(client.get(f"/status/{job.id}")) == (404, "not-found")


def test_every_state_is_tried() -> None:
    assert set(MAKERS) == set(ANSWERS) == set(JobState)
    assert application
