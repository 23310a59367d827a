"""`darkroom up` is `python -m local run` with the same options, in the same process, signals and exit code included."""

import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest

from client import command
from operations.command import app

ROOT = Path(__file__).parents[2]
RUN_UP = "import sys; from operations.command import app; app(sys.argv[1:])"

SAYS_ITS_ARGUMENTS = """
import os, sys
print(os.getpid(), sys.argv[1:], flush=True)
sys.exit(7)
"""
WAITS_FOR_A_SIGNAL = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("ready", flush=True)
signal.sigwait({signal.SIGTERM})
print("drained", flush=True)
raise SystemExit(5)
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder whose package `local` stands in for the real one."""
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "__init__.py").write_text("")
    return tmp_path


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", RUN_UP, "up", *arguments],
        env={"PYTHONPATH": f"{folder}:{ROOT}"},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ([], ["run"]),
        (["chair.jpg"], ["run", "chair.jpg"]),
        (["--port", "9000", "chair.jpg", "--data", "d"], ["run", "chair.jpg", "--port", "9000", "--data", "d"]),
    ],
)
def test_the_options_go_on_as_they_are(stand_in: Path, arguments: list[str], passed: list[str]) -> None:
    (stand_in / "local" / "__main__.py").write_text(SAYS_ITS_ARGUMENTS)
    with started(stand_in, *arguments) as process:
        written, _ = process.communicate(timeout=600)
    assert (written, process.returncode) == (f"{process.pid} {passed}\n", 7)


def test_a_signal_reaches_the_run_itself(stand_in: Path) -> None:
    (stand_in / "local" / "__main__.py").write_text(WAITS_FOR_A_SIGNAL)
    with started(stand_in) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        written, _ = process.communicate(timeout=600)
    assert (written, process.returncode) == ("drained\n", 5)


def test_without_the_embedded_cloud_it_says_where_to_find_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = command.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == "local" else found(name, *more))
    command.app.update(app)
    assert command.run(["up"]) == 2
    assert capsys.readouterr().err == (
        "darkroom: the embedded cloud is not part of this installation; "
        "run it from a checkout of the repository, with: make run\n"
    )


def test_the_command_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = metadata.EntryPoint("operations", "operations.command:app", command.GROUP)
    absent = metadata.EntryPoint("absent", "no_such_room.command:app", command.GROUP)
    monkeypatch.setattr(command.metadata, "entry_points", lambda group: [declared, absent])
    assert command.run(["up", "--help"]) == 0


def test_the_project_declares_that_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][command.GROUP] == {"operations": "operations.command:app"}
    assert project["scripts"] == {"darkroom": "client.command:main"}
