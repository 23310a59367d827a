"""A line of text is drawn in the order in which it is read, on every machine alike."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from functions.transform.steps import watermark
from functions.transform.steps.script import drawn

SHALOM = "\u05e9\u05dc\u05d5\u05dd"
TURNED = SHALOM[::-1]
SALAM = "\u0633\u0644\u0627\u0645"
MARHABA = "\u0645\u0631\u062d\u0628\u0627"
RIGHT = ("R", "AL", "AN", "NSM", "RLE", "RLO", "RLI")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SHALOM, TURNED),
        (f"{SHALOM} 123", f"123 {TURNED}"),
        (f"{SHALOM} 12.50", f"12.50 {TURNED}"),
        (f"12 {SHALOM}", f"{TURNED} 12"),
        (f"\u00a9 2026 {SHALOM}", f"{TURNED} 2026 \u00a9"),
        (f"abc {SHALOM} def", f"abc {TURNED} def"),
        (f"{SHALOM} abc def", f"abc def {TURNED}"),
        (f"({SHALOM})", f"({TURNED})"),
        (f"{SHALOM}!", f"!{TURNED}"),
        (f"a-b {SHALOM}, {SHALOM}", f"a-b {TURNED} ,{TURNED}"),
        # lam and alef are one letter; every letter has the form that it has beside its neighbours
        (SALAM, "\ufee1\ufefc\ufeb3"),
        (MARHABA, "\ufe8e\ufe92\ufea3\ufeae\ufee3"),
        ("\u0644\u0627", "\ufefb"),
        ("\u0633\u0640\u0633", "\ufeb2\u0640\ufeb3"),
        # of Persian
        ("\u067e\u0627", "\ufe8e\ufb58"),
        # a mark between two letters does not part them
        ("\u0628\u0651\u0628", "\ufe90\u0651\ufe91"),
    ],
)
def test_it_is_what_fribidi_and_harfbuzz_make_of_it(text: str, line: str) -> None:
    assert drawn(text) == line


@given(st.text())
def test_what_runs_to_the_right_is_left_alone(text: str) -> None:
    if all(unicodedata.bidirectional(char) not in RIGHT for char in text):
        assert drawn(text) == unicodedata.normalize("NFC", text)


def test_an_accent_that_was_typed_apart_is_on_its_letter() -> None:
    """As a Mac writes the names of its files."""
    assert drawn("Cafe\u0301") == "Caf\u00e9"


@given(st.text(st.sampled_from("ab 12.,-()\u05d0\u05d1\u05b0\u20ac")))
def test_no_letter_is_lost_and_none_is_added(text: str) -> None:
    brackets = str.maketrans(")", "(")
    assert sorted(drawn(text).translate(brackets)) == sorted(text.translate(brackets))


@given(st.text())
def test_any_line_can_be_drawn(text: str) -> None:
    assert len(drawn(text)) <= len(unicodedata.normalize("NFC", text))


def test_letters_are_laid_out_by_what_every_machine_has() -> None:
    assert watermark.font(20.0).layout_engine is ImageFont.Layout.BASIC
