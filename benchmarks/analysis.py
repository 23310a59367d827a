"""What the analysis adds to our main job: the same pictures made with it and without, interleaved.

Job B of each JPEG, one thread and all of it in this process, as `benchmarks.pictures` has it. Each round makes the
picture with nothing, with the leak report that every job has, with the usual traits beside it, and with all of them, in
an order that turns. Figures are medians of the processor time of the analysis itself amid the job: cutting its sample,
looking at it, reading the file. The usual traits are told without the leak report, `all of it` with it. The difference
of whole jobs stands beside them: a busy machine scatters it by more than there is to measure.
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

BARE, LEAKS, USUAL, ALL = "bare", "leak report", "usual traits", "all of it"
KINDS: Final[dict[str, tuple[Trait, ...] | None]] = {
    BARE: None,
    LEAKS: (),
    USUAL: DEFAULT_TRAITS,
    ALL: EVERY_TRAIT,
}
GATES: Final = {USUAL: 3.0, ALL: 8.0}
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
    began, adding = time.process_time(), 0.0
    with quiet_decoders():
        source = inspect(data, ImageFormat.JPEG)
        study = None if traits is None else Study(source, traits, _complain)
        run = _Watched(source, preset("web@1"), 1, outcomes.append, study.look if study else None)
        run.wait(None)
        if study is not None:
            looked = time.thread_time()
            study.added_to(Facts(width=1, height=1))
            adding = time.thread_time() - looked
    return Took(1000 * (time.process_time() - began), 1000 * (run.looking + adding))


def _complain(_: str, error: BaseException) -> None:
    raise error


def measured(data: bytes, rounds: int) -> tuple[float, dict[str, Took]]:
    """Medians: the bare job; and by kind what it takes more than that, and what the analysis takes by itself."""
    for traits in KINDS.values():
        made(data, traits)
    bare: list[float] = []
    found: dict[str, list[Took]] = {name: [] for name in KINDS if name != BARE}
    names = list(KINDS)
    for number in range(rounds):
        turn = number % len(names)
        took = {name: made(data, KINDS[name]) for name in names[turn:] + names[:turn]}
        bare.append(took[BARE].job)
        for name, each in found.items():
            less = took[LEAKS].analysis if name == USUAL else 0.0
            each.append(Took(took[name].job - took[BARE].job, took[name].analysis - less))
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
            f"{name} +{took.analysis:.2f} ms (whole jobs differ by {took.job:.2f})" for name, took in found.items()
        )
        print(f"{width}×{height}: job B {bare:.1f} ms of processor; {each}")
        worst = {name: max(worst[name], found[name].analysis) for name in GATES}
    print("; ".join(f"{name} +{worst[name]:.2f} ms (gate {gate:g})" for name, gate in GATES.items()))
    return int(any(worst[name] > gate for name, gate in GATES.items()))
