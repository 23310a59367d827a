"""Pages that show what would change: side by side, honest about what is the same and what could not be made."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from msgspec.structs import replace

from adapters.ledger import DynamoLedger
from client import command
from components.settings import PipelineConfig
from contracts.formats import ImageFormat
from contracts.identifiers import new_job_id
from contracts.job import Job, JobState, Original, Part, Result, Source, VariantRecord, VariantState
from contracts.outputs import OutputFormat
from contracts.presets import PRESETS
from contracts.tables import JOBS
from operations import preset_diff, upgrade
from operations.renders import Render, judged, lossless, rendered
from operations.sidebyside import Pair, page
from operations.standing import Standing
from tests.support import pictures
from tests.support.agreement_cloud import create_table

WEB = PRESETS["web@1"]
PHOTO = pictures.encoded(pictures.photo(300, 200).convert("RGB"), "jpeg", quality=92)
NOON = 1_790_000_000_000


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(PHOTO)
    (folder / "deeper" / "b.png").write_bytes(pictures.sample(ImageFormat.PNG))
    (folder / "<b>.txt").write_text("no picture")
    (folder / "half.jpg").write_bytes(pictures.truncated(PHOTO, 0.3))
    return folder


def test_a_render_is_what_the_function_makes_and_is_like_itself() -> None:
    made = rendered(PHOTO, ImageFormat.JPEG, [WEB]).renders
    again = rendered(PHOTO, ImageFormat.JPEG, [WEB]).renders
    assert {name: one.body for name, one in made.items()} == {name: one.body for name, one in again.items()}
    references = lossless(PHOTO, ImageFormat.JPEG, WEB)
    for name, one in made.items():
        score = judged(one, references[name]).ssim
        assert score is not None
        assert 0.9 < score < 1
        itself = Render(name=name, body=references[name], format=OutputFormat.PNG, size=one.size)
        assert judged(itself, references[name]).ssim == 1


def test_a_worse_picture_is_told_from_a_better_one() -> None:
    variant = WEB[0]
    scores = []
    for quality in (20, 50, 90):
        one = replace(variant, output=replace(variant.output, quality=quality))
        made = rendered(PHOTO, ImageFormat.JPEG, [[one]]).renders[one.name]
        scores.append(judged(made, lossless(PHOTO, ImageFormat.JPEG, [one])[one.name]).ssim)
    assert scores == sorted(scores)
    assert scores[0] != scores[2]


def test_what_cannot_be_decoded_is_told_and_stops_nothing(corpus: Path) -> None:
    subjects, others = preset_diff.corpus(corpus, 20)
    assert [subject.name for subject in subjects] == ["a.jpg", "deeper/b.png", "half.jpg"]
    assert others == ["<b>.txt"]
    found = list(preset_diff.pairs(subjects, WEB, WEB[:2]))
    assert len(found) == 3 * 4
    by_name = {(pair.picture, pair.variant): pair for pair in found}
    assert by_name["a.jpg", "large"].is_same
    assert by_name["a.jpg", "thumb"].after is None
    broken = by_name["half.jpg", "large"].before
    assert broken is not None
    assert broken.trouble
    assert not broken.body


def test_a_page_holds_everything_and_nothing_that_runs(corpus: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.json"
    new.write_text(
        json.dumps([{"name": "large", "resize": {"width": 20}}, {"name": "i", "output": {"format": "tiff"}}])
    )
    out = tmp_path / "page.html"
    assert command.run(["presets", "diff", "web@1", f"@{new}", "--corpus", str(corpus), "--out", str(out)]) == 0
    text = out.read_text()
    assert "web@1 → new.json" in text
    assert not re.search(r"<script|http://|https://|javascript:", text)
    assert "default-src 'none'" in text
    pictures_shown = [base64.b64decode(data) for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", text)]
    assert len(pictures_shown) == 2 * (4 + 2)
    assert all(pictures.opened(body).size[0] > 0 for body in pictures_shown if body[4:8] != b"ftyp")


def test_names_from_outside_are_only_text_on_the_page() -> None:
    evil = Pair(picture="<script>a</script>", variant="x", before=Render(name="x", trouble="<b>"), after=None)
    text = page("<u>", "<s>", [evil], before="<old>", after="<new>")
    assert "&lt;script&gt;a&lt;/script&gt;" in text
    assert not re.search(r"<(script|u|s|b|old|new)>(?!</)", text.replace("<b>&lt;", ""))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["web@1", "web@1", "--corpus", "nowhere"], "is no folder"),
        (["web@1", "@nowhere.json", "--corpus", "."], "cannot be read"),
        (["web@1", "web@1", "--corpus", ".", "--most", "0"], "at least one"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.run(["presets", "diff", *arguments]) == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_upgrade_must_say_what_it_is_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["upgrade"]) == 2
    assert "--what-changes" in capsys.readouterr().err


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Standing]:
    """An empty stack on moto."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        dynamodb, s3, sqs = (boto3.client(name, region_name="eu-west-1") for name in ("dynamodb", "s3", "sqs"))
        found = Standing(
            stack="own",
            settings=PipelineConfig(),
            account="1" * 12,
            region="eu-west-1",
            dynamodb=dynamodb,
            s3=s3,
            sqs=sqs,
        )
        for bucket in (found.originals, found.results):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_bucket_versioning(Bucket=found.originals, VersioningConfiguration={"Status": "Enabled"})
        create_table(dynamodb, JOBS, found.table)
        yield found


def done(stack: Standing, number: int, *, changed: str = "") -> Job:
    """A completed job with its objects; the result of `changed` is of another engine."""
    job_id = new_job_id(NOON + number, bytes(10))
    key = f"inline/default/{job_id}/original"
    version = stack.s3.put_object(Bucket=stack.originals, Key=key, Body=PHOTO)["VersionId"]
    made = rendered(PHOTO, ImageFormat.JPEG, [WEB]).renders
    records = []
    for variant in WEB:
        body = made[variant.name].body
        if variant.name == changed:
            other = replace(variant, output=replace(variant.output, quality=30))
            body = rendered(PHOTO, ImageFormat.JPEG, [[other]]).renders[variant.name].body
        place = f"default/{job_id}/{variant.name}"
        stack.s3.put_object(Bucket=stack.results, Key=place, Body=body)
        width, height = made[variant.name].size
        result = Result(
            key=place,
            digest="d" * 64,
            bytes=len(body),
            width=width,
            height=height,
            format=variant.output.format,
            engine="0",
        )
        records.append(VariantRecord(spec=variant, state=VariantState.COMPLETED, result=result))
    job = Job(
        schema=1,
        id=job_id,
        tenant="default",
        state=JobState.COMPLETED,
        created_at=NOON,
        updated_at=NOON,
        expires_at=NOON + 10**9,
        alarm_at=None,
        key=key,
        upload_until=NOON,
        fingerprint="f" * 64,
        source=Source(filename="chair.jpg", format=ImageFormat.JPEG, width=300, height=200),
        original=Original(key=key, version_id=version, etag="e"),
        variants=tuple(records),
        parts=(
            Part(
                number=1,
                token=1,
                run=1,
                variants=tuple(variant.name for variant in WEB),
                opened_at=NOON,
                closed_at=NOON + 1,
                outcome="finished",
            ),
        ),
    )
    DynamoLedger(stack._dynamodb, stack.table, stack.shards).create(job)
    return job


def test_what_the_present_engine_makes_the_same_is_the_same_and_the_rest_is_shown(stack: Standing) -> None:
    job = done(stack, 1, changed="medium")
    jobs, count = upgrade.sample(stack, 5)
    assert (jobs, count) == ([job], 1)
    found = {pair.variant: pair for pair in upgrade.pairs(stack, jobs)}
    assert [name for name, pair in found.items() if not pair.is_same] == ["medium"]
    old, new = found["medium"].before, found["medium"].after
    assert old is not None
    assert new is not None
    assert old.ssim is not None
    assert new.ssim is not None
    assert old.ssim < new.ssim
    assert upgrade.engines(jobs) == ["0"]


def test_a_sample_is_bounded_the_same_each_time_and_counts_all(stack: Standing) -> None:
    jobs = {done(stack, number).id for number in range(4)}
    first, count = upgrade.sample(stack, 2)
    assert count == 4
    assert upgrade.sample(stack, 2) == (first, 4)
    assert len(first) == 2
    assert {job.id for job in first} <= jobs


def test_a_result_or_an_original_that_is_gone_is_told_and_stops_nothing(stack: Standing) -> None:
    job, other = done(stack, 1), done(stack, 2)
    thumb = job.variants[3].result
    assert thumb is not None
    assert other.original is not None
    stack.s3.delete_object(Bucket=stack.results, Key=thumb.key)
    stack.s3.delete_object(Bucket=stack.originals, Key=other.key, VersionId=other.original.version_id)
    found = list(upgrade.pairs(stack, [job, other]))
    assert len(found) == 4
    gone = next(pair for pair in found if pair.variant == "thumb").before
    assert gone is not None
    assert "not there" in gone.trouble
