"""`darkroom list|cancel|retry|delete` as a person or a script runs them: whole output, exit code, what was asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.test_command import Ran, darkroom
from tests.support.imitation import JOB, Imitation, Reply, json_reply, problem_reply, status_reply

OTHER = JOB[:-1] + "8"


def commanded(state: str, status: int = 200, job_id: str = JOB) -> Reply:
    return json_reply(status, {"id": job_id, "state": state, "revision": 8, "status_url": f"/status/{job_id}"})


def line(job_id: str, **more: Any) -> dict[str, Any]:
    known = {
        "id": job_id,
        "state": "completed",
        "created_at": "2026-11-23T15:04:05.120Z",
        "progress": {"done": 4, "total": 4},
        "filename": "chair.jpg",
        "errors": [],
    }
    return {**known, **more}


@pytest.mark.slow
def test_a_list_is_a_line_a_job(imitation: Imitation, tmp_path: Path) -> None:
    bad = line(OTHER, state="partially_completed", filename=None, errors=["image-corrupt"])
    imitation.will(json_reply(200, {"jobs": [line(JOB), bad], "next": "more"}))
    ran = darkroom("list", "--most", "2", "--url", imitation.address, folder=tmp_path)
    assert ran == Ran(
        0,
        f"2026-11-23 15:04:05  {JOB}  completed            4/4  chair.jpg\n"
        f"2026-11-23 15:04:05  {OTHER}  partially completed  4/4    image-corrupt\n",
        "",
    )
    assert imitation.heard[0].path == "/jobs?limit=2"


@pytest.mark.slow
def test_a_list_of_all_follows_the_pages_with_its_filters(imitation: Imitation, tmp_path: Path) -> None:
    imitation.will(
        json_reply(200, {"jobs": [line(JOB)], "next": "a"}),
        json_reply(200, {"jobs": [], "next": "b"}),
        json_reply(200, {"jobs": [line(OTHER)], "next": None}),
    )
    arguments = ("--all", "--state", "failed", "--state", "queued", "--after", "2026-11-01T00:00:00Z", "--json")
    ran = darkroom("list", *arguments, "--url", imitation.address, folder=tmp_path)
    assert ran.code == 0
    assert [json.loads(text)["id"] for text in ran.out.splitlines()] == [JOB, OTHER]
    asked = "/jobs?limit=100&state=failed&state=queued&created_after=2026-11-01T00%3A00%3A00%2B00%3A00"
    assert [heard.path for heard in imitation.heard] == [asked, f"{asked}&cursor=a", f"{asked}&cursor=b"]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--most", "0"), ("--after", "yesterday"), ("--before", "2026-11-01T00:00:00")])
def test_a_list_of_nonsense_asks_nothing(imitation: Imitation, tmp_path: Path, arguments: tuple[str, str]) -> None:
    ran = darkroom("list", *arguments, "--url", imitation.address, folder=tmp_path)
    assert (ran.code, ran.out, imitation.heard) == (2, "", [])


@pytest.mark.slow
def test_one_that_cannot_be_cancelled_keeps_none_of_the_others(imitation: Imitation, tmp_path: Path) -> None:
    imitation.will(problem_reply(409, "state-conflict", "the job is completed"), commanded("cancelled", job_id=OTHER))
    ran = darkroom("cancel", JOB, OTHER, "--url", imitation.address, folder=tmp_path)
    assert (ran.code, ran.out) == (2, f"job {OTHER}: cancelled\n")
    assert f"darkroom: job {JOB}: " in ran.err
    assert "the job is completed" in ran.err
    asked = [(heard.method, heard.path) for heard in imitation.heard]
    assert asked == [("POST", f"/jobs/{JOB}/cancel"), ("POST", f"/jobs/{OTHER}/cancel")]
    keys = {heard.headers["idempotency-key"] for heard in imitation.heard}
    assert len(keys) == 2


@pytest.mark.slow
def test_a_deletion_tells_how_far_it_is(imitation: Imitation, tmp_path: Path) -> None:
    imitation.will(commanded("deleting", 202), Reply(204, b""))
    ran = darkroom("delete", JOB, OTHER, "--json", "--url", imitation.address, folder=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert [json.loads(text)["state"] for text in ran.out.splitlines()] == ["deleting", "deleted"]
    assert [heard.method for heard in imitation.heard] == ["DELETE", "DELETE"]


@pytest.mark.slow
def test_a_retry_says_what_it_saw_and_waits(imitation: Imitation, tmp_path: Path) -> None:
    imitation.will(
        status_reply("failed", revision=7),
        commanded("queued", 202),
        status_reply("queued", revision=8),
        status_reply("completed", revision=10),
    )
    ran = darkroom("retry", JOB, "--url", imitation.address, folder=tmp_path)
    assert ran.code == 0
    assert json.loads(imitation.heard[1].body) == {"revision": 7}
    assert imitation.heard[1].headers["content-type"] == "application/json"
    assert ran.err == f"job {JOB}: queued\njob {JOB}: completed\n"


@pytest.mark.slow
def test_a_retry_under_a_revision_does_not_look_first(imitation: Imitation, tmp_path: Path) -> None:
    imitation.will(commanded("queued", 202))
    ran = darkroom("retry", JOB, "--revision", "5", "--no-wait", "--url", imitation.address, folder=tmp_path)
    assert ran == Ran(0, f"job {JOB}: queued\n", "")
    assert json.loads(imitation.heard[0].body) == {"revision": 5}


@pytest.mark.slow
@pytest.mark.parametrize("command", ["cancel", "delete"])
def test_a_command_without_a_job_is_told_in_one_line(tmp_path: Path, command: str) -> None:
    ran = darkroom(command, folder=tmp_path)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
