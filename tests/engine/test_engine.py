"""`make engine`: the pinned CLI, from wherever it is to be had."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local.cli import engine_path, pinned_version
from tests.support.plan import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as the script looks at, and programs of its own to find."""
    shutil.copytree(ROOT / "local" / "engine", tmp_path / "local" / "engine")
    (tmp_path / "bin").mkdir()
    for name in ("bash", "sed", "mkdir", "ln", "dirname"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def _get(checkout: Path) -> subprocess.CompletedProcess[str]:
    script = checkout / "local" / "engine" / "get"
    environment = {"PATH": str(checkout / "bin")}
    return subprocess.run(["bash", script], env=environment, capture_output=True, text=True, check=False)


def _pulumi(checkout: Path, version: str) -> None:
    program = checkout / "bin" / "pulumi"
    program.write_text(f"#!{shutil.which('bash')}\necho v{version}\n")
    program.chmod(0o755)


def test_the_engine_here_is_the_pinned_one() -> None:
    answer = subprocess.run([engine_path(ROOT), "version"], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == f"v{pinned_version()}"


def test_the_pinned_one_is_taken_from_the_path_once(checkout: Path) -> None:
    _pulumi(checkout, str(pinned_version()))
    assert _get(checkout).stdout == f"the Pulumi CLI {pinned_version()} is on the PATH\n"
    assert os.access(checkout / "build" / "engine" / "pulumi", os.X_OK)
    again = _get(checkout)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_without_it_and_without_go_the_answer_names_both(checkout: Path) -> None:
    """Another version is as good as none."""
    _pulumi(checkout, "3.1.0")
    answer = _get(checkout)
    assert answer.returncode == 2
    assert answer.stderr.splitlines()[0] == (
        f"The Pulumi CLI {pinned_version()} is not on the PATH, and Go, which would build it, is not there either."
    )
    assert "https://go.dev/dl/" in answer.stderr
    assert "make engine" in answer.stderr
