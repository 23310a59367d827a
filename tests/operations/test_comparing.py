"""Pages that show what would change: side by side, honest about what is the same and what could not be made."""

import base64
import json
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from msgspec.structs import replace

from adapters.ledger import DynamoLedger
from client import command
from components.settings import PipelineConfig
from contracts.compact import parse
from contracts.environment import Formats
from contracts.formats import ImageFormat
from contracts.framing import Resize
from contracts.identifiers import new_job_id
from contracts.job import Job, JobState, Original, Part, Result, Source, VariantRecord, VariantState
from contracts.looks import Overlay
from contracts.outputs import ColorSpace, Output, OutputFormat, Quantizer
from contracts.presets import PRESETS
from contracts.tables import JOBS
from contracts.variants import Variant, told
from functions.transform.making import Made
from functions.transform.marks import NO_ASSETS
from functions.transform.pipeline import render
from operations import preset_diff, scoring, upgrade
from operations.comparison import Pair, Verdict, in_numbers, totals
from operations.renders import Render, judged, rendered
from operations.scoring import Judge
from operations.sidebyside import page
from operations.standing import Standing
from tests.support import pictures
from tests.support.agreement_cloud import create_table

WEB = PRESETS["web@1"]
PHOTO = pictures.encoded(pictures.photo(300, 200).convert("RGB"), "jpeg", quality=92)
NOON = 1_790_000_000_000
DAY = "2026-09-21"
FLAT_AGAINST_STEP = 73.39
"""By the published measure, of a flat gray and the same with a red half."""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(PHOTO)
    (folder / "deeper" / "b.png").write_bytes(pictures.sample(ImageFormat.PNG))
    (folder / "<b>.txt").write_text("no picture")
    (folder / "half.jpg").write_bytes(pictures.truncated(PHOTO, 0.3))
    return folder


def judged_by(data: bytes, form: ImageFormat, variants: Sequence[Variant], judge: Judge | None = None) -> list[Render]:
    """The renders of these variants, each judged by what it was encoded from."""
    made = rendered(data, form, [variants])
    return [judged(made.renders[variant.name], made.encoded[variant.name], judge) for variant in variants]


def test_a_render_is_what_the_function_makes_and_is_like_what_was_encoded() -> None:
    made = rendered(PHOTO, ImageFormat.JPEG, [WEB])
    assert {name: one.body for name, one in made.renders.items()} == {
        outcome.name: outcome.body for outcome in render(PHOTO, WEB).outcomes if isinstance(outcome, Made)
    }
    for one in judged_by(PHOTO, ImageFormat.JPEG, WEB):
        assert one.ssim is not None
        assert 0.9 < one.ssim < 1


def test_what_loses_nothing_is_the_same_whatever_is_made_beside_it() -> None:
    others = [replace(variant, name=f"{variant.name}-png", output=Output(format=OutputFormat.PNG)) for variant in WEB]
    found = judged_by(PHOTO, ImageFormat.JPEG, [*WEB, *others])
    assert [one.ssim for one in found[len(WEB) :]] == [1.0] * len(WEB)


def test_a_worse_picture_is_told_from_a_better_one() -> None:
    qualities = [replace(WEB[0], name=f"q{quality}", output=Output(quality=quality)) for quality in (20, 50, 90)]
    scores = [one.ssim for one in judged_by(PHOTO, ImageFormat.JPEG, qualities)]
    assert scores == sorted(scores)
    assert scores[0] != scores[2]


@pytest.mark.parametrize("color", ColorSpace)
@pytest.mark.parametrize("form", [OutputFormat.JPEG, OutputFormat.WEBP, OutputFormat.PNG])
def test_colours_and_what_shows_through_are_compared_as_they_are_seen(color: ColorSpace, form: OutputFormat) -> None:
    """A Display P3 file has other numbers, and a JPEG of something transparent lies on white: neither is a loss."""
    clear = pictures.encoded(pictures.photo(64, 64), "png")
    (one,) = judged_by(clear, ImageFormat.PNG, [Variant(name="a", output=Output(format=form, color=color, quality=95))])
    assert one.ssim is not None
    assert one.ssim > 0.95


def test_a_file_that_had_to_be_smaller_has_no_score_and_says_so() -> None:
    noise = pictures.encoded(pictures.photo(200, 200).convert("RGB").effect_spread(60), "png")
    (one,) = judged_by(noise, ImageFormat.PNG, [Variant(name="a", output=Output(max_bytes=1_000))])
    assert max(one.size) < 200
    assert (one.ssim, one.score) == (None, None)
    assert "another size" in one.trouble


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
    assert (
        command.run(["presets", "diff", "web@1", f"@{new}", "--corpus", str(corpus), "--out", str(out), "--no-score"])
        == 0
    )
    text = out.read_text()
    assert "web@1 → new.json" in text
    assert not re.search(r"<script|http://|https://|javascript:", text)
    assert "default-src 'none'" in text
    pictures_shown = [base64.b64decode(data) for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", text)]
    # of three pictures one is broken, and what is the same on both sides is shown once
    assert len(pictures_shown) == 2 * (4 + 2)
    assert all(pictures.opened(body).size[0] > 0 for body in pictures_shown if body[4:8] != b"ftyp")


def test_names_from_outside_are_only_text_on_the_page() -> None:
    evil = Pair(picture="<script>a</script>", variant="x", before=Render(name="x", trouble="<b>"), after=None)
    text = page("<u>", "<s>", [evil], before="<old>", after="<new>", reference="<i>", asked={"<old>": "<s>"})
    assert "&lt;script&gt;a&lt;/script&gt;" in text
    assert not re.search(r"<(script|u|s|i|old|new)>(?!</)", text)


def side(count: int, score: float | None = None, ssim: float | None = None, **more: Any) -> Render:
    """A file of so many bytes."""
    fields: dict[str, Any] = {"size": (9, 9), "body": bytes(count)} | more
    return Render(name="a", format=OutputFormat.JPEG, score=score, ssim=ssim, **fields)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (side(5, 90), side(5, 90), Verdict.SAME),
        (side(5, 90), side(4, 90.04), Verdict.BETTER),
        (side(5, 90), side(5, 91, body=b"other"), Verdict.BETTER),
        (side(5, 90), side(6, 89), Verdict.WORSE),
        (side(5, 90), side(6, 90), Verdict.WORSE),
        (side(5, 90), side(4, 89), Verdict.MIXED),
        (side(5, 90), side(6, 91), Verdict.MIXED),
        (side(5, 90), side(5, 90, body=b"other"), Verdict.ALIKE),
        (side(5, None, 0.98), side(4, None, 0.97), Verdict.MIXED),
        # what is known of one side alone is no comparison
        (side(5, 90), side(4), Verdict.SMALLER),
        (side(5), side(6), Verdict.LARGER),
        (side(5, 90), side(4, 99, size=(8, 9)), Verdict.OTHER),
        (side(5, 90), None, Verdict.ALONE),
        (side(5, 90), side(0, trouble="no"), Verdict.ALONE),
        (side(0, trouble="no"), side(0, trouble="no"), Verdict.NONE),
    ],
)
def test_a_pair_is_better_only_in_all_that_is_known(before: Render, after: Render | None, verdict: Verdict) -> None:
    assert Pair(picture="p", variant="a", before=before, after=after).verdict is verdict


def test_a_variant_that_was_asked_for_otherwise_is_another_picture(corpus: Path) -> None:
    subjects, _ = preset_diff.corpus(corpus, 1)
    old = Variant(name="a", output=Output(quality=80))
    for new, is_other in ((replace(old, output=Output(quality=40)), False), (replace(old, rotate=180.0), True)):
        (pair,) = preset_diff.pairs(subjects, (old,), (new,))
        assert pair.is_other is is_other
        assert (pair.verdict is Verdict.OTHER) is is_other
        assert (pair.gain is None) is is_other


def test_what_is_counted_is_what_both_sides_made() -> None:
    pairs = [
        Pair(picture="p", variant="a", before=side(10, 80), after=side(8, 70)),
        Pair(picture="q", variant="a", before=side(10, 90), after=side(10, 90)),
        Pair(picture="r", variant="b", before=side(999, 10), after=None),
    ]
    whole = totals(pairs)
    assert (whole.pairs, whole.same, whole.bytes, whole.score) == (3, 1, [20, 18], [85, 80])
    document = json.loads(json.dumps(in_numbers(pairs)))
    assert document["measure"] == "ssimulacra2"
    assert document["verdicts"] == {"same": 1, "mixed": 1, "alone": 1}
    assert document["variants"]["b"]["bytes"] == [0, 0]
    assert [one["verdict"] for one in document["details"]] == ["mixed", "same", "alone"]
    assert document["details"][2]["after"] is None


@pytest.fixture
def judge() -> Iterator[Judge]:
    with scoring.judge() as found:
        if found is None:
            pytest.skip("without the measure: make score")
        yield found


def test_the_score_is_ssimulacra2s_own(judge: Judge) -> None:
    """100 for the same pixels, and lower the more was lost; the figure itself is that of the published measure."""
    variants = [replace(WEB[2], name=f"q{quality}", output=Output(quality=quality)) for quality in (30, 60, 95)]
    plain = replace(WEB[2], name="plain", output=Output(format=OutputFormat.PNG))
    found = [one.score for one in judged_by(PHOTO, ImageFormat.JPEG, [*variants, plain], judge)]
    assert found == sorted(score for score in found if score is not None)
    assert found[3] == 100
    flat = bytes((128, 128, 128)) * 64 * 64
    step = bytes((128, 128, 128)) * 64 * 32 + bytes((160, 128, 128)) * 64 * 32
    assert judge.score((64, 64), flat, step) == pytest.approx(FLAT_AGAINST_STEP, abs=0.01)


def test_what_cannot_be_scored_says_why(judge: Judge) -> None:
    assert judge.score((7, 100), b"", b"") == "no score below 8 pixels"
    assert judge.score((4_000, 3_000), b"", b"") == "no score above 8 megapixels"


def test_a_judge_that_ended_is_told_and_stops_nothing(judge: Judge) -> None:
    judge.process.send_signal(signal.SIGKILL)
    judge.process.wait()
    same = bytes(3 * 64 * 64)
    assert judge.score((64, 64), same, same) == "no score: its process ended"


def test_without_a_judge_a_page_goes_by_ssim_and_says_how_to_get_one(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scoring, "MADE", tmp_path / "nowhere")
    out = tmp_path / "page.html"
    arguments = ["presets", "diff", "a=rs::40/q:50", "a=rs::40/q:90", "--corpus", str(corpus), "--out", str(out)]
    assert command.run([*arguments, "--json"]) == 0
    told = capsys.readouterr()
    assert "`make score` gets SSIMULACRA2" in told.err
    assert json.loads(told.out)["measure"] == "ssim"
    assert "<code>make score</code>" in out.read_text()
    assert command.run([*arguments, "--no-score"]) == 0
    assert "make score" not in capsys.readouterr().err


LOGO = "018f3a1c-52aa-7bbb-8ccc-0123456789ab.logo"
MARKED = f"a=rs::100/wm:{LOGO}:center:100:50"


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    file = tmp_path / "logo.png"
    file.write_bytes(pictures.encoded(pictures.disc(40, 40, (255, 0, 0), (255, 0, 0)), "png"))
    return file


@pytest.mark.parametrize("name", [LOGO, "logo"])
def test_a_watermark_is_the_file_that_was_named_for_it(corpus: Path, logo: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "page.html"
    named = ["--corpus", str(corpus), "--most", "1", "--out", str(out), "--no-score", "--watermark", f"{name}={logo}"]
    assert command.run(["presets", "diff", "a=rs::100", f"{MARKED}/f:png", *named]) == 0
    plain, marked = (base64.b64decode(data) for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", out.read_text()))
    middle = 50, pictures.opened(marked).height // 2
    assert pictures.opened(marked).convert("RGB").getpixel(middle) == (255, 0, 0)
    assert pictures.opened(plain).convert("RGB").getpixel(middle) != (255, 0, 0)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--watermark", "logo"], "names no watermark and its file"),
        (["--watermark", "icon=x.png"], "neither preset has a watermark icon"),
        (["--watermark", "logo=nowhere.png"], "nowhere.png cannot be read"),
        (["--watermark", "logo=words.txt"], "no picture that is read here"),
        (["--watermark", "logo=huge.png"], "a watermark has at most 4000000"),
        (["--url", "http://127.0.0.1:9"], f"the watermark {LOGO} is not to be had"),
    ],
)
def test_a_watermark_that_is_not_to_be_had_is_told_in_a_line(
    words: list[str],
    says: str,
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("words.txt").write_text("words")
    Path("huge.png").write_bytes(pictures.encoded(pictures.disc(2_001, 2_000, (1, 2, 3), (1, 2, 3)), "png"))
    assert command.run(["presets", "diff", MARKED, MARKED, "--corpus", str(corpus), *words]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert "--watermark" in told or "make run" in told or "the watermarks are" in told or "at most" in told
    assert not Path("presets-diff.html").exists()


def test_a_text_says_what_it_would_and_not_its_braces(corpus: Path) -> None:
    text = Variant(name="a", overlays=(Overlay(text="{date}"),))
    (found,) = preset_diff.variants_of("a=tx:%7Bdate%7D", "http://127.0.0.1:9", None)
    assert found.overlays[0].text is not None
    assert "{" not in found.overlays[0].text
    subjects, _ = preset_diff.corpus(corpus, 1)
    (pair,) = preset_diff.pairs(subjects, (text,), (found,))
    assert not pair.is_same


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


def done(
    stack: Standing,
    number: int,
    *,
    changed: str = "",
    variants: Sequence[Variant] = WEB,
    assets: Mapping[str, bytes] = NO_ASSETS,
) -> Job:
    """A completed job with its objects; the result of `changed` is of another engine."""
    job_id = new_job_id(NOON + number, bytes(10))
    key = f"inline/default/{job_id}/original"
    version = stack.s3.put_object(Bucket=stack.originals, Key=key, Body=PHOTO)["VersionId"]
    named = [told(variant, job_id, DAY) for variant in variants]
    made = rendered(PHOTO, ImageFormat.JPEG, [named], assets=assets).renders
    keys = {name: f"default/marks/{name}" for name in assets}
    for name, key_of in keys.items():
        stack.s3.put_object(Bucket=stack.results, Key=key_of, Body=assets[name])
    records = []
    for variant in variants:
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
        assets=keys,
        parts=(
            Part(
                number=1,
                token=1,
                run=1,
                variants=tuple(variant.name for variant in variants),
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


def test_palettes_are_made_by_whom_the_stack_has_for_them(stack: Standing) -> None:
    icon = Variant(name="icon", output=Output(format=OutputFormat.PNG, colors=16))
    job = done(stack, 1, variants=(icon,))
    assert [pair.verdict for pair in upgrade.pairs(stack, [job])] == [Verdict.SAME]
    stack.settings = replace(stack.settings, formats=Formats(imagequant=True))
    (pair,) = upgrade.pairs(stack, [job])
    assert not pair.is_same
    assert pair.after is not None
    assert (
        pair.after.body
        == rendered(PHOTO, ImageFormat.JPEG, [[icon]], palettes=Quantizer.IMAGEQUANT).renders["icon"].body
    )


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
    assert len(found) == 4 + 4
    assert {pair.after.trouble for pair in found[4:] if pair.after} == {"its original is not there any more"}
    gone = next(pair for pair in found if pair.variant == "thumb").before
    assert gone is not None
    assert "not there" in gone.trouble


def test_a_watermark_is_the_result_that_was_fixed_for_the_job(stack: Standing, logo: Path) -> None:
    """And a text names that job, on the day on which it was made."""
    (marked,) = parse(MARKED)
    texts = Variant(name="text", resize=Resize(width=200), overlays=(Overlay(text="{job_id} {date}", scale=90),))
    job = done(stack, 1, variants=(marked, texts), assets={LOGO: logo.read_bytes()})
    assert {pair.variant: pair.verdict for pair in upgrade.pairs(stack, [job])} == {
        "a": Verdict.SAME,
        "text": Verdict.SAME,
    }
    stack.s3.delete_object(Bucket=stack.results, Key=job.assets[LOGO])
    found = {pair.variant: pair for pair in upgrade.pairs(stack, [job])}
    assert found["text"].verdict is Verdict.SAME
    assert found["a"].after is not None
    assert LOGO in found["a"].after.trouble
