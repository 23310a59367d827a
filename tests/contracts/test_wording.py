"""What is wrong with a value is said with what may stand there, and without a word of Python."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from contracts.direct import DirectUpload
from contracts.fetched import UrlUpload
from contracts.options import Options
from contracts.variants import Variant
from contracts.wording import PATTERNS, complaint, plainly

KINDS = [Options, DirectUpload, UrlUpload]


def said_of(document: Any, kind: Any = Options) -> tuple[str, str]:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(document, kind)
    return complaint(str(raised.value), kind)


def variant(**fields: Any) -> dict[str, Any]:
    return {"variants": [{"name": "a"} | fields]}


@pytest.mark.parametrize(
    ("document", "pointer", "detail"),
    [
        (variant(output={"format": "jpg"}), "output/format", "'jpg' is not one of jpeg, png, webp, avif, gif, tiff"),
        (variant(output={"quality": "high"}), "output/quality", "'high' is not a whole number from 1 to 100 or auto"),
        (variant(output={"quality": 0}), "output/quality", "it must be a whole number from 1 to 100 or auto"),
        (variant(resize={"width": "9"}), "resize/width", "it must be a whole number from 1 to 8192, and is a text"),
        (variant(rotate=361), "rotate", "it must be a number from -360 to 360"),
        (
            variant(crop={"x": 0, "y": 0, "width": 0, "height": 1}),
            "crop/width",
            "it must be a number above 0 and at most 16383",
        ),
        (variant(crop={"x": 0, "y": 0, "width": 1}), "crop", "height is missing"),
        (
            variant(background="#FFF"),
            "background",
            f"it must be {PATTERNS[next(p for p in PATTERNS if 'dominant' in p)]}",
        ),
        (
            variant(trim={"tolerance": 1, "most": 1, "least": 1}),
            "trim/least",
            "there is no such option; there are tolerance, colour, most",
        ),
        (variant(overlays=[{"text": ""}]), "overlays/0/text", "it must be a text of 1 to 200 characters"),
        (variant(overlays={}), "overlays", "it must be a list of 0 to 4 items, and is an object"),
        (variant(resize=[]), "resize", "it must be an object, and is a list"),
        (variant(resize={"width": 1, "linear": 1}), "resize/linear", "it must be true or false, and is a whole number"),
    ],
)
def test_a_mistake_is_told_with_what_would_be_right(document: Any, pointer: str, detail: str) -> None:
    assert said_of(document) == (f"#/variants/0/{pointer}", detail)


def test_what_a_mapping_holds_has_no_type_of_its_own_and_words_all_the_same() -> None:
    assert said_of({"meta": {"a": 1}}) == ("#/meta", "it must be a text, and is a whole number")


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("Expected `int` >= 1", "it must be a whole number at least 1"),
        ("Expected `int`, got `str`", "it must be a whole number, and is a text"),
        ("Expected `int | null`, got `float`", "it must be a whole number, and is a number"),
        ("Expected `str` of length <= 9", "it must be a text of at most 9 characters"),
        ("no words of msgspec's", "no words of msgspec's"),
    ],
)
def test_without_a_type_there_are_words_too(detail: str, words: str) -> None:
    assert plainly(detail) == words


def test_words_of_our_own_stay_as_they_are() -> None:
    assert said_of(variant(resize={})) == ("#/variants/0/resize", "resize needs a width or a height")


def test_an_unknown_name_is_a_pointer_whatever_is_in_it() -> None:
    assert said_of({"a/b~c d": 1})[0] == "#/a~1b~0c%20d"


def patterns(info: Any) -> Iterator[str]:
    """Of every text that may stand anywhere in such a value."""
    if isinstance(info, inspect.StrType) and info.pattern:
        yield info.pattern
    for name in ("type", "item_type"):
        if hasattr(info, name):
            yield from patterns(getattr(info, name))
    for one in getattr(info, "types", ()):
        yield from patterns(one)
    for field in getattr(info, "fields", ()):
        yield from patterns(field.type)


@pytest.mark.parametrize("kind", KINDS)
def test_every_pattern_has_words(kind: Any) -> None:
    found = set(patterns(inspect.type_info(kind)))
    assert len(found) >= 5
    assert found <= set(PATTERNS)


NAMES = [field.encode_name for field in inspect.type_info(Variant).fields]
# what was sent may be told of in its own words, and these are words of msgspec
TEXTS = st.text(max_size=9).filter(lambda text: not re.search("Expected|enum", text))
VALUES = st.none() | st.booleans() | st.integers(-9, 99_999) | st.floats(-1e9, 1e9) | TEXTS
NESTED = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from(NAMES), NESTED, min_size=1, max_size=4))
def test_nobody_is_told_in_terms_of_python(fields: dict[str, Any]) -> None:
    """But for what is in a mapping, of which a variant has none."""
    document = [{"name": "a"} | fields]
    try:
        msgspec.convert(document, tuple[Variant, ...])
    except msgspec.ValidationError as error:
        pointer, detail = complaint(str(error), tuple[Variant, ...])
        assert pointer.startswith("#/0")
        assert "Expected" not in detail
        assert "enum" not in detail
