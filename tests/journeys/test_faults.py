"""Processes are killed, runs are stopped and started again: no job is lost, and nothing is left running."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import msgspec
import pytest

from client import Darkroom
from contracts.formats import ImageFormat
from contracts.job import JobState
from local import folder
from local.supervisor import Supervisor
from local.temporary import temporary
from tests.support import patient, pictures
from tests.support.stack import Run, is_alive, listening_addresses, running, until


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "photo.jpg"
    path.write_bytes(pictures.encoded(pictures.photo(800, 600), ImageFormat.JPEG))
    return path


def _job_shown(run: Run) -> str:
    """Id of the job that the run put through by itself."""
    line = next(line for line in run.lines if "job " in line and "photo.jpg:" in line)
    return line.rpartition("job ")[2]


def test_a_run_shows_its_picture_and_keeps_its_jobs_over_a_restart(tmp_path: Path, image: Path) -> None:
    with running(tmp_path / "data", image) as run:
        job_id, shown = _job_shown(run), "\n".join(run.lines)
        for name, size in {"large": "800×600", "medium": "800×600", "small": "400×300", "thumb": "150×150"}.items():
            assert any(line.startswith(name) and size in line for line in run.lines), shown
        names = {process.name for process in run.processes}
        assert names == {"supervisor", "cloud", "upload", "processing"}
        with Darkroom(run.url) as darkroom:
            before = darkroom.status(job_id)
        pids = [process.pid for process in run.processes]
        assert run.end() == 0
        assert not (tmp_path / "data" / "run.json").exists()
        assert not [pid for pid in pids if is_alive(pid)]
    with running(tmp_path / "data", image) as run:
        with Darkroom(run.url) as darkroom:
            after = darkroom.status(job_id)
        assert before is not None
        assert after is not None
        # the rest of the ETag is how long the links live: a restart may fall between two of their spans
        assert (after.state, after.revision) == (before.state, before.revision)
        for variant in after.variants:
            assert variant.url is not None
            assert len(patient.get(variant.url).content) == variant.bytes


SHORTENED = {
    "timing": {
        "function_timeout_seconds": 10,
        "transforms_visibility_seconds": 10,
        "queue_visibility_seconds": 3,
        "sweep_seconds": 1,
        "first_gap_seconds": 4,
    }
}
"""What was in hand when a process died comes back after these times, not after half a minute or more."""


@pytest.fixture(scope="module")
def mortal() -> Iterator[Supervisor]:
    with temporary(SHORTENED) as supervisor:
        yield supervisor


def _pid(supervisor: Supervisor, name: str) -> int:
    processes = msgspec.json.decode(supervisor.folder.run_file.read_bytes(), type=list[folder.Running])
    return next(process.pid for process in processes if process.name == name)


def _are_safe(supervisor: Supervisor, jobs: list[str]) -> bool:
    """Whether a checkpoint of the cloud has what every one of these was answered with a 202 for."""
    file = supervisor.cloud.folder / "state" / "dynamodb.json"
    saved = file.read_text() if file.exists() else ""
    return all(f"job#{job}" in saved for job in jobs) and JobState.AWAITING_UPLOAD not in saved


@pytest.mark.parametrize("victim", ["processing", "upload", "cloud"])
def test_whatever_is_killed_in_the_middle_of_fifty_jobs_all_of_them_complete(
    mortal: Supervisor, image: Path, victim: str
) -> None:
    with Darkroom(mortal.url) as darkroom:
        jobs = [darkroom.upload(image, filename="a.jpg").id for _ in range(50)]
        # the cloud promises what is a second old
        until(lambda: _are_safe(mortal, jobs), "a checkpoint")
        pid = _pid(mortal, victim)
        os.kill(pid, signal.SIGKILL)
        with ThreadPoolExecutor(8) as crowd:
            states = list(crowd.map(lambda job: darkroom.wait(job).state, jobs))
        assert states == ["completed"] * 50
        until(lambda: _pid(mortal, victim) != pid, f"{victim} to be started again")


def test_a_run_that_is_killed_leaves_nothing_running_and_loses_nothing(tmp_path: Path, image: Path) -> None:
    with running(tmp_path / "data", image) as run:
        job_id = _job_shown(run)
        pids = [process.pid for process in run.processes]
        run.end(signal.SIGKILL)
        until(lambda: not any(is_alive(pid) for pid in pids), "every process to end")
    with running(tmp_path / "data", image) as run, Darkroom(run.url) as darkroom:
        status = darkroom.status(job_id)
        assert status is not None
        assert status.state == "completed"


def test_a_run_listens_on_loopback_and_nowhere_else(tmp_path: Path, image: Path) -> None:
    with running(tmp_path / "data", image) as run:
        pids = {process.pid for process in run.processes}
        listening = [address for pid in pids for address in listening_addresses(pid)]
        assert len(listening) >= 4
        assert {address for address, _ in listening} == {"127.0.0.1"}
        ports = {process.port for process in run.processes if process.port is not None}
        assert ports <= {port for _, port in listening}


def test_a_run_goes_on_when_nobody_reads_what_it_says(tmp_path: Path, image: Path) -> None:
    run = Run(tmp_path / "data", image)
    run.wait_for("embedded cloud up")
    assert run.process.stdout is not None
    run.process.stdout.close()

    def is_up() -> bool:
        try:
            return patient.get(f"{run.url}/readyz").status_code == 200
        except (OSError, httpx.TransportError):
            return False

    until(is_up, "the services to be ready")
    assert run.end() == 0


def test_a_file_that_is_no_picture_ends_the_run_with_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("This is not a picture.\n")
    run = Run(tmp_path / "data", text)
    assert run.process.wait() == 2
    assert run.end() == 2
    assert [line for line in run.lines if line.startswith("darkroom: ")] == [run.lines[-1]]
    assert "text.jpg was not taken: " in run.lines[-1]
    assert "Traceback" not in "\n".join(run.lines)
    assert not (tmp_path / "data" / "run.json").exists()
