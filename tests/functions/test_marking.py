"""Where marks lie: laws that hold for every picture, every mark and every wish."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from contracts.framing import Gravity, Unit
from contracts.limits import MAX_OUTPUT_SIDE
from contracts.looks import Overlay
from functions.transform.marking import corner_of, mark_size, room_of, tiled

sides = st.integers(1, MAX_OUTPUT_SIDE) | st.integers(1, 12)
sizes = st.tuples(sides, sides)
anchors = st.sampled_from([anchor for anchor in Gravity if anchor is not Gravity.SMART])
lengths = st.floats(-20_000, 20_000)
overlays = st.builds(
    Overlay,
    text=st.just("mark"),
    anchor=anchors,
    x=lengths,
    y=lengths,
    unit=st.sampled_from(Unit),
    scale=st.integers(1, 100),
)


@given(sizes, sizes, overlays)
@example((1, 1), (4000, 1), Overlay(text="a", scale=1))
@example((8192, 1), (1, 4000), Overlay(text="a", scale=100))
def test_a_mark_keeps_its_shape_and_touches_its_room(canvas, source, overlay) -> None:
    room = room_of(canvas, overlay)
    assert 1 <= room[0] <= canvas[0]
    found = mark_size(source, room)
    assert all(1 <= side <= most for side, most in zip(found, room, strict=True))
    assert any(
        found[bound] == room[bound]
        and _is_proportional(found[free], Fraction(source[free] * room[bound], source[bound]))
        for bound, free in ((0, 1), (1, 0))
    )


def _is_proportional(side: int, exact: Fraction) -> bool:
    return abs(side - exact) <= Fraction(1, 2) or side == 1


@given(sizes, sizes, overlays, st.floats(1, 4))
def test_a_mark_of_its_room_never_leaves_the_picture(canvas, source, overlay, dpr) -> None:
    mark = mark_size(source, room_of(canvas, overlay))
    corner = corner_of(canvas, mark, overlay, dpr)
    assert all(0 <= corner[axis] <= canvas[axis] - mark[axis] for axis in (0, 1))


@given(sizes, sizes, anchors)
def test_without_an_offset_a_mark_touches_the_edges_of_its_anchor(canvas, source, anchor) -> None:
    overlay = Overlay(text="mark", anchor=anchor)
    mark = mark_size(source, room_of(canvas, overlay))
    across, down = corner_of(canvas, mark, overlay, 1)
    free = canvas[0] - mark[0], canvas[1] - mark[1]
    name = anchor.value
    assert across == (0 if "west" in name else free[0] if "east" in name else free[0] // 2)
    assert down == (0 if "north" in name else free[1] if "south" in name else free[1] // 2)


@given(sides, sides, st.integers(0, MAX_OUTPUT_SIDE), st.integers(0, 300), st.floats(0, 1))
def test_tiles_cover_all_but_the_gaps_and_one_lies_where_a_single_mark_would(canvas, mark, gap, few, share) -> None:
    for between in (gap, few):
        mark = min(mark, canvas)
        first = int(share * (canvas - mark))
        found = tiled(canvas, mark, first, between)
        assert first in found
        assert all(begin < canvas and begin + mark > 0 for begin in (found[0], found[-1]))
        # one more on either side would not be seen
        assert found[0] - found.step + mark <= 0
        assert found[-1] + found.step >= canvas
        assert found.step == mark + between
