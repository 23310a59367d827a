"""Every test runs: no file, no function and no example of it is left out by its name."""

import ast
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.support.tree import python_files, read

TESTS = [path for path in python_files("tests") if path.name.startswith("test_")]


def _names_of(source: str) -> list[str]:
    """Tests of a module: functions, methods of its classes, and state machines (`TestX = Machine.TestCase`)."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.append(node.name)
        elif isinstance(node, ast.ClassDef):
            names += [f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)]
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [name for name in names if name.rpartition(".")[2].startswith("test_") or name.startswith("Test")]


def test_every_python_file_here_is_collected_or_supports_those_that_are() -> None:
    stray = [
        str(path)
        for path in python_files("tests")
        if not (path.name.startswith("test_") or path.name == "conftest.py" or path.is_relative_to("tests/support"))
    ]
    assert not stray, "never collected; name them test_*.py or move them to tests/support:\n" + "\n".join(stray)


def test_nothing_in_support_looks_like_a_test() -> None:
    assert not [str(path) for path in TESTS if path.is_relative_to("tests/support")]


def test_every_test_file_holds_tests_and_no_two_of_one_name() -> None:
    names = {path: _names_of(read(path)) for path in TESTS}
    assert not [str(path) for path in TESTS if not names[path]], "files without a test"
    twice = [f"{path}: {name}" for path in TESTS for name, count in Counter(names[path]).items() if count > 1]
    assert not twice, "only the last of these runs:\n" + "\n".join(twice)


def test_names_that_would_be_lost_are_seen() -> None:
    assert _names_of("def helper(): ...\nX = 1") == []
    assert _names_of("def test_a(): ...\ndef test_a(): ...\nasync def test_b(): ...\nTestM = Machine.TestCase") == [
        "test_a",
        "test_a",
        "test_b",
        "TestM",
    ]


def test_this_very_room_is_among_them() -> None:
    assert Path("tests/house/test_collected.py") in TESTS
    assert len(TESTS) > 20


GROUPED = """
import os
import pathlib

import pytest

pytestmark = pytest.mark.xdist_group("one")


@pytest.mark.parametrize("number", range(6))
def test_grouped(number):
    pathlib.Path(__file__).with_name(str(number)).write_text(os.environ["PYTEST_XDIST_WORKER"])
"""


def test_tests_of_one_group_run_in_one_process(tmp_path: Path) -> None:
    """What shares a folder or a cloud must not be there twice: with pytest 9.2, xdist 3.8 took no notice of groups."""
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    subprocess.run([*command, str(tmp_path)], cwd=tmp_path, env=environ, capture_output=True, check=True)
    workers = [(tmp_path / str(number)).read_text() for number in range(6)]
    assert len(set(workers)) == 1, workers
