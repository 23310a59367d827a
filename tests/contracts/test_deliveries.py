"""Deliveries: every event is delivered or given up with a reason, later and later in between."""

from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.deliveries import (
    SCHEMA,
    TOLD,
    Attempt,
    Delivery,
    DeliveryState,
    again,
    attempted,
    decode_delivery,
    emptied,
    encode_delivery,
    exhausted,
    keys_of,
    lease,
    postponed,
    taken,
)
from contracts.identifiers import event_id
from contracts.limits import MAX_DELIVERY_ATTEMPTS, Timing
from contracts.tables import DELIVERY_SHARDS, MAX_DUE_SHARDS, delivery_key, delivery_of, delivery_shard
from tests.contracts.test_lifecycle_traces import Life

TIMING = Timing()
NOW = 1_800_000_000_000
JOB = "01932c00-0000-7000-8000-000000000001"
FAILED = [Attempt(at=NOW, status=status) for status in (300, 302, 400, 404, 429, 500, 503)]
FAILED += [Attempt(at=NOW, error=code) for code in ("source-forbidden", "source-unreachable")]

failures = st.sampled_from(FAILED)


def a_delivery(**fields: object) -> Delivery:
    made = {
        "schema": SCHEMA,
        "event": event_id(JOB, 1, "completed"),
        "webhook": "wh_" + "a" * 16,
        "tenant": "default",
        "job_id": JOB,
        "run": 1,
        "type": "job.completed",
        "body": "{}",
        "created_at": NOW,
        "due_at": NOW,
    }
    return Delivery(**(made | fields))  # type: ignore[arg-type]


def test_what_failed_together_does_not_come_back_together() -> None:
    """A receiver that is back has its events over a fifth of the gap, and not all at once."""
    events = [a_delivery(event=event_id(JOB, run, "completed")) for run in range(1, 9)]
    gaps = [(attempted(one, FAILED[-1], None, NOW, TIMING).due_at or 0) - NOW for one in events]
    first = TIMING.webhook_gaps_seconds[0] * 1_000
    assert len(set(gaps)) > 4
    assert all(first <= gap <= 1.2 * first for gap in gaps)


@given(st.lists(failures, min_size=12, max_size=12))
def test_a_receiver_that_never_answers_is_tried_nine_times_within_four_days(attempts: list[Attempt]) -> None:
    """Invariant 20: then it is given up, with a reason."""
    delivery, now, tries = a_delivery(), NOW, 0
    while delivery.state is DeliveryState.PENDING:
        assert delivery.due_at is not None
        now = delivery.due_at
        delivery = attempted(taken(delivery, now, TIMING), attempts[tries], None, now, TIMING)
        tries += 1
    assert tries == 1 + len(TIMING.webhook_gaps_seconds) == 9
    assert 79 <= (now - NOW) / 3_600_000 <= 79 * 1.21
    assert (delivery.state, delivery.reason, delivery.due_at) == (DeliveryState.EXHAUSTED, "tries-spent", None)
    assert [one.status for one in delivery.attempts] == [one.status for one in attempts[:9]]


@given(st.integers(0, 7), failures)
def test_each_gap_is_as_long_as_it_says_and_up_to_a_fifth_longer(tries: int, attempt: Attempt) -> None:
    after = attempted(a_delivery(tries=tries), attempt, None, NOW, TIMING)
    assert after.due_at is not None
    assert 1 <= (after.due_at - NOW) / 1000 / TIMING.webhook_gaps_seconds[tries] <= 1.2
    assert after.tries == tries + 1


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    after = attempted(a_delivery(), Attempt(at=NOW, status=status), "60", NOW, TIMING)
    assert (after.state, after.due_at, after.ended_at, after.reason) == (DeliveryState.DELIVERED, None, NOW, None)


def test_410_is_the_end_at_once() -> None:
    after = attempted(a_delivery(), Attempt(at=NOW, status=410), None, NOW, TIMING)
    assert (after.state, after.reason, after.due_at) == (DeliveryState.EXHAUSTED, "endpoint-gone", None)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        (format_datetime(datetime.fromtimestamp(NOW // 1000 + 300, UTC), usegmt=True), 300),
        ("999999999", 48 * 3_600),
        ("9" * 400, 5),
        ("0", 5),
        ("-5", 5),
        ("soon", 5),
        ("", 5),
        ("١٢", 5),
        (format_datetime(datetime.fromtimestamp(NOW // 1000 - 300, UTC), usegmt=True), 5),
        ("Fri, 31 Dec 99999 23:59:59 GMT", 5),
    ],
)
def test_retry_after_is_obeyed_within_reason(said: str, seconds: int) -> None:
    after = attempted(a_delivery(), Attempt(at=NOW, status=429), said, NOW, TIMING)
    assert after.due_at is not None
    assert seconds <= (after.due_at - NOW) / 1000 <= seconds * 1.2


@given(st.text(max_size=40))
def test_no_header_of_a_receiver_breaks_it(said: str) -> None:
    after = attempted(a_delivery(), Attempt(at=NOW, status=503), said, NOW, TIMING)
    assert after.due_at is not None
    assert NOW + 5_000 <= after.due_at <= NOW + 48 * 3_600_000


def test_what_is_in_hand_is_looked_at_again_only_when_a_call_must_be_over() -> None:
    held = taken(a_delivery(), NOW, TIMING)
    assert held.due_at == NOW + lease(TIMING)
    assert lease(TIMING) > TIMING.webhook_seconds * 1000
    assert held.tries == postponed(a_delivery(), NOW, TIMING).tries == 0


def test_every_change_has_a_revision_of_its_own() -> None:
    first = a_delivery()
    attempt = Attempt(at=NOW, status=500)
    for after in (
        taken(first, NOW, TIMING),
        postponed(first, NOW, TIMING),
        attempted(first, attempt, None, NOW, TIMING),
        attempted(first, Attempt(at=NOW, status=410), None, NOW, TIMING),
        exhausted(first, "endpoint-removed", NOW),
        again(first, NOW),
        emptied(first, NOW),
    ):
        assert after.revision == first.revision + 1
        assert after.key == first.key


def test_asked_for_again_it_begins_anew_and_remembers_what_was() -> None:
    spent = a_delivery(
        tries=9, attempts=tuple(FAILED), state=DeliveryState.EXHAUSTED, reason="tries-spent", due_at=None
    )
    more = again(spent, NOW + 1)
    assert (more.state, more.tries, more.due_at, more.reason, more.ended_at) == (
        DeliveryState.PENDING,
        0,
        NOW + 1,
        None,
        None,
    )
    assert more.attempts == spent.attempts
    for _ in range(5):
        more = attempted(more, Attempt(at=NOW, status=500), None, NOW, TIMING)
    assert len(more.attempts) == MAX_DELIVERY_ATTEMPTS


def test_once_its_job_is_deleted_a_delivery_says_nothing_of_it() -> None:
    """Invariant 15."""
    for delivery in (
        a_delivery(body='{"meta":"x"}'),
        attempted(a_delivery(), Attempt(at=1, status=200), None, NOW, TIMING),
    ):
        gone = emptied(delivery, NOW)
        assert (gone.body, gone.due_at) == ("", None)
        delivered = delivery.state is DeliveryState.DELIVERED
        assert (gone.state, gone.reason) == (
            (DeliveryState.DELIVERED, None) if delivered else (DeliveryState.EXHAUSTED, "deleted")
        )


def test_all_deliveries_of_a_job_can_be_named_from_the_job_alone() -> None:
    life = Life("a").processing()
    job = life.job
    assert job.webhook is not None
    assert keys_of(msgspec.structs.replace(job, webhook=None)) == []
    wanted = {(event_id(job.id, run, state), job.webhook) for run in (1, 2, 3) for state in TOLD}
    assert set(keys_of(msgspec.structs.replace(job, run=3))) == wanted
    assert len(wanted) == 3 * len(TOLD), "invariant 8: an event's id is of one run and state"


def test_what_is_kept_of_a_delivery_is_read_back() -> None:
    whole = attempted(a_delivery(), FAILED[-1], None, NOW, TIMING)
    assert decode_delivery(encode_delivery(whole)) == whole
    with pytest.raises(msgspec.ValidationError):
        decode_delivery(encode_delivery(a_delivery(schema=SCHEMA + 1)))


@given(st.text("0123456789abcdef", min_size=32, max_size=32))
def test_rows_of_deliveries_are_never_taken_for_jobs(event: str) -> None:
    key = delivery_key(event, "wh_" + "a" * 16)
    assert delivery_of(key) == (event, "wh_" + "a" * 16)
    assert not key.startswith("job#")
    assert MAX_DUE_SHARDS <= delivery_shard(event) < MAX_DUE_SHARDS + DELIVERY_SHARDS
