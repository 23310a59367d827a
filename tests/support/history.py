"""Everything that clients asked and were answered, and every fault, in one file; and the judge of it.

One JSON object a line, in the order in which things happened. A read is written down when it begins and when it ends:
only one that began after another had ended must not have seen less.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from contracts.job import Job, JobState

_RANK = {"awaiting_upload": 0, "queued": 1, "processing": 2, "deleting": 4, "deleted": 5}
"""How far a client has seen a job come within a run; every other state is 3."""
_ENDS = frozenset({"job.completed", "job.partially_completed", "job.failed", "job.rejected"})


class History:
    """Written by many threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    def note(self, what: str, **fields: Any) -> int:
        """Its number, which an end refers to as `of`."""
        with self._lock:
            number = next(self._numbers)
            self._file.write(msgspec.json.encode({"at": time.time(), "n": number, "what": what, **fields}) + b"\n")
        return number

    def read(self) -> list[dict[str, Any]]:
        with self._lock:
            self._file.flush()
            return [msgspec.json.decode(line) for line in self.path.read_bytes().splitlines()]

    def close(self) -> None:
        self._file.close()


def judge(
    history: Iterable[Mapping[str, Any]], jobs: Mapping[str, Job], stories: Iterable[Mapping[str, Any]]
) -> list[str]:
    """A sentence for each promise that was broken. `stories` are the lines that the services logged."""
    lines = list(history)
    return [*_lost(lines, jobs), *_doubled(stories), *_turned_back(lines), *_keys(lines)]


def accepted(history: Iterable[Mapping[str, Any]]) -> set[str]:
    """Ids of the jobs that were answered with a 202."""
    return {line["job"] for line in history if line["what"] == "accepted"}


def _lost(lines: list[Mapping[str, Any]], jobs: Mapping[str, Job]) -> Iterator[str]:
    """1, 19: a job that was accepted is there, and has ended."""
    for job_id in sorted(accepted(lines)):
        job = jobs.get(job_id)
        if job is None:
            yield f"{job_id} was accepted and is not there"
        elif not job.is_final or job.state is JobState.ABANDONED:
            yield f"{job_id} was accepted and is {job.state}"


def _doubled(stories: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """4, 8: a run ends once, and an order's answer is folded once. Each line is written by who made it true."""
    ends: Counter[tuple[str, int]] = Counter()
    folds: Counter[tuple[str, int]] = Counter()
    for line in stories:
        if line.get("event") in _ENDS:
            ends[line["job_id"], line.get("run", 0)] += 1
        elif line.get("event") == "part.folded":
            folds[line["job_id"], line["token"]] += 1
    for (job_id, run), times in ends.items():
        if times > 1:
            yield f"run {run} of {job_id} ended {times} times"
    for (job_id, token), times in folds.items():
        if times > 1:
            yield f"the answer to order {token} of {job_id} was folded {times} times"


def _turned_back(lines: list[Mapping[str, Any]]) -> Iterator[str]:
    """3, 4, 9: who looks later sees no less, and a variant that was there stays the one that it was."""
    highest: dict[str, tuple[int, int, int]] = {}
    floors: dict[int, tuple[int, int, int]] = {}
    digests: dict[tuple[str, int, str], str] = {}
    for line in lines:
        if line["what"] == "asks":
            floors[line["n"]] = highest.get(line["job"], (0, 0, 0))
        elif line["what"] == "sees":
            job_id = line["job"]
            seen = (line["run"], _RANK.get(line["state"], 3), line["revision"])
            floor = floors.pop(line["of"])
            if seen[:2] < floor[:2] or seen[2] < floor[2]:
                yield f"{job_id} was seen at {floor} and later at {seen}"
            highest[job_id] = max(highest.get(job_id, seen), seen)
            for name, digest in line["digests"].items():
                if digests.setdefault((job_id, line["run"], name), digest) != digest:
                    yield f"{name} of {job_id} was replaced"


def _keys(lines: list[Mapping[str, Any]]) -> Iterator[str]:
    """6, 10: a key names one job, however often it was sent."""
    jobs: dict[str, str] = {}
    for line in lines:
        if line["what"] == "accepted" and jobs.setdefault(line["key"], line["job"]) != line["job"]:
            yield f"the key {line['key']} was answered with two jobs"
