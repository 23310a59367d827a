"""`make images`: which images a commit makes, how docker is asked for them, and what is left behind; ECR is moto's."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import boto3
import msgspec
import pytest
from moto import mock_aws

from operations import images
from operations.rollout import Images
from operations.stacks import StackFile

STACK = """\
# the stack's own words
config:
  aws:region: us-east-1
  darkroom:pipeline:
    network: {}
    hosts: # two of them
      architecture: ARCHITECTURE
      upload:
        min_hosts: 1 # at night
"""
FOUNDATION = "config:\n  aws:region: eu-west-1\n  darkroom:foundation:\n    repository: acme/darkroom\n"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Machine:
    """git and docker: remembers what was asked of docker, and pushes to moto's ECR as docker would."""

    def __init__(self) -> None:
        self.changed = ""
        self.pushes = True
        self.asked: list[tuple[list[str], str | None]] = []

    def __call__(self, arguments: Sequence[str], given: str | None) -> subprocess.CompletedProcess[str]:
        answer = ""
        if arguments[0] == "git":
            answer = self.changed if "status" in arguments else f"{COMMIT} 1790000000\n"
        else:
            self.asked.append((list(arguments), given))
            if "build" in arguments and self.pushes:
                self._push(next(part for part in arguments if part.startswith("type=image,name=")))
        return subprocess.CompletedProcess(list(arguments), 0, answer, "")

    def _push(self, output: str) -> None:
        name, _, tag = output.split(",")[1].removeprefix(f"name={REGISTRY}/").rpartition(":")
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": name}, "layers": []})
        boto3.client("ecr", region_name="eu-west-1").put_image(
            repositoryName=name, imageManifest=manifest, imageTag=tag
        )


@pytest.fixture(autouse=True)
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The foundation's two repositories."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        for service in ("upload", "processing"):
            boto3.client("ecr", region_name="eu-west-1").create_repository(
                repositoryName=f"darkroom-foundation-{service}"
            )
        yield


@pytest.fixture(params=["arm64", "x86_64"])
def architecture(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def folder(tmp_path: Path, architecture: str) -> Path:
    (tmp_path / "Pulumi.own.yaml").write_text(STACK.replace("ARCHITECTURE", architecture))
    (tmp_path / "Pulumi.foundation.yaml").write_text(FOUNDATION)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "darkroom"\nversion = "1.2.3"\n')
    return tmp_path


def pushed(service: str) -> str:
    """The digest that ECR gave what was pushed, asked by other means."""
    answer = boto3.client("ecr", region_name="eu-west-1").list_images(repositoryName=f"darkroom-foundation-{service}")
    (image,) = answer["imageIds"]
    return image["imageDigest"]


def test_both_images_are_built_pushed_and_named(folder: Path, architecture: str) -> None:
    machine, told = Machine(), []
    made = images.make("own", folder, machine, told.append)

    names = {service: f"{REGISTRY}/darkroom-foundation-{service}" for service in ("upload", "processing")}
    assert made == Images(**{service: f"{name}@{pushed(service)}" for service, name in names.items()})
    login, *builds = machine.asked
    assert login[0] == ["docker", "login", "--username", "AWS", "--password-stdin", REGISTRY]
    assert login[1]
    assert login[1] not in " ".join(login[0])
    platform = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}[architecture]
    for (command, _), (service, name) in zip(builds, names.items(), strict=True):
        assert command[command.index("--platform") + 1] == platform
        assert command[command.index("--target") + 1] == service
        assert f"type=image,name={name}:{COMMIT}-{architecture},push=true,rewrite-timestamp=true" in command
        assert {"SOURCE=https://github.com/acme/darkroom", f"REVISION={COMMIT}", "VERSION=1.2.3"} <= set(command)
        assert "SOURCE_DATE_EPOCH=1790000000" in command
    assert told == [f"upload: building for {platform}", f"processing: building for {platform}"]


def test_the_stacks_file_names_them_and_stays_as_it_was(folder: Path) -> None:
    made = images.make("own", folder, Machine(), lambda text: None)
    text = (folder / "Pulumi.own.yaml").read_text()
    assert text.startswith("# the stack's own words\n")
    assert "hosts: # two of them" in text
    assert "min_hosts: 1 # at night" in text
    hosts = StackFile(folder, "own").hosts
    assert {service: hosts[service]["image"] for service in images.SERVICES} == msgspec.to_builtins(made)


def test_a_commit_is_built_once(folder: Path) -> None:
    first = images.make("own", folder, Machine(), lambda text: None)
    again = Machine()
    assert images.make("own", folder, again, lambda text: None) == first
    assert again.asked == []


@pytest.mark.parametrize("architecture", ["arm64"], indirect=True)
def test_what_an_image_is_made_of_has_to_be_committed(folder: Path) -> None:
    machine = Machine()
    machine.changed = " M services/upload/web.py\n?? services/new.py\n"
    with pytest.raises(images.BadInput, match=r"^services/upload/web.py is not committed$"):
        images.make("own", folder, machine, lambda text: None)
    assert machine.asked == []


@pytest.mark.parametrize("architecture", ["arm64"], indirect=True)
def test_a_foundation_that_is_not_there_is_told(folder: Path) -> None:
    boto3.client("ecr", region_name="eu-west-1").delete_repository(repositoryName="darkroom-foundation-upload")
    machine = Machine()
    with pytest.raises(images.BadInput, match="no repository darkroom-foundation-upload in eu-west-1"):
        images.make("own", folder, machine, lambda text: None)
    assert machine.asked == []


@pytest.mark.parametrize("architecture", ["arm64"], indirect=True)
def test_a_push_that_did_not_arrive_is_told(folder: Path) -> None:
    before = (folder / "Pulumi.own.yaml").read_bytes()
    machine = Machine()
    machine.pushes = False
    with pytest.raises(images.BadInput, match="is not in ECR after its push"):
        images.make("own", folder, machine, lambda text: None)
    assert (folder / "Pulumi.own.yaml").read_bytes() == before


@pytest.mark.parametrize("architecture", ["arm64"], indirect=True)
def test_docker_that_fails_is_told_without_its_input(folder: Path) -> None:
    def failing(arguments: Sequence[str], given: str | None) -> subprocess.CompletedProcess[str]:
        done = Machine()(arguments, given)
        return subprocess.CompletedProcess(done.args, int(arguments[0] == "docker"), done.stdout, "")

    with pytest.raises(images.BadInput, match=r"^docker login --username failed \(1\)$"):
        images.make("own", folder, failing, lambda text: None)


@pytest.mark.parametrize("architecture", ["arm64"], indirect=True)
def test_a_dry_run_asks_nobody(folder: Path) -> None:
    machine = Machine()
    lines = images.planned("own", folder, machine)
    assert [line.split()[6] for line in lines] == list(images.SERVICES)
    assert all(line.startswith("docker buildx build --file services/Dockerfile --target ") for line in lines)
    assert machine.asked == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody"], "there is no Pulumi.nobody.yaml here; "),
        (["foundation"], "Pulumi.foundation.yaml has no darkroom:pipeline; "),
        (["../own"], "'../own' is not the name of a stack; "),
        (["local", "--dry"], "Pulumi.local.yaml has no hosts; "),
    ],
)
def test_a_stack_without_hosts_is_refused_in_one_line(
    arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert images.main(arguments) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith(told)
    assert said.err.count("\n") == 1
