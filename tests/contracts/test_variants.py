"""Variants: what may be asked for, at the edges of every range; presets: named sets that never change."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from contracts.errors import SpecInvalid
from contracts.limits import MAX_OUTPUT_SIDE, MAX_VARIANTS
from contracts.outputs import Output, OutputFormat
from contracts.presets import DEFAULT_PRESET, PRESETS, preset
from contracts.variants import Fit, Resize, Variant
from tests.support.strategies import values_of


@given(values_of(Variant))
def test_a_variant_is_read_back_and_its_defaults_are_not_written(variant: Variant) -> None:
    text = msgspec.json.encode(variant)
    assert msgspec.json.decode(text, type=Variant) == variant
    assert len(text) < 400


@pytest.mark.parametrize("side", [1, MAX_OUTPUT_SIDE])
def test_the_ends_of_the_range_may_be_asked_for(side: int) -> None:
    spec = {"name": "a", "resize": {"width": side, "height": side}}
    assert msgspec.convert(spec, Variant).resize == Resize(width=side, height=side)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"resize": {"width": side}} for side in (0, -1, MAX_OUTPUT_SIDE + 1, 10**9, 100.5, "100", "100; rm", True)),
        *({"resize": {"width": side}} for side in (None, [], {}, float("nan"), float("inf"))),
        *({"output": {"quality": quality}} for quality in (0, 101, -1, "high", 80.5, True, float("nan"))),
        *({"output": {"format": form}} for form in ("bmp", "JPEG", "", None, "jpg", "svg")),
        *({"name": name} for name in ("", "A", "a/b", "a.b", "$a", "a#", "a b", "é", "a\n", "x" * 41, None, 7)),
        {"resize": {}},
        {"resize": {"fit": "cover"}},
        {"resize": {"width": 10, "fit": "stretch"}},
        {"resize": {"width": 10, "crop": 1}},
        {"rotate": 1e308},
        {"blur": 10**6},
        {"output": None},
    ],
    ids=repr,
)
def test_anything_beyond_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "a"} | wrong, Variant)


def test_the_preset_of_the_first_day_is_what_it_was() -> None:
    """A preset never changes: a new idea is a new version."""
    assert preset("web@1") == (
        Variant(name="large", resize=Resize(width=1600), output=Output(format=OutputFormat.JPEG, quality=80)),
        Variant(name="medium", resize=Resize(width=800), output=Output(format=OutputFormat.WEBP, quality=80)),
        Variant(name="small", resize=Resize(width=400), output=Output(format=OutputFormat.WEBP, quality=80)),
        Variant(
            name="thumb",
            resize=Resize(width=150, height=150, fit=Fit.COVER),
            output=Output(format=OutputFormat.JPEG, quality=80),
        ),
    )


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_valid_set_of_variants_under_a_versioned_name(name: str) -> None:
    stem, at, version = name.partition("@")
    assert stem
    assert at
    assert int(version) >= 1
    assert 1 <= len(preset(name)) <= MAX_VARIANTS
    assert len({variant.name for variant in preset(name)}) == len(preset(name))
    assert msgspec.convert(msgspec.to_builtins(preset(name)), tuple[Variant, ...]) == preset(name)


def test_a_preset_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert DEFAULT_PRESET in PRESETS
    for name in ("", "web", "web@2", "WEB@1", "web@1 ", "__class__"):
        with pytest.raises(SpecInvalid, match="there are: web@1") as raised:
            preset(name)
        assert raised.value.facts == {"errors": [("#/preset", "unknown preset")]}
