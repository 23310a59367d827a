"""The job document comes back as it was written, and stays small."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.framing import Resize
from contracts.job import FINAL, SCHEMA, Debt, DebtKind, Job, JobState, Part, VariantRecord, decode_job, encode_job
from contracts.limits import MAX_DOCUMENT_BYTES, MAX_VARIANTS
from contracts.outputs import Output, OutputFormat
from contracts.variants import Variant
from tests.contracts.test_golden import JOBS
from tests.support.strategies import values_of

jobs = values_of(Job, {Variant: st.builds(Variant, name=st.sampled_from(["a", "b"]), resize=st.none())}).map(
    lambda job: msgspec.structs.replace(job, schema=SCHEMA)
)
JOB = JOBS["job-processing.s1"]


@given(jobs)
def test_a_job_is_read_back(job: Job) -> None:
    assert decode_job(encode_job(job)) == job


@given(jobs)
def test_a_job_is_due_at_its_earliest_date(job: Job) -> None:
    dates = [debt.due_at for debt in job.debts] + ([] if job.alarm_at is None else [job.alarm_at])
    assert job.due_at == (min(dates) if dates else None)


def test_a_job_of_the_most_variants_is_a_small_item() -> None:
    spec = Variant(name="n" * 40, resize=Resize(width=8_192, height=8_192), output=Output(format=OutputFormat.AVIF))
    full = msgspec.structs.replace(JOB, variants=(VariantRecord(spec=spec, tries=3, crashes=2),) * MAX_VARIANTS)
    assert len(encode_job(full)) < MAX_DOCUMENT_BYTES // 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "x"},
        {"state": "lost"},
        {"schema": 0},
        {"schema": SCHEMA + 1},
        {"tenant": "../x"},
        {"revision": "1"},
        {"variants": [{}] * 51},
    ],
    ids=repr,
)
def test_what_nobody_wrote_is_not_read(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_job(msgspec.json.encode(msgspec.to_builtins(JOB) | wrong))


@pytest.mark.parametrize("left_out", ["schema", "id", "tenant", "state", "key", "fingerprint"])
def test_what_must_not_be_guessed_is_always_written(left_out: str) -> None:
    document = msgspec.to_builtins(JOB)
    del document[left_out]
    with pytest.raises(msgspec.ValidationError, match=left_out):
        decode_job(msgspec.json.encode(document))


def test_states_are_final_or_on_their_way() -> None:
    assert set(JobState) - FINAL == {JobState.AWAITING_UPLOAD, JobState.QUEUED, JobState.PROCESSING}
    assert all(job.is_final == (job.state in FINAL) for job in JOBS.values())


def test_only_an_open_part_answers_to_its_token() -> None:
    closed = Part(number=1, token=1, run=1, variants=("a",), opened_at=0, closed_at=1)
    open_ = Part(number=2, token=2, run=1, variants=("a",), opened_at=0)
    job = msgspec.structs.replace(JOB, parts=(closed, open_))
    assert [job.open_part(token) for token in (1, 2, 3)] == [None, open_, None]


@pytest.mark.parametrize(("sent_at", "now", "backing_off"), [(None, 9, True), (None, 10, False), (5, 9, False)])
def test_a_debt_backs_off_until_it_is_due(sent_at: int | None, now: int, backing_off: bool) -> None:
    debt = Debt(id=1, kind=DebtKind.TRANSFORM, due_at=10, sent_at=sent_at)
    assert debt.is_backing_off(now) is backing_off
