"""Counts the lines of a group of logs that say that a quota is used up: the metric that components/fuse.py watches."""

import pulumi_aws as aws
from pulumi import Input, ResourceOptions

from components.fuse import DIMENSION, EVENT, METRIC
from components.stage import Stage


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
