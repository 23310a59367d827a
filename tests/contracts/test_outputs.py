"""Outputs: every wish has a format that understands it, and wishes that contradict each other are refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from contracts.errors import SpecInvalid
from contracts.options import decode_options
from contracts.outputs import (
    DEFAULT_QUALITY,
    EFFORT_OF,
    TAKERS,
    Output,
    OutputFormat,
    Profile,
)
from contracts.places import ResultPlace, parse_result
from contracts.quality import Choice
from tests.support.strategies import values_of

JOB = "018f3a1c-52aa-7bbb-8ccc-0123456789ab"


@given(values_of(Output))
def test_a_lossy_output_has_a_quality_and_no_other(output: Output) -> None:
    if output.format not in DEFAULT_QUALITY or output.lossless:
        assert output.effective_quality is None
    elif isinstance(output.quality, int):
        assert output.effective_quality == output.quality
    else:
        assert output.effective_quality == DEFAULT_QUALITY[output.format]
    assert 0 <= output.effective_effort <= 9


@given(values_of(Output))
def test_an_output_is_read_back(output: Output) -> None:
    assert msgspec.json.decode(msgspec.json.encode(output), type=Output) == output


@given(values_of(Choice))
def test_why_a_quality_was_chosen_is_read_back(choice: Choice) -> None:
    assert msgspec.json.decode(msgspec.json.encode(choice), type=Choice) == choice


def test_profiles_are_efforts() -> None:
    assert Output(profile=Profile.BALANCED).effective_effort == Output().effective_effort
    efforts = [Output(profile=profile).effective_effort for profile in (Profile.FAST, Profile.BALANCED, Profile.BEST)]
    assert efforts == sorted(EFFORT_OF.values())


@pytest.mark.parametrize("form", OutputFormat)
def test_every_format_has_a_place_of_its_own(form: OutputFormat) -> None:
    place = ResultPlace("default", JOB, "thumb", "d" * 64, form)
    assert parse_result(place.key) == place


WISHES: dict[str, Any] = {
    "lossless": True,
    "progressive": True,
    "colors": 16,
    "metadata": "copyright",
    "color": "p3",
}


def refusals(wish: dict[str, Any]) -> list[tuple[str, str]]:
    options = msgspec.json.encode({"variants": [{"name": "plain"}, {"name": "a", "output": wish}]})
    with pytest.raises(SpecInvalid) as raised:
        decode_options(options)
    return raised.value.facts["errors"]


@pytest.mark.parametrize("form", OutputFormat)
@pytest.mark.parametrize("field", WISHES)
def test_a_wish_is_taken_by_the_formats_that_understand_it_alone(form: OutputFormat, field: str) -> None:
    wish = {"format": form.value, field: WISHES[field]}
    if form in TAKERS[field]:
        assert getattr(msgspec.convert(wish, Output), field) == WISHES[field]
    else:
        ((pointer, detail),) = refusals(wish)
        assert pointer == f"#/variants/1/output/{field}"
        assert detail.startswith(f"{form.value} has no {field}")


CONTRADICTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "lossless avif": ("/lossless", {"format": "avif", "lossless": True}),
    "lossless with a quality": ("/quality", {"format": "webp", "lossless": True, "quality": 80}),
    "lossless with quality auto": ("/quality", {"format": "webp", "lossless": True, "quality": "auto"}),
    "lossless with a palette": ("/colors", {"format": "png", "lossless": True, "colors": 16}),
    "png of quality auto": ("/quality", {"format": "png", "quality": "auto"}),
    "gif with a quality": ("/quality", {"format": "gif", "quality": 80}),
    "tiff with a quality": ("/quality", {"format": "tiff", "quality": 80}),
    "effort beside a profile": ("/profile", {"effort": 3, "profile": "fast"}),
    "all frames of a jpeg": ("/frames", {"frames": "all"}),
    "two frames of an avif": ("/frames", {"format": "avif", "frames": 2}),
    "no frame": ("/frames", {"format": "gif", "frames": 0}),
    "too many frames": ("/frames", {"format": "gif", "frames": 301}),
    "frames in other words": ("/frames", {"format": "gif", "frames": "last"}),
    "one colour": ("/colors", {"format": "png", "colors": 1}),
    "too many colours": ("/colors", {"format": "png", "colors": 257}),
    "effort 10": ("/effort", {"effort": 10}),
    "effort -1": ("/effort", {"effort": -1}),
    "another profile": ("/profile", {"profile": "fastest"}),
    "a budget of nothing": ("/max_bytes", {"max_bytes": 0}),
    "an unknown wish": ("/dither", {"dither": True}),
    "lossless in words": ("/lossless", {"format": "png", "lossless": "yes"}),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_makes_no_sense_is_refused_at_its_place(name: str) -> None:
    place, wish = CONTRADICTIONS[name]
    ((pointer, detail),) = refusals(wish)
    assert pointer == f"#/variants/1/output{place}"
    assert detail


@pytest.mark.parametrize(
    ("frames", "form", "expected"),
    [
        (None, OutputFormat.GIF, 7),
        ("all", OutputFormat.WEBP, 7),
        ("first", OutputFormat.GIF, 1),
        (3, OutputFormat.GIF, 3),
        (9, OutputFormat.WEBP, 7),
        (None, OutputFormat.JPEG, 1),
        (1, OutputFormat.AVIF, 1),
    ],
)
def test_an_animation_has_the_frames_that_are_asked_for(frames: Any, form: OutputFormat, expected: int) -> None:
    assert Output(format=form, frames=frames).frames_of(7) == expected


def test_png_has_always_passed_a_quality_over() -> None:
    assert Output(format=OutputFormat.PNG, quality=80).effective_quality is None
