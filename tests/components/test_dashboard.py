"""The dashboard fits CloudWatch's grid, names nothing that the stack has not, and can be read by a person."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.alarms import alarms
from components.dashboard import COLUMNS, MAX_ALARMS, dashboard_body, placed
from components.watched import BalancerNames, Watched, watched_stack
from tests.support.configurations import configurations

BALANCER = BalancerNames("app/balancer/1", "targetgroup/targets/1")
SIZES = st.lists(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 12)), min_size=1, max_size=4), min_size=1, max_size=6
)


def body_of(config: Any, *, note: str = "") -> dict[str, Any]:
    watched = watched_of(config)
    arns = {
        alarm.what: f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:darkroom-dev-{alarm.what}"
        for alarm in alarms(watched)
    }
    return json.loads(dashboard_body(watched, stack="dev", region="eu-west-1", alarm_arns=arns, note=note))


def watched_of(config: Any) -> Watched:
    balancer = BALANCER if config.balancer else None
    return watched_stack(config, lambda what: f"darkroom-dev-{what}", balancer=balancer)


def metrics_of(body: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    for widget in body["widgets"]:
        for namespace, metric, *path, _ in widget["properties"].get("metrics", []):
            yield namespace, metric, dict(zip(path[::2], path[1::2], strict=True))


def graphs_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]


def overlap(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
    above = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
    return not (beside or above)


@given(SIZES)
def test_widgets_are_laid_out_in_rows_and_never_overlap(sizes: list[list[tuple[int, int]]]) -> None:
    rows = [[{"width": width, "height": height} for width, height in row] for row in sizes]
    widgets = placed(rows)
    assert [{"width": one["width"], "height": one["height"]} for one in widgets] == [one for row in rows for one in row]
    assert widgets[0]["x"] == widgets[0]["y"] == 0
    pairs = [(one, other) for place, one in enumerate(widgets) for other in widgets[place + 1 :]]
    assert not any(overlap(one, other) for one, other in pairs)


@given(configurations())
def test_every_dashboard_fits_the_grid(config: Any) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""
    body = body_of(config)
    assert 1 <= len(body["widgets"]) <= 500
    for widget in body["widgets"]:
        assert 0 <= widget["x"] <= COLUMNS - widget["width"]
        assert 1 <= widget["width"] <= COLUMNS
        assert 1 <= widget["height"] <= 1_000
        assert widget["type"] in {"metric", "text", "alarm"}
    assert sum(1 for _ in metrics_of(body)) <= 2_500
    assert all(len(graph["metrics"]) <= 500 for graph in graphs_of(body))


@given(configurations())
def test_every_metric_names_something_that_the_stack_declares(config: Any) -> None:
    watched = watched_of(config)
    declared = {name for names in watched.queues.values() for name in names}
    declared |= {group.name for group in watched.groups.values()} | set(watched.tables.values())
    declared |= {watched.function.name} if watched.function else set()
    declared |= set(watched.balancer or ())
    # AWS's own metrics name things in their dimensions, those counted in logs in their namespace
    named = {
        name
        for namespace, _, dimensions in metrics_of(body_of(config))
        for name in (dimensions.values() if namespace.startswith("AWS/") else [namespace])
    }
    assert named <= declared
    # and nothing that it declares is left off the page
    assert declared <= named


@given(configurations())
def test_every_graph_says_what_it_is_and_in_what_unit(config: Any) -> None:
    graphs = graphs_of(body_of(config))
    titles = [graph["title"] for graph in graphs]
    assert len(set(titles)) == len(titles)
    for graph in graphs:
        assert graph["title"]
        assert graph["yAxis"]["left"]["label"]
        assert graph["region"] == "eu-west-1"
        labels = [line[-1]["label"] for line in graph["metrics"]]
        assert len(set(labels)) == len(labels)


@given(configurations())
def test_the_line_of_an_alarm_stands_where_the_alarm_rings(config: Any) -> None:
    watched = watched_of(config)
    thresholds = {alarm.what: alarm.threshold for alarm in alarms(watched)}
    marks = {
        graph["title"]: [mark["value"] for mark in graph["annotations"]["horizontal"]]
        for graph in graphs_of(body_of(config))
        if "annotations" in graph
    }
    assert marks["Oldest waiting message"] == [thresholds["jobs-age"]]
    assert marks["Dead letters"] == [0]
    assert watched.function is not None
    assert marks["Time of a call"] == [thresholds["function-duration"], watched.function.timeout_seconds * 1_000]
    assert marks["Functions at work"] == [thresholds["function-concurrency"]]


@given(configurations(), st.text(max_size=200))
def test_the_top_says_what_stack_it_is_what_it_costs_and_where_to_read_on(config: Any, note: str) -> None:
    first, second, *_ = body_of(config, note=note)["widgets"]
    assert first["properties"]["markdown"].startswith("# Darkroom: dev\n")
    assert "docs/operations.md" in first["properties"]["markdown"]
    assert first["properties"]["markdown"].endswith(note)
    assert second["type"] == "alarm"
    assert len(second["properties"]["alarms"]) == min(MAX_ALARMS, len(alarms(watched_of(config))))


def test_a_stack_that_watches_nothing_has_a_page_with_its_name_on_it() -> None:
    body = json.loads(dashboard_body(Watched(), stack="dev", region="eu-west-1", alarm_arns={}))
    assert [widget["type"] for widget in body["widgets"]] == ["text"]
