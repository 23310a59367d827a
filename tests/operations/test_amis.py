"""`darkroom amis`: the newest machine image, as AWS publishes it, in one place of a file and nowhere else."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml
from moto import mock_aws

from client import command
from operations.amis import PARAMETER, current, record
from operations.command import app
from operations.stacks import StackFile
from tests.support.tree import ROOT

ARM, INTEL = (PARAMETER.format(architecture=architecture) for architecture in ("arm64", "x86_64"))
OLD = """\
# the stack's own words
config:
  aws:region: eu-west-1
  darkroom:pipeline:
    hosts: # two of them
      amis:
        us-east-1: # kept for the move
          id: ami-11111111111111111
          source: elsewhere
          date: "2026-01-01"
        eu-west-1:
          id: ami-00000000000000000 # of last year
          source: somewhere
          date: "2025-12-31"
      upload:
        min_hosts: 1
    tags: {a: "b", c: 'd'}
"""


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS's own public parameters, as moto keeps a copy of them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.own.yaml").write_text(OLD)
    monkeypatch.chdir(tmp_path)
    command.app.update(app)
    return tmp_path


def published(name: str, region: str = "eu-west-1") -> dict[str, str]:
    """What AWS says, asked by other means."""
    parameter = boto3.client("ssm", region_name=region).get_parameter(Name=name)["Parameter"]
    return {
        "id": parameter["Value"],
        "source": f"{name}, version {parameter['Version']}",
        "date": parameter["LastModifiedDate"].strftime("%Y-%m-%d"),
    }


def amis(folder: Path, stack: str = "own") -> dict[str, dict[str, str]]:
    return yaml.safe_load((folder / f"Pulumi.{stack}.yaml").read_text())["config"]["darkroom:pipeline"]["hosts"]["amis"]


def test_the_newest_image_is_written_and_the_rest_of_the_file_stays(folder: Path) -> None:
    assert command.run(["amis", "--stack", "own"]) == 0
    new = published(ARM)
    expected = OLD.replace("ami-00000000000000000", new["id"]).replace("source: somewhere", f"source: {new['source']}")
    assert (folder / "Pulumi.own.yaml").read_text() == expected.replace("2025-12-31", new["date"])


def test_it_is_said_what_changed_and_what_comes_next(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.run(["amis", "--stack", "own"])
    new = published(ARM)
    assert capsys.readouterr() == (
        f"eu-west-1: ami-00000000000000000 -> {new['id']} of {new['date']} ({new['source']})\n",
        "Pulumi.own.yaml is written; its hosts are replaced by the next: pulumi up --stack own\n",
    )
    assert command.run(["amis", "--stack", "own"]) == 0
    assert capsys.readouterr().out == f"eu-west-1: {new['id']} of {new['date']} is the current one\n"


def test_a_check_ends_with_1_while_there_is_a_newer_one_and_writes_nothing(folder: Path) -> None:
    assert command.run(["amis", "--stack", "own", "--check"]) == 1
    assert (folder / "Pulumi.own.yaml").read_text() == OLD
    command.run(["amis", "--stack", "own"])
    assert command.run(["amis", "--stack", "own", "--check"]) == 0


def test_hosts_of_another_architecture_get_an_image_of_theirs(folder: Path) -> None:
    path = folder / "Pulumi.own.yaml"
    path.write_text(OLD.replace("      upload:", "      architecture: x86_64\n      upload:"))
    assert command.run(["amis", "--stack", "own"]) == 0
    assert amis(folder)["eu-west-1"] == published(INTEL) != published(ARM)


@pytest.mark.parametrize("hosts", ["{}", "{amis: {}}", "{amis: }", "{amis: {eu-west-1: }}"])
def test_a_stack_that_has_no_image_yet_gets_its_first(
    folder: Path, hosts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"config:\n  aws:region: eu-west-1\n  darkroom:pipeline:\n    hosts: {hosts}\n"
    (folder / "Pulumi.own.yaml").write_text(text)
    assert command.run(["amis", "-s", "own"]) == 0
    assert amis(folder) == {"eu-west-1": published(ARM)}
    assert capsys.readouterr().out.startswith("eu-west-1: none -> ami-")


def test_what_the_files_of_this_repository_name_is_what_aws_published(tmp_path: Path) -> None:
    """Where the copy that the tests have is of the same version; a newer one says nothing of an older."""
    for stack in ("dev", "prod"):
        shutil.copy(ROOT / f"Pulumi.{stack}.yaml", tmp_path)
        there = amis(tmp_path, stack)
        assert there
        for region, ami in there.items():
            new = published(ARM, region)
            if ami["source"].startswith(new["source"]):
                assert (ami["id"], ami["date"]) == (new["id"], new["date"])


def test_saving_leaves_one_file(folder: Path) -> None:
    file = StackFile(folder, "own")
    record(file, current("eu-west-1", "arm64"))
    assert [path.name for path in folder.iterdir()] == ["Pulumi.own.yaml"]


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["--stack", "nobodys"], OLD, "there is no Pulumi.nobodys.yaml here; go to the checkout, or make one: "),
        (["--stack", "../own"], OLD, "'../own' is not the name of a stack; "),
        (["--stack", "own"], "config: {aws:region: eu-west-1}", "Pulumi.own.yaml has no darkroom:pipeline; "),
        (["--stack", "own"], OLD.replace("hosts:", "host:"), "Pulumi.own.yaml has no hosts; "),
        (
            ["--stack", "own"],
            OLD.replace("upload:", "architecture: vax\n      upload:"),
            "hosts.architecture is 'vax'; ",
        ),
        ([], OLD, "requires an argument; darkroom --help shows how"),
    ],
)
def test_a_mistake_is_one_line_and_ends_with_2(
    folder: Path, arguments: list[str], text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Pulumi.own.yaml").write_text(text)
    assert command.run(["amis", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert (folder / "Pulumi.own.yaml").read_text() == text
