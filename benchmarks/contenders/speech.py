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
            began = time.perf_counter()
            job(data)
            _say({"ms": (time.perf_counter() - began) * 1000})
        elif command == "save":
            files = job(data)
            for file, body in files.items():
                Path(argument, file).write_bytes(body)
            _say({"saved": sorted(files)})


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
