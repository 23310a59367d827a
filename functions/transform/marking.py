"""Where marks lie on a picture, and how large they are, as arithmetic without a picture. Called by `steps.watermark`.

    room ──▶ size of the mark ──▶ its corner, inwards from the anchor ──▶ corners of all tiles

Sizes are whole pixels (width, height), each >= 1; a corner is the top left one of a mark, of a tile perhaps beyond the
picture's edge.
"""

import math

from contracts.framing import Unit
from contracts.looks import Overlay
from functions.transform.fitting import Size, half_up, placed, share_before

Corner = tuple[int, int]


def room_of(canvas: Size, overlay: Overlay) -> Size:
    """What a mark may take: its share of the width, and all of the height."""
    return max(1, half_up(canvas[0] * overlay.scale / 100)), canvas[1]


def mark_size(source: Size, room: Size) -> Size:
    """The largest size of the source's shape within the room; the free side rounds half up and stays >= 1.

    A mark is enlarged too: what was asked for is a share of the output.
    """
    width, height = source
    if room[0] * height <= room[1] * width:
        return room[0], max(1, min(room[1], half_up(height * room[0] / width)))
    return max(1, min(room[0], half_up(width * room[1] / height))), room[1]


def corner_of(canvas: Size, mark: Size, overlay: Overlay, dpr: float) -> Corner:
    """Where a single mark begins: from its anchor by the offset, inwards from edges; within the canvas if it fits."""
    step = (overlay.x, overlay.y)
    across, down = (
        math.floor(
            placed(
                canvas[axis] - mark[axis],
                share_before(overlay.anchor, axis),
                step[axis] * (canvas[axis] if overlay.unit is Unit.FRACTION else dpr),
            )
        )
        for axis in (0, 1)
    )
    return across, down


def tiled(canvas: int, mark: int, first: int, gap: int) -> range:
    """Along one axis, where the marks begin that cover the canvas, one of them at `first`, with `gap` between them."""
    step = mark + gap
    # the one that begins at the edge or before it, unless all of it lies beyond
    start = first % step - step
    return range(start if start + mark > 0 else start + step, canvas, step)
