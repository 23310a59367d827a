"""The dashboard of a stack: one page, what it is and costs on top, then which alarms ring, then the graphs. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from components.graphs import Graph, Line, graphs
from components.watched import RUNBOOK, Watched

COLUMNS: Final = 24
"""Of CloudWatch's grid."""

GRAPH_HEIGHT: Final = 6
MAX_ALARMS: Final = 100
"""That CloudWatch shows in one widget."""

Widget = dict[str, Any]


def dashboard_body(watched: Watched, *, stack: str, region: str, alarm_arns: Mapping[str, str], note: str = "") -> str:
    """The body as CloudWatch takes it. `alarm_arns` is by the ends of the alarms' names, `note` a line for the top."""
    rows: list[list[Widget]] = [[_text(_heading(stack, note))]]
    if alarm_arns:
        rows.append([_alarm_states(sorted(alarm_arns.values()))])
    rows += [[_graph(graph, region, len(row)) for graph in row] for row in graphs(watched)]
    return json.dumps({"widgets": placed(rows)}, separators=(",", ":"))


def placed(rows: Iterable[Sequence[Widget]]) -> list[Widget]:
    """The widgets with their places: each row under the one before it, side by side within."""
    found, y = [], 0
    for row in rows:
        x = 0
        for widget in row:
            found.append({**widget, "x": x, "y": y})
            x += widget["width"]
        y += max((widget["height"] for widget in row), default=0)
    return found


def _graph(graph: Graph, region: str, beside: int) -> Widget:
    properties: Widget = {
        "title": graph.title,
        "view": "timeSeries",
        "stacked": False,
        "region": region,
        "period": graph.period_seconds,
        "metrics": [_line(line) for line in graph.lines],
        "yAxis": {"left": {"label": graph.unit, "min": 0, "showUnits": False}},
    }
    if graph.marks:
        properties["annotations"] = {"horizontal": [{"label": mark.label, "value": mark.value} for mark in graph.marks]}
    return {"type": "metric", "width": COLUMNS // beside, "height": GRAPH_HEIGHT, "properties": properties}


def _line(line: Line) -> list[Any]:
    path = [text for pair in line.dimensions.items() for text in pair]
    return [line.namespace, line.metric, *path, {"label": line.label, "stat": line.statistic}]


def _alarm_states(arns: Sequence[str]) -> Widget:
    shown: Widget = {"title": "Alarms", "alarms": list(arns[:MAX_ALARMS]), "sortBy": "stateUpdatedTimestamp"}
    return {"type": "alarm", "width": COLUMNS, "height": 2 + len(arns) // 8, "properties": shown}


def _heading(stack: str, note: str) -> str:
    lines = [f"# Darkroom: {stack}", f"What each alarm means and what to do: {RUNBOOK}."]
    return "\n".join([*lines, note] if note else lines)


def _text(markdown: str) -> Widget:
    return {"type": "text", "width": COLUMNS, "height": 3, "properties": {"markdown": markdown}}
