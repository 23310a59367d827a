"""What a push is for: every file of the tree has its pipeline, and what nobody thought of makes new images."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.changes import INFRASTRUCTURE, NOTHING, changed_since, kind_of
from tests.support.tree import ROOT, files

PATHS = st.sampled_from(["docs/api.md", "components/network.py", "contracts/limits.py", "tests/conftest.py", "new/x"])
WIDTH = ["nothing", "infrastructure", "application"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("contracts/environment.py", "application"),
        ("services/upload/routes.py", "application"),
        ("services/Dockerfile", "application"),
        ("services/requirements.txt", "application"),
        ("adapters/queues.py", "application"),
        ("something/of/tomorrow.py", "application"),
        ("components/network.py", "infrastructure"),
        ("functions/transform/work.py", "infrastructure"),
        ("Pulumi.prod.yaml", "infrastructure"),
        ("__main__.py", "infrastructure"),
        ("README.md", "nothing"),
        ("components/README.md", "nothing"),
        ("tests/house/test_pages.py", "nothing"),
        (".github/workflows/app.yml", "nothing"),
        ("Pulumi.dev.yaml", "nothing"),
    ],
)
def test_a_path_has_its_pipeline(path: str, kind: str) -> None:
    assert kind_of([path]) == kind


@given(st.lists(PATHS), st.lists(PATHS))
def test_a_push_is_for_the_widest_of_its_paths(one: list[str], other: list[str]) -> None:
    together = max(kind_of(one), kind_of(other), key=WIDTH.index)
    assert kind_of(one + other) == together


def test_nothing_that_is_in_an_image_is_taken_for_something_else() -> None:
    rooms = {"contracts", "adapters", "services"}
    assert not rooms & {*INFRASTRUCTURE, *NOTHING}
    code = [str(path) for path in files() if path.suffix == ".py" and path.parts[0] in rooms]
    assert code
    assert {kind_of([path]) for path in code} == {"application"}


def test_what_changed_is_asked_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *who, *arguments], capture_output=True, text=True, check=True, env={**os.environ, **identity}
        )
        return done.stdout.strip()

    git("init", "--quiet")
    (tmp_path / "one two.md").write_text("a")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    first = git("rev-parse", "HEAD")
    (tmp_path / "contracts.py").write_text("a")
    (tmp_path / "one two.md").rename(tmp_path / "ütwo.md")
    git("add", "--all", ".")
    git("commit", "--quiet", "--message", "second")
    assert sorted(changed_since(first) or []) == ["contracts.py", "one two.md", "ütwo.md"]
    assert changed_since("HEAD") == []
    for unknown in ("", "0" * 40, "f" * 40, "--help"):
        assert changed_since(unknown) is None


def test_make_says_it_without_an_environment() -> None:
    command = ["make", "--silent", "changes", "BASE=" + "0" * 40]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "application\n"
