"""Pictures of somebody's own bucket: taken once whatever happens, the source untouched, the price shown before."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto import mock_aws

from adapters.objects import S3Results
from client import command
from client.errors import BadInput
from components.naming import physical_name
from components.price_file import Price, Prices
from components.settings import PipelineConfig
from contracts.errors import Unavailable
from contracts.formats import ImageFormat
from contracts.hops import hops_in, marked
from contracts.job import Job, JobState, Lane
from contracts.messages import Process, Queue, decode
from contracts.options import Options
from contracts.outputs import OutputFormat
from contracts.places import ResultPlace
from contracts.ports import Received
from contracts.shelves import shelved
from contracts.tables import REGISTRY
from contracts.variants import Variant
from operations import import_commands
from operations.import_bill import bill
from operations.import_ends import End, Fate, Waiting, tally
from operations.importing import Importer, Pace
from operations.sources import Picture, Pictures, source_of
from tests.support import pictures
from tests.support.agreement_cloud import create_table
from tests.support.hostile import FOREIGN
from tests.support.ward import REGION, STACK, Ward

BUCKET = "somebodys-photos"
GOOD = {
    "2024/chair.jpg": pictures.sample(ImageFormat.JPEG),
    "2024/a b/tëst+.png": pictures.sample(ImageFormat.PNG),
    "2024/wrongly-named.jpg": pictures.sample(ImageFormat.WEBP),
}
BAD = {
    "2024/empty.jpg": b"",
    "2024/notes.txt": b"not a picture\n" * 40,
    "2024/drawing.psd": FOREIGN["PSD"].ljust(400, b"\0"),
    "2024/bomb.png": pictures.png_header(50_000, 50_000),
}


@pytest.fixture
def ward() -> Iterator[Ward]:
    with mock_aws():
        made = Ward()
        made.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for key, body in {**GOOD, **BAD, "2024/folder/": b"", "2023/other.jpg": GOOD["2024/chair.jpg"]}.items():
            made.s3.put_object(
                Bucket=BUCKET, Key=key, Body=body, ContentType="binary/octet-stream", Metadata={"who": "me"}
            )
        create_table(made.dynamodb, REGISTRY, physical_name(STACK, REGISTRY.name))
        made.standing.shelf.keep(shelved(None, "shop", "tiny@1", (Variant(name="tiny"),), made.pipeline.clock.now()))
        yield made


def importer(ward: Ward, *, prefix: str = "2024/", tenant: str = "shop", life: int | None = None) -> Importer:
    options = Options(preset="web@1", priority=Lane.BULK, expires_in=life)
    return Importer(
        ward.standing,
        Pictures(ward.s3, source_of(f"s3://{BUCKET}/{prefix}")),
        tenant=tenant,
        options=options,
        variants=options.resolved(),
        clock=ward.pipeline.clock,
        pace=Pace(1_000),
        assets={},
    )


def of_results(ward: Ward) -> Importer:
    """An import of the stack's own results."""
    made = importer(ward)
    made._pictures = Pictures(ward.s3, source_of(f"s3://{ward.standing.results}/"))
    return made


def run(made: Importer) -> list[End]:
    listed = list(made.sorted_out())
    waiting = [one for one in listed if isinstance(one, Waiting)]
    return [*(one for one in listed if isinstance(one, End)), *made.take(waiting)]


def fates(ends: list[End]) -> dict[str, Fate]:
    return {end.picture.key: end.fate for end in ends}


def imported(ward: Ward) -> list[Job]:
    """Jobs of the tenant that imports."""
    ids = [item["pk"]["S"].removeprefix("job#") for page in ward.standing.rows() for item in page]
    return [job for job in ward.standing.jobs(ids).values() if job is not None and job.tenant == "shop"]


def sent(ward: Ward) -> list[str]:
    """Ids of the jobs that were announced in the bulk lane; their messages are taken away."""
    received: list[Received] = []
    while batch := ward.standing.queues.receive(Queue.JOBS_BULK, most=10, wait_seconds=0):
        received += batch
        ward.standing.queues.delete(batch)
    messages = [decode(one.body) for one in received]
    return sorted(message.job_id for message in messages if isinstance(message, Process))


def there(ward: Ward) -> dict[str, Any]:
    """Everything of the source: bytes, type, words, and when it was written."""
    listed = ward.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    return {one["Key"]: (one["ETag"], one["LastModified"]) for one in listed}


def test_each_picture_becomes_a_job_whose_original_is_its_copy(ward: Ward) -> None:
    before = there(ward)
    ends = run(importer(ward))
    assert fates(ends) == {**dict.fromkeys(GOOD, Fate.TAKEN), **dict.fromkeys(BAD, Fate.SKIPPED)}
    jobs = {job.source.filename: job for job in imported(ward)}
    assert set(jobs) == {"chair.jpg", "tëst+.png", "wrongly-named.jpg"}
    for key, body in GOOD.items():
        job = jobs[key.rpartition("/")[2]]
        assert (job.state, job.lane, job.preset) == (JobState.QUEUED, Lane.BULK, "web@1")
        assert job.original is not None
        stored = ward.s3.get_object(Bucket=ward.standing.originals, Key=job.key, VersionId=job.original.version_id)
        assert stored["Body"].read() == body
        # the copy is declared as what it is, and says nothing of its owner's
        assert (stored["ContentType"], stored["Metadata"]) == (job.source.format.media_type, marked(0))
        assert job.key == f"inline/shop/{job.id}/original"
    assert sent(ward) == sorted(job.id for job in jobs.values())
    assert there(ward) == before


def test_what_is_skipped_says_why(ward: Ward) -> None:
    reasons = {end.picture.key: end.reason for end in run(importer(ward)) if end.fate is Fate.SKIPPED}
    assert reasons["2024/empty.jpg"] == "it is empty"
    assert reasons["2024/notes.txt"].startswith("unsupported-media-type: ")
    assert reasons["2024/drawing.psd"].startswith("unsupported-media-type: ")
    assert reasons["2024/bomb.png"].startswith("pixel-limit: ")
    assert len(imported(ward)) == len(GOOD)


def test_a_second_run_does_nothing_twice_and_takes_what_is_new(ward: Ward) -> None:
    run(importer(ward))
    sent(ward)
    rows = imported(ward)
    ward.s3.put_object(Bucket=BUCKET, Key="2024/new.jpg", Body=GOOD["2024/chair.jpg"])
    ward.s3.put_object(Bucket=BUCKET, Key="2024/chair.jpg", Body=pictures.sample(ImageFormat.JPEG, 40, 30))
    found = fates(run(importer(ward)))
    assert found == {
        **dict.fromkeys(BAD, Fate.SKIPPED),
        "2024/chair.jpg": Fate.TAKEN,
        "2024/a b/tëst+.png": Fate.THERE,
        "2024/wrongly-named.jpg": Fate.THERE,
        "2024/new.jpg": Fate.TAKEN,
    }
    assert len(imported(ward)) == len(rows) + 2
    assert len(sent(ward)) == 2
    versions = ward.s3.list_object_versions(Bucket=ward.standing.originals, Prefix="inline/shop/")["Versions"]
    assert len(versions) == len(imported(ward))


def test_of_two_runs_side_by_side_one_copies(ward: Ward) -> None:
    late = importer(ward)
    waiting = [one for one in late.sorted_out() if isinstance(one, Waiting)]
    run(importer(ward))
    ends = fates(list(late.take(waiting)))
    assert {key: ends[key] for key in GOOD} == dict.fromkeys(GOOD, Fate.THERE)
    versions = ward.s3.list_object_versions(Bucket=ward.standing.originals, Prefix="inline/shop/")["Versions"]
    assert len(versions) == len(imported(ward)) == len(GOOD)


def test_what_was_begun_with_other_options_is_left_to_those(ward: Ward) -> None:
    with breaking(begun := importer(ward, prefix="2024/chair", life=86_400), "create"):
        run(begun)
    [end] = run(importer(ward, prefix="2024/chair"))
    assert (end.fate, "with other options" in end.reason) == (Fate.FAILED, True)
    [job] = imported(ward)
    assert (job.state, job.original) == (JobState.AWAITING_UPLOAD, None)


def test_another_tenant_has_its_own(ward: Ward) -> None:
    run(importer(ward))
    assert fates(run(importer(ward, tenant="press")))["2024/chair.jpg"] is Fate.TAKEN


BROKEN: dict[str, str] = {
    "the row is made": "create",
    "the copy is made": "copy_original",
    "it is committed": "replace",
}


@contextmanager
def breaking(made: Importer, call: str) -> Iterator[None]:
    """The process dies right after this call, for the first picture that comes there."""

    class Died(BaseException):
        pass

    owner: Any = made._originals if call == "copy_original" else made._stack.ledger
    real: Callable[..., Any] = getattr(owner, call)

    def once(*args: Any, **named: Any) -> Any:
        real(*args, **named)
        raise Died

    setattr(owner, call, once)
    try:
        with pytest.raises(Died):
            yield
    finally:
        delattr(owner, call)


@pytest.mark.parametrize("after", BROKEN)
def test_a_run_that_breaks_off_is_gone_on_with(ward: Ward, after: str) -> None:
    """Wherever: each picture is one job in the end, announced at least once or owed."""
    made = importer(ward, prefix="2024/chair")
    with breaking(made, BROKEN[after]):
        run(made)
    ends = run(importer(ward))
    assert {end.fate for end in ends if end.picture.key in GOOD} <= {Fate.TAKEN, Fate.THERE}
    jobs = imported(ward)
    assert len(jobs) == len(GOOD)
    assert {job.state for job in jobs} == {JobState.QUEUED}
    assert all(job.debts for job in jobs)


def test_a_picture_that_was_given_up_before_it_was_copied_is_begun_anew(ward: Ward) -> None:
    """The sweeper gives up a row whose upload never came; its id is spent."""
    made = importer(ward, prefix="2024/chair")
    with breaking(made, "create"):
        run(made)
    [begun] = imported(ward)
    ward.put(_with_state(begun, JobState.ABANDONED))
    [end] = run(importer(ward, prefix="2024/chair"))
    assert end.fate is Fate.TAKEN
    assert end.job_id != begun.id
    assert [job.state for job in imported(ward) if job.id == end.job_id] == [JobState.QUEUED]


def test_what_was_deleted_since_is_not_brought_back(ward: Ward) -> None:
    [end] = run(importer(ward, prefix="2024/chair"))
    [job] = imported(ward)
    ward.put(_with_state(job, JobState.DELETED))
    again = run(importer(ward, prefix="2024/chair"))
    assert [one.fate for one in again] == [Fate.GONE]
    assert end.job_id == again[0].job_id


def _with_state(job: Job, state: JobState) -> Job:
    from msgspec.structs import replace

    return replace(job, state=state, debts=())


def test_a_picture_that_changes_while_it_is_looked_at_is_left_for_the_next_run(ward: Ward) -> None:
    made = importer(ward, prefix="2024/chair")
    waiting = [one for one in made.sorted_out() if isinstance(one, Waiting)]
    ward.s3.put_object(Bucket=BUCKET, Key="2024/chair.jpg", Body=pictures.sample(ImageFormat.PNG))
    [end] = made.take(waiting)
    assert (end.fate, "changed" in end.reason) == (Fate.FAILED, True)
    assert imported(ward) == []


def test_one_that_does_not_answer_does_not_stop_the_others(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    made = importer(ward)
    real = made._pictures.seen

    def sometimes(picture: Picture) -> Any:
        if picture.key == "2024/chair.jpg":
            raise Unavailable("planted")
        return real(picture)

    monkeypatch.setattr(made._pictures, "seen", sometimes)
    seen = tally(run(made))
    assert (seen.counts[Fate.TAKEN], seen.failed) == (len(GOOD) - 1, 1)


def test_a_dry_run_looks_at_each_and_takes_none(ward: Ward) -> None:
    made = importer(ward)
    waiting = [one for one in made.sorted_out() if isinstance(one, Waiting)]
    looked = {end.picture.key: end.fate for end in made.look(waiting)}
    assert looked == {**dict.fromkeys(GOOD, Fate.TAKEN), **{key: Fate.SKIPPED for key in BAD if BAD[key]}}
    assert imported(ward) == []
    assert sent(ward) == []
    assert "Versions" not in ward.s3.list_object_versions(Bucket=ward.standing.originals, Prefix="inline/shop/")


def test_the_pace_is_kept_over_all_threads() -> None:
    slept: list[float] = []
    pace = Pace(10, slept.append, lambda: 7.0)
    for _ in range(6):
        pace.wait()
    # the clock stands still, so each turn is a tenth of a second further away than the one before
    assert slept == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize("address", ["photos", "http://photos/x", "s3://", "s3://UPPER/x", "s3:///x", "s3://a"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadInput):
        source_of(address)


def test_the_bill_is_of_all_pictures_and_names_what_it_does_not_count() -> None:
    prices = Prices(
        Price(item=item, unit="request", region=REGION, usd=usd, source="here", date="2026-11-01")
        for item, usd in {"s3-put": 0.00001, "s3-get": 0.000001, "lambda-x86_64": 0.00002}.items()
    )
    made = bill(PipelineConfig(), REGION, prices, pictures=1_000, size=5_000_000_000, variants=2)
    assert made.requests_usd == pytest.approx(1_000 * (3 * 0.00001 + 2 * 0.000001))
    assert made.second_usd is not None
    assert made.second_usd > 0
    assert "dynamodb-write" in made.not_counted
    assert made.text().startswith("1000 pictures of 5.00 GB: 0.03 USD of requests, and ")


@pytest.fixture
def commanded(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> Ward:
    """The command finds this stack, whatever it is asked for."""

    @contextmanager
    def found(*_: object, **__: object) -> Iterator[Any]:
        yield ward.standing

    monkeypatch.setattr("operations.standing.standing", found)
    return ward


def imports(*more: str) -> int:
    given = ["--tenant", "shop", *more] if "--tenant" not in more else list(more)
    return command.run(["import", f"s3://{BUCKET}/2024/", *given])


def test_the_command_shows_the_price_and_asks_before_it_takes_any(
    commanded: Ward, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imports("--preset", "web@1") == 2
    said = capsys.readouterr().err
    assert "7 objects, 6 to be taken" in said
    assert "USD of requests" in said
    assert "say --yes" in said
    assert imported(commanded) == []
    assert imports("--preset", "web@1", "--yes") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 taken, 0 there already, 0 deleted since, 4 skipped, 0 failed"
    assert len(imported(commanded)) == 3


def test_a_tenants_own_preset_is_taken_and_from_then_on_fixed(commanded: Ward) -> None:
    assert imports("--preset", "tiny@1", "--dry-run") == 0
    kept = commanded.standing.shelf.preset("shop", "tiny@1")
    assert kept is not None
    assert kept.used_at is None
    assert imports("--preset", "tiny@1", "--yes") == 0
    kept = commanded.standing.shelf.preset("shop", "tiny@1")
    assert kept is not None
    assert kept.used_at is not None
    assert {(job.preset, *(record.spec.name for record in job.variants)) for job in imported(commanded)} == {
        ("tiny@1", "tiny")
    }


def test_the_command_tells_programs_the_same(commanded: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    assert imports("--dry-run", "--json", "--expires", "90d") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"taken": 3, "there": 0, "gone": 0, "skipped": 4, "failed": 0}
    assert {trouble["key"] for trouble in document["troubles"]} == set(BAD)
    assert (document["dry_run"], document["preset"], document["tenant"]) == (True, "web@1", "shop")
    assert imported(commanded) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--preset", "nope@1"], "shop has no preset nope@1; there are: web@1, tiny@1"),
        (["--preset", "nope"], "there is no preset of this name"),
        (["--rate", "0"], "are not a rate"),
        (["--expires", "1y"], "is no length of time"),
        (["--expires", "5m"], "expires_in"),
        (["--tenant", "No Tenant"], "tenant"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    commanded: Ward, capsys: pytest.CaptureFixture[str], given: list[str], told: str
) -> None:
    assert imports("--yes", *given) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert told in line
    assert imported(commanded) == []


def test_the_stacks_own_buckets_are_no_source(commanded: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    source = f"s3://{commanded.standing.originals}/inline/"
    assert command.run(["import", source, "--tenant", "shop", "--yes"]) == 2
    assert "the stack's own bucket" in capsys.readouterr().err
    assert import_commands.INCOMPLETE == 1


def test_an_import_of_our_own_results_goes_round_once_and_ends(ward: Ward) -> None:
    """Results of the first round may come in; those of the second are skipped, however often it is run."""
    run(importer(ward))
    seen = []
    for _ in range(4):
        develop(ward)
        ends = run(of_results(ward))
        taken = sum(end.fate is Fate.TAKEN for end in ends)
        looped = sum(end.fate is Fate.SKIPPED and end.reason.startswith("hop-limit: ") for end in ends)
        seen.append((taken, looped))
    first = seen[0][0]
    assert first > 0
    assert seen == [(first, 0), (0, first), (0, first), (0, first)]
    assert {job.source.hops for job in imported(ward)} == {0, 1}


def develop(ward: Ward) -> None:
    """What the function would leave of every job that has no result: one picture, marked as it marks them."""
    results = S3Results(ward.s3, ward.standing.results)
    for job in imported(ward):
        original = ward.s3.get_object(Bucket=ward.standing.originals, Key=job.key)
        assert hops_in(original["Metadata"]) == job.source.hops
        body = original["Body"].read()
        digest = hashlib.sha256(body + job.id.encode()).hexdigest()
        key = ResultPlace(job.tenant, job.id, "small", digest, OutputFormat.JPEG).key
        body += job.id.encode()
        results.put_result(key, body, digest=digest, media_type="image/jpeg", hops=job.source.hops + 1)
