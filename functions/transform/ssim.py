"""How like a picture still is after it was encoded: structural similarity of its brightness.

Windows of 8 × 8 pixels, every 4 in both directions, all of the same weight; constants as published. Computed from means
alone, since they are what Pillow is quick at: with the difference d = x - y, 2 cov(x, y) = var x + var y - var d.
Source: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment" (2004); windows as in x264.
"""

from typing import Final

from PIL import Image, ImageChops

_WINDOW: Final = 8
_STEP: Final = 4
_C1: Final = (0.01 * 255) ** 2
_C2: Final = (0.03 * 255) ** 2
_SQUARES: Final = [float(value * value) for value in range(256)]

Means = list[float]


class Likeness:
    """One picture, in mode L, that others of its size are compared to."""

    def __init__(self, picture: Image.Image) -> None:
        self._picture = picture
        self._means, self._squares = _means(picture), _means(_squared(picture))

    def of(self, other: Image.Image) -> float:
        """-1 to 1; 1 for the same pixels. A picture smaller than a window is one window."""
        means, squares = _means(other), _means(_squared(other))
        distances = _means(_squared(ImageChops.difference(self._picture, other)))
        total = 0.0
        for x, y, xx, yy, dd in zip(self._means, means, self._squares, squares, distances, strict=True):
            both = xx - x * x + yy - y * y
            twice = both - (dd - (x - y) ** 2)
            total += (2 * x * y + _C1) * (twice + _C2) / ((x * x + y * y + _C1) * (both + _C2))
        return max(-1.0, min(1.0, total / len(means)))


def _means(picture: Image.Image) -> Means:
    """Of all windows, in an order that is the same for pictures of a size."""
    picture = picture if picture.mode == "F" else picture.convert("F")
    window = min(_WINDOW, picture.width), min(_WINDOW, picture.height)
    found: Means = []
    for top in (0, _STEP):
        for left in (0, _STEP):
            across, down = (picture.width - left) // window[0], (picture.height - top) // window[1]
            if across > 0 and down > 0:
                box = (left, top, left + across * window[0], top + down * window[1])
                means = picture.reduce(window, box)
                found += [value for value in means.get_flattened_data() if isinstance(value, float)]
    return found


def _squared(picture: Image.Image) -> Image.Image:
    return picture.point(_SQUARES, "F")
