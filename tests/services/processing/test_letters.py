"""Dead letters are listed as they are, sent again before they are deleted, and dropped only where nobody needs them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from contracts.errors import Unavailable
from contracts.job import JobState
from contracts.messages import Finished, Process, Queue, Undone, encode
from services import edge
from services.processing.letter_routes import letter_routes
from services.processing.letters import LONGEST_SECONDS, DeadLetters, Fate, Redrive
from tests.support.memory import ORIGINALS, notice
from tests.support.pipeline import Died, Pipeline, announced

NOBODY = "00000000-0000-7000-8000-00000000ffff"


class Clockwork:
    """Time as the use case feels it: pauses pass, and nobody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


@pytest.fixture
def clockwork() -> Clockwork:
    return Clockwork()


@pytest.fixture
def letters(pipeline: Pipeline, clockwork: Clockwork) -> DeadLetters:
    return DeadLetters(
        queues=announced(pipeline, "queues"),
        ledger=announced(pipeline, "ledger"),
        clock=pipeline.clock,
        timing=pipeline.timing,
        originals_bucket=ORIGINALS,
        monotonic=lambda: clockwork.now,
        pause=clockwork.pause,
    )


@pytest.fixture
def client(pipeline: Pipeline, letters: DeadLetters) -> Iterator[TestClient]:
    readiness = edge.Readiness()
    handlers = letter_routes(letters, announced(pipeline, "queues"))
    with TestClient(edge.app(handlers, process="processing", readiness=readiness)) as client:
        readiness.begin()
        yield client


def parked(pipeline: Pipeline, *, of: int, terminal: int = 0) -> list[str]:
    """Ids of jobs whose planning lies in the dead letters; the last `terminal` of them have come to an end since."""
    jobs = [pipeline.upload().job.id for _ in range(of)]
    bodies = pipeline.queues.bodies(Queue.JOBS)
    if terminal:
        pipeline.queues.purge(Queue.JOBS)
        for body in bodies[of - terminal :]:
            pipeline.queues.put(Queue.JOBS, body)
        for _ in range(200):
            # of a crowd most step aside
            pipeline.turn("jobs")
            pipeline.turn("jobs-bulk")
            while pipeline.function.run():
                pass
            pipeline.turn("completions")
            if all(pipeline.job(job).is_final for job in jobs[of - terminal :]):
                break
    pipeline.queues.purge(Queue.JOBS)
    for body in bodies:
        pipeline.queues.put(Queue.JOBS, body, dead_letters=True)
    return jobs


def lying(pipeline: Pipeline, queue: Queue = Queue.JOBS) -> list[str]:
    return pipeline.queues.bodies(queue, dead_letters=True)


def test_fifty_letters_of_which_half_are_of_jobs_that_are_over(pipeline: Pipeline, letters: DeadLetters) -> None:
    jobs = parked(pipeline, of=50, terminal=25)
    runs = len(pipeline.function.runs)
    looked = letters.redriven(Redrive())
    fates = {letter.job_id: letter.fate for letter in looked.letters}
    assert fates == {job: Fate.SENT if place < 25 else Fate.DROPPED for place, job in enumerate(jobs)}
    assert lying(pipeline) == []
    pipeline.settle()
    assert {pipeline.job(job).state for job in jobs} == {JobState.COMPLETED}
    assert len(pipeline.function.runs) == runs + 25


def test_a_listing_changes_nothing(pipeline: Pipeline, client: TestClient) -> None:
    jobs = parked(pipeline, of=12)
    pipeline.queues.put(Queue.COMPLETIONS, "bad", dead_letters=True)
    before = {queue: lying(pipeline, queue) for queue in Queue}
    answer = client.get("/api/dlq").json()
    queues = {queue["name"]: queue for queue in answer["queues"]}
    assert [letter["job_id"] for letter in queues["jobs"]["letters"]] == jobs
    assert {letter["fate"] for letter in queues["jobs"]["letters"]} == {"sent"}
    [bad] = queues["completions"]["letters"]
    assert (bad["kind"], bad["job_id"], bad["fate"]) == (None, None, "left")
    assert bad["why"]
    assert answer["more"] is False
    assert {queue: lying(pipeline, queue) for queue in Queue} == before
    # given back: whoever asks next has them all at once
    assert pipeline.queues.depth(Queue.JOBS, dead_letters=True).visible == 12
    assert len(client.get("/api/dlq?queue=jobs&limit=100").json()["queues"][0]["letters"]) == 12


def test_a_dry_run_says_what_would_be_done_and_does_nothing(pipeline: Pipeline, client: TestClient) -> None:
    parked(pipeline, of=4, terminal=2)
    pipeline.queues.put(Queue.JOBS, "bad", dead_letters=True)
    before = lying(pipeline)
    said = client.post("/api/dlq/redrive", json={"dry_run": True}).json()
    assert (said["sent"], said["dropped"], said["left"], said["dry_run"]) == (2, 2, 1, True)
    assert lying(pipeline) == before
    done = client.post("/api/dlq/redrive").json()
    assert {name: done[name] for name in ("sent", "dropped", "left")} == {"sent": 2, "dropped": 2, "left": 1}
    assert lying(pipeline) == ["bad"]


def test_a_letter_is_sent_before_it_is_deleted(pipeline: Pipeline, letters: DeadLetters, calls: list[str]) -> None:
    parked(pipeline, of=1)
    calls.clear()
    letters.redriven(Redrive(queue=Queue.JOBS))
    effects = [call for call in calls if call in ("queues.redrive", "queues.delete")]
    assert effects == ["queues.redrive", "queues.delete"]


@pytest.mark.parametrize("seam", ["queues.receive", "ledger.read", "queues.redrive", "queues.delete"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", [Died, lambda: Unavailable("planted")])
def test_whoever_dies_in_between_loses_no_letter(
    pipeline: Pipeline, letters: DeadLetters, seam: str, when: str, how: Callable[[], BaseException]
) -> None:
    jobs = parked(pipeline, of=3)
    bodies = set(lying(pipeline))

    def fails(op: str) -> None:
        if op == seam:
            raise how()

    setattr(pipeline, when, fails)
    with pytest.raises((Died, Unavailable)):
        letters.redriven(Redrive(queue=Queue.JOBS))
    setattr(pipeline, when, lambda op: None)
    assert set(lying(pipeline)) | set(pipeline.queues.bodies(Queue.JOBS)) == bodies
    pipeline.queues.surface(Queue.JOBS, dead_letters=True)
    letters.redriven(Redrive(queue=Queue.JOBS))
    pipeline.settle()
    assert {pipeline.job(job).state for job in jobs} == {JobState.COMPLETED}
    assert lying(pipeline) == []


def test_what_cannot_be_given_back_comes_back_by_itself(pipeline: Pipeline, letters: DeadLetters) -> None:
    parked(pipeline, of=2)

    def fails(op: str) -> None:
        if op == "queues.release":
            raise Unavailable("planted")

    pipeline.before = fails
    assert len(letters.redriven(Redrive(dry_run=True)).letters) == 2
    pipeline.clock.advance(31)
    assert len(letters.redriven(Redrive()).letters) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("bad", "left"),
        (encode(Process(job_id=NOBODY, run=1)).decode(), "left"),
        (encode(Finished(job_id=NOBODY, token=1)).decode(), "left"),
    ],
)
def test_what_nobody_can_read_stays_unless_it_is_discarded(
    pipeline: Pipeline, letters: DeadLetters, body: str, why: str
) -> None:
    pipeline.queues.put(Queue.JOBS, body, dead_letters=True)
    assert [letter.fate for letter in letters.redriven(Redrive()).letters] == [why]
    assert lying(pipeline) == [body]
    assert [letter.fate for letter in letters.redriven(Redrive(discard=True)).letters] == [Fate.DROPPED]
    assert lying(pipeline) == []


def test_an_answer_is_sent_again_while_its_part_is_open(pipeline: Pipeline, letters: DeadLetters) -> None:
    job = pipeline.upload().job
    pipeline.turn("jobs")
    pipeline.function.run()
    [answer] = pipeline.queues.bodies(Queue.COMPLETIONS)
    pipeline.queues.purge(Queue.COMPLETIONS)
    pipeline.queues.put(Queue.COMPLETIONS, answer, dead_letters=True)
    misfit = encode(Finished(job_id=job.id, token=9, answers=(Undone(name="large"),))).decode()
    pipeline.queues.put(Queue.COMPLETIONS, misfit, dead_letters=True)
    looked = letters.redriven(Redrive(queue=Queue.COMPLETIONS))
    assert [letter.fate for letter in looked.letters] == [Fate.SENT, Fate.LEFT]
    pipeline.settle()
    assert pipeline.job(job.id).state is JobState.COMPLETED
    pipeline.queues.surface(Queue.COMPLETIONS, dead_letters=True)
    pipeline.queues.put(Queue.COMPLETIONS, answer, dead_letters=True)
    looked = letters.redriven(Redrive(queue=Queue.COMPLETIONS))
    assert {letter.fate for letter in looked.letters} == {Fate.DROPPED}


def test_an_order_is_sent_again_while_its_part_is_open(pipeline: Pipeline, letters: DeadLetters) -> None:
    job = pipeline.upload().job
    pipeline.turn("jobs")
    [order] = pipeline.queues.bodies(Queue.TRANSFORMS)
    pipeline.queues.purge(Queue.TRANSFORMS)
    pipeline.queues.put(Queue.TRANSFORMS, order, dead_letters=True)
    assert [letter.fate for letter in letters.redriven(Redrive()).letters] == [Fate.SENT]
    pipeline.settle()
    assert pipeline.job(job.id).state is JobState.COMPLETED
    assert len(pipeline.function.runs) == 1


def test_letters_are_chosen_by_queue_job_and_reason(pipeline: Pipeline, client: TestClient) -> None:
    jobs = parked(pipeline, of=3)
    pipeline.queues.put(Queue.JOBS, "bad")
    pipeline.turn("jobs")
    [*_, reason] = pipeline.queues.reasons(Queue.JOBS)
    assert reason

    def sent(**wish: Any) -> list[str]:
        said = client.post("/api/dlq/redrive", json={"dry_run": True, "discard": True, **wish}).json()
        return [letter["job_id"] for letter in said["letters"]]

    assert sent(queue="completions") == []
    assert sent(queue="jobs", job=jobs[1]) == [jobs[1]]
    assert sent(reason=reason[:10]) == [None]
    assert sent(reason="nothing like it") == []
    assert sent() == [*jobs, None]
    client.post("/api/dlq/redrive", json={"job": jobs[1]})
    assert len(lying(pipeline)) == 3


def test_letters_go_out_at_the_rate_that_was_asked_for(
    pipeline: Pipeline, letters: DeadLetters, clockwork: Clockwork
) -> None:
    parked(pipeline, of=25)
    assert len(letters.redriven(Redrive(rate=5)).letters) == 25
    assert clockwork.pauses == [1.0] * 5


def test_a_call_ends_in_time_and_says_that_there_is_more(
    pipeline: Pipeline, letters: DeadLetters, clockwork: Clockwork
) -> None:
    parked(pipeline, of=40)
    first = letters.redriven(Redrive(rate=1))
    assert first.more
    assert len(first.letters) == LONGEST_SECONDS
    while letters.redriven(Redrive(rate=1)).more:
        pass
    assert lying(pipeline) == []


def test_a_process_that_ends_finishes_what_it_has_in_hand(pipeline: Pipeline) -> None:
    parked(pipeline, of=30)
    letters = DeadLetters(
        queues=pipeline.queues,
        ledger=pipeline.ledger,
        clock=pipeline.clock,
        timing=pipeline.timing,
        originals_bucket=ORIGINALS,
        stopped=lambda: True,
        pause=lambda seconds: None,
    )
    looked = letters.redriven(Redrive())
    assert (len(looked.letters), looked.more, len(lying(pipeline))) == (10, True, 20)


def test_a_limit_is_kept(pipeline: Pipeline, letters: DeadLetters) -> None:
    parked(pipeline, of=15)
    looked = letters.redriven(Redrive(limit=12))
    assert (len(looked.letters), looked.more, len(lying(pipeline))) == (12, True, 3)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"{", 400, "malformed", None),
        (b"[]", 422, "spec-invalid", "#"),
        (b'{"queue":"nowhere"}', 422, "spec-invalid", "#/queue"),
        (b'{"rate":0}', 422, "spec-invalid", "#/rate"),
        (b'{"rate":1e9}', 422, "spec-invalid", "#/rate"),
        (b'{"limit":0}', 422, "spec-invalid", "#/limit"),
        (b'{"job":"x"}', 422, "spec-invalid", "#/job"),
        (b'{"reason":""}', 422, "spec-invalid", "#/reason"),
        (b'{"dryrun":true}', 422, "spec-invalid", "#"),
    ],
)
def test_a_wish_that_cannot_be_read_does_nothing(
    pipeline: Pipeline, client: TestClient, body: bytes, status: int, code: str, pointer: str | None
) -> None:
    parked(pipeline, of=1)
    answer = client.post("/api/dlq/redrive", content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if pointer is not None:
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert len(lying(pipeline)) == 1


@pytest.mark.parametrize("question", ["queue=nowhere", "limit=0", "limit=1001"])
def test_a_listing_that_cannot_be_read_is_refused(client: TestClient, question: str) -> None:
    assert client.get(f"/api/dlq?{question}").status_code == 400


def test_a_notice_of_s3_is_sent_again_and_what_is_none_may_be_dropped(pipeline: Pipeline, letters: DeadLetters) -> None:
    good = notice("direct/default/01932c00-0000-7000-8000-00000000ffff/original")
    for body in (good, "not a notice"):
        pipeline.queues.put(Queue.INGEST, body, dead_letters=True)
    looked = letters.redriven(Redrive(queue=Queue.INGEST))
    assert sorted(letter.fate for letter in looked.letters) == [Fate.LEFT, Fate.SENT]
    assert pipeline.queues.bodies(Queue.INGEST) == [good]
    letters.redriven(Redrive(queue=Queue.INGEST, discard=True))
    assert pipeline.queues.bodies(Queue.INGEST, dead_letters=True) == []
