"""Four inks on paper, as they were measured, and what a screen can show of them.

The file is CGATS as Argyll writes it: a line for each patch, amounts of ink in percent, XYZ, and Lab in D50. Two things
lie between paper and screen. Relative colorimetric: paper is white, by a share of each of X, Y and Z (ICC.1:2010, 6.3).
Black point compensation (Adobe's paper of that name, and ISO 18619): the same for the darkest of what is printed.
"""

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.conformance.profiles import D50, Vector, lab_to_xyz, xyz_to_lab

MEASUREMENTS: Final = Path(__file__).with_name("FOGRA39L.ti3")

Amounts = tuple[float, float, float, float]
"""Cyan, magenta, yellow and black: 0 is none, 1 is full."""
NO_INK: Final[Amounts] = (0, 0, 0, 0)
ALL_INK: Final[Amounts] = (1, 1, 1, 1)


class Patch(NamedTuple):
    """Lab is in D50: `absolute` of a perfect white, `relative` of the paper, `shown` with black as the screen's."""

    amounts: Amounts
    absolute: Vector
    relative: Vector
    shown: Vector


@cache
def patches() -> dict[Amounts, Patch]:
    """Every patch once; of those that were printed twice, the mean."""
    found: dict[Amounts, list[Vector]] = {}
    data = MEASUREMENTS.read_text().partition("BEGIN_DATA\n")[2].partition("END_DATA")[0]
    for line in data.split("\n"):
        if line:
            _, cyan, magenta, yellow, black, *_, lightness, a, b = map(float, line.split())
            found.setdefault((cyan / 100, magenta / 100, yellow / 100, black / 100), []).append((lightness, a, b))
    means = {amounts: _mean(labs) for amounts, labs in found.items()}
    paper = lab_to_xyz(means[NO_INK])
    relative = {amounts: _scaled(lab, paper) for amounts, lab in means.items()}
    return {
        amounts: Patch(amounts, means[amounts], lab, _compensated(lab, relative[ALL_INK][0]))
        for amounts, lab in relative.items()
    }


def paper() -> Vector:
    """XYZ of the bare paper."""
    return lab_to_xyz(patches()[NO_INK].absolute)


def _mean(labs: list[Vector]) -> Vector:
    lightness, a, b = (sum(values) / len(labs) for values in zip(*labs, strict=True))
    return lightness, a, b


def _scaled(lab: Vector, white: Vector) -> Vector:
    x, y, z = (value * full / of for value, full, of in zip(lab_to_xyz(lab), D50, white, strict=True))
    return xyz_to_lab((x, y, z))


def _compensated(lab: Vector, darkest: float) -> Vector:
    """With a gray of this lightness as black; what is darker still is below it."""
    black = lab_to_xyz((darkest, 0.0, 0.0))
    x, y, z = ((v - low) * full / (full - low) for v, low, full in zip(lab_to_xyz(lab), black, D50, strict=True))
    return xyz_to_lab((x, y, z))
