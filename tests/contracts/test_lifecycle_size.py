"""A job's row has room for whatever the job lives through, and for whatever a function may be made to say."""

import random

import msgspec
import pytest
from msgspec.structs import replace

from contracts.canonical import said
from contracts.events import Crashed, Planned, Reserved, Retried, Stored
from contracts.framing import Fit, Resize
from contracts.identifiers import new_job_id
from contracts.job import FINAL, Job, JobState, VariantRecord, encode_job
from contracts.lifecycle import Verdict, step
from contracts.limits import (
    MAX_ASSETS,
    MAX_COMMANDS,
    MAX_DOCUMENT_BYTES,
    MAX_IDEMPOTENCY_KEY_CHARS,
    MAX_META_BYTES,
    MAX_SPEC_BYTES,
    MAX_VARIANTS,
    Timing,
)
from contracts.looks import Overlay
from contracts.messages import Answer, Done, Facts, Failed, Finished, Retryable, Timings, Undone
from contracts.outputs import Output, OutputFormat, Quantizer
from contracts.places import INLINE, AnalysisPlace, OriginalPlace, ResultPlace
from contracts.plans import BranchPlan, LevelPlan, PartPlan
from contracts.quality import Choice, Probe, Reason
from contracts.variants import Variant
from tests.contracts.test_lifecycle_traces import Life
from tests.support.walk import SOURCE, done, finished

TIMING = Timing()
JOB_ID = new_job_id(2**44, bytes(10))
TENANT = "t" * 40
DIGEST = "d" * 64
LONGEST_PROBE = Probe(100, 2**27, 8_192, 0.9999)
NAMES = [f"{number:v>40}" for number in range(MAX_VARIANTS)]


def longest_job() -> Job:
    """Everything that a request may say, at its longest."""
    longest = Variant(
        name="replaced",
        resize=Resize(width=8_192, height=8_192, fit=Fit.CONTAIN, enlarge=True),
        output=Output(format=OutputFormat.AVIF, quality=100),
    )
    variants = [replace(longest, name=name) for name in NAMES]
    for number, variant in enumerate(variants):
        wordy = replace(variant, overlays=(Overlay(text="\x01" * 200),))
        if len(msgspec.json.encode(said([*variants[:number], wordy, *variants[number + 1 :]]))) <= MAX_SPEC_BYTES:
            variants[number] = wordy
    assert MAX_SPEC_BYTES - 1_300 < len(msgspec.json.encode(said(variants))) <= MAX_SPEC_BYTES
    asked = Reserved(
        id=JOB_ID,
        tenant=TENANT,
        key=OriginalPlace(INLINE, TENANT, JOB_ID).key,
        upload_until=2**44,
        fingerprint="f" * 64,
        variants=tuple(variants),
        life_seconds=365 * 86_400,
        content_sha256="c" * 64,
        source=replace(SOURCE, filename="\\" * 200, width=4_000, height=3_000),
        assets={
            f"{JOB_ID}.{name}": ResultPlace(TENANT, JOB_ID, name, DIGEST, OutputFormat.WEBP).key
            for name in NAMES[:MAX_ASSETS]
        },
        meta={"k": "\x01" * (MAX_META_BYTES - 1)},  # six characters each, as JSON writes them
        webhook="w" * 40,
        request_id="r" * 64,
    )
    job = step(None, [asked], 2**44, TIMING).job
    assert job is not None
    return job


def a_plan(variants: int) -> PartPlan:
    levels = tuple(LevelPlan(8_192, 8_192, number - 1 if number else None, (number,)) for number in range(variants))
    return PartPlan(branches=(BranchPlan(8, levels),), threads=6, deadline_ms=900_000, estimated_ms=900_000)


def an_answer(dice: random.Random, name: str) -> Answer:
    kind = dice.choices([Done, Failed, Retryable, Undone], weights=[4, 2, 4, 2])[0]
    if kind is Done:
        key = ResultPlace(TENANT, JOB_ID, name, DIGEST, OutputFormat.AVIF).key
        return Done(
            name=name, key=key, digest=DIGEST, bytes=2**27, width=8_192, height=8_192, format=OutputFormat.AVIF,
            elapsed_ms=12_345.67, warnings=("colour-profile-ignored-or-what",) * 4, carries=("more-pictures",) * 8,
            frames=300, kept_source=True, palette=Quantizer.IMAGEQUANT,
            choice=Choice(quality=100, why=Reason.HIGHEST, target=0.97, probes=(LONGEST_PROBE,) * 20),
        )  # fmt: skip
    if kind is Undone:
        return Undone(name=name)
    return kind(name=name, code="unsupported-media-type", detail='"' * 300)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_job_lives_through_its_row_has_room_for_it(seed: int) -> None:
    """Splits, tries, retries and the longest of everything, until nothing is left to try."""
    dice, job, longest, now = random.Random(seed), longest_job(), 0, 2**44
    facts = Facts(width=4_000, height=3_000, icc="i" * 64, metadata={f"tag {n}": "m" * 64 for n in range(50)})
    for number in range(600):
        now += 1_000
        open_parts = [part for part in job.parts if part.is_open]
        match job.state:
            case JobState.AWAITING_UPLOAD:
                event = Stored(version_id="v" * 100, etag="e" * 64, source=job.source)
            case JobState.QUEUED:
                event = Planned()
            case JobState.FAILED | JobState.PARTIALLY_COMPLETED:
                event = Retried(command=f"{number:c>{MAX_IDEMPOTENCY_KEY_CHARS}}", revision=job.revision)
            case JobState.COMPLETED:
                break
            case _:
                part = dice.choice(open_parts)
                answers = tuple(an_answer(dice, name) for name in part.variants)
                if dice.random() < 0.3:
                    answers = tuple(
                        Retryable(name=name, code="unavailable", detail="x" * 300) for name in part.variants
                    )
                event = Finished(
                    job_id=JOB_ID, token=part.token, answers=answers, facts=facts, engine="1.22.333",
                    timings=Timings(*[12_345.67] * 0, fetch_ms=12_345.67, decode_ms=12_345.67, total_ms=12_345.67),
                    function_request_id="f" * 36, plan=a_plan(len(part.variants)),
                )  # fmt: skip
                if dice.random() < 0.5:
                    event = Crashed(token=part.token)
        outcome = step(job, [event], now, TIMING)
        assert outcome.verdicts == (Verdict.APPLIED,)
        assert outcome.job is not None
        job = outcome.job
        longest = max(longest, len(encode_job(job)))
    assert len(job.commands) <= MAX_COMMANDS
    assert MAX_DOCUMENT_BYTES // 2 < longest <= MAX_DOCUMENT_BYTES


def test_parts_that_are_closed_again_and_again_do_not_fill_the_row() -> None:
    """Fifty light variants in one part, whose storage never answers: the story of all tries would be the longest."""
    job = longest_job()
    job = replace(job, variants=tuple(VariantRecord(spec=Variant(name=name, resize=Resize(width=9))) for name in NAMES))
    job = step(job, [Stored(version_id="v", etag="e", source=job.source), Planned()], 2**44, TIMING).job
    for number in range(10):
        while job is not None and job.state is JobState.PROCESSING:
            answers = tuple(Retryable(name=name, code="unavailable", detail='"' * 300) for name in NAMES)
            answer = Finished(job_id=JOB_ID, token=job.last_token, answers=answers)
            job = step(job, [answer], 2**44, TIMING).job
        assert job is not None
        assert len(encode_job(job)) <= MAX_DOCUMENT_BYTES
        # of all that is closed again and again no more is kept than the last part and a few names
        assert sum(len(part.variants) for part in job.parts if not part.is_open) <= 2 * MAX_VARIANTS
        job = step(job, [Retried(command=f"{number}", revision=job.revision), Planned()], 2**44, TIMING).job


LONG = "x" * 10_000


@pytest.mark.parametrize(
    "said",
    [
        {"engine": LONG},
        {"function_request_id": LONG},
        {"undecodable": LONG, "answers": ()},
        {"facts": Facts(width=1, height=1, metadata={"camera": LONG})},
        {"facts": Facts(width=1, height=1, more=AnalysisPlace("another", JOB_ID, DIGEST).key)},
        {"facts": Facts(width=1, height=1, more="analysis.json")},
        {"answers": (replace(done("a"), carries=("exif", LONG)), done("b"))},
        {"answers": (Failed(name="a", code=LONG), done("b"))},
        {"answers": (Retryable(name="a", code="é\n"), done("b"))},
    ],
    ids=lambda said: next(iter(said)),
)
def test_an_answer_too_long_for_the_row_counts_as_a_crash(said: dict[str, object]) -> None:
    life = Life("a", "b", webhook=False).processing()
    life.then(replace(finished(1, (done("a"), done("b"))), **said))
    assert (life.verdict, [part.outcome for part in life.job.parts]) == (Verdict.APPLIED, ["crashed", None, None])
    assert len(encode_job(life.job)) < 4_000
    life.then(finished(2, (done("a"),)), finished(3, (done("b"),)))
    assert life.job.state in FINAL


def test_of_warnings_a_few_short_ones_are_kept() -> None:
    life = Life("a", webhook=False).processing()
    life.then(finished(1, (replace(done("a"), warnings=("first-frame-only", LONG, *"bcdef")),)))
    result = life.job.variants[0].result
    assert result is not None
    assert result.warnings == ("first-frame-only", "b", "c", "d")


@pytest.mark.parametrize("kind", [Failed, Retryable])
def test_a_long_detail_is_cut_and_made_readable(kind: type[Failed | Retryable]) -> None:
    life = Life("a", webhook=False).processing()
    while life.job.state is JobState.PROCESSING:
        life.then(finished(life.job.last_token, (kind(name="a", code="image-corrupt", detail="é\0" + LONG),)))
    fault = life.job.variants[0].error
    assert fault is not None
    assert fault.detail.startswith("é?xxx")
    assert len(fault.detail.encode()) == 160
