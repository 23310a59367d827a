"""Every failure has a public code of its own, and belongs to exactly one family."""

import re

import pytest

from contracts import errors
from contracts.errors import InternalError, PipelineError, QuotaExceeded, Rejected, Superseded, Unavailable

FAMILIES = (Rejected, Unavailable, Superseded, InternalError)


def _all(kind: type[PipelineError]) -> list[type[PipelineError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _all(child))]


NAMED = [kind for kind in _all(PipelineError) if kind.__module__ == errors.__name__ and hasattr(kind, "code")]


def test_only_the_two_abstract_ones_have_no_code() -> None:
    assert {kind for kind in _all(PipelineError) if not hasattr(kind, "code")} == {PipelineError, Rejected}


def test_codes_and_titles_are_unique() -> None:
    assert len(NAMED) > 25
    assert len({kind.code for kind in NAMED}) == len(NAMED)
    assert len({kind.title for kind in NAMED}) == len(NAMED)


@pytest.mark.parametrize("kind", NAMED, ids=lambda kind: kind.__name__)
def test_a_failure_is_of_one_family_and_speaks_plainly(kind: type[PipelineError]) -> None:
    assert sum(issubclass(kind, family) for family in FAMILIES) == 1
    assert re.fullmatch("[a-z]+(-[a-z]+)*", kind.code)
    assert re.fullmatch("[A-Z][^\n]{8,78}[^.]", kind.title)
    # a quota is the one refusal that time alone mends
    assert kind.retryable == issubclass(kind, Unavailable | InternalError | QuotaExceeded)


@pytest.mark.parametrize("kind", NAMED, ids=lambda kind: kind.__name__)
def test_a_failure_keeps_its_detail_and_its_facts(kind: type[PipelineError]) -> None:
    raised = kind("what happened", limit=3, actual=4)
    assert (str(raised), raised.detail, raised.facts) == ("what happened", "what happened", {"limit": 3, "actual": 4})
