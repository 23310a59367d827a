"""What an encode is thought to take: more for more work, and so much for an animation that it is a part of its own."""

import pytest
from msgspec.structs import replace

from contracts.formats import ImageFormat
from contracts.job import Source
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
