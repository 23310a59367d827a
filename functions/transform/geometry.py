"""Where pixels go: sizes, crop boxes, orientations and decoding scales, as arithmetic without a picture.

    upright ──flip, rotate──▶ oriented ──crop, trim──▶ region ──fit──▶ size ──▶ canvas

Sizes are whole pixels (width, height), each >= 1. A box is (left, top, right, bottom) in fractions of a pixel of the
picture it cuts from. "Upright" is after the EXIF orientation, "stored" is as the file holds it. Called by `pyramid`
and `steps`; imports no Pillow.
"""

import math
from typing import Final

from msgspec import Struct

from contracts.errors import PixelLimit, Rejected, SpecInvalid
from contracts.framing import Crop, Flip, Kernel, Pad, Unit
from contracts.limits import MAX_OUTPUT_SIDE, MAX_PIXELS
from contracts.variants import Variant
from functions.transform.fitting import Box, Extent, Size, fitted, half_up

Affine = tuple[float, float, float, float, float, float]
"""(a, b, c, d, e, f): the point (x, y) of a result is (ax + by + c, dx + ey + f) of what it is taken from."""

SWAPPING: Final = frozenset({5, 6, 7, 8})
"""EXIF orientations that exchange width and height."""

DRAFT_SCALES: Final = (8, 4, 2, 1)
"""Reductions that a JPEG decoder gets by a smaller inverse DCT, the smallest picture first."""


class Cut(Struct, frozen=True):
    """What one level is: `box` of the upright picture `source` at `size` pixels. Variants of equal cuts share it."""

    source: Size
    box: Box
    size: Size
    kernel: Kernel = Kernel.LANCZOS3
    linear: bool = False
    region: Box | None = None
    """What may be looked at, where a crop or a trim left less than all: kernels reach beyond a box."""

    @property
    def whole(self) -> Extent:
        """Size of the whole picture at this cut's scale: what any picture must have for this to be cut from it."""
        left, top, right, bottom = self.box
        return self.source[0] * self.size[0] / (right - left), self.source[1] * self.size[1] / (bottom - top)

    @property
    def is_whole(self) -> bool:
        """Nothing is cropped: smaller cuts may be made from this one."""
        return self.box == (0, 0, *self.source)

    @property
    def is_exact(self) -> bool:
        """It must be made from the decoded pixels at their full number: an average would falsify it."""
        return self.linear or self.kernel is Kernel.NEAREST


class Frame(Struct, frozen=True, kw_only=True):
    """What one variant makes of its level: turned or slanted to `size`, at `offset` in `canvas`."""

    cut: Cut
    turn: int = 1
    """As an EXIF orientation that is still to be applied: mirrorings and turns by quarters."""
    slant: Affine | None = None
    """Of any other angle: from pixels of the size to pixels of the level."""
    size: Size
    canvas: Size
    offset: tuple[int, int] = (0, 0)


class Sight(Struct, frozen=True):
    """What only the pixels can tell of a variant; boxes are of the oriented picture."""

    region: Box | None = None
    """What is used of the oriented picture: the crop without its border."""
    point: Extent | None = None
    """The middle of what is worth seeing."""
    warnings: tuple[str, ...] = ()


UNSEEN: Final = Sight()


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


def frame(source: Size, variant: Variant, sight: Sight = UNSEEN) -> Frame:
    """The geometry of a variant of an upright picture of this size.

    Lengths are rounded half up and stay >= 1; the resize is told at `fitted`. Raises SpecInvalid for a crop that leaves
    the picture.
    """
    turn, angle = _orientation(variant.flip, variant.rotate)
    oriented = upright_size(source, turn) if angle == 0 else _slanted_size(source, angle)
    region = sight.region or region_of(oriented, variant.crop)
    inside = (round(region[2] - region[0]), round(region[3] - region[1]))
    point = sight.point
    if point is None and variant.focal is not None:
        point = variant.focal.x * oriented[0], variant.focal.y * oriented[1]
    if point is not None:
        point = point[0] - region[0], point[1] - region[1]
    fit = fitted(inside, variant.resize, variant.gravity, variant.offset, point)
    left, top, right, bottom = fit.box
    box = (region[0] + left, region[1] + top, region[0] + right, region[1] + bottom)
    resize = variant.resize
    how = (Kernel.LANCZOS3, False) if resize is None else (resize.filter, resize.linear)
    slant = None
    if angle == 0:
        allowed = None if region == (0, 0, *oriented) else stored_box(region, oriented, turn)
        cut = Cut(source, stored_box(box, oriented, turn), upright_size(fit.size, turn), *how, allowed)
    else:
        scale = min(1.0, max(fit.size[0] / (right - left), fit.size[1] / (bottom - top)))
        level = (max(1, round(source[0] * scale)), max(1, round(source[1] * scale)))
        cut = Cut(source, (0, 0, *source), level, *how)
        slant = _slanted(source, level, box, fit.size, variant.flip, angle)
    canvas, offset = _padded(fit.canvas, fit.offset, variant.pad, 1.0 if resize is None else resize.dpr)
    return Frame(cut=cut, turn=turn if angle == 0 else 1, slant=slant, size=fit.size, canvas=canvas, offset=offset)


def region_of(oriented: Size, crop: Crop | None) -> Box:
    """The part of the oriented picture that is used, in whole pixels. Raises SpecInvalid if it lies beyond it."""
    if crop is None:
        return 0, 0, *oriented
    box = (crop.x, crop.y, crop.x + crop.width, crop.y + crop.height)
    if crop.unit is Unit.FRACTION:
        left, top = (min(half_up(box[axis] * oriented[axis]), oriented[axis] - 1) for axis in (0, 1))
        right, bottom = (min(half_up(box[2 + axis] * oriented[axis]), oriented[axis]) for axis in (0, 1))
        return left, top, max(right, left + 1), max(bottom, top + 1)
    if box[2] > oriented[0] or box[3] > oriented[1]:
        raise SpecInvalid(
            f"the crop reaches to {box[2]:g}×{box[3]:g}; the picture has {oriented[0]}×{oriented[1]} pixels"
        )
    return box


def inverse_turn(turn: int) -> int:
    """The orientation that undoes this one."""
    return {6: 8, 8: 6}.get(turn, turn)


def why_not(source: Size, variant: Variant, sight: Sight) -> Rejected | None:
    """Why there is no such variant of an upright picture of this size; None if there is one."""
    try:
        width, height = frame(source, variant, sight).canvas
    except SpecInvalid as error:
        return error
    if fits_output((width, height)):
        return None
    return PixelLimit(
        f"the variant would be {width}×{height} pixels; a side has at most {MAX_OUTPUT_SIDE}",
        limit=MAX_OUTPUT_SIDE,
        actual=max(width, height),
    )


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


def _padded(canvas: Size, offset: tuple[int, int], pad: Pad, dpr: float) -> tuple[Size, tuple[int, int]]:
    top, right, bottom, left = (
        half_up(side * dpr) if side else 0 for side in (pad.top, pad.right, pad.bottom, pad.left)
    )
    return (canvas[0] + left + right, canvas[1] + top + bottom), (offset[0] + left, offset[1] + top)


def _orientation(flip: Flip | None, rotate: float) -> tuple[int, float]:
    """The turn by quarters with its mirroring, and the angle in degrees that is left to be slanted by: one of them.

    Mirrored first, then turned clockwise. Source: IIIF Image API 3.0, section 4.3.
    """
    angle = rotate % 360
    if angle % 90:
        return 1, angle
    quarter = round(angle / 90) % 4
    mirrored = {None: 0, Flip.HORIZONTAL: 1, Flip.VERTICAL: 2, Flip.BOTH: 3}[flip]
    return ((1, 6, 3, 8), (2, 7, 4, 5), (4, 5, 2, 7), (3, 8, 1, 6))[mirrored][quarter], 0.0


def _slanted_size(source: Size, angle: float) -> Size:
    """Of the smallest upright box that holds the source turned by this angle."""
    across, down = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    width, height = source[0] * across + source[1] * down, source[0] * down + source[1] * across
    return max(1, half_up(width)), max(1, half_up(height))


def _slanted(source: Size, level: Size, box: Box, size: Size, flip: Flip | None, angle: float) -> Affine:
    """From a pixel of `size`, which shows `box` of the slanted picture, to one of the source at the level's size."""
    turn = math.radians(angle)
    cosine, sine = math.cos(turn), math.sin(turn)
    oriented = _slanted_size(source, angle)
    steps = (box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1]
    # of the box's corner, seen from the middle of the slanted picture
    corner = box[0] - oriented[0] / 2, box[1] - oriented[1] / 2
    rows = []
    for axis, (along, across) in enumerate(((cosine, sine), (-sine, cosine))):
        mirrored = -1.0 if flip and "hv"[axis] in flip.value else 1.0
        scale = mirrored * level[axis] / source[axis]
        shift = scale * (along * corner[0] + across * corner[1]) + level[axis] / 2
        rows += [scale * along * steps[0], scale * across * steps[1], shift]
    return rows[0], rows[1], rows[2], rows[3], rows[4], rows[5]
