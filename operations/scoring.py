"""Who scores pictures by SSIMULACRA2: this interpreter, if it has the measure, or the one that `make score` makes.

Started once for a comparison, and asked pair by pair (`operations.scorer`); where neither has it, a comparison goes
without, and says how to get it.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from typing import IO, Final

from operations.scorer import HEAD

ROOT: Final = Path(__file__).parents[1]
MADE: Final = ROOT / "build" / "score" / "bin" / "python"
"""The interpreter of `make score`."""
ADVICE: Final = "make score"
"""What gets a judge where there is none."""
LEAST_SIDE: Final = 8
MOST_PIXELS: Final = 8_000_000
"""Of one picture: the measure holds some 300 bytes for each of its pixels."""

Size = tuple[int, int]


class Judge:
    """The measure, in a process of its own. What it was asked before it is not asked again."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None  # as `judge` started it
        assert process.stdout is not None
        self.process = process
        self._asked: IO[bytes] = process.stdin
        self._answers: IO[bytes] = process.stdout
        self._known: dict[bytes, float] = {}

    def score(self, size: Size, reference: bytes, other: bytes) -> float | str:
        """Of the RGB pixels of two pictures of a size; or why there is none."""
        if min(size) < LEAST_SIDE:
            return f"no score below {LEAST_SIDE} pixels"
        if size[0] * size[1] > MOST_PIXELS:
            return f"no score above {MOST_PIXELS // 1_000_000} megapixels"
        pair = hashlib.sha256(reference + other).digest()
        if pair not in self._known:
            try:
                self._asked.writelines((HEAD.pack(*size), reference, other))
                self._asked.flush()
                self._known[pair] = round(float(self._answers.readline()), 2)
            except (OSError, ValueError):
                # it ended: an answer that is no number is its end
                return "no score: its process ended"
        return self._known[pair]


@contextmanager
def judge(*, wanted: bool = True) -> Iterator[Judge | None]:
    """The judge for as long as the block lasts; None if it is not wanted, or not to be had here."""
    python = _interpreter() if wanted else None
    if python is None:
        yield None
        return
    program = [python, "-m", "operations.scorer"]
    process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
        program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield Judge(process)
    finally:
        process.kill()
        process.communicate()


def _interpreter() -> str | None:
    if util.find_spec("ssimulacra2") is not None:
        return sys.executable
    return str(MADE) if MADE.is_file() else None
