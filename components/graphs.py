"""What the dashboard shows, in the order in which work goes through. Pure.

    arrivals and answers  -  waiting work  -  the function  -  events  -  the hosts  -  the tables

Every graph has a title, a unit and, where an alarm watches what it shows, the line at which the alarm rings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.alarms import alarms
from components.exhausted import COUNTED, REASONS
from components.watched import BalancerNames, FunctionFacts, GroupFacts, Watched


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: the metric, what the legend calls it, and how its values of a period become one."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    label: str
    statistic: str = "Sum"


@dataclass(frozen=True, slots=True)
class Mark:
    """A horizontal line: where an alarm rings, or what cannot be passed."""

    label: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    title: str
    unit: str
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    period_seconds: int = 60


def graphs(watched: Watched) -> list[list[Graph]]:
    """The rows of the page; one that has nothing to show is left out."""
    thresholds = {alarm.what: alarm.threshold for alarm in alarms(watched)}
    rows = [
        _arrivals(watched),
        _waiting(watched, thresholds),
        _function(watched.function, thresholds) if watched.function else [],
        _events(watched.groups["processing"]) if "processing" in watched.groups else [],
        *_hosts(watched),
        _tables(watched, thresholds),
    ]
    return [row for row in rows if row]


def _arrivals(watched: Watched) -> list[Graph]:
    sent = {
        "jobs": "jobs taken in",
        "jobs-bulk": "bulk jobs taken in",
        "completions": "answers of the function",
        "notifications": "events for endpoints",
    }
    lines = [
        _sqs("NumberOfMessagesSent", watched.queues[queue].queue, label)
        for queue, label in sent.items()
        if queue in watched.queues
    ]
    work = [Graph(title="Arrivals and answers", unit="a minute", lines=lines)] if lines else []
    return work + (_balancer(watched.balancer) if watched.balancer else [])


def _balancer(names: BalancerNames) -> list[Graph]:
    door = {"LoadBalancer": names.balancer}
    both = {**door, "TargetGroup": names.target_group}

    def line(metric: str, label: str, dimensions: Mapping[str, str], statistic: str = "Sum") -> Line:
        return Line("AWS/ApplicationELB", metric, dimensions, label, statistic)

    return [
        Graph(
            title="Requests and failures",
            unit="a minute",
            lines=[
                line("RequestCount", "requests", both),
                line("HTTPCode_Target_4XX_Count", "refused (4xx)", both),
                line("HTTPCode_Target_5XX_Count", "failed by a host (5xx)", both),
                line("HTTPCode_ELB_5XX_Count", "failed by the balancer (5xx)", door),
            ],
        ),
        Graph(
            title="Time to an answer",
            unit="seconds",
            lines=[
                line("TargetResponseTime", label, both, statistic)
                for label, statistic in (("half", "p50"), ("95 of 100", "p95"), ("99 of 100", "p99"))
            ],
        ),
    ]


def _waiting(watched: Watched, thresholds: Mapping[str, float]) -> list[Graph]:
    queues = watched.queues.items()
    if not queues:
        return []
    age = next(thresholds[f"{queue}-age"] for queue, _ in queues)
    return [
        Graph(
            title="Waiting work",
            unit="messages",
            lines=[
                _sqs("ApproximateNumberOfMessagesVisible", names.queue, queue, "Maximum") for queue, names in queues
            ],
        ),
        Graph(
            title="Oldest waiting message",
            unit="seconds",
            lines=[_sqs("ApproximateAgeOfOldestMessage", names.queue, queue, "Maximum") for queue, names in queues],
            marks=[Mark("alarm", age)],
        ),
        Graph(
            title="Dead letters",
            unit="messages",
            lines=[
                _sqs("ApproximateNumberOfMessagesVisible", names.dead_letters, queue, "Maximum")
                for queue, names in queues
            ],
            marks=[Mark("alarm above", 0)],
        ),
    ]


def _function(function: FunctionFacts, thresholds: Mapping[str, float]) -> list[Graph]:
    def line(metric: str, label: str, statistic: str = "Sum") -> Line:
        return Line("AWS/Lambda", metric, {"FunctionName": function.name}, label, statistic)

    return [
        Graph(
            title="Calls of the function",
            unit="a minute",
            lines=[line("Invocations", "calls"), line("Errors", "errors"), line("Throttles", "throttled")],
        ),
        Graph(
            title="Time of a call",
            unit="milliseconds",
            lines=[line("Duration", "half", "p50"), line("Duration", "99 of 100", "p99")],
            marks=[
                Mark("alarm", thresholds["function-duration"]),
                Mark("cut off", function.timeout_seconds * 1000),
            ],
        ),
        Graph(
            title="Functions at work",
            unit="functions",
            lines=[line("ConcurrentExecutions", "at work", "Maximum")],
            marks=[Mark("all of them", function.concurrency)],
        ),
    ]


def _events(processing: GroupFacts) -> list[Graph]:
    metrics = {reason: COUNTED.lines(processing, reason) for reason in REASONS}
    return [
        Graph(
            title="Events that were given up",
            unit="in five minutes",
            lines=[
                Line(metric.namespace, metric.name, metric.dimensions, reason.replace("-", " "))
                for reason, metric in metrics.items()
            ],
            marks=[Mark(f"alarm above, of {REASONS[0].replace('-', ' ')}", 0)],
            period_seconds=300,
        )
    ]


def _hosts(watched: Watched) -> list[list[Graph]]:
    rows = []
    for service, group in watched.groups.items():
        of_group = {"AutoScalingGroupName": group.name}
        there = Graph(
            title=f"Hosts of the {service} service",
            unit="hosts",
            lines=[
                Line("AWS/AutoScaling", "GroupInServiceInstances", of_group, "in service", "Minimum"),
                Line("AWS/AutoScaling", "GroupDesiredCapacity", of_group, "wanted", "Maximum"),
                Line("AWS/AutoScaling", "GroupMinSize", of_group, "least", "Maximum"),
                Line("AWS/AutoScaling", "GroupMaxSize", of_group, "most", "Maximum"),
            ],
        )
        busy = Graph(
            title=f"Processors of the {service} hosts",
            unit="percent",
            lines=[
                Line("AWS/EC2", "CPUUtilization", of_group, "mean", "Average"),
                Line("AWS/EC2", "CPUUtilization", of_group, "busiest", "Maximum"),
            ],
            period_seconds=300,
        )
        credit = Graph(
            title=f"CPU credits of the {service} hosts",
            unit="credits",
            lines=[
                Line("AWS/EC2", "CPUCreditBalance", of_group, "earned, fewest", "Minimum"),
                Line("AWS/EC2", "CPUSurplusCreditBalance", of_group, "borrowed, most", "Maximum"),
            ],
            period_seconds=300,
        )
        rows.append([there, busy, credit] if group.burstable else [there, busy])
    return rows


def _tables(watched: Watched, thresholds: Mapping[str, float]) -> list[Graph]:
    def lines(**metrics: str) -> list[Line]:
        return [
            Line("AWS/DynamoDB", metric, {"TableName": name}, f"{table} {label}")
            for table, name in watched.tables.items()
            for label, metric in metrics.items()
        ]

    if not watched.tables:
        return []
    turned_away = next(thresholds[f"table-{table}-throttled"] for table in watched.tables)
    return [
        Graph(
            title="Capacity that the tables used",
            unit="units a minute",
            lines=lines(read="ConsumedReadCapacityUnits", written="ConsumedWriteCapacityUnits"),
        ),
        Graph(
            title="Requests that the tables turned away",
            unit="a minute",
            lines=lines(read="ReadThrottleEvents", written="WriteThrottleEvents"),
            marks=[Mark("alarm above", turned_away)],
        ),
    ]


def _sqs(metric: str, name: str, label: str, statistic: str = "Sum") -> Line:
    return Line("AWS/SQS", metric, {"QueueName": name}, label, statistic)
