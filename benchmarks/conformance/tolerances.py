"""How far an answer may be off, in levels of 255 (or pixels, or milliseconds), and why no less. Fixed before any score.

A tolerance is for the whole of an area and not for its mean: one pixel beyond it fails the case.
"""

from enum import IntEnum


class Tolerance(IntEnum):
    """Levels by which each channel of each pixel may differ."""

    EXACT = 0
    """Nothing was computed: pixels were copied, by codecs that lose nothing."""
    ROUNDED = 1
    """One rounding to 8 bits: a resize of what is flat or linear, a reduction from 16 bits."""
    CONVERTED = 3
    """A conversion of colours in 8 bits: curves as tables, a matrix in fixed point, a rounding on either side."""
    INKS = 6
    """Four inks by tables of 8 bits, from a JPEG of quality 100."""
    PRESSES = 40
    """Inks that nobody described, taken for those of any press: solids on coated paper, as Fogra (39) and CGATS (TR
    003, 005, 006) have measured them, lie up to 36 apart from press to press. Cyan of ideal inks is off by 96."""
    LIGHT = 3
    """Averages of light, computed in 8 bits or more: at mid-gray a level is 1/220 of the light."""
    CODED = 8
    """Flat areas through a JPEG of quality 90 or more: half a step of its quantisation, three channels mixed."""
    SMALL = 16
    """The same for a file of quality 80, which is what a variant is when nothing is said."""
    RINGING = 24
    """Beside an edge: a Lanczos filter overshoots by up to 9 %, and who resizes by another filter does so less."""
