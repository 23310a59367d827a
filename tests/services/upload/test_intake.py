"""The use case by itself: who owns an upload whatever breaks off, and what a second request under its key gets."""

import hashlib
import os
from collections.abc import Callable
from io import BytesIO

import pytest
from msgspec.structs import replace

from contracts.errors import Gone, KeyReused, Unavailable
from contracts.events import Cancelled, Deleted, LapsedAlarm, Stored
from contracts.formats import ImageFormat
from contracts.identifiers import OPEN_TENANT, derived_job_id
from contracts.job import Job, JobState
from contracts.lifecycle import step
from contracts.messages import Queue, decode
from contracts.options import Options, decode_options
from services.upload.examining import examined
from services.upload.intake import Accepted, Arrival
from services.upload.spool import Spooled
from tests.support.pictures import sample
from tests.support.upload_room import UploadRoom

JPEG = sample(ImageFormat.JPEG)
OTHER = sample(ImageFormat.JPEG, 80, 60)
KEY = "a key of the sender's own"
JOB_ID = derived_job_id(OPEN_TENANT, KEY)


def arrival(key: str | None = KEY, content: bytes = JPEG, options: Options | None = None) -> Arrival:
    sha256 = hashlib.sha256(content).hexdigest()
    body = Spooled(file=BytesIO(content), length=len(content), sha256=sha256, head=content[:256])
    return Arrival(
        tenant=OPEN_TENANT,
        idempotency_key=key,
        options=options or Options(),
        source=examined(body, "image/jpeg", "a.jpg"),
        body=body,
        request_id="r1",
    )


def accepted(room: UploadRoom, asked: Arrival) -> Accepted:
    """Accept and announce, as the route does."""
    answer = room.intake.accept(asked)
    room.intake.announce(answer.messages)
    return answer


def moved(room: UploadRoom, *events: object) -> Job:
    """Somebody else's write to the one job there is."""
    [job] = room.ledger.jobs()
    outcome = step(job, events, room.clock.now(), room.timing)  # type: ignore[arg-type]
    assert outcome.job is not None
    if outcome.changed:
        room.ledger.replace(outcome.job, job.revision)
    return outcome.job


def check_whole(room: UploadRoom) -> None:
    """No object without a row that owns it; a queued job has exactly the version that is there."""
    rows = {job.key: job for job in room.ledger.jobs()}
    for key, versions in room.objects.originals.items():
        assert len(versions) == 1
        assert key in rows
    for job in rows.values():
        assert job.due_at is not None
        if job.state is JobState.QUEUED:
            assert job.original is not None
            [version] = room.objects.originals[job.key]
            assert (job.original.version_id, job.source.sha256) == (
                version.id,
                hashlib.sha256(version.body).hexdigest(),
            )


def test_an_upload_becomes_a_queued_job_with_its_original_pinned(room: UploadRoom) -> None:
    answer = accepted(room, arrival(key=None))
    [job] = room.ledger.jobs()
    assert answer == Accepted(job=job, messages=answer.messages)
    assert (job.state, job.revision, job.request_id, job.preset) == (JobState.QUEUED, 2, "r1", "web@1")
    assert (job.source.width, job.source.height, job.source.filename) == (96, 64, "a.jpg")
    assert [record.spec.name for record in job.variants] == ["large", "medium", "small", "thumb"]
    assert [decode(body).job_id for body in room.queues.bodies(Queue.JOBS)] == [job.id]
    check_whole(room)


def test_bulk_work_waits_in_its_own_lane(room: UploadRoom) -> None:
    accepted(room, arrival(options=decode_options(b'{"priority":"bulk","expires_in":7200,"meta":{"a":"b"}}')))
    [job] = room.ledger.jobs()
    assert (job.expires_at - job.created_at, job.meta) == (7_200_000, {"a": "b"})
    assert (len(room.queues.bodies(Queue.JOBS_BULK)), room.queues.bodies(Queue.JOBS)) == (1, [])


def test_without_a_key_every_request_is_a_job_of_its_own(room: UploadRoom) -> None:
    first, second = accepted(room, arrival(key=None)), accepted(room, arrival(key=None))
    assert first.job.id != second.job.id
    assert len(room.ledger.jobs()) == 2


def test_the_effects_come_in_their_order(room: UploadRoom) -> None:
    """What it costs, row, object, row, and only then a message: an original never exists without a row that owns it."""
    seen: list[str] = []
    room.after = seen.append
    answer = room.intake.accept(arrival())
    assert seen == ["tallies.read", "tallies.replace", *CALLS]
    room.intake.announce(answer.messages)
    assert seen[5:] == ["queues.send"]


CALLS = ["ledger.create", "objects.put_original", "ledger.replace"]


@pytest.mark.parametrize("lost", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_is_healed_by_the_same_request_again(call: str, lost: str, room: UploadRoom) -> None:
    """Each call fails once, without its effect or with its effect and its reply lost; the sender just repeats."""
    setattr(room, lost, _once(call))
    with pytest.raises(Unavailable):
        accepted(room, arrival())
    check_whole(room)
    assert not room.messages
    answer = accepted(room, arrival())
    check_whole(room)
    assert (answer.job.id, answer.job.state) == (JOB_ID, JobState.QUEUED)
    assert len(room.ledger.jobs()) == 1
    # a Stored whose reply was lost had been accepted, though nobody heard of it; its message is the sweeper's
    known = (call, lost) == ("ledger.replace", "after")
    assert answer.replayed is known
    assert len(room.messages) == (0 if known else 1)


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_message_that_is_not_sent_stays_owed(lost: str, room: UploadRoom) -> None:
    setattr(room, lost, _once("queues.send"))
    assert accepted(room, arrival()).job.state is JobState.QUEUED
    [job] = room.ledger.jobs()
    assert [debt.kind for debt in job.debts] == ["process"]


@pytest.mark.parametrize("call", CALLS)
def test_what_is_abandoned_half_way_has_an_alarm(call: str, room: UploadRoom) -> None:
    """Nobody comes back: the row alone tells the sweeper when to look."""
    room.before = _once(call)
    with pytest.raises(Unavailable):
        accepted(room, arrival())
    if call == "ledger.create":
        assert room.is_untouched
        return
    [job] = room.ledger.jobs()
    assert job.state is JobState.AWAITING_UPLOAD
    assert job.alarm_at is not None
    assert job.content_sha256 == hashlib.sha256(JPEG).hexdigest()


def test_the_same_request_again_is_the_same_job(room: UploadRoom) -> None:
    first = accepted(room, arrival())
    second = accepted(room, arrival())
    assert second == Accepted(job=first.job, replayed=True)
    assert len(room.ledger.jobs()) == len(room.messages) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: arrival(content=OTHER), id="another file"),
        pytest.param(lambda: arrival(options=decode_options(b'{"meta":{"a":"b"}}')), id="other options"),
    ],
)
@pytest.mark.parametrize("begun", [False, True], ids=["stored", "only reserved"])
def test_another_request_under_the_key_is_refused_and_changes_nothing(
    other: Callable[[], Arrival], begun: bool, room: UploadRoom
) -> None:
    if begun:
        room.before = _once("objects.put_original")
        with pytest.raises(Unavailable):
            accepted(room, arrival())
    else:
        accepted(room, arrival())
    before = (room.ledger.jobs(), dict(room.objects.originals), room.messages)
    with pytest.raises(KeyReused):
        accepted(room, other())
    assert (room.ledger.jobs(), dict(room.objects.originals), room.messages) == before


def test_options_that_mean_the_same_are_the_same_request(room: UploadRoom) -> None:
    accepted(room, arrival(options=Options()))
    assert accepted(room, arrival(options=decode_options(b'{"priority":"normal","preset":"web@1"}'))).replayed


def test_a_job_that_was_stored_and_cancelled_answers_as_it_stands(room: UploadRoom) -> None:
    """No client sees a job go back: the answer has the state that the status has."""
    accepted(room, arrival())
    moved(room, Cancelled(command="c"))
    answer = accepted(room, arrival())
    assert (answer.replayed, answer.job.state) == (True, JobState.CANCELLED)


@pytest.mark.parametrize("how", ["cancelled", "abandoned", "deleted"])
def test_a_job_that_never_had_an_original_is_gone(how: str, room: UploadRoom) -> None:
    room.before = _once("objects.put_original")
    with pytest.raises(Unavailable):
        accepted(room, arrival())
    if how == "abandoned":
        room.clock.advance(10_000)
        assert moved(room, LapsedAlarm()).state is JobState.ABANDONED
    else:
        moved(room, Cancelled(command="c") if how == "cancelled" else Deleted(command="d"))
    with pytest.raises(Gone):
        accepted(room, arrival())
    assert not room.objects.originals


def test_a_deleted_job_is_gone_though_it_was_stored(room: UploadRoom) -> None:
    accepted(room, arrival())
    moved(room, Deleted(command="d"))
    with pytest.raises(Gone):
        accepted(room, arrival())


@pytest.mark.parametrize("command", [Cancelled(command="c"), Deleted(command="d")])
def test_a_put_that_meets_a_dead_job_is_answered_gone_and_its_bytes_are_owed_an_erasure(
    command: object, room: UploadRoom
) -> None:
    """Cancelled between the row and the object: 410, not a 202 for bytes that nobody will ever look at."""
    room.after = _when("objects.put_original", lambda: moved(room, command))
    with pytest.raises(Gone):
        accepted(room, arrival())
    [job] = room.ledger.jobs()
    assert [debt.kind for debt in job.debts] == ["erase"]
    assert not room.messages


def test_the_sweeper_may_be_quicker(room: UploadRoom) -> None:
    """The sweeper finds the object first: its Stored is ours, and the message is sent by whoever doubts."""

    def sweep() -> None:
        [job] = room.ledger.jobs()
        head = room.objects.head_original(job.key)
        assert head is not None
        moved(room, Stored(version_id=head.version_id, etag=head.etag, source=job.source))

    room.after = _when("objects.put_original", sweep)
    answer = accepted(room, arrival())
    assert (answer.replayed, answer.job.state, answer.job.revision) == (False, JobState.QUEUED, 2)
    assert len(room.messages) == 1


def test_two_requests_at_once_store_one_original(room: UploadRoom) -> None:
    """The second runs whole between the first one's row and its put: If-None-Match decides, checksums agree."""
    answers: list[Accepted] = []
    room.after = _when("ledger.create", lambda: answers.append(accepted(room, arrival())))
    answers.append(accepted(room, arrival()))
    check_whole(room)
    assert {answer.job.id for answer in answers} == {JOB_ID}
    assert [len(versions) for versions in room.objects.originals.values()] == [1]


def test_an_object_of_other_bytes_under_the_key_is_refused(room: UploadRoom) -> None:
    """S3 knows better than the row: the checksums are compared."""
    room.after = _when("ledger.create", lambda: _overtake(room))
    with pytest.raises(KeyReused):
        accepted(room, arrival())


def test_a_job_that_has_another_version_pinned_is_no_answer_to_these_bytes(room: UploadRoom) -> None:
    """Whoever was quicker pinned what is not ours: a 202 would be for bytes that are never read."""
    pinned = Stored(version_id="another", etag="e", source=arrival().source)
    room.after = _when("objects.put_original", lambda: moved(room, pinned))
    with pytest.raises(KeyReused):
        accepted(room, arrival())
    assert not room.messages


def test_a_job_that_everybody_changes_is_given_up_for_now(room: UploadRoom) -> None:
    def meddle(op: str) -> None:
        if op == "ledger.replace":
            [job] = room.ledger.jobs()
            room.ledger.replace(replace(job, revision=job.revision + 1), job.revision)

    room.before = meddle
    with pytest.raises(Unavailable):
        accepted(room, arrival())


def test_a_create_whose_reply_was_lost_below_us_is_no_replay(room: UploadRoom) -> None:
    """The client of DynamoDB repeats by itself and finds its own row."""
    twice = room.ledger.create
    room.ledger.create = lambda job: (twice(job), twice(job))[1]  # type: ignore[method-assign]
    answer = accepted(room, arrival())
    assert (answer.replayed, answer.job.state) == (False, JobState.QUEUED)


def _overtake(room: UploadRoom) -> None:
    [job] = room.ledger.jobs()
    room.objects.post_original(job.key, os.urandom(10), "image/jpeg", sha256="0" * 64)


def _once(call: str) -> Callable[[str], None]:
    """Fails the first time that this call is made."""
    left = [call]

    def fail(op: str) -> None:
        if op in left:
            left.remove(op)
            raise Unavailable("injected")

    return fail


def _when(call: str, act: Callable[[], object]) -> Callable[[str], None]:
    """Acts the first time that this call is made."""
    left = [call]

    def trigger(op: str) -> None:
        if op in left:
            left.remove(op)
            act()

    return trigger
