"""What a cold start of the function spends on importing, measured on the zip that would be deployed.

The zip is unpacked as Lambda unpacks it and imported by the function's own Python with nothing beside it: Pillow alone,
and the handler with everything that it loads. Each is started `RUNS` times, in turn, without bytecode (a zip has none,
and Lambda cannot keep any), and once more with the bytecode of an earlier start, to show what compiling takes.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from benchmarks.interpreters import interpreter
from components.artifact import transform_artifact
from components.settings import Transform

ROOT: Final = Path(__file__).parents[1]
RUNS: Final = 5
CONTENDERS: Final = {"Pillow alone": "PIL.Image", "the handler": "functions.transform.handler"}

IMPORT: Final = """
import importlib, json, sys, time
sys.path.insert(0, sys.argv[1])
wall, cpu = time.perf_counter(), time.process_time()
importlib.import_module(sys.argv[2])
print(json.dumps([1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)]))
"""


def measured(python: Path, folder: Path, module: str, *, keep_bytecode: bool) -> tuple[float, float]:
    """Milliseconds of the clock and of the processor that one import takes in a new process."""
    options = ["-I", "-S"] if keep_bytecode else ["-I", "-S", "-B"]
    command = [python, *options, "-c", IMPORT, folder, module]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall, cpu = json.loads(done.stdout)
    return wall, cpu


def table(python: Path, folder: Path, *, keep_bytecode: bool) -> dict[str, tuple[float, float]]:
    """Medians by contender."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(RUNS):
        for name, module in CONTENDERS.items():
            runs[name].append(measured(python, folder, module, keep_bytecode=keep_bytecode))
    return {
        name: (statistics.median(wall for wall, _ in found), statistics.median(cpu for _, cpu in found))
        for name, found in runs.items()
    }


def main() -> int:
    settings = Transform()
    python = interpreter(settings.python)
    if python is None:
        sys.stderr.write(f"there is no Python {settings.python} on this machine to import the zip with\n")
        return 1
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with zipfile.ZipFile(transform_artifact(ROOT, settings).path) as archive:
            archive.extractall(folder)
            packed = sum(entry.file_size for entry in archive.infolist())
        print(f"{packed / 1e6:.1f} MB, Python {settings.python}, medians of {RUNS} starts, ms of clock (of processor)")
        for name, (wall, cpu) in table(python, folder, keep_bytecode=False).items():
            print(f"{name:14}{wall:8.0f} ({cpu:.0f})")
        for module in CONTENDERS.values():
            measured(python, folder, module, keep_bytecode=True)
        for name, (wall, cpu) in table(python, folder, keep_bytecode=True).items():
            print(f"{name:14}{wall:8.0f} ({cpu:.0f}) with bytecode of an earlier start")
    return 0


if __name__ == "__main__":
    sys.exit(main())
