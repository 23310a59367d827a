"""Contenders side by side: each in a process of its own, taking turns, so that a busy machine is busy for all.

The order is turned round every other round. What is compared is each round's ratio, never two runs' times.
"""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

ROOT: Final = Path(__file__).resolve().parent.parent
CALM: Final = 1.15
"""Wall time over processor time of a loop of ours, above which a machine is called busy."""


class Lane(Struct, frozen=True, kw_only=True):
    """One contender's times in milliseconds; `ratios` are its time over the first contender's, round by round."""

    name: str
    versions: dict[str, str]
    times: tuple[float, ...]
    ratios: tuple[float, ...]
    processor_ms: float
    """Median of the processor time of a round, all threads together."""
    peak_mb: float

    @property
    def median_ms(self) -> float:
        return statistics.median(self.times)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)


class Race(Struct, frozen=True, kw_only=True):
    """`strain` is the median of wall over processor time of a loop of ours between the rounds."""

    cores: int
    lanes: dict[str, Lane]
    strain: float

    @property
    def is_calm(self) -> bool:
        return self.strain <= CALM


def files(contenders: Mapping[str, Sequence[str]], *, cores: Sequence[int], folder: Path) -> list[Path]:
    """Have each contender write its files, into a folder named by its key; those folders."""
    for key, command in contenders.items():
        (folder / key).mkdir(parents=True)
        with closing(_Runner(command, cores)) as runner:
            runner.ask(f"save {folder / key}")
    return [folder / key for key in contenders]


def race(contenders: Mapping[str, Sequence[str]], *, cores: Sequence[int], rounds: int, realtime: bool = False) -> Race:
    """Run the contenders' programs (key -> command line) on these processors; the first one is the measure.

    `realtime` puts them before everything else on the machine (Linux, root). Raises SystemExit if one dies.
    """
    with ExitStack() as open_ones:
        runners = {
            key: open_ones.enter_context(closing(_Runner(command, cores, realtime=realtime)))
            for key, command in contenders.items()
        }
        answers: dict[str, list[dict[str, float]]] = {key: [] for key in runners}
        strains = []
        for number in range(rounds):
            for key in runners if number % 2 == 0 else reversed(runners):
                answers[key].append(runners[key].ask("run"))
            with scheduled(cores, realtime=realtime):
                strains.append(_strain())
    first = [answer["ms"] for answer in answers[next(iter(runners))]]
    lanes = {key: _lane(runner.hello, answers[key], first) for key, runner in runners.items()}
    return Race(cores=len(cores), lanes=lanes, strain=round(statistics.median(strains), 3))


def _lane(hello: dict[str, Any], answers: Sequence[dict[str, float]], first: Sequence[float]) -> Lane:
    return Lane(
        name=hello["name"],
        versions=hello["versions"],
        times=tuple(round(answer["ms"], 2) for answer in answers),
        ratios=tuple(round(answer["ms"] / base, 4) for answer, base in zip(answers, first, strict=True)),
        processor_ms=round(statistics.median(answer["processor_ms"] for answer in answers), 2),
        peak_mb=round(answers[-1]["peak_mb"], 1),
    )


class _Runner:
    def __init__(self, command: Sequence[str], cores: Sequence[int], *, realtime: bool = False) -> None:
        # the program inherits all of it, so that its libraries count these processors from their first line on
        with scheduled(cores, realtime=realtime):
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT
            )
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._input, self._output = process, process.stdin, process.stdout
        self._command = " ".join(command)
        self.hello = self._answer()

    def ask(self, line: str) -> dict[str, Any]:
        self._input.write(line + "\n")
        self._input.flush()
        return self._answer()

    def close(self) -> None:
        """Its input ends, and so does it."""
        self._input.close()
        self._output.close()
        self._process.wait(30)

    def _answer(self) -> dict[str, Any]:
        line = self._output.readline()
        if not line:
            self.close()
            raise SystemExit(f"a contender ended: {self._command}")
        return json.loads(line)


@contextmanager
def scheduled(cores: Sequence[int], *, realtime: bool) -> Iterator[None]:
    """This process as its contenders are to be: what is started in it inherits it.

    `realtime` puts it before everything else on the machine (Linux, root).
    """
    before = os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setaffinity(0, cores)
    if realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before[0])
        os.sched_setscheduler(0, *before[1:])


def _strain() -> float:
    wall, processor = time.perf_counter(), time.process_time()
    sum(range(400_000))
    return (time.perf_counter() - wall) / max(1e-9, time.process_time() - processor)
