"""What a person is told of, and when: the table of every alarm that a stack has. Pure.

A row says what is measured, from which value it is wrong, for how long it has to be, and what silence means. Missing
data is `breaching` only where the one that should speak is the one that may be gone; most metrics here are silent when
nothing happens, and nothing is what a pipeline does most of the night. What to do when one rings is in
docs/operations.md, under the heading that its row names.
"""

from collections.abc import Iterator
from typing import Final

from components.exhausted import exhausted_alarm
from components.fuse import fuse_alarm
from components.loops import loop_alarm
from components.naming import physical_name
from components.watched import Alarm, BalancerNames, FunctionFacts, GroupFacts, Metric, Name, QueueNames, Watched

FIVE_MINUTES: Final = 300

NEAR: Final = 0.8
"""Of the function's time-out: later than this, the next larger picture is cut off."""

TABLE_OPERATIONS: Final = ("BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems")
"""What the services ask of a table: AWS counts its own faults by operation, and an alarm cannot search."""

SUM: Final = "SUM(METRICS())"
"""Of those of the row that said something."""


def alarms(watched: Watched) -> tuple[Alarm, ...]:
    """Every alarm of a stack."""
    found = [alarm for queue, names in watched.queues.items() for alarm in _of_queue(queue, names, watched)]
    found += _of_function(watched.function) if watched.function else []
    found += _of_balancer(watched.balancer) if watched.balancer else []
    found += [alarm for service, group in watched.groups.items() for alarm in _of_group(service, group)]
    if "upload" in watched.groups:
        found.append(fuse_alarm(watched.groups["upload"]))
        if watched.fetches:
            found.append(loop_alarm(watched.groups["upload"]))
    if "processing" in watched.groups:
        found.append(exhausted_alarm(watched.groups["processing"]))
    if "processing" in watched.groups and "jobs" in watched.queues:
        found.append(_stalled(watched.queues["jobs"]))
    found += [alarm for table, name in watched.tables.items() for alarm in _of_table(table, name)]
    return tuple(found)


def rollback_names(stack: str, service: str, *, balanced: bool) -> list[str]:
    """Physical names of the alarms that roll an instance refresh of this service back.

    They ring within the minutes that a new host is watched for. None rings for what an earlier host left behind: a dead
    letter stays one, and would undo the very refresh that mends its cause.
    """
    if service == "upload":
        return [physical_name(stack, what) for what in ("upload-5xx", "upload-unhealthy") if balanced]
    return [physical_name(stack, f"{service}-stalled")]


def _of_queue(queue: str, names: QueueNames, watched: Watched) -> Iterator[Alarm]:
    yield Alarm(
        what=f"{queue}-dead-letters",
        says=f"Work of the queue {queue} died: every try of a message failed.",
        metrics={"waiting": _sqs("ApproximateNumberOfMessagesVisible", names.dead_letters, "Maximum")},
        threshold=0,
        period_seconds=FIVE_MINUTES,
        wrong=(1, 1),
        silence="SQS reports a queue that holds messages; an empty one falls silent after six hours",
        anchor="alarm-dead-letters",
    )
    yield Alarm(
        what=f"{queue}-age",
        says=f"A message has waited in the queue {queue} for more than {watched.queue_age_seconds} s.",
        metrics={"age": _sqs("ApproximateAgeOfOldestMessage", names.queue, "Maximum")},
        threshold=watched.queue_age_seconds,
        wrong=(5, 5),
        silence="a queue with nothing in it has no oldest message",
        anchor="alarm-queue-age",
    )


def _stalled(jobs: QueueNames) -> Alarm:
    return Alarm(
        what="processing-stalled",
        says="Jobs wait, and the processing service has taken none for three minutes.",
        metrics={
            "waiting": _sqs("ApproximateNumberOfMessagesVisible", jobs.queue, "Minimum"),
            "taken": _sqs("NumberOfMessagesDeleted", jobs.queue),
        },
        expression="IF(waiting > 0 AND taken == 0, 1, 0)",
        threshold=0,
        wrong=(3, 3),
        silence="a queue at rest falls silent, and then nobody waits",
        anchor="alarm-processing-stalled",
    )


def _of_function(function: FunctionFacts) -> list[Alarm]:
    quiet = "a function that is not called reports nothing"
    return [
        Alarm(
            what="function-errors",
            says="More than 5 % of the function's calls crash or time out (three at least in a minute).",
            metrics={"bad": _lambda("Errors", function), "calls": _lambda("Invocations", function)},
            expression="IF(bad >= 3, 100 * bad / calls, 0)",
            threshold=5,
            wrong=(3, 5),
            silence=quiet,
            anchor="alarm-function-errors",
        ),
        Alarm(
            what="function-throttles",
            says="Lambda turns calls of the function away: others use up the account's concurrency.",
            metrics={"throttles": _lambda("Throttles", function)},
            threshold=0,
            wrong=(5, 5),
            silence=quiet,
            anchor="alarm-function-throttles",
        ),
        Alarm(
            what="function-duration",
            says=f"The slowest calls of the function are near its time-out of {function.timeout_seconds} s.",
            metrics={"duration": _lambda("Duration", function, "p99")},
            threshold=NEAR * 1000 * function.timeout_seconds,
            period_seconds=FIVE_MINUTES,
            wrong=(3, 3),
            silence=quiet,
            anchor="alarm-function-duration",
        ),
        Alarm(
            what="function-concurrency",
            says=f"All {function.concurrency} functions have been at work for a quarter of an hour; the rest waits.",
            metrics={"busy": _lambda("ConcurrentExecutions", function, "Maximum")},
            compare=">=",
            threshold=function.concurrency,
            wrong=(15, 15),
            silence=quiet,
            anchor="alarm-function-concurrency",
        ),
    ]


def _of_balancer(names: BalancerNames) -> list[Alarm]:
    both = {"LoadBalancer": names.balancer, "TargetGroup": names.target_group}
    quiet = "without requests there is nothing to count; too few hosts is the group's own alarm"
    return [
        Alarm(
            what="upload-5xx",
            says="The upload service fails more than 5 % of its requests (five at least in a minute).",
            metrics={
                "bad": Metric("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", both),
                "requests": Metric("AWS/ApplicationELB", "RequestCount", both),
            },
            expression="IF(bad >= 5, 100 * bad / requests, 0)",
            threshold=5,
            wrong=(3, 5),
            silence=quiet,
            anchor="alarm-upload-errors",
        ),
        Alarm(
            what="balancer-5xx",
            says="The balancer answers with errors of its own: no host takes the request, or none answers in time.",
            metrics={"bad": Metric("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", {"LoadBalancer": names.balancer})},
            compare=">=",
            threshold=5,
            wrong=(3, 5),
            silence="the balancer counts its errors only when there are some",
            anchor="alarm-balancer-errors",
        ),
        Alarm(
            what="upload-unhealthy",
            says="An upload host has failed the balancer's health checks for three minutes.",
            metrics={"sick": Metric("AWS/ApplicationELB", "UnHealthyHostCount", both, "Maximum")},
            threshold=0,
            wrong=(3, 3),
            silence=quiet,
            anchor="alarm-unhealthy-hosts",
        ),
    ]


def _of_group(service: str, group: GroupFacts) -> Iterator[Alarm]:
    dimensions = {"AutoScalingGroupName": group.name}
    yield Alarm(
        what=f"{service}-hosts",
        says=f"Fewer hosts of the {service} service are in service than its group's minimum.",
        metrics={
            "there": Metric("AWS/AutoScaling", "GroupInServiceInstances", dimensions, "Minimum"),
            "least": Metric("AWS/AutoScaling", "GroupMinSize", dimensions, "Maximum"),
        },
        expression="IF(there < least, 1, 0)",
        threshold=0,
        wrong=(10, 10),
        missing="breaching",
        silence="a group reports every minute, empty or not: one that is silent is gone, or its metrics are off",
        anchor="alarm-too-few-hosts",
    )
    if group.burstable:
        yield Alarm(
            what=f"{service}-cpu-credits",
            says=f"A host of the {service} service has lived on borrowed CPU credits for an hour: it is too small.",
            metrics={"borrowed": Metric("AWS/EC2", "CPUSurplusCreditBalance", dimensions, "Maximum")},
            threshold=0,
            period_seconds=FIVE_MINUTES,
            wrong=(12, 12),
            silence="a host that has just begun has no balance yet",
            anchor="alarm-cpu-credits",
        )


def _of_table(table: str, name: Name) -> Iterator[Alarm]:
    by_table = {"TableName": name}
    quiet = "DynamoDB counts these only when there are some"
    yield Alarm(
        what=f"table-{table}-throttled",
        says=f"DynamoDB turns requests for the table {table} away.",
        metrics={
            "reads": Metric("AWS/DynamoDB", "ReadThrottleEvents", by_table),
            "writes": Metric("AWS/DynamoDB", "WriteThrottleEvents", by_table),
        },
        expression=SUM,
        threshold=10,
        wrong=(3, 5),
        silence=quiet,
        anchor="alarm-table-throttled",
    )
    yield Alarm(
        what=f"table-{table}-faults",
        says=f"DynamoDB itself fails requests for the table {table}.",
        metrics={
            f"fault{number}": Metric("AWS/DynamoDB", "SystemErrors", {**by_table, "Operation": operation})
            for number, operation in enumerate(TABLE_OPERATIONS)
        },
        expression=SUM,
        threshold=0,
        wrong=(3, 5),
        silence=quiet,
        anchor="alarm-table-faults",
    )


def _sqs(metric: str, name: Name, statistic: str = "Sum") -> Metric:
    return Metric("AWS/SQS", metric, {"QueueName": name}, statistic)


def _lambda(metric: str, function: FunctionFacts, statistic: str = "Sum") -> Metric:
    return Metric("AWS/Lambda", metric, {"FunctionName": function.name}, statistic)
