"""Where pixels go: sizes, crop boxes, orientations and decoding scales, as arithmetic without a picture.

Sizes are whole pixels (width, height), each >= 1. A box is (left, top, right, bottom) in fractions of a pixel of the
picture it cuts from. "Upright" is after the EXIF orientation, "stored" is as the file holds it. Called by `pyramid`
and `steps`; imports no Pillow.
"""

from typing import Final

from msgspec import Struct

from contracts.framing import Fit, Resize
from contracts.limits import MAX_OUTPUT_SIDE, MAX_PIXELS

Size = tuple[int, int]
Box = tuple[float, float, float, float]
Extent = tuple[float, float]

SWAPPING: Final = frozenset({5, 6, 7, 8})
"""EXIF orientations that exchange width and height."""

DRAFT_SCALES: Final = (8, 4, 2, 1)
"""Reductions that a JPEG decoder gets by a smaller inverse DCT, the smallest picture first."""


class Cut(Struct, frozen=True):
    """One variant's geometry: `box` of the upright picture `source` becomes `size` pixels, at `offset` in `canvas`.

    Canvas and size differ only where a fit pads.
    """

    source: Size
    box: Box
    size: Size
    canvas: Size
    offset: tuple[int, int] = (0, 0)

    @property
    def whole(self) -> Extent:
        """Size of the whole picture at this cut's scale: what any picture must have for this to be cut from it."""
        left, top, right, bottom = self.box
        return self.source[0] * self.size[0] / (right - left), self.source[1] * self.size[1] / (bottom - top)

    @property
    def is_whole(self) -> bool:
        """Nothing is cropped: smaller cuts may be made from this one."""
        return self.box == (0, 0, *self.source)


def upright_size(stored: Size, orientation: int) -> Size:
    """The stored size as it is seen."""
    return (stored[1], stored[0]) if orientation in SWAPPING else stored


def stored_box(box: Box, upright: Extent, orientation: int) -> Box:
    """The box of the stored picture that becomes `box` of the upright one.

    Exact for fractions: mirroring maps the interval [a, b] to [side - b, side - a].
    """
    left, top, right, bottom = box
    width, height = upright
    mirrored_across = (width - right, width - left)
    mirrored_down = (height - bottom, height - top)
    across, down = {
        1: ((left, right), (top, bottom)),
        2: (mirrored_across, (top, bottom)),
        3: (mirrored_across, mirrored_down),
        4: ((left, right), mirrored_down),
        5: ((top, bottom), (left, right)),
        6: ((top, bottom), mirrored_across),
        7: (mirrored_down, mirrored_across),
        8: (mirrored_down, (left, right)),
    }[orientation]
    return across[0], down[0], across[1], down[1]


def scaled_box(box: Box, source: Extent, extent: Extent) -> Box:
    """The same region on another rendering of the picture, whose far corner lies at `extent`; never beyond it."""
    across, down = extent[0] / source[0], extent[1] / source[1]
    left, top, right, bottom = box
    return left * across, top * down, min(right * across, extent[0]), min(bottom * down, extent[1])


def cut(source: Size, resize: Resize | None) -> Cut:
    """What a variant takes of an upright picture of this size, and how large it becomes.

    One side alone leaves the other free. Without `enlarge` the scale is at most 1: cover then keeps the shape that was
    asked for and contain keeps its canvas. Free sides round half up and stay >= 1. Never raises.
    Source: object-fit, CSS Images Level 3.
    """
    width, height = source
    if resize is None:
        return _plain(source, source)
    enlarge = resize.enlarge
    if resize.width is None or resize.height is None:
        return _plain(source, _one_side(source, resize.width, resize.height, enlarge=enlarge))
    bound = (resize.width, resize.height)
    match resize.fit:
        case Fit.INSIDE:
            return _plain(source, _scaled(source, bound, inside=True, enlarge=enlarge))
        case Fit.OUTSIDE:
            return _plain(source, _scaled(source, bound, inside=False, enlarge=enlarge))
        case Fit.FILL:
            return _plain(source, bound if enlarge else (min(bound[0], width), min(bound[1], height)))
        case Fit.CONTAIN:
            size = _scaled(source, bound, inside=True, enlarge=enlarge)
            offset = ((bound[0] - size[0]) // 2, (bound[1] - size[1]) // 2)
            return Cut(source, (0, 0, width, height), size, bound, offset)
        case Fit.COVER:
            # the box shrinks, in its own shape, until it needs no enlarging
            size = bound if enlarge else _scaled(bound, source, inside=True, enlarge=False)
            return Cut(source, _covering(source, size), size, size)


def fits_output(size: Size) -> bool:
    """Whether a variant may be this large."""
    return max(size) <= MAX_OUTPUT_SIDE and size[0] * size[1] <= MAX_PIXELS


def draft_scale(stored: Size, needed: list[Extent]) -> int:
    """The strongest reduction at decoding that leaves every needed rendering of the whole picture to be reduced.

    `needed` are `Cut.whole` in stored orientation.
    """
    width, height = stored
    for scale in DRAFT_SCALES:
        if all(across <= width / scale and down <= height / scale for across, down in needed):
            return scale
    return 1


def _plain(source: Size, size: Size) -> Cut:
    return Cut(source, (0, 0, *source), size, size)


def _one_side(source: Size, width: int | None, height: int | None, *, enlarge: bool) -> Size:
    if width is not None:
        across = width if enlarge else min(width, source[0])
        return across, _proportional(source[1], across, source[0])
    down = source[1] if height is None else height if enlarge else min(height, source[1])
    return _proportional(source[0], down, source[1]), down


def _scaled(source: Size, bound: Size, *, inside: bool, enlarge: bool) -> Size:
    """Size of the source's shape that touches the bound from the inside or covers it from the outside."""
    width, height = source
    width_binds = (bound[0] * height <= bound[1] * width) == inside
    if not enlarge and (bound[0] >= width if width_binds else bound[1] >= height):
        return source
    if width_binds:
        return bound[0], _proportional(height, bound[0], width)
    return _proportional(width, bound[1], height), bound[1]


def _covering(source: Size, size: Size) -> Box:
    """The largest centred box of the size's shape."""
    width, height = source
    if size[0] * height <= size[1] * width:
        across, down = height * size[0] / size[1], float(height)
    else:
        across, down = float(width), width * size[1] / size[0]
    left, top = (width - across) / 2, (height - down) / 2
    return left, top, left + across, top + down


def _proportional(side: int, numerator: int, denominator: int) -> int:
    """side * numerator / denominator, half up, at least 1."""
    return max(1, (2 * side * numerator + denominator) // (2 * denominator))
