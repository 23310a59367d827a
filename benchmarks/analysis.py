"""What the analysis adds to our main job: the same pictures made with it and without, interleaved.

Job B of each JPEG, one thread and all of it in this process, as `benchmarks.pictures` has it. Each round makes the
picture without analysis, with the usual traits, and with all of them, in an order that turns. The figure is the
processor time of the analysis itself amid the job (cutting its sample, looking at it, reading the file), the median of
all rounds; beside it stands the median difference to the round's own bare run, which a busy machine scatters by more
than there is to measure. Parsing every output again (the proof that it is clean) is in none: no job is without it.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

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
from functions.transform.steps.picture import Picture

KINDS: Final[dict[str, tuple[Trait, ...] | None]] = {"bare": None, "usual": DEFAULT_TRAITS, "all": EVERY_TRAIT}
GATES: Final = {"usual": 3.0, "all": 8.0}
"""Milliseconds that a kind may add."""


class _Watched(Run):
    """A run that says what its looking takes, in seconds of processor time."""

    looking = 0.0

    def _sample(self, picture: Picture | Exception) -> None:
        began = time.thread_time()
        super()._sample(picture)
        self.looking += time.thread_time() - began


class Took(NamedTuple):
    """Milliseconds of processor time: of the whole job, and of the analysis in it."""

    job: float
    analysis: float


def made(data: bytes, traits: Sequence[Trait] | None) -> Took:
    """Job B once; with an analysis if there are traits."""
    outcomes: list[Outcome] = []
    began = time.process_time()
    looking = adding = 0.0
    with quiet_decoders():
        source = inspect(data, ImageFormat.JPEG)
        study = None if traits is None else Study(source, traits, _complain)
        run = _Watched(source, preset("web@1"), 1, outcomes.append, study.look if study else None)
        run.wait(None)
        looking = run.looking
        if study is not None:
            adding = -time.thread_time()
            study.added_to(Facts(width=1, height=1))
            adding += time.thread_time()
    return Took(1000 * (time.process_time() - began), 1000 * (looking + adding))


def _complain(_: str, error: BaseException) -> None:
    raise error


def measured(data: bytes, rounds: int) -> tuple[float, dict[str, Took]]:
    """Medians: the bare job; and by kind what it takes more than that, and what the analysis takes by itself."""
    for traits in KINDS.values():
        made(data, traits)
    found: dict[str, list[Took]] = {name: [] for name in GATES}
    bare: list[float] = []
    names = list(KINDS)
    for number in range(rounds):
        order = names[number % 3 :] + names[: number % 3]
        took = {name: made(data, KINDS[name]) for name in order}
        bare.append(took["bare"].job)
        for name in GATES:
            found[name].append(Took(took[name].job - took["bare"].job, took[name].analysis))
    medians = {name: Took(*map(statistics.median, zip(*each, strict=True))) for name, each in found.items()}
    return statistics.median(bare), medians


def main(arguments: list[str]) -> int:
    """0 if both kinds stay below their gates on every picture."""
    parser = argparse.ArgumentParser(prog="benchmarks analysis")
    parser.add_argument("--rounds", type=int, default=45)
    parser.add_argument("--judge", help="taken for the sake of the other suites; nothing is judged here")
    options = parser.parse_args(arguments)
    keep_pages()
    worst = dict.fromkeys(GATES, 0.0)
    for width, height in ((2725, 2225), (4000, 3000)):
        bare, found = measured(plain_photo(width, height), options.rounds)
        each = "; ".join(
            f"{name} traits +{found[name].analysis:.2f} ms (whole jobs differ by {found[name].job:.2f})"
            for name in GATES
        )
        print(f"{width}×{height}: job B {bare:.1f} ms of processor; {each}")
        worst = {name: max(worst[name], found[name].analysis) for name in GATES}
    print("; ".join(f"{name} traits +{worst[name]:.2f} ms (gate {gate:g})" for name, gate in GATES.items()))
    return int(any(worst[name] > gate for name, gate in GATES.items()))
