"""Six mistakes that a reviewer at the end of a long day might let through, as patches; `make test` must name each.

A patch is a unified diff in tests/planted, made against the tree as it is. It is applied to a copy, and what
`make test` runs for it there must fail with words that name what was done. A patch that no longer applies is an error:
it has to follow the code.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from msgspec import Struct

ROOT: Final = Path(__file__).parents[2]
PATCHES: Final = ROOT / "tests" / "planted"
COPIED: Final = ("contracts", "adapters", "components", "services", "functions", "client", "operations", "tests")

# Python's own tracebacks: to mark a line, pytest parses the source, which Python 3.11 may refuse deep in a stack
LAWS: Final = ("pytest", "-q", "-x", "-p", "no:randomly", "--tb=native", "tests/components/test_laws.py")
TYPES: Final = ("pyrefly", "check")


class Planted(Struct, frozen=True, kw_only=True):
    """A patch by its file's name, the part of `make test` that sees it, and words of what is said."""

    patch: str
    seen_by: tuple[str, ...]
    words: tuple[str, ...]


PLANTED: Final = (
    Planted(patch="renamed_environment_field", seen_by=TYPES, words=("jobs_table", "UploadEnvironment")),
    Planted(patch="queue_without_dead_letters", seen_by=LAWS, words=("the queue jobs has no dead letters",)),
    Planted(patch="public_bucket", seen_by=LAWS, words=("the bucket results is public", "blockPublicPolicy")),
    Planted(patch="wildcard_action", seen_by=LAWS, words=("'sqs:*' is not one action of one service",)),
    Planted(patch="unencrypted_volume", seen_by=LAWS, words=("the volume /dev/xvda of upload is not encrypted",)),
    Planted(patch="open_ssh_port", seen_by=LAWS, words=("the SSH port is open in",)),
)


def copy_of_the_tree(folder: Path) -> Path:
    """The product and its tests, with the environment of this checkout."""
    for room in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / room, folder / room, ignore=ignored)
    for path in [*ROOT.glob("Pulumi*.yaml"), ROOT / "__main__.py", ROOT / "pyproject.toml"]:
        shutil.copy2(path, folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def apply(patch: str, tree: Path) -> None:
    """Change the copy; raises CalledProcessError if the patch is not of this code."""
    command = ["git", "apply", "--unsafe-paths", f"--directory={tree}", str(PATCHES / f"{patch}.patch")]
    subprocess.run(command, check=True, cwd="/", capture_output=True, text=True)


def verdict(planted: Planted, tree: Path) -> tuple[int, str]:
    """Exit code and output of what `make test` runs for it, in the copy."""
    tool, *arguments = planted.seen_by
    program = [sys.executable, "-m", "pytest"] if tool == "pytest" else [str(tree / ".venv/bin" / tool)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tree), "COLUMNS": "200"}
    done = subprocess.run([*program, *arguments], cwd=tree, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
