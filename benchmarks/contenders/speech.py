"""The lines that a contender written in Python speaks."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

WARM_UPS = 3

Job = Callable[[bytes], dict[str, bytes]]
"""A picture's bytes to file name -> file."""


def speak(name: str, versions: dict[str, str], job: Job) -> None:
    """Serve the harness on stdin and stdout until it closes them."""
    data = Path(sys.argv[1]).read_bytes()
    for _ in range(WARM_UPS):
        job(data)
    _say({"name": name, "versions": versions})
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "run":
            began, processor = time.perf_counter(), time.process_time()
            job(data)
            took, used = time.perf_counter() - began, time.process_time() - processor
            _say({"ms": took * 1000, "processor_ms": used * 1000, "peak_mb": _peak_mb()})
        elif command == "save":
            files = job(data)
            for file, body in files.items():
                Path(argument, file).write_bytes(body)
            _say({"saved": sorted(files)})


def _peak_mb() -> float:
    """Of this program: what `getrusage` says begins with the memory of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
