"""The coverage-guided fuzzer, for as long as a test may take; `make fuzz SECONDS=600` goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris has wheels for Linux on x86-64 alone")
pytestmark = pytest.mark.slow


def fuzzed(target: str, runs: int, corpus: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.support.fuzzing", target, "--runs", str(runs), "--corpus", str(corpus)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("target", "runs"), [("headers", 2_000), ("options", 5_000), ("messages", 5_000)])
def test_bytes_of_strangers_are_read_or_refused_by_name(target: str, runs: int, tmp_path: Path) -> None:
    done = fuzzed(target, runs, tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"fuzz {target}: {runs} inputs in ")
    assert done.stdout.splitlines()[-1].endswith(", 0 findings")


def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    done = fuzzed("planted", 200_000, tmp_path)
    assert done.returncode != 0
    assert "the planted fault" in done.stdout
    [found] = (tmp_path / "found").iterdir()
    assert found.read_bytes().startswith(b"dark")
