"""The plan that is shown is the one that is carried out: every variant once, from what is there before it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.framing import Fit, Resize
from contracts.messages import Done
from contracts.outputs import Output, OutputFormat
from contracts.plans import BranchPlan, LevelPlan, PartPlan, is_of
from contracts.presets import preset
from contracts.variants import Variant
from functions.transform.plan import part_plan
from functions.transform.pyramid import planned
from tests.support import pictures
from tests.support.transform_room import Room

WEB = preset("web@1")
sides = st.integers(1, 8_192)
variants = st.lists(
    st.builds(
        lambda width, height, fit, form: (Resize(width=width, height=height, fit=fit), Output(format=form)),
        sides,
        sides,
        st.sampled_from(Fit),
        st.sampled_from(OutputFormat),
    ),
    min_size=1,
    max_size=8,
).map(lambda given: [Variant(name=f"v{n}", resize=resize, output=out) for n, (resize, out) in enumerate(given)])


@given(variants, st.integers(1, 6_000), st.integers(1, 6_000), st.integers(1, 4), st.booleans())
def test_every_variant_is_in_one_place_and_nothing_is_cut_from_what_comes_later(asked, width, height, threads, scales):
    branches = planned((width, height), asked, threads=threads, scales=scales)
    plan = part_plan(asked, [(asked, branches)], (width, height), threads=threads, seconds=10)
    assert is_of(plan, len(asked))
    places = [place for branch in plan.branches for level in branch.levels for place in level.variants]
    assert sorted(places) == list(range(len(asked)))
    for shown, carried in zip(plan.branches, branches, strict=True):
        assert shown.scale == carried.scale
        assert [(level.width, level.height) for level in shown.levels] == [level.cut.size for level in carried.levels]
        assert [level.parent for level in shown.levels] == [level.parent for level in carried.levels]
    assert plan.deadline_ms == 10_000
    assert plan.estimated_ms >= 0


@given(variants, st.integers(1, 6_000), st.integers(1, 6_000))
def test_more_threads_are_never_estimated_to_take_longer(asked, width, height):
    branches = planned((width, height), asked)
    one, two = (
        part_plan(asked, [(asked, branches)], (width, height), threads=threads, seconds=1) for threads in (1, 2)
    )
    assert two.estimated_ms <= one.estimated_ms


def test_the_answer_tells_what_was_done():
    room = Room(pictures.jpeg_with_exif(1, width=2_000, height=1_500))
    began = time.monotonic()
    answer = room.answer(*WEB, seconds=600)
    spent_ms = 1_000 * (time.monotonic() - began)
    assert all(isinstance(one, Done) for one in answer.answers)
    levels = {
        place: (level.width, level.height)
        for branch in answer.plan.branches
        for level in branch.levels
        for place in level.variants
    }
    assert levels == {place: (one.width, one.height) for place, one in enumerate(answer.answers)}
    assert answer.plan.threads == 2
    assert 600_000 - spent_ms - 1 <= answer.plan.deadline_ms <= 600_000
    assert answer.plan.estimated_ms > 0


def test_of_a_picture_that_cannot_be_read_there_is_no_plan():
    room = Room(pictures.truncated(pictures.jpeg_with_exif(1), 0.4))
    assert room.answer(*WEB).undecodable
    assert Room(b"nothing").answer(*WEB).plan is None


@pytest.mark.parametrize(
    "levels",
    [
        (LevelPlan(9, 9, None, (0, 0)),),
        (LevelPlan(9, 9, None, (3,)),),
        (LevelPlan(9, 9, 0, (0,)),),
        (LevelPlan(9, 9, None, (0,)), LevelPlan(9, 9, 1, (1,))),
    ],
)
def test_a_plan_that_cannot_be_one_of_the_part_is_none(levels):
    plan = PartPlan(branches=(BranchPlan(1, levels),), threads=1, deadline_ms=1)
    assert not is_of(plan, 3)
