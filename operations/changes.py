"""Which pipeline a push to main is for: `make changes BASE=commit` says application, infrastructure or nothing.

One push is applied once. What goes into an image makes new images, and they are deployed together with whatever else
the push changes; anything else that a stack is made of is applied with the images that run; and a page or a test
changes no stack. A path that nobody thought of counts as application, which does everything.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final, Literal

Kind = Literal["application", "infrastructure", "nothing"]

INFRASTRUCTURE: Final = ("components", "functions", "__main__.py", "Pulumi.yaml", "Pulumi.prod.yaml")
"""What the program reads beside what the images are made of; the function's zip is packed by the program."""

NOTHING: Final = (
    *("benchmarks", "client", "docs", "local", "operations", "tests", ".ci", ".github", "build"),
    *("Pulumi.dev.yaml", "Pulumi.local.yaml", "Pulumi.foundation.yaml", "Makefile", "LICENSE", "zizmor.yml"),
)
"""What no deployed stack has anything of."""

_BEGINNING: Final = "0" * 40
"""GitHub's answer for the commit before the first push."""


def kind_of(paths: Iterable[str]) -> Kind:
    """The widest of what the paths are for."""
    kinds = {_kind_of_one(PurePosixPath(path)) for path in paths}
    if "application" in kinds:
        return "application"
    return "infrastructure" if "infrastructure" in kinds else "nothing"


def _kind_of_one(path: PurePosixPath) -> Kind:
    if path.suffix == ".md" or any(path.is_relative_to(place) for place in NOTHING):
        return "nothing"
    return "infrastructure" if any(path.is_relative_to(place) for place in INFRASTRUCTURE) else "application"


def changed_since(base: str) -> list[str] | None:
    """Paths that differ from a commit; None if there is no such commit here (a first push, a history rewritten)."""
    if base in ("", _BEGINNING):
        return None
    command = ["git", "diff", "--name-only", "--no-renames", "-z", base, "HEAD", "--"]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - git, with a commit's name
    return [path for path in done.stdout.split("\0") if path] if done.returncode == 0 else None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="changes", description=__doc__)
    parser.add_argument("base")
    paths = changed_since(parser.parse_args(arguments).base)
    sys.stdout.write(f"{'application' if paths is None else kind_of(paths)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
