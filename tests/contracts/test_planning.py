"""What a plan takes a variant to be: never less than it is, and possible wherever the function could make it."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SpecInvalid
from contracts.framing import Crop, Pad, Resize, Unit
from contracts.job import Source
from contracts.limits import MAX_SIDE
from contracts.planning import HEAVY_MS, encode_ms, plan, why_beyond, why_impossible
from contracts.variants import Variant, objections
from functions.transform.geometry import fits_output, frame
from tests.support.strategies import sensible, values_of

sides = st.integers(1, 5_000)


@given(values_of(Variant).map(sensible), sides, sides)
def test_what_the_function_could_make_is_never_called_impossible(variant: Variant, width: int, height: int) -> None:
    for size in ((width, height), (height, width)):
        try:
            possible = fits_output(frame(size, variant).canvas)
        except SpecInvalid:
            possible = False
        if possible:
            assert why_impossible(variant, width, height) is None


@given(sides, sides, st.integers(1, 6_000), st.integers(1, 6_000))
def test_a_crop_is_beyond_only_if_it_is_so_both_ways(width: int, height: int, across: int, down: int) -> None:
    variant = Variant(name="a", crop=Crop(x=0, y=0, width=across, height=down))
    is_beyond = not ((across <= width and down <= height) or (across <= height and down <= width))
    assert (why_beyond(variant, width, height) is not None) == is_beyond
    share = Variant(name="a", crop=Crop(x=0, y=0, width=1, height=1, unit=Unit.FRACTION))
    assert why_beyond(share, width, height) is None


def test_work_that_is_asked_for_counts() -> None:
    plain = Variant(name="a", resize=Resize(width=2_000))
    assert encode_ms(plain, 4_000, 3_000) < HEAVY_MS
    for more in (
        Variant(name="a", resize=Resize(width=2_000, dpr=2)),
        Variant(name="a", resize=Resize(width=2_000), rotate=12),
        Variant(name="a", resize=Resize(width=2_000), pad=Pad(top=500)),
        Variant(name="a", resize=Resize(width=2_000, linear=True)),
    ):
        assert encode_ms(more, 4_000, 3_000) > encode_ms(plain, 4_000, 3_000)


def test_the_dearest_variant_of_the_largest_picture_is_bounded() -> None:
    """Whatever may be asked for has a price; a blur of any strength costs the same."""
    largest = Variant(name="a", resize=Resize(width=8_192, height=6_000, enlarge=True), rotate=33, background="blur")
    assert list(objections(largest)) == []
    assert encode_ms(largest, MAX_SIDE, 3_000) < 10 * HEAVY_MS
    cut = plan(Source(width=8_000, height=6_000), [largest])
    assert cut.parts == (("a",),)
