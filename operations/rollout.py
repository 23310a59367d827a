"""What a stack runs, and how it comes to run something else: `make running|plan|drift|deploy|rollback STACK=...`.

Only the digests of images change from one deployment to the next without a commit, so they are kept where the rest of
a stack's truth is: in the history of its updates. `deploy` without images takes the ones that run; with images it sets
them in the configuration; either way one `pulumi up` changes the stack, and then each group's refresh is watched to its
end. `rollback` is a deployment of the last images that were up before these.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from components.site import ImageReference
from operations import changes, refreshes

CONFIG: Final = "darkroom:pipeline"
SERVICES: Final = ("upload", "processing")
HISTORY: Final = 100
"""Updates that are looked back over."""

_STACK_NOT_FOUND: Final = 6
_CHANGES_NOT_EXPECTED: Final = 7
"""Exit codes of the Pulumi CLI, which calls them stable (its cmd/pulumi/cmd/exit_codes.go, 3.259.0)."""

Run = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]
"""The Pulumi CLI with these arguments; what it prints is in the answer, unless the arguments say `up`."""


Watch = Callable[[dict[str, str], str], list[str]]
"""Given the groups by service and their region, waits and answers with a line for each that failed."""


class Mistake(Exception):
    """One line for the person who asked: what is wrong and what to do."""


class Images(Struct, frozen=True, forbid_unknown_fields=True):
    """What both services run, each by digest."""

    upload: ImageReference
    processing: ImageReference


class Stack:
    """A stack as the Pulumi CLI knows it."""

    def __init__(self, name: str, run: Run) -> None:
        self.name = name
        self._run = run

    def history(self) -> list[dict[str, Any]]:
        """Its updates, newest first; none for a stack that was never made."""
        done = self._said("stack", "history", "--json", "--page-size", str(HISTORY), allowed=(0, _STACK_NOT_FOUND))
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else []

    def outputs(self) -> dict[str, Any]:
        return json.loads(self._said("stack", "output", "--json").stdout)

    def region(self) -> str:
        return self._said("config", "get", "aws:region").stdout.strip()

    def set_images(self, images: Images) -> None:
        """In the stack's file, as a person would; nothing is applied."""
        for service in SERVICES:
            path = f"{CONFIG}.hosts.{service}.image"
            self._said("config", "set", "--path", path, getattr(images, service))

    def up(self) -> None:
        self._said("up", "--yes", "--skip-preview", "--non-interactive")

    def plan(self) -> str:
        return self._said("preview", "--diff", "--non-interactive", "--color", "never").stdout

    def drift(self) -> str | None:
        """What AWS has otherwise than this program declares it; None if nothing."""
        arguments = ("preview", "--refresh", "--expect-no-changes", "--diff", "--non-interactive", "--color", "never")
        done = self._said(*arguments, allowed=(0, _CHANGES_NOT_EXPECTED))
        return None if done.returncode == 0 else done.stdout

    def _said(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        done = self._run([*arguments, "--stack", self.name])
        if done.returncode not in allowed:
            raise Mistake(f"pulumi {' '.join(arguments[:2])} failed ({done.returncode}): {_last_line(done)}")
        return done


def images_of(update: dict[str, Any]) -> Images | None:
    """What an update was to run; None if it ran nothing, or one service alone."""
    pipeline = update.get("config", {}).get(CONFIG, {})
    config = pipeline.get("objectValue") or json.loads(pipeline.get("value") or "{}")
    hosts = config.get("hosts") or {}
    found = {service: (hosts.get(service) or {}).get("image") for service in SERVICES}
    return None if None in found.values() else msgspec.convert(found, Images)


def running(history: list[dict[str, Any]]) -> Images | None:
    """Images of the newest update that succeeded."""
    return next(_succeeded(history), None)


def before(history: list[dict[str, Any]], since: Images | None = None) -> Images | None:
    """What ran before the newest attempt: the last images that were up and are others than that attempt's.

    None if the newest attempt was not one of `since` (then it never began), or if nothing else was ever up.
    """
    attempts = (found for update in history if update.get("kind") == "update" if (found := images_of(update)))
    newest = next(attempts, None)
    if newest is None or (since is not None and newest != since):
        return None
    return next((images for images in _succeeded(history) if images != newest), None)


def _succeeded(history: list[dict[str, Any]]) -> Iterator[Images]:
    for update in history:
        if update.get("kind") == "update" and update.get("result") == "succeeded":
            images = images_of(update)
            if images is not None:
                yield images


def unmade(history: list[dict[str, Any]], changed_since: Callable[[str], list[str] | None]) -> str | None:
    """Why the images that run may not be deployed again: something that goes into them changed since. None if not."""
    update = next((one for one in history if one.get("result") == "succeeded" and images_of(one)), None)
    commit = (update or {}).get("environment", {}).get("git.head", "")
    paths = changed_since(commit) or [] if commit else []
    found = next((path for path in paths if changes.kind_of([path]) == "application"), None)
    if found is None:
        return None
    return (
        f"{found} changed since the images that run were made ({commit[:12]}): make new ones, or name these by IMAGES"
    )


def roll_out(stack: Stack, images: Images | None, watch: Watch) -> None:
    """Set the images, apply the stack once, and see every group's hosts replaced; raises Mistake for what was not.

    A new setting and the code that reads it arrive together: without images it is refused where new ones are due.
    """
    if images is None:
        history = stack.history()
        why = unmade(history, changes.changed_since)
        if why is not None:
            raise Mistake(why)
        images = running(history)
    if images is not None:
        stack.set_images(images)
    stack.up()
    groups = stack.outputs().get("hosts") or {}
    failures = watch(groups, stack.region()) if images is not None and groups else []
    if failures:
        raise Mistake("; ".join(failures))


def read_images(path: str) -> Images:
    """A file of `make images`; raises Mistake if it is none."""
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Images)
    except (OSError, msgspec.MsgspecError) as error:
        raise Mistake(f"{path}: {error}; write it with: make images STACK=... > {path}") from None


def act(verb: str, stack: Stack, file: str | None, watch: Watch) -> str:
    """Carry out a verb; what it has to say. Raises Mistake."""
    given = read_images(file) if file else None
    if verb == "rollback":
        earlier = before(stack.history(), given)
        if earlier is None:
            return f"{stack.name}: nothing to go back to"
        roll_out(stack, earlier, watch)
        return f"{stack.name} runs again\n{_shown(earlier)}"
    if verb == "url":
        return _url(stack)
    if verb == "deploy":
        roll_out(stack, given, watch)
        return f"{stack.name} is up"
    images = running(stack.history())
    if verb == "running":
        if images is None:
            raise Mistake(f"{stack.name} runs no images yet; make them with: make images STACK={stack.name}")
        return _shown(images)
    if images is not None:
        stack.set_images(images)
    return stack.plan() if verb == "plan" else stack.drift() or ""


def _url(stack: Stack) -> str:
    url = stack.outputs().get("url")
    if not url:
        raise Mistake(
            f"{stack.name} has no address of its own; open one with: make tunnel STACK={stack.name}, and name it by URL"
        )
    return url


def _shown(images: Images) -> str:
    return msgspec.json.encode(images).decode()


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in f"{done.stdout or ''}\n{done.stderr or ''}".splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _pulumi(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What an `up` does is shown as it happens; of all else the answer is read."""
    watched = None if arguments[0] == "up" else subprocess.PIPE
    try:
        return subprocess.run(["pulumi", *arguments], stdout=watched, stderr=watched, text=True)  # noqa: S603, S607 - its arguments are ours
    except FileNotFoundError:
        raise Mistake("the Pulumi CLI is not on PATH; get it with: make pulumi") from None


def _watch(groups: dict[str, str], region: str) -> list[str]:
    return refreshes.watch(groups, refreshes.describe_in(region))


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m operations.rollout VERB STACK [--images FILE]`."""
    parser = argparse.ArgumentParser(prog="rollout", description=__doc__)
    parser.add_argument("verb", choices=["running", "url", "plan", "drift", "deploy", "rollback"])
    parser.add_argument("stack")
    parser.add_argument("--images", help="of rollback: only if the newest attempt was to run these")
    given = parser.parse_args(arguments)
    try:
        said = act(given.verb, Stack(given.stack, _pulumi), given.images, _watch)
    except Mistake as mistake:
        sys.stderr.write(f"{mistake}\n")
        return 1
    sys.stdout.write(f"{said}\n" if said else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
