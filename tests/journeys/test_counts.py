"""What the pipeline uses: every right that was granted and no other, and at most so many calls a job."""

import sys

import pytest

from local.calls import counted
from local.counting import Call
from local.permissions import permissions
from local.story import Story

JOBS, VARIANTS = 48, 4

CALM = {"timing": {"first_gap_seconds": 600}}
"""What is owed is not sent a second time because a machine is slow."""

ONCE = {
    Call("upload", "dynamodb", "PutItem"): 2,
    Call("upload", "s3", "PutObject"): 1,
    Call("processing", "dynamodb", "PutItem"): 2,
    Call("transform", "s3", "GetObjectVersion"): 1,
    Call("transform", "s3", "PutObject"): VARIANTS,
    Call("transform", "sqs", "SendMessageBatch"): 1,
}
"""Calls that every job makes for itself, as docs/architecture.md has them."""

SHARED = {
    Call("upload", "sqs", "SendMessageBatch"): 1,
    Call("processing", "sqs", "ReceiveMessage"): 2,
    Call("processing", "dynamodb", "BatchGetItem"): 2,
    Call("processing", "sqs", "SendMessageBatch"): 1,
    Call("processing", "sqs", "DeleteMessageBatch"): 2,
}
"""Calls that jobs share whose messages come together: how often a job would make each if it were alone."""


def test_the_rights_of_every_role_are_used_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert permissions(), capsys.readouterr().out
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["used but not granted: 0", "granted but never used: 0"]


def test_a_job_of_four_variants_takes_no_more_calls_than_were_promised() -> None:
    """How many share a call is a matter of how fast jobs come, and so of the machine: that the readers gather them is
    held in virtual time (tests/services/processing/test_pace.py), and measured by `make calls`."""
    found = counted(JOBS, at_once=16, story=Story(sys.stdout), overrides=CALM).work
    assert {call: found[call] for call in found.keys() - SHARED.keys()} == {
        call: often * JOBS for call, often in ONCE.items()
    }
    assert all(found[call] <= often * JOBS for call, often in SHARED.items())
    # sixteen at a time do not all come alone
    assert sum(found[call] for call in SHARED) < sum(SHARED.values()) * JOBS
