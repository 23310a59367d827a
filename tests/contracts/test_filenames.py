"""A client's file name is data for people: it is short, visible, and no path."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.filenames import safe_filename
from contracts.limits import MAX_FILENAME_BYTES

anything = st.text(max_size=400) | st.text("aé/\\.\0\u202e\u200d 🙂\u0301\ud800\n", max_size=300)


@given(anything)
@example("../../etc/passwd")
@example("x" * 199 + "é")
@example("e\u0301" * 150)
@example("e\u200d\u0301")
def test_what_is_left_is_short_visible_and_no_path(text: str) -> None:
    name = safe_filename(text)
    if name is None:
        return
    assert 1 <= len(name.encode()) <= MAX_FILENAME_BYTES
    assert not {"/", "\\"} & set(name)
    assert name not in (".", "..")
    assert {unicodedata.category(character) for character in name}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert unicodedata.is_normalized("NFC", name)


@given(anything)
def test_doing_it_again_changes_nothing(text: str) -> None:
    name = safe_filename(text)
    assert name is None or safe_filename(name) == name


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=40))
def test_a_plain_name_stays(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert safe_filename(f"{composed}.jpg") == f"{composed}.jpg"


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        (None, None),
        ("", None),
        ("..", None),
        ("dir/", None),
        ("\u202e\0", None),
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\me.jpg", "me.jpg"),
        ("a.jpg\0.php", "a.jpg.php"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ('a"\r\nSet-Cookie: x=1', 'a"Set-Cookie: x=1'),
        (" chair .jpg ", "chair .jpg"),
        ("cafe\u0301.jpg", "café.jpg"),
        ("CON", "CON"),
        (".htaccess", ".htaccess"),
        ("🙂.png", "🙂.png"),
        ("half\ud83d.png", "half.png"),
        ("🙂" * 60, "🙂" * 50),
        ("é" * 150, "é" * 100),
        ("a" + "é" * 150, "a" + "é" * 99),
    ],
)
def test_examples_from_the_catalogue(given_name: str | None, kept: str | None) -> None:
    assert safe_filename(given_name) == kept
