"""Faults F8 to F12, F20 and F27: what befalls messages. Times are `siege.SHORTENED`."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from moto import mock_aws
from msgspec.structs import replace

from adapters import clients
from adapters.queues import SqsQueues
from contracts.debts import message_of
from contracts.digests import in_base64
from contracts.errors import BadMessage
from contracts.identifiers import derived_job_id
from contracts.job import Debt, DebtKind
from contracts.limits import MAX_MESSAGE_BYTES
from contracts.messages import Message, Outgoing, Process, Queue, decode, encode
from tests.support import patient
from tests.support.proxy import Match, ResetPeer, operation
from tests.support.siege import PICTURE, Siege, until

pytestmark = pytest.mark.xdist_group("siege")


def two_of_three(match: Match) -> Match:
    """Of the calls that are meant, all but every third: so a call that is tried three times gets through."""
    counter = itertools.count(1)
    return lambda head: match(head) and next(counter) % 3 != 0


def test_f08_messages_that_everybody_sends_three_times_have_one_effect(world: Siege) -> None:
    """F8: each send arrives, and its sender does not learn of it twice: every message is there three times."""
    sends = operation("SendMessage", "SendMessageBatch")
    with ExitStack() as broken:
        # each process counts its own calls, so the first of each and its repetition are hit
        rules = [
            broken.enter_context(proxy.breaking(two_of_three(sends), ResetPeer)) for proxy in world.proxies.values()
        ]
        jobs = [world.accepted() for _ in range(4)]
        world.once(jobs)
    assert all(rule.hits >= 2 for rule in rules)
    assert {len(job.parts) for job in world.jobs(jobs).values()} == {1}


def test_f09_a_message_that_comes_before_its_row_and_two_commits_of_one_upload_are_no_trouble(world: Siege) -> None:
    """F9: out of order. A job's message is there before its row is; and S3's notice of a posted file races the client's
    own word for it."""
    key = world.key()
    early = derived_job_id("default", key)
    world.send(Queue.JOBS, encode(Process(job_id=early, run=1)).decode())
    until(lambda: world.told("message.left", job_id=early, reason="there is no such job") > 0, "it to be seen")
    wish = {
        "content_type": "image/jpeg",
        "bytes": len(PICTURE),
        "sha256": in_base64(hashlib.sha256(PICTURE).hexdigest()),
    }
    forms = [world.http.post("/uploads/presign", json=wish).raise_for_status().json() for _ in range(4)]

    def posted(form: dict[str, Any]) -> int:
        sent = patient.post(form["url"], data=form["fields"], files={"file": ("a", PICTURE, "image/jpeg")})
        assert sent.status_code == 204, sent.text
        return world.http.post(form["complete_url"]).status_code

    with ThreadPoolExecutor(4) as crowd:
        assert set(crowd.map(posted, forms)) == {202}
    assert world.accepted(key) == early
    jobs = [early, *(form["id"] for form in forms)]
    world.once(jobs)
    assert {len(job.parts) for job in world.jobs(jobs).values()} == {1}


def test_f10_an_order_that_is_delivered_twice_while_the_function_works_is_answered_once(world: Siege) -> None:
    """F10: copies of a `transforms` message, with the token that it has, beside the one that is being carried out."""
    job_id = world.accepted()
    until(lambda: world.jobs([job_id])[job_id].last_token > 0, "the order")
    job = world.jobs([job_id])[job_id]
    orders = [out for debt in job.debts if (out := message_of(job, debt)) is not None]
    if not orders:  # it was quicker: the order as it was is rebuilt from the row that it left
        part = job.parts[0]
        (outgoing,) = _order_of(world, job_id, part.token)
        orders = [outgoing]
    for outgoing in orders * 2:
        world.send(Queue.TRANSFORMS, encode(outgoing.message).decode())
    world.once([job_id])
    until(lambda: world.depth(Queue.TRANSFORMS) + world.depth(Queue.COMPLETIONS) == 0, "the copies to be worked off")
    world.once([job_id])
    assert world.jobs([job_id])[job_id].last_token == 1


def _order_of(world: Siege, job_id: str, token: int) -> list[Outgoing]:
    """The order of a part that is closed: as it was sent."""
    job = world.jobs([job_id])[job_id]
    parts = tuple(replace(part, closed_at=None) if part.token == token else part for part in job.parts)
    debt = Debt(id=99, kind=DebtKind.TRANSFORM, due_at=0, token=token)
    out = message_of(replace(job, parts=parts), debt)
    return [] if out is None else [out]


def test_f11_receives_that_nobody_saw_cost_no_job_and_no_letter(world: Siege) -> None:
    """F11: the replies of ReceiveMessage are lost; SQS has counted them. What is in them comes again."""
    letters = world.letters()
    with world.proxies["processing"].breaking(operation("ReceiveMessage"), ResetPeer, times=12) as rule:
        jobs = [world.accepted() for _ in range(4)]
        until(lambda: rule.hits == 12, "receives to be lost")
    world.once(jobs)
    assert world.letters() == letters


@pytest.mark.parametrize("cloud", ["MiniStack", "moto"])
def test_f12_a_delete_with_a_receipt_that_is_stale_is_no_error(world: Siege, cloud: str) -> None:
    """F12: AWS may say that it deleted; MiniStack refuses. Either way the message comes again, and nobody minds."""
    if cloud == "moto":
        keys = clients.Keys(access_key="testing", secret_key="testing", token="", expires_at=0)  # noqa: S106 - moto's
        with mock_aws():
            _stale(clients.make("sqs", region="eu-west-1", keys=keys))
    else:
        _stale(world.stack.clients["sqs"])


def _stale(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="stale")["QueueUrl"]
    queues = SqsQueues(sqs, {Queue.JOBS: url})
    queues.send([Outgoing(Queue.JOBS, Process(job_id="01a229bb-0a1c-7000-8000-000000000001", run=1))])
    (first,) = queues.receive(Queue.JOBS, most=1, wait_seconds=0)
    queues.release([first])
    (again,) = queues.receive(Queue.JOBS, most=1, wait_seconds=0)
    assert again.receipt != first.receipt
    queues.delete([first])
    queues.delete([again])
    queues.delete([again])
    assert queues.depth(Queue.JOBS).total == 0
    sqs.delete_queue(QueueUrl=url)


POISON = {
    "not JSON": "{",
    "empty object": "{}",
    "unknown version": '{"type":"process","v":99,"job_id":"01a229bb-0a1c-7000-8000-000000000001","run":1}',
    "no id": '{"type":"process","v":1,"run":1}',
    "huge": '{"type":"process","v":1,"padding":"' + "x" * (MAX_MESSAGE_BYTES - 37) + '"}',
}


def test_f20_poison_among_good_messages_is_parked_with_its_reason(world: Siege) -> None:
    """F20: messages that nobody can read, in the batches of those that somebody can. Nobody's neighbour suffers."""
    before = world.letters()
    with world.held("processing"):
        jobs = []
        for body in POISON.values():
            for queue in (Queue.JOBS, Queue.COMPLETIONS):
                world.send(queue, body)
            jobs.append(world.accepted())
    world.once(jobs)
    until(lambda: world.letters() == before + 2 * len(POISON), "the poison to be parked")

    def reasons() -> list[str]:
        # a look at one queue has the time for all of it
        pages = [world.operator("GET", f"/api/dlq?queue={queue}") for queue in (Queue.JOBS, Queue.COMPLETIONS)]
        return [letter["reason"] for page in pages for letter in page["queues"][0]["letters"] if letter["reason"]]

    until(lambda: len(reasons()) >= 2 * len(POISON), "the reasons to be read")
    world.discard_letters()


def test_f27_letters_of_jobs_that_are_over_are_dropped_and_the_others_move_on(world: Siege) -> None:
    """F27: 40 dead letters, half of jobs that have ended. (A letter more or less changes no step of the redrive.)"""
    over = [world.accepted() for _ in range(4)]
    world.once(over)
    revisions = {job.id: job.revision for job in world.jobs(over).values()}
    with world.held("processing"):
        waiting = [world.accepted() for _ in range(4)]
        world.gathered(Queue.JOBS, 4)
        world.purge(Queue.JOBS)
        for job_id in (over + waiting) * 5:
            world.send(Queue.JOBS, encode(Process(job_id=job_id, run=1)).decode(), dead_letters=True)
    letters = world.redriven(queue="jobs", rate=200)
    # whoever sends a letter again and stands still before deleting it finds it once more
    seen = Counter(letter["job_id"] for letter in letters)
    assert all(seen[job_id] >= 5 for job_id in over + waiting)
    assert {letter["fate"] for letter in letters if letter["job_id"] in over} == {"dropped"}
    assert {letter["fate"] for letter in letters if letter["job_id"] in waiting} <= {"sent", "dropped"}
    world.once(waiting)
    assert {job.id: job.revision for job in world.jobs(over).values()} == revisions


def test_the_poison_is_poison() -> None:
    """None of it can be read, so F20 plants what it says; the huge one is as long as the queue takes."""
    assert len(POISON["huge"]) == MAX_MESSAGE_BYTES
    refuse: Callable[[str], Message] = decode
    for body in POISON.values():
        with pytest.raises(BadMessage):
            refuse(body)
