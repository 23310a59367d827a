"""The fuse: the lines that say that a tenant's day is used up are counted in the upload service's log, for an alarm.

The metric stands under the name of the upload hosts' group of logs, by the policy that refused.
"""

from typing import Final

import pulumi_aws as aws
from pulumi import Input, ResourceOptions

from components.stage import Stage
from components.watched import Alarm, GroupFacts, Metric

EVENT: Final = "quota.exceeded"
METRIC: Final = "QuotasExceeded"
DIMENSION: Final = "policy"
POLICY: Final = "megapixels"
"""Of the policies that the lines name: what the function's work, and its bill, grows with."""


def count_refusals(stage: Stage, log: Input[str], opts: ResourceOptions) -> "aws.cloudwatch.LogMetricFilter":
    """Counts the lines of a group of logs that say that a quota is used up.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    """
    return aws.cloudwatch.LogMetricFilter(
        "fuse",
        name=stage.name("fuse"),
        log_group_name=log,
        pattern=f'{{ $.event = "{EVENT}" }}',
        metric_transformation={
            "name": METRIC,
            "namespace": stage.name("upload"),
            "value": "1",
            "dimensions": {DIMENSION: f"$.{DIMENSION}"},
        },
        opts=opts,
    )


def fuse_alarm(group: GroupFacts) -> Alarm:
    """Of the upload hosts: one refusal is enough."""
    return Alarm(
        what="upload-fuse",
        says="A tenant's megapixels of the day are used up: its uploads are refused until midnight UTC.",
        metrics={"refused": Metric(group.name, METRIC, {DIMENSION: POLICY})},
        threshold=0,
        period_seconds=300,
        wrong=(1, 1),
        silence="the service writes of a quota only when it is used up",
        anchor="alarm-fuse",
    )
