"""Where pixels go: laws that hold for every picture and every wish."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.framing import Fit, Resize
from contracts.limits import MAX_OUTPUT_SIDE, MAX_SIDE
from functions.transform.geometry import (
    DRAFT_SCALES,
    cut,
    draft_scale,
    fits_output,
    scaled_box,
    stored_box,
    upright_size,
)

sides = st.integers(1, MAX_SIDE) | st.integers(1, 12)
sizes = st.tuples(sides, sides)
bounds = st.integers(1, MAX_OUTPUT_SIDE) | st.integers(1, 12)
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
    assert found.is_whole


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
    left, top, right, bottom = scaled_box(cut(source, resize).box, source, extent)
    assert 0 <= left < right <= extent[0]
    assert 0 <= top < bottom <= extent[1]


@given(sizes, st.lists(wishes, min_size=1, max_size=5))
def test_the_decoding_scale_leaves_every_variant_something_to_reduce(source, resizes):
    needed = [cut(source, resize).whole for resize in resizes]
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
