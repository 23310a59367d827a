"""Bytes that an earlier version wrote decode for ever, to the same values.

A file in `golden/` is never edited. A new version of a message or document adds files, and values here beside them.
"""

from pathlib import Path
from typing import Any, Final

import pytest

from contracts.analysis import Find, Seen, Swatch
from contracts.deliveries import Attempt, Delivery, DeliveryState, decode_delivery
from contracts.formats import ImageFormat
from contracts.framing import (
    Crop,
    Fit,
    Flip,
    Gravity,
    Kernel,
    Offset,
    Pad,
    Point,
    Resize,
    Trim,
    Unit,
)
from contracts.job import (
    Command,
    Debt,
    DebtKind,
    Fault,
    Job,
    JobState,
    Lane,
    Original,
    Part,
    Result,
    Source,
    VariantRecord,
    VariantState,
    decode_job,
    encode_job,
)
from contracts.looks import Adjust, Duotone, Filters, Mask, Overlay, Sharpen
from contracts.messages import (
    Done,
    Facts,
    Failed,
    Finished,
    Notify,
    Process,
    Retryable,
    Timings,
    Transform,
    Undone,
    decode,
    encode,
)
from contracts.outputs import Output, OutputFormat, Quantizer
from contracts.plans import BranchPlan, LevelPlan, PartPlan
from contracts.quality import Choice, Probe, Reason
from contracts.variants import Variant
from contracts.webhooks import Secret, Webhook, decode_webhook

GOLDEN: Final = Path(__file__).parent / "golden"

JOB = "018f3a1c-52aa-7bbb-8ccc-0123456789ab"
NOON = 1_795_435_200_000
DIGEST = "5f8f" * 16
RESULT_KEY = f"default/{JOB}/thumb-{DIGEST}.jpg"
THUMB = Variant(name="thumb", resize=Resize(width=150, height=150, fit=Fit.COVER), output=Output(quality=80))
SMALL = Variant(name="small", resize=Resize(width=400), output=Output(format=OutputFormat.WEBP, quality=80))
PLAIN = Variant(name="plain")
EVERYTHING = Variant(
    name="everything",
    crop=Crop(x=0.25, y=0, width=0.5, height=1, unit=Unit.FRACTION),
    trim=Trim(tolerance=10, colour="#ffffff", most=60),
    resize=Resize(width=400, height=300, fit=Fit.CONTAIN, dpr=1.5, filter=Kernel.BICUBIC, linear=True),
    gravity=Gravity.NORTH_EAST,
    offset=Offset(x=4, y=-2.5),
    rotate=90,
    flip=Flip.HORIZONTAL,
    pad=Pad(top=1, right=2, bottom=3, left=4),
    background="#10203040",
    adjust=Adjust(brightness=5, contrast=-5, saturation=50, gamma=1.2),
    filters=Filters(
        blur=0.5,
        pixelate=4,
        sharpen=Sharpen(radius=1, percent=120, threshold=3),
        duotone=Duotone(shadow="#000010", highlight="#ffeedd"),
    ),
    mask=Mask(radius="max"),
    overlays=(Overlay(text="© Darkroom", anchor=Gravity.CENTER, x=0.1, unit=Unit.FRACTION, opacity=50, scale=40),),
    output=Output(format=OutputFormat.WEBP, quality=80),
)
FOCAL = Variant(
    name="focal", resize=Resize(width=9, height=9, fit=Fit.COVER), focal=Point(x=0.42, y=0.3), mask=Mask(radius=3)
)

LOGO = "018f3a1c-52aa-7bbb-8ccc-00000000a551.logo"
LOGO_KEY = f"default/018f3a1c-52aa-7bbb-8ccc-00000000a551/logo-{DIGEST}.png"
MARKED = Variant(name="marked", overlays=(Overlay(asset=LOGO, opacity=50, scale=10, tile=24),))

MESSAGES: Final[dict[str, Process | Transform | Finished | Notify]] = {
    "notify.v1": Notify(job_id=JOB, request_id="req-1", debt=7),
    "process.v1": Process(job_id=JOB, request_id="req-1", run=2),
    "process-tenant.v1": Process(job_id=JOB, request_id="req-1", run=2, tenant="default"),
    "transform.v1": Transform(
        job_id=JOB,
        request_id="req-1",
        tenant="default",
        part=1,
        token=3,
        key=f"inline/default/{JOB}/original",
        version_id="3HL4kqtJlcpXroDTDmJ",
        bytes=4_188_800,
        format=ImageFormat.JPEG,
        variants=(THUMB, SMALL, PLAIN),
    ),
    "transform-everything.v1": Transform(
        job_id=JOB,
        request_id="req-1",
        tenant="default",
        part=1,
        token=3,
        key=f"inline/default/{JOB}/original",
        version_id="3HL4kqtJlcpXroDTDmJ",
        bytes=4_188_800,
        format=ImageFormat.JPEG,
        variants=(EVERYTHING, FOCAL),
    ),
    "transform-watermark.v1": Transform(
        job_id=JOB,
        tenant="default",
        part=1,
        token=3,
        key=f"inline/default/{JOB}/original",
        version_id="3HL4kqtJlcpXroDTDmJ",
        bytes=4_188_800,
        format=ImageFormat.JPEG,
        variants=(MARKED,),
        assets={LOGO: LOGO_KEY},
    ),
    "finished.v1": Finished(
        job_id=JOB,
        request_id="req-1",
        token=3,
        answers=(
            Done(
                name="thumb",
                key=RESULT_KEY,
                digest=DIGEST,
                bytes=5_120,
                width=150,
                height=150,
                format=OutputFormat.JPEG,
                elapsed_ms=3.25,
                warnings=("no-profile",),
            ),
            Failed(name="small", code="resource-limit", detail="too much"),
            Retryable(name="plain", code="unavailable"),
            Undone(name="late"),
        ),
        facts=Facts(
            width=4032,
            height=3024,
            orientation=6,
            sha256=DIGEST,
            has_alpha=True,
            icc="Display P3",
            metadata={"make": "Darkroom", "iso": 400, "f_number": 2.8, "keywords": ["a", "b"]},
        ),
        timings=Timings(fetch_ms=11.5, decode_ms=31, transform_ms=120.25, store_ms=9, total_ms=171.75, cold=True),
        function_request_id="4f1f0c9d",
        engine="1",
    ),
    "finished-picture.v1": Finished(
        job_id=JOB,
        token=3,
        answers=(
            Done(
                name="thumb",
                key=RESULT_KEY,
                digest=DIGEST,
                bytes=5_120,
                width=150,
                height=150,
                format=OutputFormat.JPEG,
                frames=12,
                kept_source=True,
                choice=Choice(
                    quality=54,
                    why=Reason.LIKENESS,
                    target=0.97,
                    probes=(Probe(80, 9_000, 512, 0.991), Probe(54, 5_120, 512, 0.9712)),
                ),
                carries=("exif", "icc"),
            ),
            Done(
                name="small",
                key=f"default/{JOB}/small-{DIGEST}.webp",
                digest=DIGEST,
                bytes=900,
                width=400,
                height=300,
                format=OutputFormat.WEBP,
                carries=(),
            ),
        ),
        facts=Facts(
            width=4032,
            height=3024,
            frames=12,
            iptc={"city": "Turin", "keywords": ["chair", "oak"]},
            xmp={"rating": 4},
            private={"latitude": 45.07, "owner": "A Photographer"},
            seen=Seen(
                dominant="#b8a48f",
                palette=(Swatch(hex="#b8a48f", share=0.41), Swatch(hex="#20242c", share=0.3)),
                average="#8f8577",
                is_dark=False,
                thumbhash="3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
                blurhash="LEHV6nWB2yk8pyo0adR*.7kCMdnj",
                phash="c3a1" * 4,
                dhash="0f1e" * 4,
                sharpness=12.5,
                entropy=7.25,
                is_opaque=True,
                looks_blank=False,
            ),
            carried=(Find(what="gps", bytes=120), Find(what="trailing-bytes", bytes=7)),
            more=f"default/{JOB}/analysis-{DIGEST}.json",
        ),
        plan=PartPlan(
            branches=(BranchPlan(2, (LevelPlan(400, 300, None, (1,)), LevelPlan(150, 150, 0, (0,)))),),
            threads=2,
            deadline_ms=57_900,
            estimated_ms=81,
        ),
    ),
    "finished-palette.v1": Finished(
        job_id=JOB,
        token=4,
        answers=(
            Done(
                name="icon",
                key=f"default/{JOB}/icon-{DIGEST}.png",
                digest=DIGEST,
                bytes=2_048,
                width=96,
                height=96,
                format=OutputFormat.PNG,
                warnings=("inks-assumed-fogra39",),
                palette=Quantizer.IMAGEQUANT,
                carries=(),
            ),
        ),
        engine="3",
    ),
    "finished-undecodable.v1": Finished(job_id=JOB, token=1, undecodable="image-corrupt", detail="truncated"),
}

SOURCE = Source(filename="chair.jpg", format=ImageFormat.JPEG, bytes=4_188_800, width=4032, height=3024, sha256=DIGEST)
ORIGINAL = Original(key=f"inline/default/{JOB}/original", version_id="3HL4kqtJlcpXroDTDmJ", etag='"9b2c"')


def _job(state: JobState, **details: Any) -> Job:
    return Job(
        schema=1,
        id=JOB,
        tenant="default",
        state=state,
        created_at=NOON,
        updated_at=NOON + 500,
        expires_at=NOON + 30 * 86_400_000,
        key=ORIGINAL.key,
        upload_until=NOON + 120_000,
        fingerprint=DIGEST,
        **details,
    )


JOBS: Final[dict[str, Job]] = {
    "job-awaiting_upload.s1": _job(
        JobState.AWAITING_UPLOAD,
        alarm_at=NOON + 1_020_000,
        direct=True,
        content_sha256=DIGEST,
        variants=(VariantRecord(spec=THUMB),),
    ),
    "job-processing.s1": _job(
        JobState.PROCESSING,
        revision=4,
        alarm_at=NOON + 30 * 86_400_000,
        queued_at=NOON + 20,
        started_at=NOON + 60,
        lane=Lane.BULK,
        preset="web@1",
        meta={"sku": "A-17", "é": ""},
        webhook="endpoint-1",
        request_id="req-1",
        source=SOURCE,
        original=ORIGINAL,
        variants=(VariantRecord(spec=THUMB, tries=1), VariantRecord(spec=SMALL, crashes=1)),
        parts=(
            Part(
                number=1,
                token=1,
                run=1,
                variants=("thumb", "small"),
                opened_at=NOON,
                closed_at=NOON + 9,
                outcome="crashed",
            ),
            Part(number=2, token=2, run=1, variants=("thumb",), opened_at=NOON + 9),
        ),
        debts=(
            Debt(id=2, kind=DebtKind.TRANSFORM, due_at=NOON + 30_000, sent_at=NOON + 9, token=2),
            Debt(id=3, kind=DebtKind.TRANSFORM, due_at=NOON + 2_000, lapses=1, token=3),
        ),
        last_token=3,
        last_debt=3,
        last_part=3,
    ),
    "job-partially_completed.s1": _job(
        JobState.PARTIALLY_COMPLETED,
        run=2,
        revision=9,
        alarm_at=NOON + 30 * 86_400_000,
        finished_at=NOON + 611,
        source=SOURCE,
        original=ORIGINAL,
        facts=MESSAGES["finished.v1"].facts,
        variants=(
            VariantRecord(
                spec=THUMB,
                state=VariantState.COMPLETED,
                tries=1,
                result=Result(
                    key=RESULT_KEY,
                    digest=DIGEST,
                    bytes=5_120,
                    width=150,
                    height=150,
                    format=OutputFormat.JPEG,
                    elapsed_ms=3.25,
                    warnings=("no-profile",),
                    engine="1",
                ),
            ),
            VariantRecord(
                spec=SMALL,
                state=VariantState.FAILED,
                tries=3,
                error=Fault(code="unavailable", detail="s3", retryable=True),
            ),
        ),
        parts=(
            Part(
                number=1,
                token=1,
                run=2,
                variants=("thumb", "small"),
                opened_at=NOON,
                closed_at=NOON + 600,
                outcome="finished",
                timings=Timings(total_ms=171.75),
                function_request_id="4f1f0c9d",
            ),
        ),
        debts=(Debt(id=7, kind=DebtKind.NOTIFY, due_at=NOON, sent_at=NOON, run=2, state=JobState.PARTIALLY_COMPLETED),),
        commands=(Command(id="retry-1", kind="retry", revision=6),),
        last_token=1,
        last_debt=7,
        last_part=1,
    ),
    "job-rejected.s1": _job(
        JobState.REJECTED,
        alarm_at=NOON + 30 * 86_400_000,
        error=Fault(code="image-corrupt", detail="truncated"),
        debts=(Debt(id=1, kind=DebtKind.ERASE, due_at=NOON),),
        last_debt=1,
    ),
    "job-watermark.s1": _job(
        JobState.AWAITING_UPLOAD,
        alarm_at=NOON + 1_020_000,
        variants=(VariantRecord(spec=MARKED),),
        assets={LOGO: LOGO_KEY},
    ),
    "job-deleted.s1": _job(JobState.DELETED, revision=12, forget_at=NOON + 30 * 86_400_000),
}


DELIVERIES: Final = {
    "delivery.s1": Delivery(
        schema=1,
        event="5f2c" * 8,
        webhook="wh_" + "a" * 16,
        tenant="default",
        job_id=JOB,
        run=2,
        type="job.failed",
        body='{"type":"job.failed"}',
        state=DeliveryState.EXHAUSTED,
        revision=4,
        created_at=NOON,
        tries=2,
        attempts=(
            Attempt(at=NOON, elapsed_ms=12, status=503),
            Attempt(at=NOON + 5_000, error="source-unreachable"),
        ),
        ended_at=NOON + 6_000,
        reason="endpoint-removed",
    )
}

WEBHOOKS: Final = {
    "webhook.s1": Webhook(
        schema=1,
        id="wh_" + "a" * 16,
        tenant="default",
        url="https://hooks.example/in",
        revision=3,
        created_at=NOON,
        secrets=(Secret(value="whsec_b2xk", ends_at=NOON + 86_400_000), Secret(value="whsec_bmV3")),
        disabled_at=NOON + 1,
        disabled_why="it answered 410",
    )
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_of_an_earlier_version_means_what_it_meant(name: str) -> None:
    assert decode((GOLDEN / f"{name}.json").read_bytes()) == MESSAGES[name]
    assert decode(encode(MESSAGES[name])) == MESSAGES[name]


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_of_an_earlier_version_means_what_it_meant(name: str) -> None:
    assert decode_delivery((GOLDEN / f"{name}.json").read_bytes()) == DELIVERIES[name]


@pytest.mark.parametrize("name", WEBHOOKS)
def test_an_endpoint_of_an_earlier_version_means_what_it_meant(name: str) -> None:
    assert decode_webhook((GOLDEN / f"{name}.json").read_bytes()) == WEBHOOKS[name]


@pytest.mark.parametrize("name", JOBS)
def test_a_job_of_an_earlier_version_means_what_it_meant(name: str) -> None:
    assert decode_job((GOLDEN / f"{name}.json").read_bytes()) == JOBS[name]
    assert decode_job(encode_job(JOBS[name])) == JOBS[name]


def test_no_golden_file_is_forgotten() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*MESSAGES, *JOBS, *DELIVERIES, *WEBHOOKS}
