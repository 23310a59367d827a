"""How a region meets the box that it is asked to fill: the law of sizes of every fit, by whole numbers.

Sizes are whole pixels (width, height), each >= 1; a box is (left, top, right, bottom) in fractions of a pixel. Called
by `geometry`, which says what the region is.
"""

import math

from msgspec import Struct

from contracts.framing import Fit, Gravity, Offset, Resize, Unit

Size = tuple[int, int]
Box = tuple[float, float, float, float]
Extent = tuple[float, float]


class Fitted(Struct, frozen=True):
    """`box` of the region becomes `size`, at `offset` in `canvas`."""

    box: Box
    size: Size
    canvas: Size
    offset: tuple[int, int] = (0, 0)


def fitted(
    source: Size,
    resize: Resize | None,
    gravity: Gravity = Gravity.CENTER,
    offset: Offset = Offset(),  # noqa: B008 - frozen
    point: Extent | None = None,
) -> Fitted:
    """How a region of this size meets the box that is asked for; sides of the box are multiplied by `dpr` first.

    One side alone leaves the other free. Without `enlarge` the scale is at most 1: cover then keeps the shape that was
    asked for and contain keeps its canvas. What cover keeps lies about `point` (pixels of the region) if there is one,
    else where gravity leads, from either by the offset, and always within the region. Free sides round half up and stay
    >= 1. Never raises. Source: object-fit, CSS Images Level 3.
    """
    if resize is None:
        return _plain(source, source)
    enlarge = resize.enlarge
    width, height = (None if side is None else half_up(side * resize.dpr) for side in (resize.width, resize.height))
    if width is None or height is None:
        return _plain(source, _one_side(source, width, height, enlarge=enlarge))
    bound = (width, height)
    step = _steps(offset, bound, resize.dpr)
    match resize.fit:
        case Fit.INSIDE:
            return _plain(source, _scaled(source, bound, inside=True, enlarge=enlarge))
        case Fit.OUTSIDE:
            return _plain(source, _scaled(source, bound, inside=False, enlarge=enlarge))
        case Fit.FILL:
            return _plain(source, bound if enlarge else (min(bound[0], source[0]), min(bound[1], source[1])))
        case Fit.CONTAIN:
            size = _scaled(source, bound, inside=True, enlarge=enlarge)
            across, down = (
                math.floor(placed(bound[axis] - size[axis], share_before(gravity, axis), step[axis])) for axis in (0, 1)
            )
            return Fitted((0, 0, *source), size, bound, (across, down))
        case Fit.COVER:
            # the box shrinks, in its own shape, until it needs no enlarging
            size = bound if enlarge else _scaled(bound, source, inside=True, enlarge=False)
            return Fitted(_covering(source, size, gravity, step, point), size, size)


def half_up(length: float) -> int:
    """Rounded; halves go up."""
    return math.floor(length + 0.5)


def _plain(source: Size, size: Size) -> Fitted:
    return Fitted((0, 0, *source), size, size)


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


def _covering(source: Size, size: Size, gravity: Gravity, step: Extent, point: Extent | None) -> Box:
    """The largest box of the size's shape, where it should be and within the source."""
    width, height = source
    if size[0] * height <= size[1] * width:
        extent = (height * size[0] / size[1], float(height))
    else:
        extent = (float(width), width * size[1] / size[0])
    corner = []
    for axis in (0, 1):
        free = source[axis] - extent[axis]
        shift = step[axis] * extent[axis] / size[axis]
        if point is not None:
            corner.append(min(max(point[axis] - extent[axis] / 2 + shift, 0.0), free))
        else:
            corner.append(placed(free, share_before(gravity, axis), shift))
    return corner[0], corner[1], corner[0] + extent[0], corner[1] + extent[1]


def share_before(gravity: Gravity, axis: int) -> float:
    """Of the free length along an axis, how much lies before what is placed."""
    before, after = (("west", "east"), ("north", "south"))[axis]
    return 0.0 if before in gravity.value else 1.0 if after in gravity.value else 0.5


def placed(free: float, share: float, step: float) -> float:
    """Where something begins that has so much room: from its anchor by the step, inwards; never out of its room."""
    return min(max(free * share + (-step if share == 1.0 else step), 0.0), max(free, 0.0))


def _steps(offset: Offset, bound: Size, dpr: float) -> Extent:
    """The offset in pixels of the output."""
    if offset.unit is Unit.FRACTION:
        return offset.x * bound[0], offset.y * bound[1]
    return offset.x * dpr, offset.y * dpr


def _proportional(side: int, numerator: int, denominator: int) -> int:
    """side * numerator / denominator, half up, at least 1."""
    return max(1, (2 * side * numerator + denominator) // (2 * denominator))
