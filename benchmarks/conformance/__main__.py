"""`python -m benchmarks.conformance [--json FILE] [--judge PYTHON] [--verbose]`: the kit's score for each adapter."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.circumstances import circumstances, say
from benchmarks.conformance.kit import Score, cases, score
from benchmarks.pictures import has_judge
from benchmarks.race import ROOT

_SHARP: Final = ROOT / "benchmarks" / "conformance" / "adapters" / "sharp.mjs"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conformance", description=(__doc__ or "").partition(": ")[2]
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores")
    parser.add_argument("--judge", default=sys.executable, metavar="PYTHON", help="interpreter that has pyvips")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave all pictures and answers there")
    options = parser.parse_args(arguments)
    kit = cases()
    adapters = {"ours": [sys.executable, "-m", "benchmarks.conformance.adapters.ours"]}
    if shutil.which("node") and (ROOT / "benchmarks" / "node_modules" / "sharp").is_dir():
        adapters["sharp"] = ["node", str(_SHARP)]
    if has_judge(options.judge):
        adapters["vips"] = [options.judge, "-m", "benchmarks.conformance.adapters.vips"]
    with tempfile.TemporaryDirectory() as scratch:
        place = options.keep or Path(scratch)
        scores = {key: score(command, kit, place / key) for key, command in adapters.items()}
    members: dict[str, list[str]] = {}
    for case in kit:
        members.setdefault(case.group, []).append(case.name)
    say(f"{'':16}" + "".join(f"{one.name:>12}" for one in scores.values()))
    for group, names in members.items():
        held = [len(names) - len(set(names) & one.failed.keys()) for one in scores.values()]
        say(f"{group:16}" + "".join(f"{number:>9}/{len(names):<2}" for number in held))
    for one in scores.values():
        say(f"\n{one.name}, {len(one.failed)} do not hold" + (":" if one.failed else ""))
        for name, said in one.failed.items():
            say(f"  {name:34}{said}")
    if options.json:
        written = {"of": circumstances(), "cases": {case.name: case.promise for case in kit}}
        options.json.write_text(
            json.dumps(written | {"groups": members, "scores": msgspec.to_builtins(scores)}, indent=1) + "\n"
        )
    say("\n" + figure(scores, len(kit)))
    return 1 if scores["ours"].failed else 0


def figure(scores: dict[str, Score], count: int) -> str:
    """All scores on one line."""
    names = {"ours": "ours", "sharp": "sharp", "vips": "libvips"}
    return "conformance: " + ", ".join(f"{names[key]} {one.passed}/{count}" for key, one in scores.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
