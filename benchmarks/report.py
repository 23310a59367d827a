"""What results say, for people: the tables of docs/benchmarks.md and its chart, made from benchmarks/results.

    python -m benchmarks.report        write them anew (`make docs`)

Nothing in them is written by hand, and a test holds them against the data.
"""

import json
import re
import statistics
from html import escape
from pathlib import Path
from typing import Any, Final

from benchmarks.tables import mean

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "docs" / "benchmarks.md"
CHART: Final = ROOT / "docs" / "benchmarks.svg"
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
_CALM: Final = 1.15

_ROW, _LEFT, _SCALE, _WIDTH = 17, 170, 88, 860
_COLOURS: Final = {"ours": "#1f6f8b", "sharp": "#c8553d", "expert": "#e0a458", "vips": "#7a9e7e", "pillow": "#9a9a9a"}
_LONGEST: Final = 7.0
"""Times ours at which a bar is cut."""


def results() -> dict[str, Any]:
    """By the name of their file."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}


def page(text: str, found: dict[str, Any]) -> str:
    """The page with the part between its marks made anew."""
    made = "\n\n".join(part for part in (_races(found), _quality(found), _starts(found), _kit(found)) if part)
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{made}\n{END}", text, flags=re.DOTALL)


def chart(found: dict[str, Any]) -> str:
    """An SVG of bars: each contender's time over ours, race by race."""
    bars: list[str] = []
    top = 34
    for race in _all_races(found):
        bars.append(f'<text x="10" y="{top + 12}" class="title">{escape(_named(race))}</text>')
        for key, lane in race["race"]["lanes"].items():
            ratio = statistics.median(lane["ratios"])
            length = round(min(ratio, _LONGEST) * _SCALE, 1)
            top += _ROW
            bars.append(
                f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{escape(lane["name"])}</text>'
                f'<rect x="{_LEFT}" y="{top + 2}" width="{length}" height="{_ROW - 4}" fill="{_COLOURS[key]}"/>'
                f'<text x="{_LEFT + length + 6}" y="{top + 12}">{ratio:.2f}</text>'
            )
        top += _ROW + 12
    head = '<text x="10" y="18" class="title">Time over ours, medians of rounds: shorter is faster</text>'
    style = "<style>text{font:11px sans-serif;fill:#222}.title{font-weight:bold}</style>"
    ground = f'<rect width="{_WIDTH}" height="{top}" fill="#fff"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img" '
        f'aria-label="Time of each contender over ours">{style}{ground}{head}{"".join(bars)}</svg>\n'
    )


def _all_races(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [race for name in ("pictures", "avif") for race in found.get(name, {}).get("races", [])]


def _named(race: dict[str, Any]) -> str:
    cores = race["race"]["cores"]
    return f"job {race['job'].upper()}, {race['picture']}, {cores} core{'s' if cores > 1 else ''}"


def _races(found: dict[str, Any]) -> str:
    """Times and memory."""
    lines = ["| race | who | ms, median | ms, least | CPU ms | memory, MB | its time over ours |", "| --- " * 7 + "|"]
    for race in _all_races(found):
        for number, lane in enumerate(race["race"]["lanes"].values()):
            busy = "" if race["race"]["strain"] <= _CALM else " (busy)"
            name = _named(race) + busy if number == 0 else ""
            lines.append(
                f"| {name} | {lane['name']} | {statistics.median(lane['times']):.0f} | {min(lane['times']):.0f} "
                f"| {lane['processor_ms']:.0f} | {lane['peak_mb']:.0f} | {statistics.median(lane['ratios']):.2f} |"
            )
    return "\n".join(["### Times", "", _told(found, "pictures"), "", *lines])


def _quality(found: dict[str, Any]) -> str:
    """Bytes and score of every file."""
    lines = ["| job, file | who | bytes | SSIMULACRA2 | points at equal bytes |", "| --- " * 5 + "|"]
    for suite in ("pictures", "avif"):
        for job, judged in found.get(suite, {}).get("quality", {}).items():
            first = next(iter(judged.values()))
            for name in sorted(next(iter(first.values()))):
                for number, key in enumerate(first):
                    label = f"{job.upper()}, {name}" if number == 0 else ""
                    lossless = first[key][name]["even"] is None
                    even = "" if lossless else f"{mean(judged, key, name, 'even'):+.2f}"
                    size, score = mean(judged, key, name, "bytes"), mean(judged, key, name, "score")
                    lines.append(f"| {label} | {key} | {size:.0f} | {score:.2f} | {even} |")
    return "\n".join(["### Bytes and quality", "", "Means of three pictures.", "", *lines])


def _starts(found: dict[str, Any]) -> str:
    """Cold starts."""
    if "import" not in found:
        return ""
    lines = ["| what | ms, median | ms, least |", "| --- " * 3 + "|"]
    lines += [
        f"| {name} | {statistics.median(times):.0f} | {min(times):.0f} |"
        for name, times in found["import"]["milliseconds"].items()
    ]
    above = (
        f"Import above bare Pillow: {found['import']['above_pillow_ms']:.0f} ms (median of the rounds' differences)."
    )
    return "\n".join(["### Cold start", "", _told(found, "import"), "", *lines, "", above])


def _kit(found: dict[str, Any]) -> str:
    """The score of the conformance kit, and every case that does not hold."""
    if "conformance" not in found:
        return ""
    kit = found["conformance"]
    scores = kit["scores"].values()
    lines = ["| group | cases | " + " | ".join(one["name"] for one in scores) + " |"]
    lines.append("| --- " * (2 + len(scores)) + "|")
    for group, names in kit["groups"].items():
        held = [len(names) - len(set(names) & one["failed"].keys()) for one in scores]
        lines.append(f"| {group} | {len(names)} | " + " | ".join(map(str, held)) + " |")
    whole = [str(one["passed"]) for one in scores]
    lines.append(f"| **all** | **{len(kit['cases'])}** | " + " | ".join(f"**{number}**" for number in whole) + " |")
    failed = [
        f"- {one['name']}: {kit['cases'][name]} ({said})" for one in scores for name, said in one["failed"].items()
    ]
    return "\n".join(
        ["### Conformance", "", _told(found, "conformance"), "", *lines, "", "What does not hold:", "", *failed]
    )


def _told(found: dict[str, Any], suite: str) -> str:
    of = found[suite]["of"]
    rounds = f", {of['rounds']} rounds" if "rounds" in of else ""
    return (
        f"Measured {of['at'][:10]} at commit {of['commit'][:12]} on {of['processors']} × {of['processor']}, "
        f"{of['system']}, Python {of['python']}{rounds}."
    )


def main() -> None:
    found = results()
    PAGE.write_text(page(PAGE.read_text(), found))
    CHART.write_text(chart(found))


if __name__ == "__main__":
    main()
