"""What the pipeline uses: every right that was granted and no other, and at most so many calls a job."""

import pytest

from local.calls import TARGET, calls
from local.permissions import permissions


def test_the_rights_of_every_role_are_used_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert permissions(), capsys.readouterr().out
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["used but not granted: 0", "granted but never used: 0"]


def test_a_job_of_four_variants_takes_no_more_calls_than_were_promised(capsys: pytest.CaptureFixture[str]) -> None:
    assert calls(jobs=48, at_once=16), capsys.readouterr().out
    assert float(capsys.readouterr().out.splitlines()[-1].removeprefix("calls per job: ")) <= TARGET
