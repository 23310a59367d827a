"""Counts lines of a service's log, for the alarms of components/fuse, components/loops and components/exhausted."""

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi_aws as aws
from pulumi import Input, ResourceOptions

from components import exhausted, fuse, loops
from components.stage import Stage
from components.watched import Counted

COUNTED: Final[Mapping[str, Sequence[Counted]]] = {
    "upload": (fuse.COUNTED, loops.COUNTED),
    "processing": (exhausted.COUNTED,),
}
"""By service: the lines of its log that are counted."""


def count_lines(stage: Stage, service: str, log: Input[str], opts: ResourceOptions) -> None:
    """Counts what `COUNTED` says of a service in its group of logs, under the name of its hosts' group.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    """
    for counted in COUNTED[service]:
        aws.cloudwatch.LogMetricFilter(
            counted.what,
            name=stage.name(counted.what),
            log_group_name=log,
            pattern=f'{{ $.event = "{counted.event}" }}',
            metric_transformation={
                "name": counted.metric,
                "namespace": stage.name(service),
                "value": "1",
                "dimensions": {counted.dimension: f"$.{counted.dimension}"},
            },
            opts=opts,
        )
