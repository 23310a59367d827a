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
}


@pytest.mark.parametrize("form", OutputFormat)
@pytest.mark.parametrize("field", WISHES)
def test_a_wish_is_taken_by_the_formats_that_understand_it_alone(form: OutputFormat, field: str) -> None:
    wish = {"format": form.value, field: WISHES[field]}
    if form in TAKERS[field]:
        assert getattr(msgspec.convert(wish, Output), field) == WISHES[field]
    else:
        with pytest.raises(msgspec.ValidationError, match=f"{form.value} has no {field}"):
            msgspec.convert(wish, Output)


CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "lossless avif": {"format": "avif", "lossless": True},
    "lossless with a quality": {"format": "webp", "lossless": True, "quality": 80},
    "lossless with a palette": {"format": "png", "lossless": True, "colors": 16},
    "gif with a quality": {"format": "gif", "quality": 80},
    "tiff with a quality": {"format": "tiff", "quality": 80},
    "effort beside a profile": {"effort": 3, "profile": "fast"},
    "one colour": {"format": "png", "colors": 1},
    "too many colours": {"format": "png", "colors": 257},
    "effort 10": {"effort": 10},
    "effort -1": {"effort": -1},
    "another profile": {"profile": "fastest"},
    "a budget of nothing": {"max_bytes": 0},
    "an unknown wish": {"dither": True},
    "lossless in words": {"format": "png", "lossless": "yes"},
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_makes_no_sense_is_refused_at_its_place(name: str) -> None:
    wish = CONTRADICTIONS[name]
    options = msgspec.json.encode({"variants": [{"name": "plain"}, {"name": "a", "output": wish}]})
    with pytest.raises(SpecInvalid) as raised:
        decode_options(options)
    ((pointer, detail),) = raised.value.facts["errors"]
    assert pointer.startswith("#/variants/1/output")
    assert detail


def test_png_has_always_passed_a_quality_over() -> None:
    assert Output(format=OutputFormat.PNG, quality=80).effective_quality is None
