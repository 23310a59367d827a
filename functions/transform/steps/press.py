"""The press that inks without a profile are taken to be of: offset on coated paper, the most usual one.

The profile (40 KB, `functions/transform/profiles`, with its licence) was fitted to Fogra's measurements FOGRA39L; it is
off by a mean of 0.4 on the screen, ideal inks are by 11 (CIEDE2000; docs/decisions/0045). Used by `colour`.
"""

from functools import cache
from importlib import resources


@cache
def press_profile() -> bytes:
    """An ICC profile from CMYK, for reading alone; always the same object, so that its conversions are kept."""
    return resources.files("functions.transform").joinpath("profiles", "FOGRA39L.icc").read_bytes()
