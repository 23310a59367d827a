"""`darkroom keys`: a pepper that is written once, keys that are shown once, two live ones while one takes over."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from adapters import clients
from adapters.pepper import pepper
from adapters.registry import DynamoKeys
from client import command
from contracts.keys import digest_of, is_key_of, prefix_of
from contracts.tables import REGISTRY
from operations.keys import Made

REGION = "eu-west-1"
KEY = re.compile("dk_[a-z2-7]{12}_[0-9A-Za-z]{43}")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with the file of one stack, and AWS with what that stack declares."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "Pulumi.own.yaml").write_text(f"config:\n  aws:region: {REGION}\n  darkroom:pipeline: {{}}\n")
    with mock_aws():
        boto3.client("secretsmanager", region_name=REGION).create_secret(Name="darkroom-own-key-pepper")
        boto3.client("dynamodb", region_name=REGION).create_table(
            TableName="darkroom-own-registry",
            KeySchema=[
                {"AttributeName": REGISTRY.hash_key, "KeyType": "HASH"},
                {"AttributeName": REGISTRY.range_key or "", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in REGISTRY.attributes],
            BillingMode="PAY_PER_REQUEST",
        )
        yield tmp_path


def run(*arguments: str) -> int:
    return command.run(["keys", *arguments, "--stack", "own"])


def made(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The key that a command prints; nothing else is on its output."""
    assert run(*arguments) == 0
    return capsys.readouterr().out.removesuffix("\n")


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, str]]:
    assert run("list", "--json", *arguments) == 0
    return {one["prefix"]: one for one in json.loads(capsys.readouterr().out)}


def test_a_pepper_is_written_once(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = clients.make("secretsmanager", region=REGION)
    assert run("init") == 0
    first = pepper(secrets, "darkroom-own-key-pepper", "own")
    assert len(first) == 32
    assert run("init") == 0
    assert pepper(secrets, "darkroom-own-key-pepper", "own") == first
    said = capsys.readouterr()
    assert "had its pepper already" in said.err
    assert said.out == ""


def test_without_a_pepper_no_key_is_made_and_the_command_is_named(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("create", "--tenant", "shop", "--scope", "jobs:read") == 2
    assert "darkroom keys init --stack own" in capsys.readouterr().err


def test_a_key_is_printed_alone_and_kept_as_its_digest(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("init")
    capsys.readouterr()
    key = made(capsys, "create", "--tenant", "shop", "--scope", "uploads:write", "--scope", "jobs:read")
    assert KEY.fullmatch(key)
    prefix = prefix_of(key)
    assert prefix is not None
    record = DynamoKeys(clients.make("dynamodb", region=REGION), "darkroom-own-registry").key(prefix)
    assert record is not None
    salt = pepper(clients.make("secretsmanager", region=REGION), "darkroom-own-key-pepper", "own")
    assert record.digest == digest_of(salt, key)
    assert is_key_of(record, salt, key, record.created_at)
    table = boto3.client("dynamodb", region_name=REGION).scan(TableName="darkroom-own-registry")
    assert key.rpartition("_")[2] not in str(table)


def test_keys_are_listed_by_tenant_without_their_digests(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("init")
    capsys.readouterr()
    mine = prefix_of(made(capsys, "create", "--tenant", "shop", "--scope", "jobs:read", "--expires", "90d"))
    theirs = prefix_of(made(capsys, "create", "--tenant", "shop-two", "--scope", "admin"))
    assert set(listed(capsys)) == {mine, theirs}
    only = listed(capsys, "--tenant", "shop")
    assert set(only) == {mine}
    assert {**only[str(mine)], "created_at": "", "ends_at": ""} == {
        "prefix": mine,
        "tenant": "shop",
        "scopes": ["jobs:read"],
        "state": "live",
        "created_at": "",
        "ends_at": "",
        "limits": [],
    }
    assert run("list") == 0
    assert "shop-two  admin" in capsys.readouterr().out


def test_a_limited_key_says_so_and_so_does_its_successor(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("init")
    capsys.readouterr()
    limits = ("--limit", "5/s", "--limit", "5/day")
    assert run("create", "--tenant", "shop", "--scope", "uploads:write", *limits) == 0
    said = capsys.readouterr()
    assert "at most 5/s, at most 5/day" in said.err
    old = str(prefix_of(said.out.strip()))
    new = str(prefix_of(made(capsys, "rotate", old)))
    found = listed(capsys)
    assert found[old]["limits"] == found[new]["limits"] == ["5/s", "5/day"]
    assert run("list") == 0
    assert "shop  uploads:write 5/s 5/day" in capsys.readouterr().out


def test_a_revoked_key_has_ended_and_says_so(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("init")
    capsys.readouterr()
    prefix = str(prefix_of(made(capsys, "create", "--tenant", "shop", "--scope", "jobs:read")))
    assert run("revoke", prefix) == 0
    assert "no host takes it 30 s after that" in capsys.readouterr().err
    assert listed(capsys)[prefix]["state"] == "revoked"
    assert run("revoke", prefix) == 0
    capsys.readouterr()
    assert run("rotate", prefix) == 2
    assert "has ended" in capsys.readouterr().err


def test_a_rotated_key_lives_on_beside_its_successor(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("init")
    capsys.readouterr()
    old = str(prefix_of(made(capsys, "create", "--tenant", "shop", "--scope", "jobs:read", "--expires", "90d")))
    new = str(prefix_of(made(capsys, "rotate", old, "--grace", "12h")))
    found = listed(capsys)
    assert {prefix: one["state"] for prefix, one in found.items()} == {old: "ending", new: "live"}
    assert (found[new]["tenant"], found[new]["scopes"]) == (found[old]["tenant"], found[old]["scopes"])
    assert found[old]["ends_at"] < found[new]["ends_at"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("create", "--tenant", "Shop", "--scope", "jobs:read"), "no name for a tenant"),
        (("create", "--tenant", "shop", "--scope", "jobs"), "there is no scope 'jobs'"),
        (("create", "--tenant", "shop", "--scope", "jobs:read", "--expires", "soon"), "no length of time"),
        (("create", "--tenant", "shop", "--scope", "jobs:read", "--expires", "0d"), "no length of time"),
        (("create", "--tenant", "shop", "--scope", "jobs:read", "--limit", "5"), "no limit"),
        (("create", "--tenant", "shop", "--scope", "jobs:read", "--limit", "0/s"), "no limit"),
        (("create", "--tenant", "shop", "--scope", "jobs:read", "--limit", "5/s", "--limit", "6/s"), "second limit"),
        (("create", "--tenant", "shop", "--scope", "jobs:read", "--limit", "999999/s"), "limit is too high"),
        (("revoke", "unknown"), "there is no key 'unknown'"),
        (("rotate", "unknown"), "there is no key 'unknown'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    desk: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str
) -> None:
    run("init")
    capsys.readouterr()
    assert run(*arguments) == 2
    said = capsys.readouterr()
    assert reason in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_a_stack_that_is_not_up_is_said_in_one_line(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "Pulumi.other.yaml").write_text(f"config:\n  aws:region: {REGION}\n  darkroom:pipeline: {{}}\n")
    assert command.run(["keys", "init", "--stack", "other"]) != 0
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_whoever_shows_a_made_key_shows_its_prefix_alone(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("init")
    capsys.readouterr()
    key = made(capsys, "create", "--tenant", "shop", "--scope", "jobs:read")
    record = DynamoKeys(clients.make("dynamodb", region=REGION), "darkroom-own-registry").key(str(prefix_of(key)))
    assert record is not None
    assert key not in repr(Made(key=key, record=record))
