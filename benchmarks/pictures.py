"""The function's main job beside others: one photograph to 1600w JPEG, 800w WebP, 400w WebP and 150x150 JPEG.

    python -m benchmarks pictures [--rounds N] [--json FILE] [--judge PYTHON] [--least RATIO]

Contenders: our engine; sharp as its documentation shows; an expert's sharp (one decode, chained); plain Pillow. Needs
Node and `npm ci` in this folder. The quality columns need `requirements.in` in the interpreter that `--judge` names
(default: this one); without it they are left out, and the run says so.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.circumstances import circumstances, say
from benchmarks.race import ROOT, Race, files, race
from benchmarks.sample import plain_photo

PICTURES: Final = {"12 MP": (4032, 3024), "6 MP": (2832, 2124)}
QUALITY_SEEDS: Final = (7, 1, 2)
"""Pictures whose files are judged: one alone says little, for half a point is the luck of a grid."""
FIGURE: Final = ("12 MP", 2)
"""Picture and processors of the line that is printed last."""
_SHARP: Final = ROOT / "benchmarks" / "contenders" / "sharp.mjs"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks pictures", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each race (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--judge", default=sys.executable, metavar="PYTHON", help="interpreter that has ssimulacra2")
    parser.add_argument("--least", type=float, metavar="RATIO", help="fail below it, unless the machine was busy")
    parser.add_argument("--realtime", action="store_true", help="before everything else on a busy machine (root)")
    options = parser.parse_args(arguments)
    missing = _missing()
    if missing:
        sys.stderr.write(missing + "\n")
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        results, figure, ratio = _races(options.rounds, Path(scratch), realtime=options.realtime)
        quality = _quality(options.judge, Path(scratch))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        written = {"of": circumstances() | {"realtime": options.realtime}, "races": results, "quality": quality}
        options.json.write_text(json.dumps(written, indent=1) + "\n")
    say("\n" + figure)
    return 1 if options.least and ratio is not None and ratio < options.least else 0


def _races(rounds: int, scratch: Path, *, realtime: bool) -> tuple[list[dict[str, Any]], str, float | None]:
    """Every race; the line to end with, and its ratio if the machine was calm enough for one."""
    available = sorted(os.sched_getaffinity(0))
    results: list[dict[str, Any]] = []
    figure, ratio = "the figure needs two processors", None
    for name, size in PICTURES.items():
        picture = scratch / f"{name.replace(' ', '')}.jpg"
        picture.write_bytes(plain_photo(*size))
        for cores in [available[:1], available[:2]][: len(available)]:
            say(f"\n{name} ({size[0]}×{size[1]}, {picture.stat().st_size // 1000} kB), {len(cores)} core(s)")
            found = race(_contenders(picture, len(cores)), cores=cores, rounds=rounds, realtime=realtime)
            _print_race(found)
            results.append({"picture": name, "race": msgspec.to_builtins(found)})
            if (name, len(cores)) == FIGURE:
                figure, ratio = _figure(name, found, rounds), found.lanes["sharp"].ratio if found.is_calm else None
    return results, figure, ratio


def _quality(judge: str, scratch: Path) -> dict[str, Any]:
    """What the files of several pictures are worth; empty where no judge is installed."""
    if judge == sys.executable and find_spec("ssimulacra2") is None:
        say("\nquality: not measured (benchmarks/requirements.in is not installed; see --judge)")
        return {}
    cores = sorted(os.sched_getaffinity(0))[:2]
    judged: dict[str, Any] = {}
    for seed in QUALITY_SEEDS:
        picture = scratch / f"seed{seed}.jpg"
        picture.write_bytes(plain_photo(seed=seed))
        # plain Pillow's files are what the others are compared with
        judged_ones = {key: line for key, line in _contenders(picture, len(cores)).items() if key != "pillow"}
        folders = files(judged_ones, cores=cores, folder=scratch / picture.stem)
        answer = subprocess.run(
            [judge, "-m", "benchmarks.quality", str(picture), *map(str, folders)],
            stdout=subprocess.PIPE,
            check=True,
            cwd=ROOT,
        )
        judged[picture.stem] = json.loads(answer.stdout)
    _print_quality(judged)
    return judged


def _contenders(picture: Path, cores: int) -> dict[str, list[str]]:
    python, node = sys.executable, "node"
    return {
        "ours": [python, "-m", "benchmarks.contenders.ours", str(picture), str(cores)],
        "sharp": [node, str(_SHARP), str(picture), str(cores)],
        "expert": [node, str(_SHARP), str(picture), str(cores), "expert"],
        "pillow": [python, "-m", "benchmarks.contenders.pillow", str(picture), str(cores)],
    }


def _missing() -> str | None:
    if shutil.which("node") is None:
        return "node is not installed; sharp needs Node 20.9 or newer"
    if not (ROOT / "benchmarks" / "node_modules" / "sharp").is_dir():
        return "sharp is not installed: run `npm ci` in benchmarks/"
    return None


def _print_race(found: Race) -> None:
    say(f"  {'':16}{'min':>8}{'median':>9}{'CPU':>9}{'memory':>9}{'ours is':>11}")
    for lane in found.lanes.values():
        times = f"{min(lane.times):8.1f}{lane.median_ms:9.1f}{lane.processor_ms:9.1f}"
        say(f"  {lane.name:16}{times} ms{lane.peak_mb:5.0f} MB{lane.ratio:10.2f}x")
    if not found.is_calm:
        say(f"  the machine was busy (strain {found.strain:.2f}): times are too long, ratios of 2 cores uncertain")


def _print_quality(judged: dict[str, Any]) -> None:
    first = next(iter(judged.values()))
    names = sorted(next(iter(first.values())))
    say(f"\nquality: SSIMULACRA2 and bytes, means of {len(judged)} pictures of 12 MP")
    say(f"  {'':16}" + "".join(f"{name:>22}" for name in names) + f"{'at equal bytes':>18}")
    for key in first:
        cells = ""
        for name in names:
            found = [scores[key][name] for scores in judged.values()]
            score, size = (statistics.mean(each[part] for each in found) for part in ("score", "bytes"))
            cells += f"{score:9.1f} in {size:7.0f} B"
        even = statistics.mean(file["even"] for scores in judged.values() for file in scores[key].values())
        say(f"  {key:16}{cells}{even:+18.2f}")


def _figure(name: str, found: Race, rounds: int) -> str:
    busy = "" if found.is_calm else "; the machine was busy"
    cores = f"{found.cores} core{'s' if found.cores > 1 else ''}"
    return f"job B, {name}, {cores}: {found.lanes['sharp'].ratio:.2f}x sharp (median of {rounds} rounds{busy})"
