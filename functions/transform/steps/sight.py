"""What a picture shows, for variants whose cut depends on it: where its border ends, and where there is most to see.

Looked at as the variant has it: turned, cropped, in sRGB. Nothing is guessed: where there is no answer the variant is
cut as if it had not been asked, with a warning.
"""

from itertools import accumulate
from typing import Final

from msgspec import structs
from PIL import Image, ImageChops, ImageFilter

from contracts.framing import Gravity, Trim
from contracts.variants import Variant
from functions.transform.geometry import Box, Extent, Sight, Size, frame, region_of, upright_size
from functions.transform.steps.colour import colour, named
from functions.transform.steps.orient import orient, turned
from functions.transform.steps.picture import Picture, straight
from functions.transform.steps.resize import resize

SIDE: Final = 256
"""Longer side, in pixels, of what is looked at for the best cut."""

BLANK: Final = "trim-all-border"
"""Warning: the whole picture is as the border, so nothing was trimmed."""
TOO_MUCH: Final = "trim-too-much"
"""Warning: more would have gone than `most` allows, so nothing was trimmed."""
CENTRED: Final = "smart-crop-centred"
"""Warning: no part of the picture has more to see than another."""

_FLAT: Final = 0.5
"""Levels by which the best cut must be richer than the poorest, on average over its pixels."""


def sample_size(upright: Size, variant: Variant) -> Size:
    """Of the whole upright picture, at the scale at which it has to be looked at."""
    if variant.trim is not None:
        return upright
    box = region_of(frame(upright, _oriented(variant)).size, variant.crop)
    scale = min(1.0, SIDE / max(box[2] - box[0], box[3] - box[1]))
    return max(1, round(upright[0] * scale)), max(1, round(upright[1] * scale))


def seen(decoded: Picture, upright: Size, variant: Variant) -> Sight:
    """What the decoded picture shows to this variant. Raises SpecInvalid for a crop that leaves it."""
    region = region_of(frame(upright, _oriented(variant)).size, variant.crop)
    warnings: tuple[str, ...] = ()
    if variant.trim is not None:
        size = (round(region[2] - region[0]), round(region[3] - region[1]))
        box, warnings = _without_border(_shown(decoded, upright, variant, region, size), variant.trim)
        if box is not None:
            region = (region[0] + box[0], region[1] + box[1], region[0] + box[2], region[1] + box[3])
    sight = Sight(region, None, warnings)
    if variant.gravity is not Gravity.SMART:
        return sight
    width, height = region[2] - region[0], region[3] - region[1]
    kept = frame(upright, structs.replace(variant, gravity=Gravity.CENTER), sight).size
    scale = min(1.0, SIDE / max(width, height))
    small = _shown(decoded, upright, variant, region, (max(1, round(width * scale)), max(1, round(height * scale))))
    share = min(width / kept[0], height / kept[1])
    point = most_to_see(small, (kept[0] * share / width, kept[1] * share / height))
    if point is None:
        return Sight(region, None, (*warnings, CENTRED))
    return Sight(region, (region[0] + point[0] * width, region[1] + point[1] * height), warnings)


def most_to_see(pixels: Image.Image, share: Extent) -> Extent | None:
    """Middle, in shares of the sides, of the box of this share of them that has the most edges and colour.

    None if no place is better than another. A cut slides along one side only, so sums along it are all it takes.
    """
    grey = pixels.convert("L")
    edges = grey.filter(ImageFilter.FIND_EDGES)
    # the filter leaves the outermost pixels as they are: they are no edges
    edges.paste(0, (0, 0, edges.width, 1))
    edges.paste(0, (0, 0, 1, edges.height))
    edges.paste(0, (0, edges.height - 1, edges.width, edges.height))
    edges.paste(0, (edges.width - 1, 0, edges.width, edges.height))
    rich = ImageChops.add(edges, pixels.convert("HSV").getchannel("S"), scale=2)
    axis = 0 if share[0] < share[1] else 1
    length = rich.size[axis]
    line = rich.convert("F").resize((length, 1) if axis == 0 else (1, length), Image.Resampling.BOX)
    window = max(1, round(length * share[axis]))
    totals = [0.0, *accumulate(memoryview(line.tobytes()).cast("f"))]
    sums = [totals[start + window] - totals[start] for start in range(length - window + 1)]
    if max(sums) - min(sums) <= _FLAT * window:
        return None
    middle = (length - window) / 2
    start = max(range(len(sums)), key=lambda place: (round(sums[place], 3), -abs(place - middle)))
    centre = (start + window / 2) / length
    return (centre, 0.5) if axis == 0 else (0.5, centre)


def _oriented(variant: Variant) -> Variant:
    """The variant up to its crop, and no further."""
    return Variant(name=variant.name, flip=variant.flip, rotate=variant.rotate)


def _shown(decoded: Picture, upright: Size, variant: Variant, region: Box, size: Size) -> Image.Image:
    """The region at this size, turned as the variant has it, in sRGB."""
    whole = frame(upright, _oriented(variant), Sight(region))
    cut = structs.replace(whole.cut, size=upright_size(size, whole.turn))
    picture = colour(orient(resize(decoded, cut)))
    return turned(straight(picture.pixels), whole.turn)


def _without_border(pixels: Image.Image, trim: Trim) -> tuple[Box | None, tuple[str, ...]]:
    """What is left within the border; None and a warning if that is nothing, or too little."""
    corner = pixels.crop((0, 0, 1, 1)).convert("RGBA").tobytes()
    if pixels.mode == "RGBA" and trim.colour is None and corner[3] == 0:
        border = {"A": 0}
    else:
        levels = tuple(corner[:3]) if trim.colour is None else named(trim.colour, None)[:3]
        # of a gray picture one channel says all, unless the border has a colour
        pixels = pixels if pixels.mode != "L" or len(set(levels)) == 1 else pixels.convert("RGB")
        border = dict(zip(pixels.getbands(), levels, strict=False))
    differs: Image.Image | None = None
    for name, level in border.items():
        # a channel at a time, through a table: no copies of the whole picture
        far = pixels.getchannel(name).point([255 if abs(other - level) > trim.tolerance else 0 for other in range(256)])
        differs = far if differs is None else ImageChops.lighter(differs, far)
    assert differs is not None  # a picture has a channel
    box = differs.getbbox()
    if box is None:
        return None, (BLANK,)
    gone = ((pixels.size[axis] - (box[2 + axis] - box[axis])) / pixels.size[axis] for axis in (0, 1))
    if max(gone) * 100 > trim.most:
        return None, (TOO_MUCH,)
    return box, ()
