"""What a cold start of the function takes, measured on the zip that would be deployed.

    python -m benchmarks import [--rounds N] [--json FILE]

The zip is unpacked as Lambda unpacks it and started by the function's own Python with nothing beside it. Two things
are measured, each in a new process, contenders taking turns: the import of a module (Pillow alone; the handler with all
that it loads), and the whole way from the start of the process to the arrival of its first answer in the queue, a small
picture fetched, made and stored between (S3 and SQS are stand-ins on loopback). Each with the bytecode that the zip
holds, and without it, as a Python of another form would start.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.circumstances import circumstances, say
from benchmarks.race import scheduled
from benchmarks.sample import plain_photo
from benchmarks.standin import StandIn, stand_in
from components.artifact import transform_artifact
from components.interpreters import interpreter
from components.settings import Transform
from contracts.environment import TransformEnvironment, to_environ
from contracts.formats import ImageFormat
from contracts.messages import Transform as Order
from contracts.messages import encode
from contracts.places import INLINE, OriginalPlace
from contracts.variants import Resize, Variant

ROOT: Final = Path(__file__).parents[1]
PILLOW, HANDLER, ANSWER = "import of Pillow alone", "import of the handler", "start to first answer"
MODULES: Final = {PILLOW: "PIL.Image", HANDLER: "functions.transform.handler"}
JOB: Final = "01890a5d-ac96-774b-bcce-b302099a8057"

IMPORT: Final = """
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.perf_counter()
__import__(sys.argv[2])
print(1000 * (time.perf_counter() - began))
"""

START: Final = """
import json, sys, types
sys.path.insert(0, sys.argv[1])
from functions.transform.handler import handle
handle(json.loads(sys.argv[2]), types.SimpleNamespace(aws_request_id="cold"))
"""

_EXACT: Final = ("-I", "-S", "-B")
"""Nothing beside the folder, and nothing written into it."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks import", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="starts of each (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--realtime", action="store_true", help="before everything else on a busy machine (root)")
    parser.add_argument("--judge", help="not needed here")
    options = parser.parse_args(arguments)
    settings = Transform()
    python = interpreter(settings.python)
    if python is None:
        sys.stderr.write(f"there is no Python {settings.python} on this machine to start the zip with\n")
        return 2
    with tempfile.TemporaryDirectory() as place, stand_in(plain_photo(640, 480)) as cloud:
        folders, packed = _unpacked(settings, Path(place))
        say(f"{packed / 1e6:.1f} MB, Python {settings.python}, medians of {options.rounds} starts, milliseconds")
        with scheduled(sorted(os.sched_getaffinity(0)), realtime=options.realtime):
            times = _measured(python, folders, cloud, options.rounds)
    for name, found in times.items():
        say(f"  {name:44}{statistics.median(found):7.0f}   least {min(found):.0f}")
    above = statistics.median(handler - pillow for handler, pillow in zip(times[HANDLER], times[PILLOW], strict=True))
    if options.json:
        written = {
            "of": circumstances() | {"realtime": options.realtime},
            "packed_bytes": packed,
            "milliseconds": times,
            "above_pillow_ms": above,
        }
        options.json.write_text(json.dumps(written, indent=1) + "\n")
    say(f"\nimport above bare Pillow: {above:.0f} ms")
    return 0


def _unpacked(settings: Transform, place: Path) -> tuple[dict[str, Path], int]:
    """The zip's content with its bytecode, and without; and its bytes."""
    folders = {"": place / "packed", ", from source": place / "source"}
    with zipfile.ZipFile(transform_artifact(ROOT, settings).path) as archive:
        packed = sum(entry.file_size for entry in archive.infolist())
        for folder in folders.values():
            archive.extractall(folder)
    for compiled in (place / "source").rglob("__pycache__"):
        shutil.rmtree(compiled)
    return folders, packed


def _measured(python: Path, folders: Mapping[str, Path], cloud: StandIn, rounds: int) -> dict[str, list[float]]:
    """Milliseconds by what was measured, a value a round; every other round goes backwards."""
    times: dict[str, list[float]] = {}
    turns = [(what, kind) for kind in folders for what in (*MODULES, ANSWER)]
    for number in range(rounds):
        for what, kind in turns if number % 2 == 0 else reversed(turns):
            folder = folders[kind]
            took = _answer(python, folder, cloud) if what == ANSWER else _import(python, folder, MODULES[what])
            times.setdefault(what + kind, []).append(round(took, 2))
    return {what + kind: times[what + kind] for what, kind in turns}


def _import(python: Path, folder: Path, module: str) -> float:
    command = [python, *_EXACT, "-c", IMPORT, folder, module]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env={}).stdout)


def _answer(python: Path, folder: Path, cloud: StandIn) -> float:
    began = perf_counter()
    command = [python, *_EXACT, "-c", START, folder, json.dumps({"Records": [{"body": _order()}]})]
    subprocess.run(command, capture_output=True, check=True, env=dict(_environment(cloud)))
    return 1000 * (cloud.answered.get_nowait() - began)


def _environment(cloud: StandIn) -> Iterator[tuple[str, str]]:
    yield from to_environ(
        TransformEnvironment(
            region="eu-central-1",
            endpoint_url=cloud.url,
            originals_bucket="originals",
            results_bucket="results",
            completions_queue_url=f"{cloud.url}/0/completions",
            timeout_seconds=60,
        )
    ).items()
    yield from {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "PATH": os.defpath}.items()


def _order() -> str:
    order = Order(
        job_id=JOB,
        request_id="cold",
        tenant="default",
        part=1,
        token=1,
        key=OriginalPlace(INLINE, "default", JOB).key,
        version_id="v",
        bytes=1,
        format=ImageFormat.JPEG,
        variants=(Variant(name="small", resize=Resize(width=320)),),
    )
    return encode(order).decode()
