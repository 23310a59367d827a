"""The page of results says what the data says, and is made anew where the data changed."""

import xml.etree.ElementTree as ElementTree

from benchmarks.report import CHART, PAGE, chart, page, results


def test_page_and_chart_are_made_from_the_committed_data() -> None:
    found = results()
    assert {"pictures", "avif", "import", "conformance"} <= found.keys()
    assert page(PAGE.read_text(), found) == PAGE.read_text(), "run: make docs"
    assert chart(found) == CHART.read_text(), "run: make docs"


def test_the_chart_has_a_bar_for_each_contender_of_each_race() -> None:
    found = results()
    lanes = sum(len(race["race"]["lanes"]) for suite in ("pictures", "avif") for race in found[suite]["races"])
    drawn = ElementTree.fromstring(chart(found))  # noqa: S314 - our own
    bars = [one for one in drawn.iter("{http://www.w3.org/2000/svg}rect") if one.get("fill") != "#fff"]
    assert len(bars) == lanes > 20


def test_a_case_that_does_not_hold_is_told_with_its_promise() -> None:
    found = results()
    text = page(PAGE.read_text(), found)
    for one in found["conformance"]["scores"].values():
        assert all(found["conformance"]["cases"][name] in text for name in one["failed"])
