"""The marker of results: it counts, and whatever is no count of ours is beyond the limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import HopLimit
from contracts.hops import BEYOND, HOP, HOP_HEADER, check_hops, hops, hops_in, marked
from contracts.limits import MAX_HOPS


@given(st.integers(0, 999))
def test_what_is_marked_is_read_back(count: int) -> None:
    assert hops_in(marked(count)) == count


def test_no_marker_is_a_fresh_picture() -> None:
    assert hops(None) == hops_in({}) == hops_in({"other": "7"}) == 0
    assert HOP_HEADER == f"x-amz-meta-{HOP}" == HOP_HEADER.lower()


@given(st.text())
def test_a_marker_that_is_no_number_of_ours_is_beyond_the_limit(text: str) -> None:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        assert hops(text) == BEYOND > MAX_HOPS


def test_a_picture_comes_in_again_once() -> None:
    for count in range(MAX_HOPS + 1):
        check_hops(count)
    for count in (MAX_HOPS + 1, BEYOND, 999):
        with pytest.raises(HopLimit) as refused:
            check_hops(count)
        assert refused.value.facts == {"limit": MAX_HOPS, "actual": count}
