"""`darkroom dead-letters` and `darkroom redrive`: what they ask the processing service, and what they tell of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from client import command
from operations import letters
from services.processing.__main__ import PORT
from tests.support import imitation as scripted
from tests.support.imitation import JOB, Imitation, Reply, json_reply, problem_reply


@pytest.fixture
def imitation() -> Iterator[Imitation]:
    with scripted.imitation() as one:
        yield one


@pytest.fixture(autouse=True)
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_join_others", lambda: command.app.update(letters.app))


def letter(fate: str = "sent", **more: Any) -> dict[str, Any]:
    known = {"queue": "jobs", "kind": "process", "job_id": JOB, "reason": None, "receives": 5}
    return {**known, "sent_at": "2026-11-23T15:04:05.120Z", "fate": fate, "why": "the job waits for it", **more}


def redriven(*told: dict[str, Any], more: bool = False) -> Reply:
    counts = {fate: sum(one["fate"] == fate for one in told) for fate in ("sent", "dropped", "left")}
    return json_reply(200, {"dry_run": False, **counts, "more": more, "letters": list(told)})


def test_letters_are_listed_with_their_fate(imitation: Imitation, capsys: pytest.CaptureFixture[str]) -> None:
    bad = letter("left", job_id=None, why="not JSON", reason="bad\x1bmessage")
    imitation.will(
        json_reply(200, {"queues": [{"name": "jobs", "total": 5, "letters": [letter(), bad]}], "more": False})
    )
    assert command.run(["dead-letters", "--queue", "jobs", "--url", imitation.address]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"2026-11-23T15:04:05.120Z  jobs  {JOB}  sent: the job waits for it",
        "2026-11-23T15:04:05.120Z  jobs  no job  left: not JSON  (parked: bad�message)",
    ]
    assert said.err == "jobs: 3 more, in the hands of a reader or beyond --most\n"
    assert imitation.heard[0].path == "/api/dlq?limit=100&queue=jobs"


def test_a_redrive_goes_on_until_there_is_no_more(imitation: Imitation, capsys: pytest.CaptureFixture[str]) -> None:
    imitation.will(redriven(letter(), more=True), redriven(letter("dropped"), letter("left")))
    assert command.run(["redrive", "--job", JOB, "--rate", "5", "--json", "--url", imitation.address]) == 0
    said = capsys.readouterr()
    assert [json.loads(line)["fate"] for line in said.out.splitlines()] == ["sent", "dropped", "left"]
    assert said.err == "sent again: 1, dropped: 1, left: 1\n"
    asked = [json.loads(heard.body) for heard in imitation.heard]
    assert asked == [{"job": JOB, "rate": 5.0, "dry_run": False, "discard": False}] * 2


def test_a_redrive_that_gets_nowhere_ends(imitation: Imitation) -> None:
    imitation.will(redriven(letter("left"), more=True))
    assert command.run(["redrive", "--url", imitation.address]) == 0
    assert len(imitation.heard) == 1


def test_a_dry_run_asks_once_and_says_would(imitation: Imitation, capsys: pytest.CaptureFixture[str]) -> None:
    imitation.will(redriven(letter(), more=True))
    assert command.run(["redrive", "--dry-run", "--url", imitation.address]) == 0
    assert capsys.readouterr().err == "would be sent again: 1, would be dropped: 0, left: 0\n"
    assert json.loads(imitation.heard[0].body)["dry_run"] is True


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (problem_reply(422, "spec-invalid", "rate is too high"), 2, "rate is too high"),
        (problem_reply(503, "unavailable", "later"), 3, "later"),
        (Reply(200, b"<html>"), 3, "no JSON"),
    ],
)
def test_what_goes_wrong_is_one_line(
    imitation: Imitation, capsys: pytest.CaptureFixture[str], reply: Reply, code: int, said: str
) -> None:
    imitation.will(reply)
    assert command.run(["redrive", "--url", imitation.address]) == code
    line = capsys.readouterr().err
    assert said in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "nowhere", "ftp://127.0.0.1"])
def test_a_service_that_is_not_there_is_told_with_the_way_to_it(
    capsys: pytest.CaptureFixture[str], address: str
) -> None:
    assert command.run(["dead-letters", "--url", address]) == 3
    assert "make tunnel STACK=<stack> SERVICE=processing" in capsys.readouterr().err


def test_the_port_is_the_services_own() -> None:
    assert letters.INTERNAL_ADDRESS.endswith(f":{PORT}")
