"""What encoders take, by effort, and the effort that is spent on a large picture.

An effort is a wish for smaller files at the price of time, and a function has a minute. So of an output as large as may
be asked for less effort is spent than was wished: as much as is thought to end in a quarter of that minute. It follows
from the order and the size alone, never from the time left: the same order gives the same bytes.

Measured 2026-11 with Pillow 13 on one core of x86-64 with AVX2: one megapixel of a photograph with our settings. A
picture may take half of it, or twice; the figures decide which variants run beside others, and what is too much.
"""

from collections.abc import Mapping
from typing import Final

from contracts.outputs import Output, OutputFormat

LONGEST_MS: Final = 15_000
"""Thought to be taken by one encode at most, or by all tries of one that has a budget."""
_MOST_TRIES: Final = 6

_MS_PER_MEGAPIXEL: Final[Mapping[OutputFormat, tuple[int, ...]]] = {
    OutputFormat.JPEG: (8, 8, 8, 12, 12, 12, 12, 12, 12, 12),
    OutputFormat.PNG: (110, 110, 110, 140, 200, 400, 400, 600, 1_500, 3_000),
    OutputFormat.WEBP: (45, 45, 60, 110, 110, 110, 120, 120, 240, 240),
    OutputFormat.AVIF: (100, 100, 200, 200, 480, 650, 650, 650, 4_300, 5_500),
    OutputFormat.GIF: (90, 90, 90, 150, 150, 150, 150, 150, 150, 150),
    OutputFormat.TIFF: (60,) * 10,
}
"""By effort, 0 to 9. `functions/transform/steps/encode.py` says what an effort is in a codec's own words."""
_WITH_ALPHA: Final = (100, 200, 230, 280, 280, 280, 450, 450, 700, 700)
"""Of a WebP: soft edges; hard ones take a third."""
_LOSSLESS: Final = (60, 190, 260, 400, 530, 700, 700, 800, 800, 2_300)
"""Of a WebP, with alpha or without."""


def codec_ms(output: Output, effort: int, *, has_alpha: bool = False) -> int:
    """Milliseconds of one core for a megapixel at this effort."""
    by_effort = _MS_PER_MEGAPIXEL[output.format]
    if output.format is OutputFormat.WEBP:
        by_effort = _LOSSLESS if output.lossless else _WITH_ALPHA if has_alpha else by_effort
    return by_effort[effort]


def effort_spent(output: Output, pixels: float, *, has_alpha: bool = False) -> int:
    """0 to 9: what is asked for, or the highest effort below it with which so many pixels are not thought to take too
    long. `pixels` are those of all frames together."""
    bound = LONGEST_MS / (_MOST_TRIES if output.max_bytes else 1)
    effort = output.effective_effort
    while effort and codec_ms(output, effort, has_alpha=has_alpha) * pixels > bound * 1_000_000:
        effort -= 1
    return effort
