"""What an encode is thought to take: more for more work, and so much for an animation that it is a part of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.encoding import LONGEST_MS, codec_ms, effort_spent
from contracts.formats import ImageFormat
from contracts.job import Source
from contracts.limits import MAX_OUTPUT_SIDE
from contracts.outputs import Output, OutputFormat, Profile
from contracts.planning import HEAVY_MS, Plan, encode_ms, plan
from contracts.variants import Variant

MEGAPIXEL = (1_000, 1_000)


def cost(frames: int = 1, **output: object) -> float:
    return encode_ms(Variant(name="a", output=Output(**output)), *MEGAPIXEL, frames)


@pytest.mark.parametrize("form", OutputFormat)
def test_effort_costs(form: OutputFormat) -> None:
    fast, balanced, best = (cost(format=form, profile=profile) for profile in reversed(Profile))
    assert fast <= balanced <= best
    assert balanced == cost(format=form)


@pytest.mark.parametrize("form", [OutputFormat.JPEG, OutputFormat.WEBP, OutputFormat.AVIF])
def test_a_quality_that_is_to_be_found_costs_its_tries(form: OutputFormat) -> None:
    assert cost(format=form, max_bytes=10_000) > cost(format=form, quality="auto") > cost(format=form)


def test_frames_cost_each() -> None:
    assert cost(frames=20, format=OutputFormat.WEBP) > 20 * cost(format=OutputFormat.WEBP)


def test_an_animation_is_made_beside_the_still_ones() -> None:
    source = Source(format=ImageFormat.GIF, width=400, height=300, frames=60)
    moving, still = (Variant(name=name, output=Output(format=OutputFormat(name))) for name in ("webp", "jpeg"))
    cut = plan(source, [moving, still])
    assert isinstance(cut, Plan)
    assert cut.parts == (("jpeg",), ("webp",))
    assert encode_ms(moving, 400, 300, 60) > HEAVY_MS > encode_ms(moving, 400, 300)
    first = replace(moving, output=replace(moving.output, frames="first"))
    assert plan(source, [first, still]) == Plan(parts=(("webp", "jpeg"),))
    # pages of a TIFF are no frames
    assert plan(replace(source, format=ImageFormat.TIFF), [moving, still]) == Plan(parts=(("webp", "jpeg"),))


LARGEST = MAX_OUTPUT_SIDE * MAX_OUTPUT_SIDE
OUTPUTS = st.builds(
    Output,
    format=st.sampled_from(OutputFormat),
    effort=st.integers(0, 9),
    lossless=st.booleans(),
    max_bytes=st.none() | st.integers(100, 1_000_000),
)


@given(output=OUTPUTS, pixels=st.integers(1, LARGEST), has_alpha=st.booleans())
def test_no_encode_is_thought_to_take_longer_than_a_quarter_of_the_functions_time(
    output: Output, pixels: int, has_alpha: bool
) -> None:
    spent = effort_spent(output, pixels, has_alpha=has_alpha)
    assert 0 <= spent <= output.effective_effort
    bound = LONGEST_MS / (6 if output.max_bytes else 1)
    if codec_ms(output, output.effective_effort, has_alpha=has_alpha) * pixels / 1e6 <= bound:
        assert spent == output.effective_effort
    # with a budget the tries that come after the first are of a smaller picture, or few
    assert codec_ms(output, spent, has_alpha=has_alpha) * pixels / 1e6 <= bound or spent == 0
    assert codec_ms(output, 0, has_alpha=has_alpha) * LARGEST / 1e6 <= LONGEST_MS


@given(output=OUTPUTS, pixels=st.integers(1, LARGEST), more=st.integers(0, LARGEST))
def test_a_larger_picture_never_gets_more_effort(output: Output, pixels: int, more: int) -> None:
    assert effort_spent(output, pixels + more) <= effort_spent(output, pixels)


def test_pictures_of_a_page_get_the_effort_that_was_asked_for() -> None:
    for form in OutputFormat:
        assert effort_spent(Output(format=form, profile=Profile.BEST), 1600 * 1200) == 8
        assert effort_spent(Output(format=form), 4000 * 3000) == 5
