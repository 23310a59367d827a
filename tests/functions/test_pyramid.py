"""Which variant is cut from which: laws over random wishes, and the plan of the main job."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.framing import Fit, Resize
from contracts.outputs import Output, OutputFormat
from contracts.presets import preset
from contracts.variants import Variant
from functions.transform.geometry import frame
from functions.transform.pyramid import LEAST_STEP, SMALL_PIXELS, SMALL_STEP, planned

sides = st.integers(1, 6_000)
wishes = st.none() | st.builds(
    Resize,
    width=st.integers(1, 3_000),
    height=st.integers(1, 3_000),
    fit=st.sampled_from(Fit),
    enlarge=st.booleans(),
)
outputs = st.builds(Output, format=st.sampled_from(OutputFormat))


@st.composite
def orders(draw):
    specs = draw(st.lists(st.tuples(wishes, outputs), min_size=1, max_size=12))
    return [Variant(name=f"v{index}", resize=resize, output=output) for index, (resize, output) in enumerate(specs)]


plans = st.tuples(st.tuples(sides, sides), orders(), st.integers(1, 4), st.booleans())


@given(plans)
def test_every_variant_is_made_exactly_once_with_its_own_cut(plan):
    upright, variants, threads, scales = plan
    levels = [level for branch in planned(upright, variants, threads=threads, scales=scales) for level in branch.levels]
    assert sorted(index for level in levels for index in level.variants) == list(range(len(variants)))
    for level in levels:
        assert all(frame(upright, variants[index]).cut == level.cut for index in level.variants)


@given(plans)
def test_a_level_is_cut_from_an_earlier_one_that_is_whole_and_larger(plan):
    upright, variants, threads, scales = plan
    for branch in planned(upright, variants, threads=threads, scales=scales):
        for index, level in enumerate(branch.levels):
            if level.parent is None:
                continue
            parent = branch.levels[level.parent].cut
            assert level.parent < index
            assert parent.is_whole
            step = SMALL_STEP if max(level.cut.size) <= SMALL_PIXELS else LEAST_STEP
            assert parent.size[0] >= step * level.cut.whole[0]
            assert parent.size[1] >= step * level.cut.whole[1]
            assert parent.size[0] <= upright[0]
            assert parent.size[1] <= upright[1]


@given(plans)
def test_nothing_is_decoded_smaller_than_it_is_needed(plan):
    upright, variants, threads, scales = plan
    branches = planned(upright, variants, threads=threads, scales=scales)
    assert 1 <= len(branches) <= (2 if scales and threads > 1 else 1)
    for branch in branches:
        if branch.scale > 1:
            assert scales
            for level in branch.levels:
                assert level.cut.whole[0] <= upright[0] / branch.scale
                assert level.cut.whole[1] <= upright[1] / branch.scale


def test_the_main_job_is_one_pyramid_on_one_thread_and_two_branches_on_two():
    variants = preset("web@1")
    (one,) = planned((4032, 3024), variants, threads=1, scales=True)
    assert (one.scale, [(level.cut.size, level.parent) for level in one.levels]) == (
        2,
        [((1600, 1200), None), ((800, 600), 0), ((400, 300), 1), ((150, 150), 1)],
    )
    first, second = planned((4032, 3024), variants, threads=2, scales=True)
    assert (first.scale, [level.cut.size for level in first.levels]) == (2, [(1600, 1200)])
    assert (second.scale, [level.cut.size for level in second.levels]) == (4, [(800, 600), (400, 300), (150, 150)])


def test_variants_of_the_same_cut_share_its_pixels_and_the_longest_encode_goes_first():
    same = Resize(width=100)
    variants = [
        Variant(name="jpeg", resize=same, output=Output(format=OutputFormat.JPEG)),
        Variant(name="png", resize=same, output=Output(format=OutputFormat.PNG)),
    ]
    (branch,) = planned((400, 300), variants)
    assert [level.variants for level in branch.levels] == [(1, 0)]
