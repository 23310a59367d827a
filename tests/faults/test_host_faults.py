"""Faults F6, F7, F25, F26, F28, F31, F33 and F35: what befalls hosts that move jobs. Times are `siege.SHORTENED`."""

import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.job import decode_job, encode_job
from contracts.messages import Process, Queue, decode, encode
from contracts.tables import job_key
from tests.support.proxy import Hold, Match, Then, Timeout, dynamodb, operation
from tests.support.siege import PATIENCE_SECONDS, Siege, until

pytestmark = pytest.mark.xdist_group("siege")

CALLS = {
    "before the write": (operation("PutItem"), True),
    "after the write, before the send": (operation("PutItem"), False),
    "before the send": (operation("SendMessageBatch"), True),
    "after the send, before the delete": (operation("SendMessageBatch"), False),
    "before the delete": (operation("DeleteMessageBatch"), True),
    "after the delete": (operation("DeleteMessageBatch"), False),
}


@pytest.mark.parametrize(("match", "before"), CALLS.values(), ids=CALLS)
def test_f06_a_host_that_is_killed_at_any_call_finishes_its_jobs_later_and_once(
    world: Siege, match: Match, before: bool
) -> None:
    """F6: kill -9 of the processing host around its write, its send and its delete."""
    world.quiet()
    pid = world.pid("processing")
    with world.proxies["processing"].breaking(
        match, lambda: Then(lambda caller: world.kill("processing"), before=before), times=1
    ) as rule:
        jobs = [world.accepted() for _ in range(3)]
        until(rule.hit.is_set, "the call")
    world.restarted("processing", pid)
    world.once(jobs)


def test_f07_a_host_that_was_stopped_and_wakes_up_changes_nothing(world: Siege) -> None:
    """F7: a host stands still in the middle of a write; another one finishes the job; then the first one's write comes.

    The process is stopped (SIGSTOP) and its call is held on the wire, so it arrives when everything is over.
    """
    world.quiet()
    go = threading.Event()
    write = Hold(go)
    with world.proxies["processing"].breaking(operation("PutItem"), lambda: write, times=1):
        job_id = world.accepted()
        try:
            until(write.came.is_set, "the write")
            with world.held("processing"):
                other = world.another_host()
                try:
                    assert world.final(job_id)["state"] == "completed"
                    before = world.jobs([job_id])
                    go.set()
                    # what was held arrives while its sender stands still
                    until(write.over.is_set, "the write to be answered")
                finally:
                    other.send_signal(signal.SIGTERM)
                    other.wait(PATIENCE_SECONDS)
        finally:
            go.set()
    # it is awake: whatever it had in mind is behind it once it has brought another job through
    world.once([world.accepted()])
    assert world.jobs([job_id]) == before
    world.once([job_id])


def test_f25_services_that_are_told_to_go_refuse_nothing(world: Siege) -> None:
    """F25: SIGTERM to both services, twice, under load. (At full size: make fault CASE=rolling.)"""
    jobs: list[str] = []
    over = threading.Event()

    def sends() -> None:
        while not over.is_set():
            answer = world.upload()
            assert answer.status_code == 202
            jobs.append(answer.json()["id"])
            over.wait(0.2)

    with ThreadPoolExecutor(3) as crowd:
        senders = [crowd.submit(sends) for _ in range(3)]
        try:
            for name in ("upload", "processing", "upload", "processing"):
                world.restarted(name, world.signal(name, signal.SIGTERM))
        finally:
            over.set()
        for sender in senders:
            sender.result()
    assert len(jobs) > 3
    world.once(jobs)


def test_f26_queues_that_were_emptied_and_a_cloud_that_was_started_again_lose_nothing(world: Siege) -> None:
    """F26: every queue is purged in the middle of the work; and the cloud is stopped, saves its state, and comes back.

    (A cloud that is killed is the loss of a cloud; what it had saved a second ago is in tests/journeys.)
    """
    with world.held("processing"):
        jobs = [world.accepted() for _ in range(12)]
        world.gathered(Queue.JOBS, 12)
        assert world.purge() >= 12
    world.once(jobs)
    with world.held("processing"):
        jobs = [world.accepted() for _ in range(6)]
        pid = world.signal("cloud", signal.SIGTERM)
        until(lambda: world.pid("cloud") != pid, "another cloud")
    world.once(jobs)


def test_f28_work_that_came_while_no_host_was_up_is_done_when_one_is(world: Siege) -> None:
    """F28: the only processing host stands still, 60 jobs come, it is killed, and another takes its place.

    (Queues keep work for four days: `timing.queue_retention_seconds`, in tests/components.)
    """
    with world.held("processing") as pid:
        jobs = [world.accepted() for _ in range(60)]
        world.gathered(Queue.JOBS, 60)
        world.kill("processing")
    world.restarted("processing", pid)
    world.once(jobs)


def test_f31_four_sweepers_and_their_deaths_do_each_thing_once(world: Siege) -> None:
    """F31: four hosts sweep the same table, everything is owed again and again, and two of them are killed."""
    dice = random.Random(31)
    with ThreadPoolExecutor(3) as crowd:
        others = list(crowd.map(lambda _: world.another_host(), range(3)))
    try:
        jobs = []
        for victim in dice.sample(others, 2):
            jobs += [world.accepted() for _ in range(6)]
            world.purge()
            world.kill_host(victim)
        world.once(jobs)
    finally:
        for other in others:
            world.kill_host(other)


def test_f33_what_a_newer_writer_adds_is_no_trouble_to_an_older_reader(world: Siege) -> None:
    """F33: rows and messages with fields of a release to come, among those of this one. (The rows of earlier releases
    are in tests/contracts/golden and tests/engine/earlier; each reader takes n and n - 1.)"""
    with world.held("processing"):
        jobs = [world.accepted() for _ in range(4)]
        world.gathered(Queue.JOBS, 4)
        world.purge(Queue.JOBS)
        for job_id in jobs:
            newer = encode(Process(job_id=job_id, run=1)).decode().replace("{", '{"since_the_next_release":[1],', 1)
            assert decode(newer) == Process(job_id=job_id, run=1)
            world.send(Queue.JOBS, newer)
        with world.standing() as stack:
            row = dict(stack.item(job_key(jobs[0])) or {})
            document = encode_job(decode_job(row["document"]["B"])).replace(b"{", b'{"of_the_next_release":{"a":1},', 1)
            row["document"] = {"B": document}
            world.stack.clients["dynamodb"].put_item(TableName=stack.table, Item=row)
    world.once(jobs)


def test_f35_a_host_that_is_cut_off_from_the_table_acknowledges_nothing(world: Siege) -> None:
    """F35: DynamoDB alone does not answer one host. No message is deleted without its write; then it is as F7."""
    with world.proxies["processing"].breaking(dynamodb, Timeout) as rule:
        jobs = [world.accepted() for _ in range(4)]
        world.gathered(Queue.JOBS, 4)
        before = rule.hits
        until(lambda: rule.hits >= before + 2, "calls to hang")
        assert [world.told("job.planned", job_id=job_id) for job_id in jobs] == [0] * 4
        # a copy may have come to them meanwhile
        assert world.depth(Queue.JOBS) >= 4
    world.once(jobs)
