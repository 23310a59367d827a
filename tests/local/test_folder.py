"""A data folder belongs to one run at a time, and its ports stay the same."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from local.folder import Folder, Running, port_socket
from local.problems import CannotRun
from tests.support.ports import held_port
from tests.support.stack import ROOT


def test_a_folder_has_one_holder(folder: Path) -> None:
    first = Folder(folder)
    first.hold()
    with pytest.raises(CannotRun, match=rf"another run \(process {os.getpid()}\) uses the folder .*DATA="):
        Folder(folder).hold()
    first.release()
    second = Folder(folder)
    second.hold()
    second.release()


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotRun, match=r"cannot be used: .*DATA="):
        Folder(tmp_path / "file" / "data").hold()


def test_a_port_in_use_is_told_of() -> None:
    with port_socket(0) as taken:
        port = taken.getsockname()[1]
        assert taken.getsockname()[0] == "127.0.0.1"
        with pytest.raises(CannotRun, match=rf"port {port} is in use; .*PORT="):
            port_socket(port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_what_is_no_port_is_told_of(port: int) -> None:
    with pytest.raises(CannotRun, match="is not a port"):
        port_socket(port)


def test_ports_stay_the_same_while_they_are_free(folder: Path) -> None:
    held = Folder(folder)
    held.hold()
    file = folder / "ports.json"
    with held.usual_port_socket("cloud") as listener:
        assert msgspec.json.decode(file.read_bytes()) == {"cloud": listener.getsockname()[1]}
    with held_port() as port:
        file.write_bytes(msgspec.json.encode({"cloud": port}))
        for _ in range(2):
            with held.usual_port_socket("cloud") as listener:
                assert listener.getsockname()[1] == port
        with held.usual_port_socket("cloud"), held.usual_port_socket("cloud") as other:
            assert other.getsockname()[1] != port
    held.release()


def test_the_processes_of_a_run_are_written_down(folder: Path) -> None:
    held = Folder(folder)
    held.hold()
    held.write_run([Running(name="cloud", pid=7, port=4566)])
    assert msgspec.json.decode((folder / "run.json").read_bytes()) == [{"name": "cloud", "pid": 7, "port": 4566}]
    held.release()


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "run", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def _one_line(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 2
    assert ran.stdout == ""
    line = ran.stderr.rstrip("\n")
    assert line.startswith("darkroom: ")
    assert "\n" not in line
    return line


def test_the_command_says_in_one_line_why_it_cannot_run(folder: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port} is in use" in _one_line(_run("--port", port, "--data", str(folder)))
    held = Folder(folder)
    held.hold()
    assert "another run" in _one_line(_run("--port", "0", "--data", str(folder)))
    held.release()
    assert "invalid int value: 'eighty'" in _one_line(_run("--port", "eighty"))
    assert "No such file" in _one_line(_run(str(tmp_path / "none.jpg"), "--data", str(folder)))
    assert "Is a directory" in _one_line(_run(str(tmp_path), "--data", str(folder)))
    (tmp_path / "empty.jpg").touch()
    assert "is empty" in _one_line(_run(str(tmp_path / "empty.jpg"), "--data", str(folder)))
    (tmp_path / "large.jpg").write_bytes(bytes(30 * 1024 * 1024))
    assert "at most 25 MiB" in _one_line(_run(str(tmp_path / "large.jpg"), "--data", str(folder)))
