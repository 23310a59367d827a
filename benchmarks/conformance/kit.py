"""All cases, and what an adapter's answers to them are worth."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.conformance import colours, inks, leaks, marks, motion, places, transparency
from benchmarks.conformance.case import Case
from benchmarks.conformance.checks import complaint
from benchmarks.race import ROOT


class Score(Struct, frozen=True, kw_only=True):
    """`failed` are the cases that do not hold, and why; of the others nothing is to be said."""

    name: str
    versions: dict[str, str]
    passed: int
    failed: dict[str, str]


def cases() -> list[Case]:
    """Every case, in the order of its groups."""
    return [case for module in (places, colours, inks, transparency, marks, motion, leaks) for case in module.cases()]


def score(command: Sequence[str], kit: Sequence[Case], folder: Path) -> Score:
    """Have an adapter answer every case, and judge it. Raises CalledProcessError if it ends without an answer."""
    folder.mkdir(parents=True)
    asked: list[dict[str, Any]] = []
    for case in kit:
        (folder / f"{case.name}.source").write_bytes(case.source)
        asked.append({"name": case.name, "format": case.format, "request": case.request, "assets": list(case.assets)})
        for asset, body in case.assets.items():
            (folder / f"{case.name}.{asset}").write_bytes(body)
    (folder / "cases.json").write_text(json.dumps(asked))
    done = subprocess.run([*command, str(folder)], stdout=subprocess.PIPE, check=True, cwd=ROOT)
    hello = json.loads(done.stdout)
    judged = {case.name: _judged(case, folder) for case in kit}
    failed = {name: said for name, said in judged.items() if said is not None}
    return Score(name=hello["name"], versions=hello["versions"], passed=len(kit) - len(failed), failed=failed)


def _judged(case: Case, folder: Path) -> str | None:
    error, out = folder / f"{case.name}.error", folder / f"{case.name}.out"
    if error.exists():
        return f"refused: {error.read_text()[:120]}"
    return complaint(case.checks, out.read_bytes()) if out.exists() else "no answer"
