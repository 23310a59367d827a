"""`darkroom webhooks` as a person or a script runs it: whole output, exit code, what was asked and how often."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from client import Busy, ServerFault, Unreachable
from client.command import run
from client.effects import Answer, Flow, Silence
from tests.client.test_conversation import Played, answer, conversation, play
from tests.support.imitation import JOB, Imitation, Reply, accepted_reply, json_reply, problem_reply, status_reply

ID = "wh_c7q2m4xw8k3f9z5a"
EVENT = "5f2c" * 8
SECRET = "whsec_" + "A" * 44
ENDPOINT = {
    "id": ID,
    "url": "https://hooks.example/in",
    "state": "enabled",
    "created_at": "2026-11-23T15:04:05.120Z",
}
LINE = f"{ID}  enabled  https://hooks.example/in\n"
DELIVERY = {
    "event": EVENT,
    "type": "job.completed",
    "job_id": JOB,
    "run": 1,
    "state": "delivered",
    "created_at": "2026-11-23T15:04:05.640Z",
    "due_at": None,
    "ended_at": "2026-11-23T15:04:06.100Z",
    "reason": None,
    "attempts": [{"at": "2026-11-23T15:04:05.900Z", "elapsed_ms": 12, "status": 204, "error": None}],
}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def darkroom(imitation: Imitation, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output, standard error of `darkroom webhooks ...`."""

    def ran(*arguments: str) -> tuple[int, str, str]:
        code = run(["webhooks", *arguments, "--url", imitation.address])
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran


def asked(imitation: Imitation) -> list[tuple[str, str]]:
    return [(heard.method, heard.path) for heard in imitation.heard]


def test_the_secret_of_a_new_endpoint_is_shown_and_said_to_be_shown_once(imitation: Imitation, darkroom: Run) -> None:
    imitation.will(json_reply(201, {**ENDPOINT, "secret": SECRET}))
    code, out, err = darkroom("create", "https://hooks.example/in")
    assert (code, out) == (0, f"{LINE}secret  {SECRET}\n")
    assert err == (
        f"keep the secret now: it is not shown again\nhave it told of a picture: darkroom put FILE --webhook {ID}\n"
    )
    assert asked(imitation) == [("POST", "/webhooks")]
    assert json.loads(imitation.heard[0].body) == {"url": "https://hooks.example/in"}


def test_a_rotated_secret_too(imitation: Imitation, darkroom: Run) -> None:
    imitation.will(json_reply(201, {**ENDPOINT, "secret": SECRET}))
    code, out, err = darkroom("rotate", ID)
    assert (code, out) == (0, f"{LINE}secret  {SECRET}\n")
    assert err.startswith("keep the secret now: it is not shown again\nthe secret before it signs beside it for a day")
    assert asked(imitation) == [("POST", f"/webhooks/{ID}/secret")]


def test_endpoints_are_listed_or_the_way_to_the_first_one_is_shown(imitation: Imitation, darkroom: Run) -> None:
    off = {**ENDPOINT, "state": "disabled", "disabled_why": "it answered 410"}
    imitation.will(json_reply(200, {"webhooks": [ENDPOINT, off]}), json_reply(200, {"webhooks": []}))
    said = f"it answered 410; send to it again: darkroom webhooks enable {ID}"
    assert darkroom("list") == (0, f"{LINE}{ID}  disabled  https://hooks.example/in  {said}\n", "")
    none = "there is no endpoint yet; make one: darkroom webhooks create https://...\n"
    assert darkroom("list") == (0, "", none)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "delivered (answered 204)"),
        (
            {"state": "pending", "due_at": "2026-11-23T15:06:00Z", "attempts": [{"error": "source-unreachable"}]},
            "pending (source-unreachable, next 2026-11-23 15:06:00)",
        ),
        ({"state": "pending", "due_at": None, "attempts": []}, "pending"),
        (
            {"state": "exhausted", "reason": "tries-spent", "attempts": [{"status": 503}]},
            "exhausted (answered 503, tries-spent)",
        ),
    ],
)
def test_an_endpoint_is_shown_with_what_was_sent_to_it(
    imitation: Imitation, darkroom: Run, more: dict[str, Any], said: str
) -> None:
    imitation.will(json_reply(200, ENDPOINT), json_reply(200, {"deliveries": [{**DELIVERY, **more}]}))
    line = f"2026-11-23 15:04:05  job.completed            {said}  {EVENT}  job {JOB}\n"
    assert darkroom("show", ID, "--most", "7") == (0, LINE + line, "")
    assert asked(imitation) == [("GET", f"/webhooks/{ID}"), ("GET", f"/webhooks/{ID}/deliveries?limit=7")]


def test_an_endpoint_that_was_sent_nothing_says_how_it_is_told(imitation: Imitation, darkroom: Run) -> None:
    imitation.will(json_reply(200, ENDPOINT), json_reply(200, {"deliveries": []}))
    said = f"nothing was sent to it yet; have it told: darkroom put FILE --webhook {ID}\n"
    assert darkroom("show", ID) == (0, LINE, said)


def test_an_event_is_sent_again_an_endpoint_enabled_and_deleted(imitation: Imitation, darkroom: Run) -> None:
    again = {**DELIVERY, "state": "pending", "due_at": "2026-11-23T16:00:00Z", "ended_at": None}
    imitation.will(json_reply(202, again), json_reply(200, ENDPOINT), Reply(204, b""))
    code, out, err = darkroom("redeliver", ID, EVENT)
    assert (code, err) == (0, f"what comes of it: darkroom webhooks show {ID}\n")
    assert "pending (answered 204, next 2026-11-23 16:00:00)" in out
    assert darkroom("enable", ID) == (0, LINE, "")
    assert darkroom("delete", ID) == (0, f"{ID} is deleted; what was still to be sent to it is given up\n", "")
    assert asked(imitation) == [
        ("POST", f"/webhooks/{ID}/deliveries/{EVENT}/redeliver"),
        ("POST", f"/webhooks/{ID}/enable"),
        ("DELETE", f"/webhooks/{ID}"),
    ]


@pytest.mark.parametrize(
    ("arguments", "replies", "documents"),
    [
        (["create", "https://a.example/"], [json_reply(201, {**ENDPOINT, "secret": SECRET})], [{"secret": SECRET}]),
        (["rotate", ID], [json_reply(201, {**ENDPOINT, "secret": SECRET})], [{"secret": SECRET}]),
        (["list"], [json_reply(200, {"webhooks": [ENDPOINT, ENDPOINT]})], [ENDPOINT, ENDPOINT]),
        (["enable", ID], [json_reply(200, ENDPOINT)], [ENDPOINT]),
        (["redeliver", ID, EVENT], [json_reply(202, DELIVERY)], [DELIVERY]),
        (["delete", ID], [Reply(204, b"")], [{"id": ID, "state": "deleted"}]),
        (
            ["show", ID],
            [json_reply(200, ENDPOINT), json_reply(200, {"deliveries": [DELIVERY]})],
            [{**ENDPOINT, "deliveries": [DELIVERY]}],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) and isinstance(value[0], str) else "",
)
def test_json_is_what_the_server_sent_and_nothing_else_on_standard_output(
    imitation: Imitation, darkroom: Run, arguments: list[str], replies: list[Reply], documents: list[dict[str, Any]]
) -> None:
    imitation.will(*replies)
    code, out, _ = darkroom(*arguments, "--json")
    shown = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert len(shown) == len(documents)
    for one, wanted in zip(shown, documents, strict=True):
        assert one | wanted == one


@pytest.mark.parametrize(
    ("arguments", "reply", "code", "line"),
    [
        (
            ["show", "wh_1"],
            problem_reply(404, "not-found"),
            2,
            "darkroom: Not found; `darkroom webhooks list` shows those that there are\n",
        ),
        (
            ["redeliver", ID, "1"],
            problem_reply(404, "not-found"),
            2,
            "darkroom: Not found; `darkroom webhooks show ID` shows the latest\n",
        ),
        (
            ["redeliver", ID, EVENT],
            problem_reply(410, "gone", "the job of this event was deleted"),
            2,
            "darkroom: Gone: the job of this event was deleted; nothing of the event is left to send\n",
        ),
        (
            ["create", "http://10.0.0.1/"],
            problem_reply(422, "source-forbidden", "https only"),
            2,
            "darkroom: Source forbidden: https only; name an https address on port 443 of a public host\n",
        ),
        (
            ["create", "https://a.example/"],
            problem_reply(409, "state-conflict", "there are 20"),
            2,
            "darkroom: State conflict: there are 20; delete one that you do not need: darkroom webhooks delete ID\n",
        ),
        (
            ["list"],
            problem_reply(403, "scope-missing"),
            2,
            "darkroom: Scope missing; use an API key that has the scope\n",
        ),
        (["list"], json_reply(200, {"webhook": []}), 3, "is not an answer of Darkroom; check that the address is"),
        (["show", ID], json_reply(200, []), 3, "is not an answer of Darkroom; check that the address is"),
        (["delete", ID], json_reply(200, {}), 3, "is not an answer of Darkroom; check that the address is"),
        (["show", ID, "--most", "101"], json_reply(200, ENDPOINT), 2, "darkroom: a list has 1 to 100 deliveries"),
        (["show", ""], None, 2, "darkroom: that is not the id of a webhook endpoint; `darkroom webhooks list`"),
        (["redeliver", ID, "a" * 101], None, 2, "darkroom: that is not the id of an event; `darkroom webhooks show"),
        (["create", "\udc80"], None, 2, "darkroom: that is no address; name an https address\n"),
    ],
)
def test_an_error_is_one_line_that_names_the_next_step(
    imitation: Imitation, darkroom: Run, arguments: list[str], reply: Reply | None, code: int, line: str
) -> None:
    imitation.will(*([] if reply is None else [reply]))
    ended, out, err = darkroom(*arguments)
    assert (ended, out, err.count("\n")) == (code, "", 1)
    assert line in err


def test_a_picture_names_the_endpoint_that_is_told(imitation: Imitation, tmp_path: Path) -> None:
    (tmp_path / "chair.jpg").write_bytes(b"x" * 10)
    imitation.will(accepted_reply(), status_reply())
    assert run(["put", str(tmp_path / "chair.jpg"), "--webhook", ID, "--url", imitation.address]) == 0
    assert msgspec.json.decode(imitation.heard[0].parts[0][3]) == {"webhook": ID}


def test_a_picture_is_public_only_if_it_is_said(imitation: Imitation, tmp_path: Path) -> None:
    (tmp_path / "chair.jpg").write_bytes(b"x" * 10)
    for option in ([], ["--public"]):
        imitation.will(accepted_reply())
        run(["put", str(tmp_path / "chair.jpg"), "--no-wait", *option, "--url", imitation.address])
    assert [msgspec.json.decode(heard.parts[0][3]) for heard in imitation.heard] == [{}, {"public": True}]


MADE = answer(json_reply(201, {**ENDPOINT, "secret": SECRET}))
NOT_CONNECTED = Silence("nothing listens there", unsent=True)


def twice_is_too_often() -> list[Flow[Any]]:
    return [conversation().create_webhook("https://a.example/"), conversation().rotate_webhook(ID)]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("came", "error"),
    [
        (Silence("the connection broke"), Unreachable),
        (answer(problem_reply(503, "unavailable", headers={"Retry-After": "1"})), Busy),
        (answer(problem_reply(500, "internal")), ServerFault),
    ],
)
def test_what_would_be_made_twice_is_not_sent_again_once_it_may_have_been_made(
    which: int, came: Answer | Silence, error: type[Unreachable | Busy | ServerFault]
) -> None:
    """A second rotation would end the secret that the receiver has."""
    played = Played()
    with pytest.raises(error) as caught:
        play(twice_is_too_often()[which], [came], played)
    assert len(played.asks) == 1
    assert caught.value.advice.startswith("it may have been ")


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("came", [NOT_CONNECTED, answer(problem_reply(429, "quota-exceeded"))])
def test_it_is_sent_again_where_it_was_certainly_not_made(which: int, came: Answer | Silence) -> None:
    played = Played()
    assert play(twice_is_too_often()[which], [came, MADE], played).secret == SECRET
    assert len(played.asks) == 2


def test_nobody_there_is_said_as_always() -> None:
    with pytest.raises(Unreachable) as caught:
        play(twice_is_too_often()[0], [NOT_CONNECTED] * 4, Played())
    assert caught.value.advice.startswith("start Darkroom there")
