"""`darkroom stack NAME`: a developer's own stack, that collides with nobody's and is refused by nothing."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from client import command
from client.errors import BadInput
from components.config import decode
from components.naming import stack_label
from components.settings import PipelineConfig
from operations.command import app
from operations.stacks import RESERVED, StackFile, create
from tests.support.tree import ROOT


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the stacks of this repository, and one stands in it."""
    for path in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    command.app.update(app)
    return tmp_path


def configured(folder: Path, name: str) -> PipelineConfig:
    """What the program makes of a stack's file; it refuses everything that it does not know."""
    document = yaml.safe_load((folder / f"Pulumi.{name}.yaml").read_text())
    return decode(json.dumps(document["config"]["darkroom:pipeline"]), PipelineConfig)


def test_a_new_stack_is_small_and_can_be_thrown_away(checkout: Path) -> None:
    create(checkout, "alice")
    config, dev = configured(checkout, "alice"), configured(checkout, "dev")
    assert config.network is not None
    assert config.network.egress == "public"
    assert config.hosts is not None
    assert dev.hosts is not None
    assert config.hosts.amis == dev.hosts.amis != {}
    for service in (config.hosts.upload, config.hosts.processing):
        assert (service.instance_type, service.min_hosts, service.max_hosts) == ("t4g.micro", 1, 1)
    assert (config.balancer, config.delivery, config.alarms, config.customer_key) == (None, None, None, False)
    assert (config.deletion_protection, config.force_destroy, config.log_retention_days) == (False, True, 3)
    assert config.tags == {"environment": "alice"}


def test_it_stands_where_the_shared_one_stands(checkout: Path) -> None:
    path = checkout / "Pulumi.dev.yaml"
    text = path.read_text().replace("eu-west-1", "us-east-2")
    path.write_text(text.replace("    hosts:\n", "    hosts:\n      architecture: x86_64\n"))
    create(checkout, "alice")
    assert StackFile(checkout, "alice").region == "us-east-2"
    hosts = configured(checkout, "alice").hosts
    assert hosts is not None
    assert (hosts.architecture, hosts.upload.instance_type, set(hosts.amis)) == ("x86_64", "t3.micro", {"us-east-2"})


def test_it_stays_within_the_bounds_that_the_shared_one_has(checkout: Path) -> None:
    boundary = "arn:aws:iam::123456789012:policy/darkroom-boundary"
    path = checkout / "Pulumi.dev.yaml"
    path.write_text(path.read_text() + f"    permissions_boundary: {boundary}\n")
    create(checkout, "alice")
    assert configured(checkout, "alice").permissions_boundary == boundary


def test_the_command_says_what_comes_next(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["stack", "alice"]) == 0
    out, err = capsys.readouterr()
    assert out == "Pulumi.alice.yaml is written; dev's region and machine images are in it\n"
    assert err.splitlines() == [
        "next:",
        "  pulumi stack init alice",
        "  pulumi up --stack alice",
        "  darkroom keys init --stack alice",
        "  make images STACK=alice",
        "  pulumi up --stack alice",
        "  make tunnel STACK=alice",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *sorted(RESERVED),
        "",
        "Alice",
        "a_b",
        "a.b",
        "-a",
        "a-",
        "a--b",
        "1a",
        "ä",
        "../a",
        "a/b",
        "a b",
        "a\n",
        "x" * 17,
    ],
)
def test_a_name_that_is_none_or_everybodys_is_refused_and_nothing_is_written(checkout: Path, name: str) -> None:
    before = {path: path.read_text() for path in checkout.rglob("*")}
    with pytest.raises(BadInput):
        create(checkout, name)
    assert {path: path.read_text() for path in checkout.rglob("*")} == before


def test_a_stack_that_is_there_is_left_alone(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create(checkout, "alice")
    (checkout / "Pulumi.alice.yaml").write_text("hers: true\n")
    assert command.run(["stack", "alice"]) == 2
    assert capsys.readouterr().err == (
        "darkroom: Pulumi.alice.yaml is there already; choose another name, or use that stack\n"
    )
    assert (checkout / "Pulumi.alice.yaml").read_text() == "hers: true\n"


def test_a_name_that_another_spelling_ends_up_with_is_refused(checkout: Path) -> None:
    label = stack_label("Team.Ann")
    (checkout / "Pulumi.Team.Ann.yaml").write_text("config: {}\n")
    with pytest.raises(BadInput):
        create(checkout, label)


def test_outside_of_a_checkout_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"there is no Pulumi\.yaml here"):
        create(tmp_path, "alice")


@given(st.text(max_size=20))
def test_a_name_that_is_taken_means_itself_in_every_name_of_a_resource(name: str) -> None:
    if name not in RESERVED and stack_label(name) == name:
        assert name.encode().isascii()
        assert name == name.lower()


@pytest.mark.parametrize("path", sorted(ROOT.glob("Pulumi*.yaml")), ids=lambda path: path.name)
def test_a_file_of_ours_that_is_read_and_saved_is_the_same(path: Path, tmp_path: Path) -> None:
    """So that a command changes the lines that it is about and no others."""
    shutil.copy(path, tmp_path / "Pulumi.copy.yaml")
    StackFile(tmp_path, "copy").save()
    assert (tmp_path / "Pulumi.copy.yaml").read_text() == path.read_text()
    assert [one.name for one in tmp_path.iterdir()] == ["Pulumi.copy.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "cannot be read"),
        ("a: 1\na: 2", "cannot be read"),
        ("", "names no region"),
        ("config:\n  aws:region: 7", "names no region"),
        ("config:\n  aws:region: nowhere", "names no region"),
    ],
)
def test_a_file_that_means_nothing_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "Pulumi.odd.yaml").write_text(text)
    with pytest.raises(BadInput, match=said) as refused:
        _ = StackFile(tmp_path, "odd").region
    assert "\n" not in str(refused.value)


def test_a_new_file_says_what_is_in_it(checkout: Path) -> None:
    create(checkout, "x" * 16)
    text = (checkout / f"Pulumi.{'x' * 16}.yaml").read_text()
    assert text.startswith("# The stack of xxxxxxxxxxxxxxxx: the whole pipeline, small.")
    assert "upload: # image: written by `make images STACK=xxxxxxxxxxxxxxxx`" in text
    assert max(len(line) for line in text.splitlines() if "source:" not in line) <= 120
    assert YAML(typ="safe").load(text)


@pytest.mark.parametrize("name", ["dev-2", "prod-eu"])
def test_a_name_that_begins_with_another_stacks_is_refused(name: str, tmp_path: Path) -> None:
    """The role that deploys `dev` may change whatever begins with `darkroom-dev-`."""
    for file in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml"):
        (tmp_path / file).write_text((ROOT / file).read_text())
    with pytest.raises(BadInput, match="share a beginning"):
        create(tmp_path, name)
    assert not (tmp_path / f"Pulumi.{name}.yaml").exists()
