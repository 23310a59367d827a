"""Short traces that broke a model of the protocol once: each is pinned as the promise it taught."""

from typing import Any

import pytest
from msgspec.structs import replace

from contracts.errors import RevisionMoved
from contracts.events import (
    Cancelled,
    Crashed,
    Deleted,
    Erased,
    Event,
    Expired,
    LapsedAlarm,
    LapsedDebt,
    Notified,
    Planned,
    Refused,
    Reserved,
    Retried,
    Stored,
)
from contracts.framing import Fit, Resize
from contracts.job import DebtKind, Job, JobState, Source, VariantState
from contracts.lifecycle import Outcome, Verdict, owed, step
from contracts.limits import MAX_COMMANDS, Timing
from contracts.messages import Failed, Retryable, Transform, Undone
from contracts.variants import Variant
from services.processing.announcing import delivery_of
from tests.support.memory import MemoryLedger
from tests.support.walk import SOURCE, done, finished, reserved

TIMING = Timing()
HOUR = 3_600_000


class Life:
    """A job and a clock: each event is applied at the clock's time, which goes on by a millisecond."""

    def __init__(self, *names: str, direct: bool = False, webhook: bool = True) -> None:
        self.now = 1_000
        self.outcome: Outcome = step(None, [reserved(*names, direct=direct, webhook=webhook)], self.now, TIMING)

    @property
    def job(self) -> Job:
        assert self.outcome.job is not None
        return self.outcome.job

    def then(self, *events: Event) -> "Life":
        self.now += 1
        self.outcome = step(self.job, events, self.now, TIMING)
        return self

    def at(self, now: int) -> "Life":
        self.now = max(self.now, now)
        return self

    def stored(self) -> "Life":
        return self.then(Stored(version_id="v1", etag="e", source=SOURCE))

    def processing(self) -> "Life":
        return self.stored().then(Planned())

    @property
    def verdict(self) -> Verdict:
        return self.outcome.verdicts[-1]

    def debt(self, kind: DebtKind) -> int:
        (found,) = [debt.id for debt in self.job.debts if debt.kind is kind]
        return found

    def states(self) -> dict[str, VariantState]:
        return {record.spec.name: record.state for record in self.job.variants}

    def orders(self) -> list[Transform]:
        return [out.message for out in self.outcome.send if isinstance(out.message, Transform)]


def test_an_abandoned_job_that_was_erased_still_has_an_alarm() -> None:
    life = Life("a", direct=True).at(10 * HOUR).then(LapsedAlarm())
    life.then(Erased(debt=life.debt(DebtKind.ERASE)))
    assert (life.job.state, life.job.debts) == (JobState.ABANDONED, ())
    assert life.job.due_at == life.job.expires_at


def test_an_erasure_begun_before_the_deletion_settles_nothing_of_it() -> None:
    life = Life("a", direct=True).at(10 * HOUR).then(LapsedAlarm())
    stale = life.debt(DebtKind.ERASE)
    life.at(life.job.expires_at).then(Expired())
    assert life.then(Erased(debt=stale)).verdict is Verdict.SUPERSEDED
    assert life.then(Erased(debt=stale)).verdict is Verdict.SUPERSEDED
    assert life.job.state is JobState.DELETING


def test_a_delivery_of_an_earlier_run_settles_only_its_own_debt() -> None:
    life = Life("a", "b").processing()
    life.then(finished(1, (done("a"), Failed(name="b", code="spec-invalid"))))
    first = life.debt(DebtKind.NOTIFY)
    life.then(Retried(command="r", revision=life.job.revision)).then(Planned())
    life.then(finished(2, (Failed(name="b", code="spec-invalid"),)))
    assert life.then(Notified(debt=first)).verdict is Verdict.APPLIED
    assert [debt.run for debt in life.job.debts if debt.kind is DebtKind.NOTIFY] == [2]


def test_the_second_erasure_is_dated_by_the_first_and_not_by_the_deletion() -> None:
    life = Life("a", webhook=False).processing().then(Deleted(command="d"))
    life.at(100 * HOUR).then(Erased(debt=life.debt(DebtKind.ERASE)))
    assert life.job.state is JobState.DELETING
    slowest = max(TIMING.function_timeout_seconds, TIMING.upload_deadline_seconds) + TIMING.grace_seconds
    assert life.job.due_at == life.now + slowest * 1_000


def test_the_second_erasure_of_a_direct_upload_waits_for_the_last_possible_post() -> None:
    life = Life("a", direct=True).then(Deleted(command="d"))
    life.then(Erased(debt=life.debt(DebtKind.ERASE)))
    assert life.job.due_at == life.job.upload_until + HOUR


def test_a_cancelled_job_owes_no_work() -> None:
    life = Life("a", webhook=False).stored().then(Cancelled(command="c"))
    assert (life.job.state, life.job.debts, owed(life.job, life.now)) == (JobState.CANCELLED, (), ())


def test_a_good_post_after_a_refused_one_is_erased_too() -> None:
    life = Life("a", direct=True, webhook=False).then(Refused(version_id="v0", code="image-corrupt"))
    life.then(Erased(debt=life.debt(DebtKind.ERASE)))
    assert life.job.debts == ()
    life.stored()
    assert (life.job.state, [debt.kind for debt in life.job.debts]) == (JobState.REJECTED, [DebtKind.ERASE])


def test_bytes_that_land_during_an_erasure_are_owed_under_a_new_debt() -> None:
    life = Life("a", direct=True, webhook=False).at(10 * HOUR).then(LapsedAlarm())
    begun = life.debt(DebtKind.ERASE)
    life.stored()
    assert life.debt(DebtKind.ERASE) != begun
    assert life.then(Erased(debt=begun)).verdict is Verdict.SUPERSEDED


def test_a_copy_of_the_pinned_versions_event_does_not_erase_the_original() -> None:
    life = Life("a", direct=True, webhook=False).stored().then(Cancelled(command="c")).stored()
    assert (life.verdict, life.job.debts) == (Verdict.SUPERSEDED, ())


def test_another_version_does_not_erase_the_pinned_one() -> None:
    life = Life("a", direct=True, webhook=False)
    life.then(Stored(version_id="v2", etag="e", source=SOURCE)).then(Cancelled(command="c")).stored()
    assert (life.verdict, life.job.debts) == (Verdict.SUPERSEDED, ())


def test_a_plan_cuts_what_is_pending_now_and_not_what_its_reader_saw() -> None:
    life = Life("a", "b").processing().then(finished(1, (done("a"), Failed(name="b", code="spec-invalid"))))
    life.then(Retried(command="r", revision=life.job.revision)).then(Planned())
    assert [[spec.name for spec in order.variants] for order in life.orders()] == [["b"]]


def _two_parts() -> Life:
    """A job with two open parts: tokens 2 (a) and 3 (b)."""
    return Life("a", "b", webhook=False).processing().then(Crashed(token=1))


def test_an_undecodable_answer_drops_the_other_parts_and_their_debts() -> None:
    life = _two_parts().then(finished(2, undecodable="image-corrupt"))
    assert (life.job.state, [debt.kind for debt in life.job.debts]) == (JobState.REJECTED, [DebtKind.ERASE])
    assert not any(part.is_open for part in life.job.parts)


def test_a_variant_that_was_made_keeps_the_job_from_being_rejected() -> None:
    life = _two_parts().then(finished(2, (done("a"),))).then(finished(3, undecodable="image-corrupt"))
    assert life.job.state is JobState.PARTIALLY_COMPLETED
    assert life.states() == {"a": VariantState.COMPLETED, "b": VariantState.FAILED}


def test_splitting_costs_the_neighbours_no_try() -> None:
    life = Life("a", "b", "c", webhook=False).processing().then(Crashed(token=1))
    assert [[v.name for v in order.variants] for order in life.orders()] == [["a", "b"], ["c"]]
    life.then(Crashed(token=2))
    assert [record.tries for record in life.job.variants] == [0, 0, 0]
    life.then(Crashed(token=4))
    assert [record.tries for record in life.job.variants] == [1, 0, 0]


def test_the_second_crash_of_a_single_variant_is_its_last() -> None:
    life = Life("a", webhook=False).processing().then(Crashed(token=1)).then(Crashed(token=2))
    assert life.job.state is JobState.FAILED
    assert life.job.variants[0].error is not None
    assert life.job.variants[0].error.code == "resource-limit"


def test_a_repeated_retry_gets_its_answer_before_its_revision_is_looked_at() -> None:
    life = Life("a").processing().then(finished(1, (Failed(name="a", code="spec-invalid"),)))
    retry = Retried(command="r", revision=life.job.revision)
    assert life.then(retry).verdict is Verdict.APPLIED
    assert life.then(retry).verdict is Verdict.SUPERSEDED
    assert life.job.run == 2


def test_a_forgotten_retry_is_stopped_by_its_revision() -> None:
    life = Life("a").processing().then(finished(1, (Failed(name="a", code="spec-invalid"),)))
    first = Retried(command="first", revision=life.job.revision)
    life.then(first)
    for number in range(MAX_COMMANDS):
        life.then(Planned()).then(finished(life.job.last_token, (Failed(name="a", code="spec-invalid"),)))
        life.then(Retried(command=f"r{number}", revision=life.job.revision))
    life.then(Planned()).then(finished(life.job.last_token, (Failed(name="a", code="spec-invalid"),)))
    assert len(life.job.commands) == MAX_COMMANDS
    assert life.then(first).verdict is Verdict.ILLEGAL


def test_an_upload_that_meets_a_cancelled_job_is_erased_and_not_queued() -> None:
    life = Life("a", webhook=False).then(Cancelled(command="c")).stored()
    assert (life.job.state, [debt.kind for debt in life.job.debts]) == (JobState.CANCELLED, [DebtKind.ERASE])


def test_a_record_that_is_late_is_refused_with_the_write_that_would_have_borne_it() -> None:
    """Its writer saw a completed job and stalled, while the job was deleted and erased twice."""
    life, table = Life("a").processing().then(finished(1, (done("a"),))), MemoryLedger()
    seen, debt = life.job, life.job.debts[0]
    assert table.create(seen) is None
    event = Notified(debt=life.debt(DebtKind.NOTIFY))
    late = step(seen, [event], life.now, TIMING)
    record = delivery_of(seen, debt, f"wh_{'a' * 16}", life.now, base="")
    assert late.verdicts == (Verdict.APPLIED,)
    life.then(Deleted(command="d"))
    table.replace(life.job, seen.revision)
    while life.job.state is not JobState.DELETED:
        before = life.job.revision
        life.at(life.job.due_at or 0).then(Erased(debt=life.debt(DebtKind.ERASE)))
        table.replace(life.job, before)
    assert late.job is not None
    with pytest.raises(RevisionMoved):
        table.replace(late.job, seen.revision, [record])
    assert (table.jobs(), table.deliveries) == ([life.job], {})
    assert life.then(event).verdict is Verdict.SUPERSEDED


def test_eight_copies_of_process_make_one_order() -> None:
    life = Life("a").stored()
    orders = 0
    for _ in range(8):
        orders += len(life.then(Planned()).orders())
    assert orders == 1


def test_a_lapse_sends_the_same_order_and_spends_nothing() -> None:
    life = Life("a").processing()
    (order,) = life.orders()
    life.at(life.job.due_at or 0).then(LapsedDebt(debt=life.debt(DebtKind.TRANSFORM)))
    assert life.orders() == [order]
    assert life.job.debts[0].due_at == life.now + 60_000


def test_an_order_that_waits_or_is_in_hand_is_not_sent_again() -> None:
    """A transform of 58 seconds runs once: while its queue is not empty, its lapse sends no copy."""
    life = Life("a").processing()
    life.at(life.job.due_at or 0).then(LapsedDebt(debt=life.debt(DebtKind.TRANSFORM), queue_empty=False))
    assert (life.verdict, life.orders()) == (Verdict.APPLIED, [])
    assert life.job.debts[0].due_at == life.now + 900_000


def test_a_job_that_waits_to_be_planned_is_announced_again_but_then_rarely() -> None:
    """Nobody holds a message that would heal a lost announcement, and a copy of it costs next to nothing."""
    life = Life("a").stored()
    life.at(life.job.due_at or 0).then(LapsedDebt(debt=life.debt(DebtKind.PROCESS), queue_empty=False))
    assert len(life.outcome.send) == 1
    assert life.job.debts[0].due_at == life.now + 900_000


def test_a_debt_is_not_sent_before_it_is_due() -> None:
    life = Life("a").processing().then(LapsedDebt(debt=2))
    assert (life.verdict, life.outcome.send) == (Verdict.SUPERSEDED, ())


def test_after_a_purge_what_was_sent_a_while_ago_is_sent_again_at_once() -> None:
    life = Life("a").processing()
    debt = life.debt(DebtKind.TRANSFORM)
    life.at(life.job.due_at or 0).then(LapsedDebt(debt=debt)).at(life.now + 31_000)
    life.then(LapsedDebt(debt=debt, purged=True))
    assert len(life.orders()) == 1


def test_a_debt_that_backs_off_is_not_owed_and_a_purge_does_not_hurry_it() -> None:
    life = Life("a").processing().then(finished(1, (Retryable(name="a", code="unavailable"),)))
    assert (life.outcome.send, owed(life.job, life.now)) == ((), ())
    assert life.then(LapsedDebt(debt=life.debt(DebtKind.TRANSFORM), purged=True)).verdict is Verdict.SUPERSEDED
    life.at(life.job.due_at or 0).then(LapsedDebt(debt=life.debt(DebtKind.TRANSFORM)))
    assert len(life.orders()) == 1
    assert life.job.debts[0].lapses == 0


def test_a_superseded_answer_leaves_the_job_as_it_was_and_says_what_it_owes() -> None:
    life = Life("a", "b").processing().then(Crashed(token=1))
    before = life.job
    life.then(finished(1, (done("a"), done("b"))))
    assert (life.verdict, life.outcome.send, life.job) == (Verdict.SUPERSEDED, (), before)
    assert [out.message.token for out in owed(life.job, life.now) if isinstance(out.message, Transform)] == [2, 3]


def test_an_answer_with_a_token_nobody_gave_out_is_illegal() -> None:
    assert Life("a").processing().then(finished(7, (done("a"),))).verdict is Verdict.ILLEGAL
    assert Life("a").processing().then(finished(0, (done("a"),))).verdict is Verdict.ILLEGAL


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        (done("a"),),
        (done("a"), done("a")),
        (done("a"), done("b"), done("c")),
        (done("a"), replace(done("b"), key="elsewhere/" + done("b").key)),
        (done("a"), replace(done("b"), digest="e" * 64)),
        (done("a"), replace(done("b"), key=done("a").key)),
    ],
)
def test_an_answer_that_does_not_fit_its_part_counts_as_a_crash(wrong: Any) -> None:
    life = Life("a", "b", webhook=False).processing().then(finished(1, wrong))
    assert life.states() == {"a": VariantState.PENDING, "b": VariantState.PENDING}
    assert [[v.name for v in order.variants] for order in life.orders()] == [["a"], ["b"]]


def test_answers_of_two_parts_are_one_write() -> None:
    life = _two_parts()
    revision = life.job.revision
    life.then(finished(9, (done("b"),)), finished(2, (done("a"),)), finished(3, (done("b"),)))
    assert life.outcome.verdicts == (Verdict.ILLEGAL, Verdict.APPLIED, Verdict.APPLIED)
    assert (life.job.state, life.job.revision) == (JobState.COMPLETED, revision + 1)


def test_what_ran_out_of_time_goes_on_for_free_while_something_gets_done() -> None:
    life = Life("a", "b", webhook=False).processing().then(finished(1, (done("a"), Undone(name="b"))))
    assert [record.tries for record in life.job.variants] == [0, 0]
    assert len(life.orders()) == 1
    life.then(finished(2, (Undone(name="b"),)))
    assert [record.tries for record in life.job.variants] == [0, 1]
    assert life.orders() == []


def test_tries_end_and_a_retry_gives_fresh_ones() -> None:
    life = Life("a", webhook=False).processing()
    for token in (1, 2, 3):
        assert life.job.state is JobState.PROCESSING
        life.then(finished(token, (Retryable(name="a", code="unavailable"),)))
    assert life.job.state is JobState.FAILED
    life.then(Retried(command="r", revision=life.job.revision))
    assert (life.job.variants[0].tries, life.job.variants[0].state) == (0, VariantState.PENDING)


def test_an_impossible_variant_fails_alone() -> None:
    base = reserved("small", webhook=False)
    assert isinstance(base, Reserved)
    huge = Variant(name="huge", resize=Resize(width=8192, height=8192, fit=Fit.OUTSIDE, enlarge=True))
    outcome = step(None, [replace(base, variants=(*base.variants, huge))], 1, TIMING)
    wide = Source(format=SOURCE.format, bytes=9, width=4_000, height=100)
    outcome = step(outcome.job, [Stored(version_id="v", etag="e", source=wide)], 2, TIMING)
    outcome = step(outcome.job, [Planned()], 3, TIMING)
    assert outcome.job is not None
    assert {r.spec.name: r.state for r in outcome.job.variants} == {
        "small": VariantState.PENDING,
        "huge": VariantState.FAILED,
    }


def test_a_retry_keeps_the_final_event_of_the_earlier_run_owed() -> None:
    life = Life("a").processing().then(finished(1, (Failed(name="a", code="spec-invalid"),)))
    life.then(Retried(command="r", revision=life.job.revision))
    assert [(debt.kind, debt.run) for debt in life.job.debts] == [(DebtKind.NOTIFY, 1), (DebtKind.PROCESS, None)]


def test_deleting_drops_every_other_debt() -> None:
    life = Life("a").processing().then(Deleted(command="d"))
    assert [debt.kind for debt in life.job.debts] == [DebtKind.ERASE]
    assert life.then(Deleted(command="other")).verdict is Verdict.SUPERSEDED


def test_the_life_of_a_job_is_looked_at_again_at_the_write() -> None:
    life = Life("a").then(Expired())
    assert (life.verdict, life.job.state) == (Verdict.SUPERSEDED, JobState.AWAITING_UPLOAD)


def test_time_to_upload_is_looked_at_again_at_the_write() -> None:
    assert Life("a").then(LapsedAlarm()).verdict is Verdict.SUPERSEDED


def test_what_ran_out_of_time_beside_one_that_failed_for_good_pays_nothing() -> None:
    """The answer closed a variant, by its last try: there will be more time without it."""
    life = Life("a", "b", webhook=False).processing()
    for token in (1, 2):
        life.then(finished(token, (Retryable(name="a", code="unavailable"), Retryable(name="b", code="unavailable"))))
    assert [record.tries for record in life.job.variants] == [2, 2]
    life.then(finished(3, (Retryable(name="a", code="unavailable"), Undone(name="b"))))
    assert life.states() == {"a": VariantState.FAILED, "b": VariantState.PENDING}
    assert [record.tries for record in life.job.variants] == [3, 2]
    assert [[spec.name for spec in order.variants] for order in life.orders()] == [["b"]]


@pytest.mark.parametrize("direct", [False, True])
def test_whoever_was_cut_off_may_come_back_for_a_quarter_of_an_hour(direct: bool) -> None:
    life = Life("a", direct=direct)
    alarm = life.job.upload_until + 900_000
    assert life.job.due_at == alarm
    assert life.at(alarm - 2).then(LapsedAlarm()).verdict is Verdict.SUPERSEDED
    assert life.then(LapsedAlarm()).job.state is JobState.ABANDONED
