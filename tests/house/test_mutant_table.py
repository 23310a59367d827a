"""The table of planted faults in the docs is the one that is planted."""

from collections import Counter

from tests.support.mutant_table import PAGE, page
from tests.support.mutants import MUTANTS


def test_the_table_of_mutants_is_made_from_what_is_planted() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_no_two_mutants_have_the_same_name() -> None:
    assert [name for name, count in Counter(one.name for one in MUTANTS).items() if count > 1] == []
