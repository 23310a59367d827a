"""The table of planted faults in the docs is the one that is planted."""

from collections import Counter

from tests.support.mutant_table import PAGE, page
from tests.support.mutants import MUTANTS, ROOT


def test_the_table_of_mutants_is_made_from_what_is_planted() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_no_two_mutants_have_the_same_name() -> None:
    assert [name for name, count in Counter(one.name for one in MUTANTS).items() if count > 1] == []


def test_every_mutant_finds_the_one_place_that_it_breaks() -> None:
    """So that a change of a guarded line is told of here, and not after minutes of `make mutants`."""
    places = {
        (mutant.name, file): (ROOT / file).read_text().count(text)
        for mutant in MUTANTS
        for file, text, _ in mutant.edits
    }
    assert {where: count for where, count in places.items() if count != 1} == {}
