"""Whatever may be asked of whatever picture ends in a file of the promised size, or in a refusal by name."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from contracts.errors import Rejected
from contracts.formats import ImageFormat
from contracts.outputs import Output, OutputFormat
from contracts.variants import Variant, asset_names
from functions.transform.finish import needs_sight
from functions.transform.geometry import UNSEEN, frame
from functions.transform.making import Made
from functions.transform.pipeline import render
from tests.support import pictures
from tests.support.strategies import sensible, values_of

MOST_PIXELS = 200_000
"""Of a variant that is made here: what is larger takes time, and is no other."""

LOGO = pictures.encoded(pictures.photo(30, 20), "webp")

sides = st.integers(1, 60)
modes = st.sampled_from(["RGB", "RGBA", "L", "P", "LA"])
formats = st.sampled_from([OutputFormat.PNG, OutputFormat.JPEG])


@settings(max_examples=120, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], deadline=None)
@given(st.tuples(sides, sides), modes, values_of(Variant).map(sensible), formats, st.integers(1, 8))
def test_whatever_is_asked_of_a_picture_has_an_answer(size, mode, variant: Variant, form, orientation) -> None:
    variant = structs.replace(variant, output=Output(format=form))
    upright = size if orientation < 5 else size[::-1]
    try:
        promised = frame(upright, variant, UNSEEN).canvas
    except Rejected:
        promised = (1, 1)
    if promised[0] * promised[1] > MOST_PIXELS:
        promised, variant = upright, Variant(name=variant.name)
    data = pictures.encoded(pictures.photo(*size).convert(mode), "png", exif=pictures.exif_block(orientation))
    assets = dict.fromkeys(asset_names([variant]), LOGO)
    (found,) = render(data, [variant], 1, form=ImageFormat.PNG, assets=assets).outcomes
    if isinstance(found, Made):
        decoded = pictures.opened(found.body)
        assert decoded.size == found.size
        assert found.size == promised or needs_sight(variant)
    else:
        assert isinstance(found.error, Rejected), found.error
        assert found.error.code in ("spec-invalid", "pixel-limit")
