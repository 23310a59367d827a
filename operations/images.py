"""Makes the images of both services for a stack's hosts: `make images STACK=prod` builds, pushes and names them.

An image is of a commit: its tag in the foundation's repositories is the commit and the hosts' processor, tags there are
immutable, and what was pushed once is not built again. What is printed, one JSON object, is what `make deploy` takes;
the same two digests are written into the stack's file. Building and pushing is docker's.
"""

import argparse
import subprocess
import sys
import tomllib
from base64 import b64decode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from adapters.clients import AwsClient
from client.errors import BadInput, DarkroomError
from components.naming import physical_name
from operations.asking import asking
from operations.configuration import configuration
from operations.rollout import SERVICES, Images
from operations.stacks import StackFile

FOUNDATION: Final = "foundation"
"""The stack that has the repositories; see components/foundation.py."""
PLATFORMS: Final = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}
"""Processors as components/site.py and as docker name them."""
DOCKERFILE: Final = "services/Dockerfile"
INGREDIENTS: Final = ("contracts", "adapters", "services", "local/bootstrap.txt", ".dockerignore")
"""What the images are made of: it has to be committed, because the commit names them."""

Run = Callable[[Sequence[str], str | None], subprocess.CompletedProcess[str]]
"""A program with its arguments, and its standard input."""


class Source(Struct, frozen=True, kw_only=True):
    """What an image is made from, for its labels and its times."""

    commit: str
    seconds: str
    """Of the commit, since 1970."""
    version: str
    url: str


class Order(Struct, frozen=True, kw_only=True):
    """One image to be made: `reference` is where it is pushed, by tag."""

    service: str
    repository: str
    tag: str
    reference: str


def orders(registry: str, architecture: str, commit: str) -> list[Order]:
    """An image for each service."""
    made = []
    for service in SERVICES:
        repository, tag = physical_name(FOUNDATION, service), f"{commit}-{architecture}"
        reference = f"{registry}/{repository}:{tag}"
        made.append(Order(service=service, repository=repository, tag=tag, reference=reference))
    return made


def build_command(order: Order, architecture: str, source: Source) -> list[str]:
    """How docker makes and pushes it. Times in it are the commit's, where the builder can (BuildKit 0.13)."""
    told = {
        "SOURCE": source.url,
        "REVISION": source.commit,
        "VERSION": source.version,
        "SOURCE_DATE_EPOCH": source.seconds,
    }
    return [
        *("docker", "buildx", "build", "--file", DOCKERFILE, "--target", order.service),
        *("--platform", PLATFORMS[architecture]),
        *(part for name, value in told.items() for part in ("--build-arg", f"{name}={value}")),
        # one manifest and no index around it: ECR scans that; the pipeline attests provenance and contents itself
        *("--provenance=false", "--sbom=false"),
        *("--output", f"type=image,name={order.reference},push=true,rewrite-timestamp=true"),
        ".",
    ]


def make(stack: str, folder: Path, run: Run, tell: Callable[[str], object]) -> Images:
    """Both images, pushed, and named in the stack's file. Raises DarkroomError."""
    file = StackFile(folder, stack)
    architecture, region = file.architecture, configuration(folder, FOUNDATION).region
    source = _source(folder, run)
    with asking("ecr", region) as ecr:
        access = ecr.get_authorization_token()["authorizationData"][0]
        registry = access["proxyEndpoint"].removeprefix("https://")
        logged_in = False
        found = {}
        for order in orders(registry, architecture, source.commit):
            digest = _digest(ecr, order, region)
            if digest is None:
                if not logged_in:
                    _log_in(registry, access["authorizationToken"], run)
                    logged_in = True
                tell(f"{order.service}: building for {PLATFORMS[architecture]}")
                _docker(run(build_command(order, architecture, source), None))
                digest = _digest(ecr, order, region)
                if digest is None:
                    raise BadInput(f"{order.reference} is not in ECR after its push", "see what docker says above")
            else:
                tell(f"{order.service}: was made of this commit before")
            found[order.service] = f"{registry}/{order.repository}@{digest}"
    images = msgspec.convert(found, Images)
    _record(file, images)
    return images


def planned(stack: str, folder: Path, run: Run) -> list[str]:
    """What `make` would run, a line each, with nobody asked."""
    architecture = StackFile(folder, stack).architecture
    source = _source(folder, run)
    registry = f"<account>.dkr.ecr.{configuration(folder, FOUNDATION).region}.amazonaws.com"
    return [
        " ".join(build_command(order, architecture, source)) for order in orders(registry, architecture, source.commit)
    ]


def _source(folder: Path, run: Run) -> Source:
    def git(*arguments: str) -> str:
        done = run(["git", "-C", str(folder), *arguments], None)
        if done.returncode != 0:
            raise BadInput("this is no checkout with a commit", "an image is named by its commit: git commit")
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", *INGREDIENTS)
    if changed:
        first = changed.splitlines()[0].split()[-1]
        raise BadInput(f"{first} is not committed", "an image is named by its commit, so commit what goes into it")
    commit, seconds = git("log", "-1", "--format=%H %ct").split()
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return Source(commit=commit, seconds=seconds, version=project["version"], url=_url(folder))


def _url(folder: Path) -> str:
    """Of the repository that deploys, as the foundation knows it: a remote's address may hold somebody's password."""
    repository = getattr(configuration(folder, FOUNDATION).settings, "repository", None)
    return "unknown" if repository is None else f"https://github.com/{repository}"


def _digest(ecr: AwsClient, order: Order, region: str) -> str | None:
    """Of what was pushed under this tag; None if nothing was."""
    try:
        answer = ecr.describe_images(repositoryName=order.repository, imageIds=[{"imageTag": order.tag}])
    except ecr.exceptions.ImageNotFoundException:
        return None
    except ecr.exceptions.RepositoryNotFoundException as error:
        raise BadInput(
            f"there is no repository {order.repository} in {region}", "the foundation has it: docs/operations.md"
        ) from error
    details: list[dict[str, Any]] = answer["imageDetails"]
    return details[0]["imageDigest"] if details else None


def _log_in(registry: str, token: str, run: Run) -> None:
    user, _, password = b64decode(token).decode().partition(":")
    _docker(run(["docker", "login", "--username", user, "--password-stdin", registry], password))


def _docker(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode != 0:
        raise BadInput(f"{' '.join(done.args[:3])} failed ({done.returncode})", "its own words are above")


def _record(file: StackFile, images: Images) -> None:
    """Have the stack's file name both; the rest of it stays as it was."""
    for service in SERVICES:
        part = file.hosts.get(service)
        if not isinstance(part, dict):
            part = file.hosts[service] = {}
        part["image"] = getattr(images, service)
    file.save()


def _ran(arguments: Sequence[str], given: str | None) -> subprocess.CompletedProcess[str]:
    """docker's words are for people, and so on standard error: standard output is for what is made."""
    output = sys.stderr if arguments[0] == "docker" else subprocess.PIPE
    try:
        return subprocess.run(arguments, input=given, stdout=output, text=True)  # noqa: S603 - docker and git
    except FileNotFoundError:
        raise BadInput(f"{arguments[0]} is not on PATH", "install it and run this again") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m operations.images STACK [--dry]`."""
    parser = argparse.ArgumentParser(prog="images", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--dry", action="store_true", help="print what would be run, and ask nobody")
    given = parser.parse_args(arguments)
    folder = Path.cwd()
    try:
        if given.dry:
            said = "\n".join(planned(given.stack, folder, _ran))
        else:
            made = make(given.stack, folder, _ran, lambda text: sys.stderr.write(f"{text}\n"))
            said = msgspec.json.encode(made).decode()
    except DarkroomError as error:
        sys.stderr.write(f"{error}; {error.advice}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
