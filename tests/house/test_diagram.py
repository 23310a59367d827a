"""The picture of the states in the docs is the table that the code goes by."""

from tests.support.diagram import PAGE, with_diagram


def test_the_state_diagram_is_made_from_the_table() -> None:
    page = PAGE.read_text()
    assert page == with_diagram(page), "run: make docs"
