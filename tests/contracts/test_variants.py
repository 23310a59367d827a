"""Variants: what may be asked for, at the edges of every range; presets: named sets that never change."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from contracts.canonical import said
from contracts.errors import SpecInvalid
from contracts.framing import Fit, Pad, Resize
from contracts.limits import MAX_OUTPUT_SIDE, MAX_SIDE, MAX_VARIANTS
from contracts.looks import Adjust
from contracts.outputs import Output, OutputFormat
from contracts.presets import DEFAULT_PRESET, PRESETS, preset
from contracts.variants import Variant
from tests.support.strategies import values_of


@given(values_of(Variant))
def test_a_variant_is_read_back_and_its_defaults_are_not_written(variant: Variant) -> None:
    assert msgspec.json.decode(msgspec.json.encode(variant), type=Variant) == variant
    assert msgspec.convert(said(variant), Variant) == variant
    assert said(msgspec.structs.replace(Variant(name="a"), rotate=-0.0, pad=Pad(), adjust=Adjust(gamma=1.0))) == {
        "name": "a"
    }


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
        *({"rotate": turn} for turn in (1e308, 361, -360.5, "90", None, float("nan"), float("inf"), True)),
        {"blur": 10**6},
        *({"filters": {"blur": sigma}} for sigma in (10**6, 0, 0.09, -1, float("nan"), float("inf"), "2")),
        *({"filters": {"pixelate": side}} for side in (1, 513, 2.5, True)),
        *({"filters": {"tint": colour}} for colour in ("#FF0000", "ff0000", "#f00", "#ff000000", "red", "#ff0000\n")),
        {"filters": {"duotone": {"shadow": "#000000"}}},
        {"filters": {"emboss": True}},
        *({"background": ground} for ground in ("white", "#ffff", "#fffffff", "smart", "", "#ffffff\n", 0)),
        *({"adjust": {name: amount}} for name in ("brightness", "contrast", "saturation") for amount in (-101, 101)),
        *({"adjust": {"gamma": gamma}} for gamma in (0, 0.09, 10.1, float("nan"))),
        *({"crop": {"x": 0, "y": 0, "width": w, "height": 1}} for w in (0, -1, MAX_SIDE + 1, None, 1e308, "1")),
        {"crop": {"x": 0, "y": 0, "width": 5}},
        {"crop": {"x": -1, "y": 0, "width": 5, "height": 5}},
        *({"trim": wrong} for wrong in ({}, {"tolerance": 129}, {"tolerance": 1, "most": 100}, {"tolerance": 0.5})),
        *({"resize": {"width": 9, "dpr": dpr}} for dpr in (0.9, 4.1, float("nan"), "2")),
        *({"resize": {"width": 9, "filter": name}} for name in ("lanczos", "LANCZOS3", "", "mitchell")),
        {"resize": {"width": 9, "linear": 1}},
        *({"gravity": name} for name in ("north_east", "centre", "face", "")),
        *({"focal": point} for point in ({}, {"x": 0.5}, {"x": 1.1, "y": 0}, {"x": float("nan"), "y": 0})),
        *({"flip": flip} for flip in ("vh", "H", "", True)),
        *({"pad": {"top": top}} for top in (-1, 4_097, 1.5)),
        *({"mask": mask} for mask in ({}, {"radius": 0}, {"radius": "most"}, {"radius": 1.5}, {"radius": 8_193})),
        {"overlays": [{"text": "a"}] * 5},
        *({"overlays": [{"text": text}]} for text in ("", "x" * 201, 7)),
        *({"overlays": [{"asset": name}]} for name in ("../a", "a.b", "s3://bucket/key", "http://a/b")),
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
