"""What a result is worth nothing without: the machine, the versions, the commit; and how results are told."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
MEASURED: Final = ("functions", "benchmarks", "contracts", "adapters", ":!benchmarks/results")
"""Rooms whose changes would make a result one of no commit; results are written while others are measured."""


def circumstances() -> dict[str, Any]:
    """Of this moment. `changed` says that the commit alone does not tell what was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": model,
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "changed": bool(_git("status", "--porcelain", "--", *MEASURED)),
    }


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip()
