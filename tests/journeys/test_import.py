"""Pictures of a bucket of one's own, taken by the command into a running stack and made into variants like any."""

import json
from pathlib import Path

import pytest

from client import Darkroom, command
from contracts.formats import ImageFormat
from local.supervisor import Supervisor
from tests.support import pictures
from tests.support.stack import ROOT, on_the_stack

pytestmark = on_the_stack

OWN = {
    f"2024/{number}.jpg": pictures.encoded(pictures.photo(300, 200, number), ImageFormat.JPEG) for number in range(6)
}


def imported(stack: Supervisor, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, int]:
    """Counts of what became of them."""
    source = ["import", "s3://own-pictures/2024/", "--preset", "web@1", "--json", *more]
    assert command.run([*source, "--endpoint", stack.cloud.endpoint]) == 0
    return json.loads(capsys.readouterr().out)["counts"]


def test_a_buckets_pictures_are_taken_once_and_made_into_variants(
    stack: Supervisor,
    darkroom: Darkroom,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    s3 = stack.clients["s3"]
    s3.create_bucket(Bucket="own-pictures", CreateBucketConfiguration={"LocationConstraint": stack.cloud.region})
    for key, body in {**OWN, "2024/notes.txt": b"no picture\n" * 30}.items():
        s3.put_object(Bucket="own-pictures", Key=key, Body=body)
    before = {job.id for job in darkroom.jobs()}
    nothing = {"there": 0, "gone": 0, "failed": 0}
    assert imported(stack, capsys, "--dry-run") == {"taken": 6, "skipped": 1, **nothing}
    assert {job.id for job in darkroom.jobs()} == before
    assert imported(stack, capsys, "--yes") == {"taken": 6, "skipped": 1, **nothing}
    jobs = [job for job in darkroom.jobs() if job.id not in before]
    assert {darkroom.wait(job.id).state for job in jobs} == {"completed"}
    assert len(jobs) == 6
    assert imported(stack, capsys, "--yes") == {"taken": 0, "skipped": 1, **nothing, "there": 6}
    for job in jobs:
        status = darkroom.status(job.id)
        assert status is not None
        assert len(darkroom.download(status, tmp_path / job.id)) == 4
    listed = s3.list_objects_v2(Bucket="own-pictures")["Contents"]
    assert {one["Key"] for one in listed} == {*OWN, "2024/notes.txt"}
