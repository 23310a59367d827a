"""What the analysis adds to our main job: the same pictures made with it and without, interleaved.

Job B of each JPEG, one thread and all of it in this process, as `benchmarks.pictures` has it. Each round makes the
picture without analysis, with the usual traits, and with all of them, in an order that turns; the added time of a
round is against its own bare run, and the median of all rounds is the figure. Parsing every output again (the proof
that it is clean) is in all three: no job is without it.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.sample import plain_photo
from contracts.analysis import DEFAULT_TRAITS, EVERY_TRAIT, Trait
from contracts.formats import ImageFormat
from contracts.messages import Facts
from contracts.presets import preset
from functions.transform.allocator import keep_pages
from functions.transform.analysis.study import Study
from functions.transform.making import Outcome
from functions.transform.pipeline import Run
from functions.transform.steps.decode import inspect, quiet_decoders

KINDS: Final[dict[str, tuple[Trait, ...] | None]] = {"bare": None, "usual": DEFAULT_TRAITS, "all": EVERY_TRAIT}
GATES: Final = {"usual": 3.0, "all": 8.0}
"""Milliseconds that a kind may add."""


def made(data: bytes, traits: Sequence[Trait] | None) -> float:
    """Milliseconds of processor time for job B; with an analysis if there are traits."""
    outcomes: list[Outcome] = []
    began = time.process_time()
    with quiet_decoders():
        source = inspect(data, ImageFormat.JPEG)
        study = None if traits is None else Study(source, traits, _complain)
        run = Run(source, preset("web@1"), 1, outcomes.append, study.look if study else None)
        run.wait(None)
        if study is not None:
            study.added_to(Facts(width=1, height=1))
    return 1000 * (time.process_time() - began)


def _complain(_: str, error: BaseException) -> None:
    raise error


def measured(data: bytes, rounds: int) -> dict[str, float]:
    """Median added milliseconds by kind, and the median of the bare run."""
    for traits in KINDS.values():
        made(data, traits)
    added: dict[str, list[float]] = {name: [] for name in GATES}
    bare: list[float] = []
    names = list(KINDS)
    for number in range(rounds):
        order = names[number % 3 :] + names[: number % 3]
        times = {name: made(data, KINDS[name]) for name in order}
        bare.append(times["bare"])
        for name in GATES:
            added[name].append(times[name] - times["bare"])
    return {"bare": statistics.median(bare)} | {name: statistics.median(values) for name, values in added.items()}


def main(arguments: list[str]) -> int:
    """0 if both kinds stay below their gates on every picture."""
    parser = argparse.ArgumentParser(prog="benchmarks analysis")
    parser.add_argument("--rounds", type=int, default=45)
    parser.add_argument("--judge", help="taken for the sake of the other suites; nothing is judged here")
    options = parser.parse_args(arguments)
    keep_pages()
    worst = dict.fromkeys(GATES, 0.0)
    for width, height in ((2725, 2225), (4000, 3000)):
        found = measured(plain_photo(width, height), options.rounds)
        print(
            f"{width}×{height}: job B {found['bare']:.1f} ms of processor, usual traits +{found['usual']:.2f}, "
            f"all +{found['all']:.2f}"
        )
        worst = {name: max(worst[name], found[name]) for name in GATES}
    print("; ".join(f"{name} traits +{worst[name]:.2f} ms (gate {gate:g})" for name, gate in GATES.items()))
    return int(any(worst[name] > gate for name, gate in GATES.items()))
