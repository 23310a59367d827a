"""Picture work beside others, interleaved: times, memory, and what the files are worth for their bytes.

    python -m benchmarks pictures [--rounds N] [--json FILE] [--judge PYTHON] [--least RATIO]     jobs A, B and D
    python -m benchmarks avif     the same options                                               job C

The jobs are in `jobs.py`. Contenders: our engine; sharp as its documentation shows; an expert's sharp (one decode,
chained); plain Pillow; libvips by pyvips. Needs Node and `npm ci` in this folder. pyvips and the quality columns need
`requirements.in` in the interpreter that `--judge` names (default: this one); without it they are left out, and the run
says so.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.circumstances import circumstances, say
from benchmarks.jobs import JOBS
from benchmarks.race import ROOT, Race, files, race, scheduled
from benchmarks.tables import Judged, print_quality, print_race, worse_at_more_bytes

QUALITY_SEEDS: Final = (7, 1, 2)
"""Pictures whose files are judged: one alone says little, for half a point is the luck of a grid."""
_SHARP: Final = ROOT / "benchmarks" / "contenders" / "sharp.mjs"
_CHAINED: Final = frozenset("bd")
"""Jobs of several files: the others leave an expert nothing to chain."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a suite is run. `judge` is None where no interpreter has what judging needs."""

    rounds: int
    realtime: bool
    judge: str | None


def main(arguments: list[str]) -> int:
    """Jobs A, B and D; the figure is job B's, everywhere it was measured."""
    return _suite("pictures", ("a", "b", "d"), arguments)


def avif(arguments: list[str]) -> int:
    """Job C."""
    return _suite("avif", ("c",), arguments)


def _suite(name: str, letters: tuple[str, ...], arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each race (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument(
        "--judge", default=sys.executable, metavar="PYTHON", help="interpreter that has requirements.in"
    )
    parser.add_argument("--least", type=float, metavar="RATIO", help="fail below it, unless the machine was busy")
    parser.add_argument("--realtime", action="store_true", help="before everything else on a busy machine (root)")
    parser.add_argument("--jobs", default="".join(letters), help="some of them alone, by their letters (%(default)s)")
    given = parser.parse_args(arguments)
    missing = _missing()
    if missing:
        sys.stderr.write(missing + "\n")
        return 2
    judge = given.judge if has_judge(given.judge) else None
    if judge is None:
        say("no pyvips and no quality: benchmarks/requirements.in is not installed in that interpreter; see --judge")
    options = Options(rounds=given.rounds, realtime=given.realtime, judge=judge)
    races: list[tuple[str, str, Race]] = []
    quality: dict[str, Judged] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for letter in given.jobs:
            races += _races(letter, options, Path(scratch))
            if judge is not None:
                with scheduled(sorted(os.sched_getaffinity(0)), realtime=options.realtime):
                    quality[letter] = _quality(letter, judge, Path(scratch))
    if given.json:
        written = {
            "of": circumstances() | {"realtime": options.realtime, "rounds": options.rounds},
            "races": [
                {"job": job, "picture": picture, "race": msgspec.to_builtins(one)} for job, picture, one in races
            ],
            "quality": quality,
        }
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(written, indent=1) + "\n")
    last = letters[-1] if len(letters) == 1 else "b"
    told = [one for one in races if one[0] == last] or races
    say("\n" + figure(told, quality.get(told[0][0]), options.rounds))
    calm = [one.lanes["sharp"].ratio for _, _, one in told if one.is_calm]
    return 1 if given.least and calm and min(calm) < given.least else 0


def figure(races: list[tuple[str, str, Race]], judged: Judged | None, rounds: int) -> str:
    """One job's ratios over sharp as documented, on one line."""
    ratios = ", ".join(
        f"{picture} {one.lanes['sharp'].ratio:.2f}x on {one.cores} core{'s' if one.cores > 1 else ''}"
        for _, picture, one in races
    )
    memory = max(one.lanes["ours"].peak_mb / one.lanes["sharp"].peak_mb for _, _, one in races)
    worse = "" if judged is None else f"; worse at more bytes: {', '.join(worse_at_more_bytes(judged)) or 'none'}"
    busy = "" if all(one.is_calm for _, _, one in races) else "; the machine was busy"
    job = races[0][0].upper()
    return (
        f"job {job} over sharp: {ratios} (medians of {rounds} rounds); memory at most {memory:.2f} of it{worse}{busy}"
    )


def _races(letter: str, options: Options, scratch: Path) -> list[tuple[str, str, Race]]:
    available = sorted(os.sched_getaffinity(0))
    found = []
    for name, made in JOBS[letter].pictures.items():
        picture = scratch / f"{letter}{name.replace(' ', '').replace(',', '')}"
        picture.write_bytes(made(QUALITY_SEEDS[0]))
        for cores in [available[:1], available[:2]][: len(available)]:
            size = picture.stat().st_size // 1000
            say(f"\njob {letter.upper()}, {JOBS[letter].title}: {name} ({size} kB), {len(cores)} core(s)")
            one = race(
                _contenders(letter, picture, len(cores), options.judge),
                cores=cores,
                rounds=options.rounds,
                realtime=options.realtime,
            )
            print_race(one)
            found.append((letter, name, one))
    return found


def _quality(letter: str, judge: str, scratch: Path) -> Judged:
    """What the files of several pictures are worth."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    judged: Judged = {}
    made = next(iter(JOBS[letter].pictures.values()))
    for seed in QUALITY_SEEDS:
        picture = scratch / f"{letter}-seed{seed}"
        picture.write_bytes(made(seed))
        folders = files(
            _contenders(letter, picture, len(cores), judge), cores=cores, folder=scratch / f"{letter}-files{seed}"
        )
        answer = subprocess.run(
            [judge, "-m", "benchmarks.quality", str(picture), *map(str, folders)],
            stdout=subprocess.PIPE,
            check=True,
            cwd=ROOT,
        )
        judged[f"seed{seed}"] = json.loads(answer.stdout)
    print_quality(judged)
    return judged


def _contenders(letter: str, picture: Path, cores: int, judge: str | None) -> dict[str, list[str]]:
    python, node = sys.executable, "node"
    told = [str(picture), str(cores), letter]
    return {
        "ours": [python, "-m", "benchmarks.contenders.ours", *told],
        "sharp": [node, str(_SHARP), *told],
        **({"expert": [node, str(_SHARP), *told, "expert"]} if letter in _CHAINED else {}),
        "pillow": [python, "-m", "benchmarks.contenders.pillow", *told],
        **({"vips": [judge, "-m", "benchmarks.contenders.vips", *told]} if judge is not None else {}),
    }


def has_judge(interpreter: str) -> bool:
    """Whether it has what only the judge has."""
    found = subprocess.run([interpreter, "-c", "import pyvips, ssimulacra2"], capture_output=True, check=False)
    return found.returncode == 0


def _missing() -> str | None:
    if shutil.which("node") is None:
        return "node is not installed; sharp needs Node 20.9 or newer"
    if not (ROOT / "benchmarks" / "node_modules" / "sharp").is_dir():
        return "sharp is not installed: run `npm ci` in benchmarks/"
    return None
