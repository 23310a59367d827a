"""Request headers: what is understood, what is refused, what is ignored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Malformed
from services.upload.headers import idempotency_key, known_tags, preferred_wait

VISIBLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255).filter(str.strip)


@given(VISIBLE)
def test_a_quoted_key_is_the_text_between_its_quotes(key: str) -> None:
    quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert idempotency_key([quoted]) == key


@given(VISIBLE.filter(lambda key: '"' not in key and "\\" not in key and key == key.strip()))
def test_bare_and_quoted_are_the_same_key(key: str) -> None:
    assert idempotency_key([key]) == idempotency_key([f'"{key}"']) == key


@given(st.text(max_size=300))
def test_any_other_header_is_malformed_and_nothing_else(text: str) -> None:
    try:
        key = idempotency_key([text])
    except Malformed:
        return
    assert key
    assert key.isascii()
    assert key.isprintable()
    assert len(key) <= 255


def test_no_header_is_no_key_and_two_are_malformed() -> None:
    assert idempotency_key([]) is None
    with pytest.raises(Malformed):
        idempotency_key(["a", "a"])


@given(st.sets(st.from_regex(r"[0-9]{1,6}-[0-9]{1,9}", fullmatch=True), max_size=4), st.booleans())
def test_tags_are_known_weak_or_strong(tags: set[str], weak: bool) -> None:
    known = known_tags(", ".join(f'{"W/" if weak else ""}"{tag}"' for tag in tags))
    assert known.tags == tags
    assert all(known.has(tag) for tag in tags)
    assert bool(known) == bool(tags)
    assert not known.has("0-x")


def test_a_star_knows_everything_and_silence_nothing() -> None:
    assert known_tags("*").has("7-3")
    assert not known_tags(None)
    assert not known_tags("7-3")


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async, wait=5", 5),
        ('WAIT="7"; x=1', 7),
        (" wait = 3 ", 3),
        ("wait=30", 30),
        ("wait=31", 30),
        ("wait=999999", 30),
        ("wait=0", None),
        ("wait=-1", None),
        ("wait=five", None),
        ("wait=٣", None),
        ("waiting=5", None),
        ("", None),
        (None, None),
    ],
)
def test_a_preferred_wait_is_granted_within_reason(prefer: str | None, seconds: int | None) -> None:
    assert preferred_wait(prefer) == seconds
