"""Contenders take turns, and what is compared is each round's ratio."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.pictures import main
from benchmarks.quality import _between
from benchmarks.race import files, race

CORES = sorted(os.sched_getaffinity(0))[:1]
"""One that there is: a machine may lend us others than its first."""

CONTENDER = """
import json, pathlib, sys
name, ms, log = sys.argv[1], float(sys.argv[2]), pathlib.Path(sys.argv[3])
def say(answer): print(json.dumps(answer), flush=True)
say({"name": name, "versions": {"it": "1"}})
for line in sys.stdin:
    command, _, folder = line.strip().partition(" ")
    if command == "run":
        with log.open("a") as file: file.write(name)
        say({"ms": ms, "processor_ms": 2 * ms, "peak_mb": 10})
    else:
        pathlib.Path(folder, "large.jpg").write_bytes(name.encode())
        say({"saved": ["large.jpg"]})
"""


@pytest.fixture
def contenders(tmp_path: Path):
    program = tmp_path / "contender.py"
    program.write_text(CONTENDER)
    log = tmp_path / "log"
    return log, {name: [sys.executable, str(program), name, ms, str(log)] for name, ms in (("a", "10"), ("b", "25"))}


def test_the_order_is_turned_round_every_other_round(contenders):
    log, programs = contenders
    found = race(programs, cores=CORES, rounds=4)
    assert log.read_text() == "abbaabba"
    assert {key: (lane.ratio, lane.median_ms, lane.processor_ms) for key, lane in found.lanes.items()} == {
        "a": (1.0, 10.0, 20.0),
        "b": (2.5, 25.0, 50.0),
    }


def test_each_contender_writes_its_files_into_its_own_folder(contenders, tmp_path):
    folders = files(contenders[1], cores=CORES, folder=tmp_path / "files")
    assert [(folder.name, (folder / "large.jpg").read_text()) for folder in folders] == [("a", "a"), ("b", "b")]


def test_a_contender_that_ends_ends_the_race(tmp_path):
    with pytest.raises(SystemExit, match="a contender ended"):
        race({"a": [sys.executable, "-c", "pass"]}, cores=CORES, rounds=1)


def test_scores_are_compared_at_equal_bytes():
    curve = [(0.0, 50.0), (1.0, 60.0), (2.0, 65.0)]
    assert [_between(curve, at) for at in (-1, 0.5, 1.5, 3)] == [40.0, 55.0, 62.5, 70.0]


def test_a_missing_tool_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert main([]) == 2
    assert "node is not installed" in capsys.readouterr().err
