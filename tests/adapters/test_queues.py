"""Queues on SQS: batches, failures of single entries, dead letters, and texts that SQS would not take."""

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from adapters import clients
from adapters.queues import BATCH_BYTES, MAX_REASON_CHARS, SqsQueues, _batches
from contracts.errors import ResourceLimit, Unavailable
from contracts.limits import MAX_MESSAGE_BYTES, QUEUE_BATCH
from contracts.messages import Outgoing, Process, Queue, decode
from contracts.ports import Received
from tests.support.agreement_cloud import RECEIVES, ROOT, CloudWorld, maker
from tests.support.replies import LOST, PASS, Answer, Replies

TIME_OUT = ReadTimeoutError(endpoint_url="https://nowhere.invalid")


def message(number: int, queue: Queue = Queue.JOBS, text: str = "") -> Outgoing:
    return Outgoing(queue, Process(job_id=f"01932c00-0000-7000-8000-{number:012x}", run=1, request_id=text))


def received(world: CloudWorld, queue: Queue = Queue.JOBS, *, dead_letters: bool = False) -> list[Received]:
    found: list[Received] = []
    while more := world.queues.receive(queue, most=10, wait_seconds=0, dead_letters=dead_letters):
        found += more
    return found


def numbers(messages: list[Received]) -> list[int]:
    return sorted(int(decode(one.body).job_id[-12:], 16) for one in messages)


def batch_answer(*failed: tuple[str, str, bool]) -> Answer:
    """Only the failures are looked at."""
    entries = [{"Id": entry, "Code": code, "SenderFault": fault} for entry, code, fault in failed]
    return Answer(200, json.dumps({"Successful": [], "Failed": entries}).encode())


# --- sending ---------------------------------------------------------------------------------------------------------


def test_messages_go_in_batches_of_ten_by_queue(cloud: CloudWorld) -> None:
    met = Replies(cloud.sqs)
    cloud.queues.send([message(number, Queue.JOBS if number % 2 else Queue.TRANSFORMS) for number in range(30)])
    assert met.operations == ["SendMessageBatch"] * 4
    assert numbers(received(cloud)) == list(range(1, 30, 2))
    assert numbers(received(cloud, Queue.TRANSFORMS)) == list(range(0, 30, 2))


def test_queues_are_told_whose_message_it_is(cloud: CloudWorld) -> None:
    """What SQS is fair between. A message of an earlier version has no tenant, an answer needs none."""
    met = Replies(cloud.sqs)
    alices = Process(job_id="01932c00-0000-7000-8000-00000000000a", run=1, tenant="alice")
    cloud.queues.send([Outgoing(Queue.JOBS_BULK, alices), message(1, Queue.JOBS_BULK)])
    [(_, request)] = met.seen
    assert [entry.get("MessageGroupId") for entry in json.loads(request.body)["Entries"]] == ["alice", None]
    assert len(received(cloud, Queue.JOBS_BULK)) == 2


def test_sending_nothing_calls_nobody(cloud: CloudWorld) -> None:
    met = Replies(cloud.sqs)
    cloud.queues.send([])
    cloud.queues.delete([])
    assert met.seen == []


@given(st.lists(st.integers(1, MAX_MESSAGE_BYTES), max_size=40))
def test_a_batch_keeps_within_both_limits(sizes: list[int]) -> None:
    entries = [(index, "x" * size) for index, size in enumerate(sizes)]
    batches = list(_batches(entries))
    assert [entry for batch in batches for entry in batch] == entries
    for batch in batches:
        assert 1 <= len(batch) <= QUEUE_BATCH
        assert sum(len(body) for _, body in batch) <= BATCH_BYTES
    for batch, after in itertools.pairwise(batches):
        joined = [*batch, after[0]]
        assert len(joined) > QUEUE_BATCH or sum(len(body) for _, body in joined) > BATCH_BYTES


def test_what_failed_in_a_batch_is_sent_once_more(cloud: CloudWorld) -> None:
    met = Replies(cloud.sqs, batch_answer(("1", "InternalError", False), ("3", "InternalError", False)))
    cloud.queues.send([message(number) for number in range(5)])
    assert [[entry["Id"] for entry in json.loads(request.body)["Entries"]] for _, request in met.seen] == [
        ["0", "1", "2", "3", "4"],
        ["1", "3"],
    ]
    assert numbers(received(cloud)) == [1, 3]


def test_what_fails_twice_is_its_senders_alone(cloud: CloudWorld) -> None:
    Replies(cloud.sqs, batch_answer(("1", "InternalError", False)), batch_answer(("1", "InternalError", False)))
    outcomes = cloud.queues.deliver([message(number) for number in range(3)])
    assert [type(outcome) for outcome in outcomes] == [type(None), Unavailable, type(None)]


def test_a_queue_that_fails_takes_no_other_with_it(cloud: CloudWorld, waits: list[float]) -> None:
    Replies(cloud.sqs, TIME_OUT, TIME_OUT, TIME_OUT)
    outcomes = cloud.queues.deliver([message(1, Queue.JOBS), message(2, Queue.TRANSFORMS), message(3, Queue.JOBS)])
    assert [type(outcome) for outcome in outcomes] == [Unavailable, type(None), Unavailable]
    assert numbers(received(cloud, Queue.TRANSFORMS)) == [2]


def test_send_raises_what_deliver_tells(cloud: CloudWorld, waits: list[float]) -> None:
    Replies(cloud.sqs, TIME_OUT, TIME_OUT, TIME_OUT)
    with pytest.raises(Unavailable):
        cloud.queues.send([message(1)])


def test_a_lost_reply_sends_twice_which_does_no_harm(cloud: CloudWorld, waits: list[float]) -> None:
    Replies(cloud.sqs, LOST)
    cloud.queues.send([message(1)])
    assert numbers(received(cloud)) == [1, 1]


def test_a_message_no_reader_would_take_is_not_sent(cloud: CloudWorld) -> None:
    outcomes = cloud.queues.deliver([message(1, text="x" * MAX_MESSAGE_BYTES), message(2)])
    assert [type(outcome) for outcome in outcomes] == [ResourceLimit, type(None)]
    assert numbers(received(cloud)) == [2]


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\ufffe\uffff\x00\x7f\u2028"), max_size=20)
)
def test_any_text_survives_the_queue(ministack_url: str, text: str) -> None:
    """SQS takes what XML can hold; JSON may escape the rest."""
    world = _world(ministack_url)
    world.queues.send([message(1, text=text)])
    (only,) = received(world)
    world.queues.delete([only])
    assert decode(only.body).request_id == text
    assert not set(only.body) & {"\ufffe", "\uffff"}


_worlds: dict[str, CloudWorld] = {}


def _world(url: str) -> CloudWorld:
    if url not in _worlds:
        _worlds[url] = CloudWorld(maker(url))
    return _worlds[url]


# --- receiving and acknowledging -------------------------------------------------------------------------------------


def test_a_receive_tells_how_often(cloud: CloudWorld) -> None:
    cloud.queues.send([message(1)])
    for receives in range(1, RECEIVES + 1):
        (one,) = received(cloud)
        assert (one.queue, one.receives) == (Queue.JOBS, receives)
        cloud.surface(Queue.JOBS, one.receipt)
    assert received(cloud) == []
    assert numbers(received(cloud, dead_letters=True)) == [1]


def test_a_long_poll_is_shorter_than_its_clients_patience() -> None:
    asked: list[dict[str, Any]] = []

    class Client:
        class meta:
            class config:
                read_timeout = 12

        def receive_message(self, **call: Any) -> dict[str, Any]:
            asked.append(call)
            return {}

    queues = SqsQueues(Client(), {Queue.JOBS: "url"})
    queues.receive(Queue.JOBS, most=50, wait_seconds=20)
    assert (asked[0]["WaitTimeSeconds"], asked[0]["MaxNumberOfMessages"]) == (7, 10)


def test_polls_go_through_a_client_of_their_own(cloud: CloudWorld) -> None:
    polls = clients.make(
        "sqs", region="eu-central-1", keys=ROOT, read_seconds=clients.LONG_POLL_READ_SECONDS, check_parameters=True
    )
    sends, receives = Replies(cloud.sqs), Replies(polls)
    queues = SqsQueues(cloud.sqs, cloud.urls, polls=polls)
    queues.send([message(1)])
    queues.delete(queues.receive(Queue.JOBS, most=10, wait_seconds=20))
    assert sends.operations == ["SendMessageBatch", "DeleteMessageBatch"]
    assert receives.operations == ["ReceiveMessage"]


def test_acknowledgements_go_in_batches_of_ten(cloud: CloudWorld) -> None:
    cloud.queues.send([message(number) for number in range(25)])
    held = received(cloud)
    met = Replies(cloud.sqs)
    cloud.queues.delete([*held, held[0]])  # one of them twice
    assert met.operations == ["DeleteMessageBatch"] * 3
    assert cloud.queues.depth(Queue.JOBS).total == 0


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "InvalidParameterValue", "AWS.SQS.ReceiptHandleIsInvalid"])
def test_a_stale_receipt_is_no_error(cloud: CloudWorld, code: str) -> None:
    cloud.queues.send([message(1), message(2)])
    held = received(cloud)
    met = Replies(cloud.sqs, batch_answer(("0", code, True)))
    cloud.queues.delete(held)
    assert len(met.seen) == 1


def test_a_delete_that_failed_for_another_reason_is_tried_once_more(cloud: CloudWorld) -> None:
    cloud.queues.send([message(1), message(2)])
    held = received(cloud)
    trouble = batch_answer(("1", "InternalError", False))
    met = Replies(cloud.sqs, trouble)
    cloud.queues.delete(held)
    assert len(met.seen) == 2
    Replies(cloud.sqs, trouble, batch_answer(("0", "InternalError", False)))
    with pytest.raises(Unavailable):
        cloud.queues.delete(held)


def test_an_overtaken_receipt_is_tolerated_by_the_embedded_cloud(ministack_url: str) -> None:
    """AWS may say yes and do nothing; MiniStack says ReceiptHandleIsInvalid (F12). Either way the message stays."""
    world = CloudWorld(maker(ministack_url))
    world.queues.send([message(1)])
    (first,) = received(world)
    world.surface(Queue.JOBS, first.receipt)
    (second,) = received(world)
    world.queues.delete([first])
    assert world.queues.depth(Queue.JOBS).total == 1
    world.queues.delete([second])
    world.queues.delete([second])
    assert world.queues.depth(Queue.JOBS).total == 0


def test_a_send_ends_a_long_poll(ministack_url: str) -> None:
    world = CloudWorld(maker(ministack_url))
    met = Replies(world.sqs, PASS)
    world.queues.send([message(1)])
    assert numbers(world.queues.receive(Queue.JOBS, most=10, wait_seconds=5)) == [1]
    assert met.operations == ["SendMessageBatch", "ReceiveMessage"]


# --- dead letters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("longer than 10 bytes", "longer than 10 bytes"),
        ("", "no reason was given"),
        ("é\x00\uffff", "???"),
        ("x" * 1000, "x" * MAX_REASON_CHARS),
    ],
)
def test_a_parked_message_says_why(cloud: CloudWorld, reason: str, told: str) -> None:
    cloud.sqs.send_message(QueueUrl=cloud.urls[Queue.JOBS], MessageBody="not a message of ours")
    (poison,) = received(cloud)
    cloud.queues.park(poison, reason)
    cloud.queues.delete([poison])
    parked = cloud.sqs.receive_message(QueueUrl=cloud.dead_letter_urls[Queue.JOBS], MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert [(one["Body"], one["MessageAttributes"]["reason"]["StringValue"]) for one in parked] == [
        ("not a message of ours", told)
    ]
    assert cloud.queues.depth(Queue.JOBS).total == 0


def test_the_depth_counts_what_waits_and_what_is_in_hand(cloud: CloudWorld) -> None:
    cloud.queues.send([message(number) for number in range(3)])
    (_,) = cloud.queues.receive(Queue.JOBS, most=1, wait_seconds=0)
    depth = cloud.queues.depth(Queue.JOBS)
    assert (depth.visible, depth.in_flight, depth.delayed, depth.total) == (2, 1, 0, 3)
    assert cloud.queues.depth(Queue.JOBS, dead_letters=True).total == 0
