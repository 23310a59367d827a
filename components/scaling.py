"""RequestScaling and BacklogScaling: how many hosts a group has, by what waits for each of them.

Both track a target. AWS makes the alarms itself: quick upwards (three minutes above the target), slow downwards
(fifteen minutes clearly below it), as suits hosts that take minutes to make and have to drain when they go. Hosts are
paid by the second, up to the group's `max_hosts`; of the two alarms each metric they look at is paid by the month.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html
"""

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.balancer import LoadBalancer
from components.naming import type_token
from components.stage import Stage

WARMUP_SECONDS = 180
"""From the start of a host until its figures count: boot, the image from ECR, the first health checks. While one warms
up, no other is added for the same reason."""

MAX_QUEUES = 8
"""AWS takes ten metrics in one policy; hosts and the quotient are two.
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CustomizedMetricSpecification.html"""


class RequestScaling(pulumi.ComponentResource):
    """As many hosts as carry `requests_a_minute` each."""

    policy_arn: Output[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        group_name: Input[str],
        balancer: LoadBalancer,
        requests_a_minute: int,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("scaling", "RequestScaling"), name, None, opts)
        label = Output.concat(balancer.arn_suffix, "/", balancer.target_group_arn_suffix)
        policy = aws.autoscaling.Policy(
            name,
            name=stage.name(name),
            autoscaling_group_name=group_name,
            policy_type="TargetTrackingScaling",
            estimated_instance_warmup=WARMUP_SECONDS,
            target_tracking_configuration={
                "predefined_metric_specification": {
                    "predefined_metric_type": "ALBRequestCountPerTarget",
                    "resource_label": label,
                },
                "target_value": requests_a_minute,
            },
            # AWS refuses the label until a listener has led the balancer to the target group
            opts=ResourceOptions(parent=self, depends_on=[balancer]),
        )
        self.policy_arn = policy.arn
        self.register_outputs({"policy_arn": self.policy_arn})


class BacklogScaling(pulumi.ComponentResource):
    """As many hosts as leave `messages_a_host` waiting for each, over all queues together.

    The group must publish GroupInServiceInstances (`enabled_metrics`, `metrics_granularity` of one minute): without it
    there is nothing to divide by, and no host is ever added.
    """

    policy_arn: Output[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        group_name: Input[str],
        queue_names: list[Input[str]],
        messages_a_host: int,
        opts: ResourceOptions | None = None,
    ) -> None:
        if not 1 <= len(queue_names) <= MAX_QUEUES:
            raise ValueError(f"{len(queue_names)} queues; one policy can watch 1 to {MAX_QUEUES}")
        super().__init__(type_token("scaling", "BacklogScaling"), name, None, opts)
        ids = [f"waiting{number}" for number in range(len(queue_names))]
        waiting = [
            _metric(one, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue)
            for one, queue in zip(ids, queue_names, strict=True)
        ]
        hosts = _metric("hosts", "AWS/AutoScaling", "GroupInServiceInstances", "AutoScalingGroupName", group_name)
        policy = aws.autoscaling.Policy(
            name,
            name=stage.name(name),
            autoscaling_group_name=group_name,
            policy_type="TargetTrackingScaling",
            estimated_instance_warmup=WARMUP_SECONDS,
            target_tracking_configuration={
                "customized_metric_specification": {
                    "metrics": [
                        *waiting,
                        hosts,
                        {"id": "backlog", "label": "Waiting for each host", "expression": backlog(ids, "hosts")},
                    ]
                },
                "target_value": messages_a_host,
            },
            opts=ResourceOptions(parent=self),
        )
        self.policy_arn = policy.arn
        self.register_outputs({"policy_arn": self.policy_arn})


def backlog(waiting: list[str], hosts: str) -> str:
    """Metric math: all that waits, divided by the hosts; by one where there is none, so that a first one is called.

    A queue's figure may come a minute late: the last one stands in for it, because a sum without it is no sum.
    """
    total = " + ".join(f"FILL({one}, REPEAT)" for one in waiting)
    return f"({total}) / IF({hosts} > 0, {hosts}, 1)"


def _metric(
    metric_id: str, namespace: str, metric: str, dimension: str, value: Input[str]
) -> "aws.autoscaling.PolicyTargetTrackingConfigurationCustomizedMetricSpecificationMetricArgsDict":
    return {
        "id": metric_id,
        "metric_stat": {
            "metric": {
                "namespace": namespace,
                "metric_name": metric,
                "dimensions": [{"name": dimension, "value": value}],
            },
            "stat": "Average",
        },
        "return_data": False,
    }
