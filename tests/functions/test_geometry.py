"""Where pixels go: laws that hold for every picture and every wish."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from PIL import Image

from contracts.errors import SpecInvalid
from contracts.framing import Crop, Fit, Flip, Gravity, Offset, Pad, Point, Resize, Unit
from contracts.limits import MAX_OUTPUT_SIDE, MAX_SIDE
from contracts.variants import Variant
from functions.transform.fitting import fitted
from functions.transform.geometry import (
    DRAFT_SCALES,
    draft_scale,
    fits_output,
    frame,
    inverse_turn,
    region_of,
    scaled_box,
    stored_box,
    upright_size,
)
from functions.transform.steps.orient import turned

sides = st.integers(1, MAX_SIDE) | st.integers(1, 12)
sizes = st.tuples(sides, sides)
bounds = st.integers(1, MAX_OUTPUT_SIDE) | st.integers(1, 12)


def cut(source, resize):
    """The fit of a whole picture of this size."""
    return fitted(source, resize)


def level(source, resize):
    """The level that such a variant is made from."""
    return frame(source, Variant(name="a", resize=resize)).cut


boxed = st.builds(Resize, width=bounds, height=bounds, fit=st.sampled_from(Fit), enlarge=st.booleans())
one_side = st.builds(Resize, width=bounds, enlarge=st.booleans()) | st.builds(
    Resize, height=bounds, enlarge=st.booleans()
)
wishes = boxed | one_side
orientations = st.integers(1, 8)
HALF = Fraction(1, 2)


@given(sizes, wishes)
def test_every_cut_takes_a_real_box_and_gives_at_least_one_pixel(source, resize):
    found = cut(source, resize)
    left, top, right, bottom = found.box
    assert 0 <= left < right <= source[0]
    assert 0 <= top < bottom <= source[1]
    assert min(found.size) >= 1
    assert found.offset[0] >= 0
    assert found.offset[1] >= 0
    assert found.offset[0] + found.size[0] <= found.canvas[0]
    assert found.offset[1] + found.size[1] <= found.canvas[1]


@given(sizes, wishes)
def test_nothing_is_enlarged_unless_asked(source, resize):
    found = cut(source, resize)
    if not resize.enlarge:
        left, top, right, bottom = found.box
        assert found.size[0] <= source[0]
        assert found.size[1] <= source[1]
        # a covering box of the size's shape is at least the size, to a rounding of floats
        assert found.size[0] <= (right - left) * (1 + 1e-12)
        assert found.size[1] <= (bottom - top) * (1 + 1e-12)


@given(sizes, bounds, bounds, st.booleans())
def test_inside_touches_its_bound_and_never_leaves_it(source, width, height, enlarge):
    found = cut(source, Resize(width=width, height=height, fit=Fit.INSIDE, enlarge=enlarge)).size
    assert found[0] <= width
    assert found[1] <= height
    assert found[0] == width or found[1] == height or found == source


@given(sizes, bounds, bounds)
def test_outside_covers_its_bound_where_the_source_does(source, width, height):
    found = cut(source, Resize(width=width, height=height, fit=Fit.OUTSIDE)).size
    assert found[0] >= min(width, source[0])
    assert found[1] >= min(height, source[1])
    assert found[0] == width or found[1] == height or found == source


@given(sizes, bounds, bounds, st.sampled_from([Fit.INSIDE, Fit.OUTSIDE, Fit.CONTAIN]), st.booleans())
def test_the_shape_is_kept_within_half_a_pixel(source, width, height, fit, enlarge):
    found = cut(source, Resize(width=width, height=height, fit=fit, enlarge=enlarge)).size
    exact_height = Fraction(source[1] * found[0], source[0])
    exact_width = Fraction(source[0] * found[1], source[1])
    assert abs(found[1] - exact_height) <= HALF or abs(found[0] - exact_width) <= HALF or found[0] == 1 or found[1] == 1


@given(sizes, one_side)
def test_one_side_leaves_the_other_free_and_rounds_it_half_up(source, resize):
    width, height = cut(source, resize).size
    if resize.width is not None:
        assert width == (resize.width if resize.enlarge else min(resize.width, source[0]))
        assert height == max(1, int(Fraction(source[1] * width, source[0]) + HALF))
    else:
        assert height == (resize.height if resize.enlarge else min(resize.height, source[1]))
        assert width == max(1, int(Fraction(source[0] * height, source[1]) + HALF))


@given(sizes, bounds, bounds, st.booleans())
def test_cover_fills_its_size_with_a_centred_box_of_its_shape(source, width, height, enlarge):
    found = cut(source, Resize(width=width, height=height, fit=Fit.COVER, enlarge=enlarge))
    left, top, right, bottom = found.box
    assert found.canvas == found.size
    assert left + right == pytest.approx(source[0])
    assert top + bottom == pytest.approx(source[1])
    assert (right - left) * found.size[1] == pytest.approx((bottom - top) * found.size[0])
    assert right - left == pytest.approx(source[0]) or bottom - top == pytest.approx(source[1])
    if enlarge or (source[0] >= width and source[1] >= height):
        assert found.size == (width, height)


@given(sizes, bounds, bounds, st.booleans())
def test_contain_has_the_canvas_that_was_asked_for_and_the_picture_in_its_middle(source, width, height, enlarge):
    found = cut(source, Resize(width=width, height=height, fit=Fit.CONTAIN, enlarge=enlarge))
    assert found.canvas == (width, height)
    for side in (0, 1):
        after = found.canvas[side] - found.size[side] - found.offset[side]
        assert after - found.offset[side] in (0, 1)


@given(sizes, bounds, bounds)
def test_fill_is_exactly_the_bound_or_the_sources_own_side(source, width, height):
    free = cut(source, Resize(width=width, height=height, fit=Fit.FILL, enlarge=True))
    capped = cut(source, Resize(width=width, height=height, fit=Fit.FILL))
    assert free.size == (width, height)
    assert capped.size == (min(width, source[0]), min(height, source[1]))


@given(sizes, bounds, bounds, st.sampled_from(Fit), st.booleans())
def test_a_larger_wish_never_gives_a_smaller_picture(source, width, height, fit, enlarge):
    one = cut(source, Resize(width=width, height=height, fit=fit, enlarge=enlarge)).size
    wider = cut(source, Resize(width=min(MAX_OUTPUT_SIDE, 2 * width), height=height, fit=fit, enlarge=enlarge)).size
    if fit is Fit.COVER and not enlarge:
        # the box shrinks in its own shape: a wider one may have to become lower
        return
    assert wider[0] >= one[0]
    assert wider[1] >= one[1]


@given(sizes)
def test_without_a_wish_nothing_changes(source):
    found = cut(source, None)
    assert (found.size, found.canvas, found.box) == (source, source, (0, 0, *source))
    assert level(source, None).is_whole


@given(sizes, orientations)
def test_the_whole_upright_picture_is_the_whole_stored_one(stored, orientation):
    upright = upright_size(stored, orientation)
    assert stored_box((0, 0, *upright), upright, orientation) == (0, 0, *stored)


@given(sizes, orientations, st.tuples(*[st.floats(0, 1)] * 4))
def test_a_box_keeps_its_sides_through_every_orientation(stored, orientation, shares):
    upright = upright_size(stored, orientation)
    across, down = sorted(shares[:2]), sorted(shares[2:])
    box = (across[0] * upright[0], down[0] * upright[1], across[1] * upright[0], down[1] * upright[1])
    left, top, right, bottom = stored_box(box, upright, orientation)
    found = upright_size((right - left, bottom - top), orientation)
    assert found == pytest.approx((box[2] - box[0], box[3] - box[1]), abs=1e-6)
    assert -1e-6 <= left <= right <= stored[0] + 1e-6
    assert -1e-6 <= top <= bottom <= stored[1] + 1e-6


@given(sizes, wishes, st.sampled_from(DRAFT_SCALES))
def test_a_box_on_a_smaller_rendering_never_leaves_it(source, resize, scale):
    extent = (source[0] / scale, source[1] / scale)
    left, top, right, bottom = scaled_box(level(source, resize).box, source, extent)
    assert 0 <= left < right <= extent[0]
    assert 0 <= top < bottom <= extent[1]


@given(sizes, st.lists(wishes, min_size=1, max_size=5))
def test_the_decoding_scale_leaves_every_variant_something_to_reduce(source, resizes):
    needed = [level(source, resize).whole for resize in resizes]
    scale = draft_scale(source, needed)
    assert scale in DRAFT_SCALES
    if scale > 1:
        assert all(w <= source[0] / scale and h <= source[1] / scale for w, h in needed)
    if scale < 8:
        stronger = scale * 2
        assert not all(w <= source[0] / stronger and h <= source[1] / stronger for w, h in needed)


@pytest.mark.parametrize(
    ("resize", "size", "canvas"),
    [
        (Resize(width=1600), (1600, 1200), (1600, 1200)),
        (Resize(height=1000), (1333, 1000), (1333, 1000)),
        (Resize(width=150, height=150, fit=Fit.COVER), (150, 150), (150, 150)),
        (Resize(width=150, height=150, fit=Fit.CONTAIN), (150, 113), (150, 150)),
        (Resize(width=150, height=150, fit=Fit.INSIDE), (150, 113), (150, 113)),
        (Resize(width=150, height=150, fit=Fit.OUTSIDE), (200, 150), (200, 150)),
        (Resize(width=150, height=150, fit=Fit.FILL), (150, 150), (150, 150)),
        (Resize(width=8000), (4032, 3024), (4032, 3024)),
        (Resize(width=8064, enlarge=True), (8064, 6048), (8064, 6048)),
    ],
)
def test_a_telephones_picture_becomes(resize, size, canvas):
    found = cut((4032, 3024), resize)
    assert (found.size, found.canvas) == (size, canvas)


def test_a_line_keeps_its_only_pixel():
    assert cut((10_000, 1), Resize(width=100, height=100)).size == (100, 1)


def test_a_small_picture_is_covered_in_the_shape_that_was_asked_for():
    found = cut((80, 60), Resize(width=1000, height=1000, fit=Fit.COVER))
    assert (found.size, found.box) == ((60, 60), (10, 0, 70, 60))


def test_a_variant_may_be_as_large_as_the_limits_say():
    assert fits_output((8_192, 6_000))
    assert not fits_output((8_193, 1))
    assert not fits_output((8_192, 8_192))


# orientation, crop, gravity, padding ----------------------------------------------------------------------------------

regions = st.tuples(sides, sides)
anchors = [gravity for gravity in Gravity if gravity is not Gravity.SMART]
lengths = st.floats(-100, 100)
offsets = st.builds(Offset, x=lengths, y=lengths) | st.builds(
    Offset, x=st.floats(-1, 1), y=st.floats(-1, 1), unit=st.just(Unit.FRACTION)
)
points = st.none() | st.tuples(st.floats(-10, MAX_SIDE), st.floats(-10, MAX_SIDE))


@given(sizes, boxed, st.sampled_from(anchors), offsets, points)
def test_whatever_leads_it_nothing_leaves_the_picture_or_its_box(source, resize, gravity, offset, point):
    found = fitted(source, resize, gravity, offset, point)
    left, top, right, bottom = found.box
    assert 0 <= left < right <= source[0] * (1 + 1e-12)
    assert 0 <= top < bottom <= source[1] * (1 + 1e-12)
    assert all(0 <= found.offset[axis] <= found.canvas[axis] - found.size[axis] for axis in (0, 1))
    # where it lies has no say in how large it is
    assert (found.size, found.canvas) == (fitted(source, resize).size, fitted(source, resize).canvas)


@given(sizes, bounds, bounds, st.booleans())
def test_anchors_keep_their_ends(source, width, height, enlarge):
    resize = Resize(width=width, height=height, fit=Fit.COVER, enlarge=enlarge)
    north_west, south_east = (fitted(source, resize, end).box for end in (Gravity.NORTH_WEST, Gravity.SOUTH_EAST))
    assert north_west[:2] == (0, 0)
    assert south_east[2:] == pytest.approx(source)
    contain = Resize(width=width, height=height, fit=Fit.CONTAIN, enlarge=enlarge)
    assert fitted(source, contain, Gravity.NORTH_WEST).offset == (0, 0)
    last = fitted(source, contain, Gravity.SOUTH_EAST)
    assert (last.offset[0] + last.size[0], last.offset[1] + last.size[1]) == last.canvas


@given(sizes, bounds, bounds, st.floats(0, 1), st.floats(0, 1))
def test_a_focal_point_is_kept_and_as_near_the_middle_as_the_picture_allows(source, width, height, x, y):
    variant = Variant(name="a", resize=Resize(width=width, height=height, fit=Fit.COVER), focal=Point(x=x, y=y))
    left, top, right, bottom = frame(source, variant).cut.box
    at = x * source[0], y * source[1]
    for axis, (start, end) in enumerate(((left, right), (top, bottom))):
        assert start - 1e-6 <= at[axis] <= end + 1e-6
        is_central = abs((start + end) / 2 - at[axis]) < 1e-6 * max(source)
        assert is_central or start < 1e-6 or end > source[axis] - 1e-6


@given(sizes, bounds, bounds, st.tuples(st.floats(0, 1), st.floats(0, 1)), offsets, st.floats(1, 4))
def test_an_offset_steps_away_from_a_point_as_far_as_the_picture_reaches(source, width, height, at, offset, dpr):
    resize = Resize(width=width, height=height, fit=Fit.COVER, dpr=dpr)
    point = at[0] * source[0], at[1] * source[1]
    still, moved = (fitted(source, resize, Gravity.CENTER, step, point) for step in (Offset(), offset))
    for axis, step in enumerate((offset.x, offset.y)):
        side = moved.box[axis + 2] - moved.box[axis]
        asked = step * (width, height)[axis] * dpr if offset.unit is Unit.FRACTION else step * dpr
        # one pixel of the output is so many of the picture
        wanted = point[axis] - side / 2 + asked * side / moved.size[axis]
        slack = (1 if offset.unit is Unit.FRACTION else 0) * side / moved.size[axis] + 1e-6 * max(source)
        assert moved.box[axis] == pytest.approx(min(max(wanted, 0), source[axis] - side), abs=slack)
        assert moved.size == still.size


@given(sizes, one_side | boxed, st.floats(1, 4))
def test_dpr_multiplies_what_is_asked_for(source, resize, dpr):
    bound = [None if side is None else int(side * dpr + 0.5) for side in (resize.width, resize.height)]
    if any(side is not None and side > MAX_OUTPUT_SIDE for side in bound):
        return
    sharp = structs.replace(resize, dpr=dpr)
    plain = structs.replace(resize, width=bound[0], height=bound[1])
    assert fitted(source, sharp) == fitted(source, plain)


TURNS = [(flip, quarter * 90) for flip in (None, *Flip) for quarter in range(4)]


@pytest.mark.parametrize(("flip", "angle"), TURNS)
def test_flip_and_then_turn_are_one_orientation(flip, angle):
    """Against Pillow: mirrored first, then turned clockwise."""
    picture = Image.frombytes("L", (3, 2), bytes(range(6)))
    expected = picture
    if flip and "h" in flip.value:
        expected = expected.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if flip and "v" in flip.value:
        expected = expected.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    expected = expected.rotate(-angle, expand=True)
    for degrees in (angle, angle - 360):
        turn = frame((3, 2), Variant(name="a", flip=flip, rotate=degrees)).turn
        found = turned(picture, turn)
        assert (found.size, found.tobytes()) == (expected.size, expected.tobytes())
        assert turned(found, inverse_turn(turn)).tobytes() == picture.tobytes()


@given(sizes, st.sampled_from(TURNS), wishes)
def test_a_turned_picture_obeys_the_law_of_sizes_of_the_turned_size(source, turn, resize):
    found = frame(source, Variant(name="a", flip=turn[0], rotate=turn[1], resize=resize))
    oriented = source if turn[1] % 180 == 0 else source[::-1]
    assert (found.size, found.canvas) == (fitted(oriented, resize).size, fitted(oriented, resize).canvas)
    left, top, right, bottom = found.cut.box
    assert -1e-6 <= left < right <= source[0] + 1e-6
    assert -1e-6 <= top < bottom <= source[1] + 1e-6


@given(
    sizes,
    st.integers(-3_599, 3_599).filter(lambda tenths: tenths % 900).map(lambda tenths: tenths / 10),
    st.none() | boxed,
)
def test_a_slanted_picture_lies_in_a_box_that_holds_it_and_obeys_the_law_of_sizes(source, angle, resize):
    found = frame(source, Variant(name="a", rotate=angle, resize=resize))
    radians = math.radians(angle)
    across, down = abs(math.cos(radians)), abs(math.sin(radians))
    oriented = source[0] * across + source[1] * down, source[0] * down + source[1] * across
    whole = frame(source, Variant(name="a", rotate=angle)).size
    assert all(abs(whole[axis] - oriented[axis]) <= 0.5 + 1e-6 or whole[axis] == 1 for axis in (0, 1))
    assert found.size == fitted(whole, resize).size
    a, b, c, d, e, f = found.slant
    if resize is None:
        # the middle of the one is the middle of the other
        middle = (a * whole[0] + b * whole[1]) / 2 + c, (d * whole[0] + e * whole[1]) / 2 + f
        assert middle == pytest.approx((found.cut.size[0] / 2, found.cut.size[1] / 2), abs=1e-6 * max(whole))
    assert found.cut.is_whole


@given(sizes, st.tuples(*[st.floats(0, 1)] * 4), wishes)
def test_a_crop_is_a_picture_of_its_own_to_the_resize(source, shares, resize):
    (x, right), (y, bottom) = sorted(shares[:2]), sorted(shares[2:])
    crop = Crop(x=x, y=y, width=max(right - x, 1e-9), height=max(bottom - y, 1e-9), unit=Unit.FRACTION)
    region = region_of(source, crop)
    assert all(0 <= region[axis] < region[axis + 2] <= source[axis] for axis in (0, 1))
    inside = region[2] - region[0], region[3] - region[1]
    assert all(
        abs(inside[axis] - length * source[axis]) <= 1.01 for axis, length in enumerate((crop.width, crop.height))
    )
    found = frame(source, Variant(name="a", crop=crop, resize=resize))
    assert found.size == fitted(inside, resize).size
    expected = fitted(inside, resize).box
    assert found.cut.box == tuple(edge + region[number % 2] for number, edge in enumerate(expected))


def test_a_crop_in_pixels_may_touch_the_edge_and_not_pass_it():
    assert region_of((100, 50), Crop(x=90, y=0, width=10, height=50)) == (90, 0, 100, 50)
    for crop in (Crop(x=90, y=0, width=11, height=50), Crop(x=0, y=1, width=1, height=50)):
        with pytest.raises(SpecInvalid, match="the picture has 100×50 pixels"):
            region_of((100, 50), crop)


@given(sizes, wishes, st.tuples(*[st.integers(0, 4_096)] * 4), st.floats(1, 4))
def test_padding_is_added_around_whatever_is_there(source, resize, pad, dpr):
    sharp = structs.replace(resize, dpr=dpr)
    variant = Variant(name="a", resize=sharp, pad=Pad(top=pad[0], right=pad[1], bottom=pad[2], left=pad[3]))
    bare, found = fitted(source, sharp), frame(source, variant)
    top, right, bottom, left = (int(side * dpr + 0.5) for side in pad)
    assert found.canvas == (bare.canvas[0] + left + right, bare.canvas[1] + top + bottom)
    assert found.offset == (bare.offset[0] + left, bare.offset[1] + top)


def test_an_offset_leads_inwards_from_an_edge_and_to_the_right_from_the_middle():
    resize = Resize(width=100, height=100, fit=Fit.COVER, dpr=1)
    boxes = [
        fitted((400, 200), resize, gravity, Offset(x=10)).box[0]
        for gravity in (Gravity.WEST, Gravity.CENTER, Gravity.EAST)
    ]
    assert boxes == [20, 120, 180]
    doubled = structs.replace(resize, dpr=1.5)
    assert fitted((400, 200), doubled, Gravity.WEST, Offset(x=10)).box[0] == 20
    assert fitted((400, 200), resize, Gravity.EAST, Offset(x=0.5, unit=Unit.FRACTION)).box[0] == 100
    contain = Resize(width=100, height=100, fit=Fit.CONTAIN)
    assert fitted((100, 50), contain, Gravity.SOUTH, Offset(y=10)).offset == (0, 40)
    assert fitted((100, 50), contain, Gravity.SOUTH, Offset(y=90)).offset == (0, 0)
