"""Webhooks: every final event of a job that names an endpoint is delivered, or given up with a reason."""

import os
import threading
from typing import Any

import msgspec
import pytest

from contracts.deliveries import Delivery, DeliveryState, lease
from contracts.errors import SourceForbidden, SourceUnreachable, Unavailable
from contracts.identifiers import JobId, event_id
from contracts.job import DebtKind, JobState
from contracts.limits import Timing
from contracts.messages import Finished, Notify, Outgoing, Queue, encode
from contracts.options import Options
from contracts.outside_ports import Reply
from contracts.webhooks import Webhook, deleted, is_signed, new_webhook, rotated
from services.processing.courier import CALLS, CALLS_OF_ONE, Courier
from tests.support.memory import MemoryDeliveries, MemoryLedger, MemoryReceiver, MemoryWebhooks, VirtualClock
from tests.support.pipeline import Died, Pipeline, some_variants

FIRST_GAP = 5 * 1.2


@pytest.fixture
def webhook(pipeline: Pipeline) -> Webhook:
    made = new_webhook("default", "https://hooks.example/in", pipeline.clock.now(), os.urandom)
    pipeline.webhooks.keep(made, 0)
    return made


def options(webhook: Webhook, *names: str) -> Options:
    return msgspec.structs.replace(some_variants(*(names or ("a", "b"))), webhook=webhook.id, meta={"sku": "A-17"})


def finished(pipeline: Pipeline, webhook: Webhook, nature: Any = None) -> JobId:
    """A job that went through to its end; its event is on its way."""
    accepted = pipeline.upload(options=options(webhook))
    if nature is not None:
        pipeline.function.nature[accepted.job.id] = nature
    for name in ("jobs", "completions"):
        pipeline.turn(name)
        pipeline.function.run()
    pipeline.turn("completions")
    return accepted.job.id


def only(pipeline: Pipeline) -> Delivery:
    [delivery] = pipeline.deliveries.all()
    return delivery


def test_an_endpoint_is_told_of_a_job_that_is_over(pipeline: Pipeline, webhook: Webhook) -> None:
    job_id = finished(pipeline, webhook)
    assert pipeline.job(job_id).state is JobState.COMPLETED
    pipeline.turn("notifications")
    [(url, headers, body)] = pipeline.receiver.got
    job = pipeline.job(job_id)
    assert url == webhook.url
    assert headers["webhook-id"] == event_id(job_id, 1, "completed")
    assert headers["Content-Type"] == "application/json"
    assert is_signed(headers, body, webhook.secrets[-1].value, pipeline.clock.now())
    said = msgspec.json.decode(body)
    assert said.pop("timestamp").endswith("Z")
    assert said == {
        "type": "job.completed",
        "data": {
            "id": job_id,
            "run": 1,
            "revision": job.revision - 1,
            "state": "completed",
            "meta": {"sku": "A-17"},
            "variants": [
                {"name": record.spec.name, "state": "completed", "bytes": record.result.bytes}
                for record in job.variants
                if record.result
            ],
            "status_url": f"https://img.example/status/{job_id}",
        },
    }
    assert only(pipeline).state is DeliveryState.DELIVERED
    assert not job.debts
    assert pipeline.queues.bodies(Queue.NOTIFICATIONS) == []


def test_a_job_that_names_nobody_tells_nobody(pipeline: Pipeline) -> None:
    accepted = pipeline.upload(options=some_variants("a"))
    pipeline.settle()
    assert pipeline.job(accepted.job.id).state is JobState.COMPLETED
    assert (pipeline.deliveries.all(), pipeline.receiver.got) == ([], [])


@pytest.mark.parametrize(
    ("nature", "kind"),
    [
        ({"a": "failed"}, "job.partially_completed"),
        ({"a": "failed", "b": "failed"}, "job.failed"),
        ("undecodable", "job.rejected"),
    ],
)
def test_every_kind_of_end_is_told(pipeline: Pipeline, webhook: Webhook, nature: Any, kind: str) -> None:
    finished(pipeline, webhook, nature)
    pipeline.turn("notifications")
    [(_, _, body)] = pipeline.receiver.got
    said = msgspec.json.decode(body)
    assert said["type"] == kind == f"job.{said['data']['state']}"


def test_a_cancelled_job_is_told_of_by_the_one_who_cancelled_it(pipeline: Pipeline, webhook: Webhook) -> None:
    job_id = pipeline.upload(options=options(webhook)).job.id
    done = pipeline.host.commands.cancel("default", job_id, None)
    pipeline.host.intake.announce(done.messages)
    pipeline.turn("notifications")
    assert only(pipeline).type == "job.cancelled"
    assert only(pipeline).state is DeliveryState.DELIVERED


def test_each_run_has_an_event_of_its_own(pipeline: Pipeline, webhook: Webhook) -> None:
    """Invariant 8. The first run's event is told although the second has begun."""
    job_id = finished(pipeline, webhook, {"a": "failed"})
    pipeline.host.commands.retry("default", job_id, None, pipeline.job(job_id).revision)
    pipeline.function.nature[job_id] = {}
    pipeline.settle()
    runs = [msgspec.json.decode(body)["data"] for _, _, body in pipeline.receiver.got]
    assert [(one["run"], one["state"]) for one in runs] == [(1, "partially_completed"), (2, "completed")]
    assert "variants" not in runs[0], "what they were then is not known any more"
    assert len({headers["webhook-id"] for _, headers, _ in pipeline.receiver.got}) == 2


def test_what_fails_is_sent_again_the_same_with_a_new_time(pipeline: Pipeline, webhook: Webhook) -> None:
    finished(pipeline, webhook)
    pipeline.receiver.answers = [Reply(status=503), SourceUnreachable("x"), SourceForbidden("x"), Reply(status=200)]
    pipeline.turn("notifications")
    for gap in (5, 30, 120):
        pipeline.host.rounds.make()
        pipeline.clock.advance(gap * 1.2 + 1)
        pipeline.host.rounds.make()
    got = pipeline.receiver.got
    assert len(got) == 4
    assert len({body for _, _, body in got}) == len({headers["webhook-id"] for _, headers, _ in got}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in got}) == 4
    assert only(pipeline).state is DeliveryState.DELIVERED
    told = [(one.status, one.error) for one in only(pipeline).attempts]
    assert told == [(503, None), (None, "source-unreachable"), (None, "source-forbidden"), (200, None)]


def test_a_redirect_is_a_failure(pipeline: Pipeline, webhook: Webhook) -> None:
    finished(pipeline, webhook)
    pipeline.receiver.answers = [Reply(status=302)]
    pipeline.turn("notifications")
    assert only(pipeline).state is DeliveryState.PENDING


def test_an_endpoint_that_says_410_is_sent_nothing_more(pipeline: Pipeline, webhook: Webhook) -> None:
    finished(pipeline, webhook)
    pipeline.receiver.answers = [Reply(status=410)]
    pipeline.turn("notifications")
    kept = pipeline.webhooks.webhook("default", webhook.id)
    assert kept is not None
    assert not kept.is_live
    assert only(pipeline).reason == "endpoint-gone"
    finished(pipeline, webhook)
    pipeline.turn("notifications")
    assert len(pipeline.receiver.got) == 1
    assert sorted(one.reason or "" for one in pipeline.deliveries.all()) == ["endpoint-disabled", "endpoint-gone"]


def test_a_deleted_endpoint_is_sent_nothing_more(pipeline: Pipeline, webhook: Webhook) -> None:
    pipeline.webhooks.keep(deleted(webhook, 1), 1)
    finished(pipeline, webhook)
    pipeline.turn("notifications")
    assert pipeline.receiver.got == []
    assert (only(pipeline).state, only(pipeline).reason) == (DeliveryState.EXHAUSTED, "endpoint-removed")


def test_both_secrets_sign_during_a_rotation(pipeline: Pipeline, webhook: Webhook) -> None:
    """Invariant 17."""
    after = rotated(webhook, pipeline.clock.now(), os.urandom)
    pipeline.webhooks.keep(after, 1)
    finished(pipeline, webhook)
    pipeline.turn("notifications")
    [(_, headers, body)] = pipeline.receiver.got
    for secret in after.secrets:
        assert is_signed(headers, body, secret.value, pipeline.clock.now())


def test_a_second_message_makes_no_second_event(pipeline: Pipeline, webhook: Webhook) -> None:
    finished(pipeline, webhook)
    pipeline.queues.duplicate(Queue.NOTIFICATIONS, 0)
    pipeline.turn("notifications")
    pipeline.turn("notifications")
    assert len(pipeline.receiver.got) == len(pipeline.deliveries.all()) == 1


def test_a_purged_queue_delays_an_event_and_no_more(pipeline: Pipeline, webhook: Webhook) -> None:
    finished(pipeline, webhook)
    pipeline.queues.purge(Queue.NOTIFICATIONS)
    pipeline.clock.advance(pipeline.timing.first_gap_seconds + 1)
    pipeline.sweep()
    pipeline.turn("notifications")
    assert only(pipeline).state is DeliveryState.DELIVERED


OPS = (*("ledger.read", "ledger.replace", "queues.delete", "webhooks.webhook", "receiver.post", "deliveries.replace"),)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("fault", [Died, Unavailable])
def test_whatever_breaks_off_the_event_is_delivered_and_with_one_id(
    pipeline: Pipeline, webhook: Webhook, op: str, side: str, fault: type[BaseException]
) -> None:
    """F30: a crash between the call and its record makes a second call, with the same id. Nothing else does."""
    finished(pipeline, webhook)
    met: list[str] = []

    def strike(called: str) -> None:
        if called == op and not met:
            met.append(called)
            raise fault("struck")

    setattr(pipeline, side, strike)
    try:
        pipeline.turn("notifications")
    except Died:
        pipeline.restart()
    assert met
    for _ in range(40):
        pipeline.queues.surface(Queue.NOTIFICATIONS)
        pipeline.turn("notifications")
        pipeline.sweep()
        pipeline.host.rounds.make()
        pipeline.clock.advance(10)
    assert only(pipeline).state is DeliveryState.DELIVERED
    posted_twice = (op, side) in {("receiver.post", "after"), ("deliveries.replace", "before")}
    unanswered = (op, side, fault) == ("receiver.post", "before", Unavailable)
    assert len(pipeline.receiver.got) == 1 + posted_twice or unanswered
    assert len({headers["webhook-id"] for _, headers, _ in pipeline.receiver.got}) == 1
    [job] = pipeline.ledger.jobs()
    assert not job.debts


def test_a_deleted_jobs_event_is_never_born_and_its_deliveries_are_emptied(
    pipeline: Pipeline, webhook: Webhook
) -> None:
    """Traces 3 and 14; invariants 15 and 20."""
    pipeline.receiver.answers = [Reply(status=500)]
    told = finished(pipeline, webhook)
    pipeline.turn("notifications")
    untold = finished(pipeline, webhook)
    for job_id in (told, untold):
        pipeline.host.commands.delete("default", job_id, None)
    pipeline.turn("notifications")
    [delivery] = pipeline.deliveries.all()
    assert delivery.job_id == told
    pipeline.sweep()
    delivery = only(pipeline)
    assert (delivery.state, delivery.reason, delivery.body) == (DeliveryState.EXHAUSTED, "deleted", "")
    pipeline.clock.advance(3_600)
    pipeline.host.rounds.make()
    assert len(pipeline.receiver.got) == 1


def test_a_notifier_that_stalls_while_the_job_is_deleted_writes_nothing(pipeline: Pipeline, webhook: Webhook) -> None:
    """Trace 14: the transaction refuses it."""
    job_id = finished(pipeline, webhook)
    once: list[str] = []

    def delete_first(op: str) -> None:
        if op == "ledger.replace" and not once:
            once.append(op)
            pipeline.host.commands.delete("default", job_id, None)

    pipeline.before = delete_first
    pipeline.turn("notifications")
    assert once
    assert pipeline.deliveries.all() == []
    assert pipeline.receiver.got == []


def test_messages_that_mean_nothing_are_parked(pipeline: Pipeline, webhook: Webhook) -> None:
    job_id = finished(pipeline, webhook)
    pipeline.turn("notifications")
    foreign = encode(Finished(job_id=job_id, token=1)).decode()
    for body in ("not JSON", "{}", foreign):
        pipeline.queues.put(Queue.NOTIFICATIONS, body)
    pipeline.queues.send([Outgoing(Queue.NOTIFICATIONS, Notify(job_id=job_id, debt=99))])
    pipeline.turn("notifications")
    assert len(pipeline.queues.bodies(Queue.NOTIFICATIONS, dead_letters=True)) == 3
    assert pipeline.queues.bodies(Queue.NOTIFICATIONS) == []


def test_a_record_that_cannot_be_written_keeps_no_room(pipeline: Pipeline, webhook: Webhook) -> None:
    finished(pipeline, webhook)

    def fails(op: str) -> None:
        if op == "ledger.replace":
            raise Unavailable("planted")

    pipeline.before = fails
    for _ in range(CALLS_OF_ONE):
        pipeline.turn("notifications")
        pipeline.queues.surface(Queue.NOTIFICATIONS)
    pipeline.before = lambda op: None
    assert pipeline.receiver.got == []
    pipeline.turn("notifications")
    assert len(pipeline.receiver.got) == 1


def test_a_call_that_fails_keeps_no_room(pipeline: Pipeline, webhook: Webhook) -> None:
    def fails(op: str) -> None:
        if op == "webhooks.webhook":
            raise Unavailable("planted")

    pipeline.before = fails
    for _ in range(CALLS_OF_ONE):
        finished(pipeline, webhook)
        pipeline.turn("notifications")
    pipeline.before = lambda op: None
    assert pipeline.receiver.got == []
    finished(pipeline, webhook)
    pipeline.turn("notifications")
    assert len(pipeline.receiver.got) == 1


def test_an_event_that_is_asked_for_while_it_is_sent_is_sent_again(pipeline: Pipeline, webhook: Webhook) -> None:
    """What came of the call is written under the revision that was sent, and that is not there any more."""
    finished(pipeline, webhook)

    def asks(op: str) -> None:
        if op == "receiver.post":
            pipeline.before = lambda op: None
            [sent] = pipeline.deliveries.all()
            pipeline.host.endpoints.redeliver("default", webhook.id, sent.event)

    pipeline.before = asks
    pipeline.turn("notifications")
    [delivery] = pipeline.deliveries.all()
    assert (delivery.state, delivery.due_at) == (DeliveryState.PENDING, pipeline.clock.now())
    pipeline.host.rounds.make()
    assert [one.state for one in pipeline.deliveries.all()] == [DeliveryState.DELIVERED]
    assert len(pipeline.receiver.got) == 2


def test_an_index_that_is_behind_has_nothing_sent_before_its_time(
    pipeline: Pipeline, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.receiver.answers = [Reply(status=500)]
    finished(pipeline, webhook)
    pipeline.turn("notifications")
    [delivery] = pipeline.deliveries.all()
    assert (delivery.state, delivery.tries) == (DeliveryState.PENDING, 1)
    monkeypatch.setattr(pipeline.deliveries, "due", lambda shard, until, most: [delivery.key])
    pipeline.host.rounds.make()
    assert pipeline.deliveries.all() == [delivery]
    pipeline.clock.advance(FIRST_GAP)
    pipeline.host.rounds.make()
    assert [one.tries for one in pipeline.deliveries.all()] == [2]


def test_of_two_hosts_one_sends(pipeline: Pipeline, webhook: Webhook) -> None:
    finished(pipeline, webhook)
    pipeline.receiver.answers = [Reply(status=500), Reply(status=200)]
    pipeline.turn("notifications")
    pipeline.clock.advance(FIRST_GAP)
    first = pipeline.host
    pipeline.restart()
    once: list[str] = []

    def the_other_too(op: str) -> None:
        if op == "deliveries.replace" and not once:
            once.append(op)
            first.rounds.make()

    pipeline.before = the_other_too
    pipeline.host.rounds.make()
    assert once
    assert len(pipeline.receiver.got) == 2
    assert only(pipeline).state is DeliveryState.DELIVERED


class Held:
    """Calls that were begun and are not over: what a slow endpoint makes of a courier."""

    def __init__(self) -> None:
        self.calls: list[Any] = []


def a_courier(held: Held) -> tuple[Courier, MemoryLedger]:
    ledger = MemoryLedger()
    courier = Courier(
        deliveries=MemoryDeliveries(ledger),
        webhooks=MemoryWebhooks(),
        outside=MemoryReceiver(),
        clock=VirtualClock(),
        timing=Timing(),
        start=held.calls.append,
    )
    return courier, ledger


def test_a_slow_endpoint_has_few_calls_and_leaves_the_rest_to_others() -> None:
    courier, _ = a_courier(Held())
    slow, other = "wh_" + "a" * 16, "wh_" + "b" * 16
    assert [courier.reserve(slow) for _ in range(CALLS_OF_ONE + 2)] == [True] * CALLS_OF_ONE + [False] * 2
    assert courier.reserve(other)
    courier.give_back(slow)
    assert courier.reserve(slow)
    for number in range(CALLS):
        courier.reserve(f"wh_{number}")
    assert courier.is_full
    assert not courier.reserve("wh_last")


def test_what_finds_no_room_waits_and_spends_no_try(pipeline: Pipeline, webhook: Webhook) -> None:
    held = Held()
    pipeline.host.courier._start = held.calls.append
    for _ in range(CALLS_OF_ONE + 3):
        finished(pipeline, webhook)
        pipeline.turn("notifications")
    assert len(held.calls) == CALLS_OF_ONE
    waiting = [one for one in pipeline.deliveries.all() if (one.due_at or 0) <= pipeline.clock.now()]
    assert len(waiting) == 3
    pipeline.host.rounds.make()
    later = [one for one in pipeline.deliveries.all() if one.key in {two.key for two in waiting}]
    assert all(one.due_at and one.due_at > pipeline.clock.now() and one.tries == 0 for one in later)
    for call in held.calls:
        call()
    held.calls.clear()
    pipeline.host.courier._start = lambda call: call()
    pipeline.clock.advance(60)
    pipeline.host.rounds.make()
    assert {one.state for one in pipeline.deliveries.all()} == {DeliveryState.DELIVERED}


def test_a_courier_that_is_to_stop_begins_nothing_and_waits_for_what_is_under_way() -> None:
    held = Held()
    courier, _ = a_courier(held)
    webhook = "wh_" + "a" * 16
    assert courier.reserve(webhook)
    assert not courier.stop(0.01)
    assert not courier.reserve(webhook)
    ended = threading.Thread(target=courier.give_back, args=(webhook,))
    ended.start()
    assert courier.stop(60)
    ended.join()


def test_a_call_that_is_under_way_is_nobody_elses(pipeline: Pipeline, webhook: Webhook) -> None:
    held = Held()
    pipeline.host.courier._start = held.calls.append
    finished(pipeline, webhook)
    pipeline.turn("notifications")
    now = pipeline.clock.now()
    assert only(pipeline).due_at == now + lease(pipeline.timing)
    pipeline.restart()
    pipeline.host.rounds.make()
    assert pipeline.receiver.got == []
    pipeline.clock.advance(lease(pipeline.timing) / 1000)
    pipeline.host.rounds.make()
    assert len(pipeline.receiver.got) == 1


def test_nothing_of_a_client_or_a_secret_is_logged(pipeline: Pipeline, webhook: Webhook, told: list[Any]) -> None:
    pipeline.receiver.answers = [Reply(status=500), Reply(status=410)]
    finished(pipeline, webhook)
    pipeline.turn("notifications")
    pipeline.clock.advance(FIRST_GAP)
    pipeline.host.rounds.make()
    names = {line["event"] for line in told}
    assert {"delivery.born", "delivery.postponed", "delivery.exhausted", "webhook.disabled"} <= names
    text = repr(told)
    for secret in (webhook.secrets[-1].value, webhook.url, "A-17", "sku"):
        assert secret not in text


def test_a_job_owes_its_event_until_the_record_is_there(pipeline: Pipeline, webhook: Webhook) -> None:
    job_id = finished(pipeline, webhook)
    [debt] = pipeline.job(job_id).debts
    assert (debt.kind, debt.run, debt.state) == (DebtKind.NOTIFY, 1, JobState.COMPLETED)
