"""What a race and a judgement say, as tables on a terminal."""

import statistics
from typing import TypeAlias

from benchmarks.circumstances import say
from benchmarks.race import Race

Judged: TypeAlias = dict[str, dict[str, dict[str, dict[str, float | None]]]]
"""Picture -> contender -> file -> "score", "bytes", "even" (see `quality`)."""


def print_race(found: Race) -> None:
    say(f"  {'':16}{'min':>8}{'median':>9}{'CPU':>9}{'memory':>9}{'ours is':>11}")
    for lane in found.lanes.values():
        times = f"{min(lane.times):8.1f}{lane.median_ms:9.1f}{lane.processor_ms:9.1f}"
        say(f"  {lane.name:16}{times} ms{lane.peak_mb:5.0f} MB{lane.ratio:10.2f}x")
    if not found.is_calm:
        say(f"  the machine was busy (strain {found.strain:.2f}): times are too long, ratios of 2 cores uncertain")


def print_quality(judged: Judged) -> None:
    first = next(iter(judged.values()))
    names = sorted(next(iter(first.values())))
    say(f"\n  quality: SSIMULACRA2 and bytes, means of {len(judged)} pictures")
    say(f"  {'':16}" + "".join(f"{name:>22}" for name in names) + f"{'at equal bytes':>18}")
    for contender in first:
        cells = "".join(
            f"{mean(judged, contender, name, 'score'):9.1f} in {mean(judged, contender, name, 'bytes'):7.0f} B"
            for name in names
        )
        evens = [file["even"] for scores in judged.values() for file in scores[contender].values()]
        measured = [even for even in evens if even is not None]
        say(f"  {contender:16}{cells}" + (f"{statistics.mean(measured):+18.2f}" if measured else ""))


def mean(judged: Judged, contender: str, name: str, part: str) -> float:
    """Of one contender's file, over the pictures."""
    return statistics.mean(scores[contender][name][part] or 0.0 for scores in judged.values())


def worse_at_more_bytes(judged: Judged, ours: str = "ours", theirs: str = "sharp") -> list[str]:
    """Files of ours that are larger and look worse, in the mean of the pictures."""
    names = sorted(next(iter(judged.values()))[ours])
    return [
        name
        for name in names
        if mean(judged, ours, name, "bytes") > mean(judged, theirs, name, "bytes")
        and mean(judged, ours, name, "score") < mean(judged, theirs, name, "score")
    ]
