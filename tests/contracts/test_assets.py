"""What a job may be marked with: completed variants of its own tenant's living jobs, and nothing is told of others."""

import pytest
from msgspec.structs import replace

from contracts.assets import pinned_assets
from contracts.debts import message_of
from contracts.errors import SpecInvalid
from contracts.identifiers import new_job_id
from contracts.job import Job, JobState, Result, VariantRecord, VariantState
from contracts.limits import MAX_ASSET_PIXELS, MAX_ASSETS
from contracts.looks import Overlay
from contracts.messages import Transform
from contracts.outputs import OutputFormat
from contracts.places import ResultPlace
from contracts.variants import Variant
from tests.contracts.test_golden import JOBS
from tests.support.memory import MemoryLedger

LOGO_JOB = new_job_id(1_000, bytes(10))
KEY = ResultPlace("shop", LOGO_JOB, "logo", "ab" * 32, OutputFormat.PNG).key


def logo_job(state: JobState = JobState.COMPLETED, *, tenant: str = "shop", width: int = 400) -> Job:
    result = Result(key=KEY, digest="ab" * 32, bytes=900, width=width, height=100, format=OutputFormat.PNG)
    records = (
        VariantRecord(spec=Variant(name="logo"), state=VariantState.COMPLETED, result=result),
        VariantRecord(spec=Variant(name="late")),
    )
    return replace(JOBS["job-awaiting_upload.s1"], id=LOGO_JOB, tenant=tenant, state=state, variants=records)


def ledger(*jobs: Job) -> MemoryLedger:
    made = MemoryLedger()
    for job in jobs:
        made.create(job)
    return made


def marked(name: str, *assets: str) -> Variant:
    return Variant(name=name, overlays=(Overlay(text="©"), *(Overlay(asset=asset) for asset in assets)))


LOGO = f"{LOGO_JOB}.logo"


@pytest.mark.parametrize("state", [JobState.COMPLETED, JobState.PARTIALLY_COMPLETED, JobState.PROCESSING])
def test_a_completed_variant_is_pinned_to_its_very_bytes(state: JobState) -> None:
    found = pinned_assets(ledger(logo_job(state)), "shop", [marked("a", LOGO), marked("b", LOGO)], 2)
    assert found == {LOGO: KEY}


def test_without_a_picture_to_lay_over_nobody_is_asked() -> None:
    assert pinned_assets(None, "shop", [marked("a"), Variant(name="b")], 2) == {}  # type: ignore[arg-type]


REFUSED = {
    "no such job": (None, LOGO),
    "another tenant's": (logo_job(tenant="rival"), LOGO),
    "being deleted": (logo_job(JobState.DELETING), LOGO),
    "no such variant": (logo_job(), f"{LOGO_JOB}.other"),
    "not made yet": (logo_job(JobState.PROCESSING), f"{LOGO_JOB}.late"),
}


def refusal(job: Job | None, asset: str, own: int = 1) -> list[tuple[str, str]]:
    with pytest.raises(SpecInvalid) as raised:
        pinned_assets(ledger(*([job] if job else [])), "shop", [Variant(name="plain"), marked("a", asset)], own)
    return raised.value.facts["errors"]


@pytest.mark.parametrize("why", REFUSED)
def test_whatever_is_wrong_with_it_the_answer_is_the_same(why: str) -> None:
    assert refusal(*REFUSED[why]) == [("#/variants/0/overlays/1/asset", "no job of yours has such a completed variant")]


def test_a_presets_watermark_is_its_presets_fault() -> None:
    assert refusal(None, LOGO, own=0)[0][0] == "#/preset"
    assert refusal(None, LOGO, own=2)[0][0] == "#/variants/1/overlays/1/asset"


def test_pictures_that_are_too_large_or_too_many_are_refused_with_their_limit() -> None:
    assert pinned_assets(ledger(logo_job(width=MAX_ASSET_PIXELS // 100)), "shop", [marked("a", LOGO)], 1)
    ((_, detail),) = refusal(logo_job(width=MAX_ASSET_PIXELS // 100 + 1), LOGO)
    assert str(MAX_ASSET_PIXELS) in detail
    names = [f"{LOGO_JOB}.v{number}" for number in range(MAX_ASSETS + 1)]
    with pytest.raises(SpecInvalid) as raised:
        pinned_assets(ledger(logo_job()), "shop", [marked(f"a{at}", name) for at, name in enumerate(names)], 9)
    assert raised.value.facts["errors"][0][0] == f"#/variants/{MAX_ASSETS}/overlays/1/asset"


def test_an_order_names_the_pictures_of_its_own_variants_and_no_others() -> None:
    job = JOBS["job-processing.s1"]
    thumb, small = job.variants
    other = f"{LOGO_JOB}.other"
    job = replace(
        job,
        assets={LOGO: KEY, other: KEY},
        variants=(replace(thumb, spec=replace(thumb.spec, overlays=(Overlay(asset=LOGO),))), small),
    )
    assert order_of(job).assets == {LOGO: KEY}


def order_of(job: Job) -> Transform:
    sent = message_of(job, job.debts[0])
    assert sent is not None
    assert isinstance(sent.message, Transform)
    return sent.message


def test_a_texts_fields_are_filled_in_when_the_order_is_sent_and_the_same_each_time() -> None:
    job = JOBS["job-processing.s1"]
    text = "{date} · {job_id} · {name} · {"
    spec = replace(job.variants[0].spec, overlays=(Overlay(text=text),))
    job = replace(job, variants=(replace(job.variants[0], spec=spec), job.variants[1]))
    for moment in (job, replace(job, updated_at=job.updated_at + 10**9)):
        (variant,) = order_of(moment).variants
        assert variant.overlays[0].text == f"2026-11-23 · {job.id} · {{name}} · {{"
