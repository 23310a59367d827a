"""SSIMULACRA2 of pairs of pictures: 100 is the same picture, 90 is taken for it, 70 is good, 50 is not.

A program of its own, since the measure needs numpy and scipy, which nothing else here does (`score.in`, `make score`):

    python -m operations.scorer     for each pair on its input a line with the score on its output, until that ends

A pair is width and height (two 32-bit integers, the lower byte first) and the pixels of both as RGB, the reference
first. `operations.scoring` starts it and speaks to it; the benchmarks measure by the same function.
"""

import io
import struct
import sys
from typing import BinaryIO, Final, TextIO

from PIL import Image

HEAD: Final = struct.Struct("<II")
"""Before the pixels of a pair: their width and height."""


def score(reference: Image.Image, other: Image.Image) -> float:
    """Of two RGB pictures of a size, at least 8 pixels on each side: below, there is nothing that the measure sees."""
    from ssimulacra2 import compute_ssimulacra2  # pyrefly: ignore[missing-import]  # only the judge's environment has it

    return float(compute_ssimulacra2(_file(reference), _file(other)))


def main(source: BinaryIO, target: TextIO) -> None:
    """Pairs from `source`, a line for each to `target`."""
    while len(head := source.read(HEAD.size)) == HEAD.size:
        size: tuple[int, int] = HEAD.unpack(head)
        reference, other = (Image.frombytes("RGB", size, source.read(3 * size[0] * size[1])) for _ in range(2))
        target.write(f"{score(reference, other):.4f}\n")
        target.flush()


def _file(image: Image.Image) -> io.BytesIO:
    """As the measure reads one, in memory and without any work."""
    target = io.BytesIO()
    image.save(target, "PPM")
    target.seek(0)
    return target


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout)
