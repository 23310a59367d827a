"""API keys: sent to the Darkroom with every request, to nobody else, and shown to nobody."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client import AsyncDarkroom, BadInput, Darkroom, Refused, command
from contracts.keys import Scope
from tests.support import imitation as scripted
from tests.support.imitation import JOB, Imitation, Reply, accepted_reply, problem_reply, status_reply, variant
from tests.support.keys import MemoryKeys

KEY = MemoryKeys().made("shop", Scope.JOBS_READ, now=1_790_000_000_000)
OTHER = MemoryKeys(1).made("shop", Scope.JOBS_READ, now=1_790_000_000_000)
BYTES = b"the picture"

Call = Callable[..., Any]


def blocking(address: str, key: str | None, verb: str, *values: Any) -> Any:
    with Darkroom(address, key) as darkroom:
        return getattr(darkroom, verb)(*values)


def awaiting(address: str, key: str | None, verb: str, *values: Any) -> Any:
    async def call() -> Any:
        async with AsyncDarkroom(address, key) as darkroom:
            return await getattr(darkroom, verb)(*values)

    return asyncio.run(call())


@pytest.fixture(params=[blocking, awaiting])
def call(request: pytest.FixtureRequest) -> Call:
    return request.param


def sent(imitation: Imitation) -> list[str | None]:
    return [heard.headers.get("authorization") for heard in imitation.heard]


def test_a_key_goes_with_every_request(imitation: Imitation, call: Call) -> None:
    imitation.will(accepted_reply(), status_reply())
    call(imitation.address, KEY, "upload", BYTES)
    call(imitation.address, f" {KEY}\n", "status", JOB)
    assert sent(imitation) == [f"Bearer {KEY}"] * 2


def test_without_a_key_nothing_is_said_of_one(imitation: Imitation, call: Call) -> None:
    imitation.will(accepted_reply(), status_reply())
    call(imitation.address, None, "upload", BYTES)
    call(imitation.address, "", "status", JOB)
    assert sent(imitation) == [None] * 2


def test_whoever_holds_the_results_is_not_shown_the_key(imitation: Imitation, call: Call, tmp_path: Path) -> None:
    """A link is good by itself; the key would be another's to use, and S3 refuses two ways at once."""
    with scripted.imitation() as results:
        made = variant("thumb", BYTES, url=f"{results.address}/thumb")
        imitation.will(status_reply("completed", made))
        results.will(Reply(200, BYTES, {"Content-Type": "image/jpeg"}))
        call(imitation.address, KEY, "download", JOB, tmp_path)
        assert sent(imitation) == [f"Bearer {KEY}"]
        assert sent(results) == [None]


@pytest.mark.parametrize("text", ["dk_", KEY[:-1], KEY + "x", KEY.upper(), f"Bearer {KEY}", "secret\r\nX-Evil: 1", "é"])
def test_what_is_no_key_is_never_sent_and_never_shown(imitation: Imitation, text: str) -> None:
    with pytest.raises(BadInput) as refused:
        Darkroom(imitation.address, text)
    assert text not in str(refused.value) + refused.value.advice or text == "dk_"
    assert imitation.heard == []


def test_a_refused_key_is_said_with_what_to_do_and_without_the_key(imitation: Imitation, call: Call) -> None:
    imitation.will(problem_reply(401, "unauthenticated", "no valid key"))
    with pytest.raises(Refused) as refused:
        call(imitation.address, KEY, "status", JOB)
    assert "DARKROOM_KEY" in refused.value.advice
    assert KEY not in str(refused.value)


def test_the_command_takes_the_key_from_its_option_before_the_environment(
    imitation: Imitation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    imitation.will(
        status_reply(), status_reply(), problem_reply(403, "scope-missing", "the key has no scope jobs:write")
    )
    monkeypatch.setenv("DARKROOM_KEY", KEY)
    monkeypatch.setenv("DARKROOM_URL", imitation.address)
    assert command.run(["status", JOB]) == 0
    assert command.run(["status", JOB, "--key", OTHER]) == 0
    assert command.run(["cancel", JOB]) == 2
    assert sent(imitation) == [f"Bearer {KEY}", f"Bearer {OTHER}", f"Bearer {KEY}"]
    said = capsys.readouterr()
    assert "use an API key that has the scope" in said.err
    assert "dk_" not in said.out + said.err


def test_no_help_and_no_mistake_shows_the_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DARKROOM_KEY", KEY)
    for arguments in (["put", "--help"], ["list", "--help"], ["put"], ["status"], ["put", "x", "--wrong"]):
        command.run(arguments)
    monkeypatch.setenv("DARKROOM_KEY", KEY + "x")
    assert command.run(["status", JOB]) == 2
    said = capsys.readouterr()
    assert "DARKROOM_KEY" in said.out
    assert KEY not in said.out + said.err
