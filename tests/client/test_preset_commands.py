"""`darkroom presets` as a person or a script runs it: whole output, exit code, what was asked."""

import json
from pathlib import Path

import pytest

from client import AsyncDarkroom, Darkroom
from client.errors import BadInput, Refused
from tests.client.test_command import Ran, darkroom
from tests.support.imitation import Imitation, Reply, json_reply, problem_reply

CARD = {"name": "card@1", "variants": [{"name": "card", "resize": {"width": 320}}]}
WEB = {"name": "web@1", "built_in": True, "used": True, "variants": [{"name": "large"}, {"name": "small"}]}


@pytest.mark.slow
def test_presets_are_listed_kept_shown_and_deleted(imitation: Imitation, tmp_path: Path) -> None:
    imitation.will(
        json_reply(200, {"default": "web@1", "presets": [WEB, CARD], "only_presets": False}),
        json_reply(201, CARD),
        json_reply(200, CARD),
        Reply(204, b""),
    )
    (tmp_path / "card.json").write_text(json.dumps(CARD))

    def run(*arguments: str) -> Ran:
        return darkroom("presets", *arguments, "--url", imitation.address, folder=tmp_path)

    assert run("list") == Ran(0, "web@1  built in  large, small\ncard@1  not used yet  card\n", "")
    assert run("put", "card@1", "@card.json").out == "card@1  not used yet  card\n"
    assert json.loads(run("show", "card@1").out) == CARD
    assert run("delete", "card@1").out == "card@1 is deleted\n"
    asked = [(heard.method, heard.path) for heard in imitation.heard]
    assert asked == [
        ("GET", "/presets"),
        ("PUT", "/presets/card@1"),
        ("GET", "/presets/card@1"),
        ("DELETE", "/presets/card@1"),
    ]
    assert json.loads(imitation.heard[1].body) == {"variants": CARD["variants"]}


def test_what_is_used_is_refused_by_its_code(imitation: Imitation) -> None:
    imitation.will(problem_reply(409, "state-conflict", "card@1 is used"))
    with Darkroom(imitation.address) as client, pytest.raises(Refused, match="card@1 is used") as raised:
        client.put_preset("card@1", [{"name": "card"}])
    assert raised.value.code == "state-conflict"


@pytest.mark.parametrize("name", ["", "a" * 101])
def test_what_is_no_name_is_not_asked_for(imitation: Imitation, name: str) -> None:
    with Darkroom(imitation.address) as client, pytest.raises(BadInput):
        client.preset(name)
    assert imitation.heard == []


async def _both(address: str) -> list[str]:
    async with AsyncDarkroom(address) as client:
        await client.put_preset("card@1", CARD["variants"])
        await client.delete_preset("card@1")
        return [preset["name"] for preset in await client.presets()]


def test_both_clients_say_the_same(imitation: Imitation) -> None:
    import asyncio

    imitation.will(json_reply(200, CARD), Reply(204, b""), json_reply(200, {"presets": [WEB]}))
    assert asyncio.run(_both(imitation.address)) == ["web@1"]
