"""The auto scaling group of one service's hosts: how many there are, and how one comes, is replaced and goes.

A host comes and goes through two hooks; the host's own side of them is in components/host_files.py:

    launched ── waits for READY ── /readyz answers ──▶ in service      (no answer in time: terminated, another is tried)
    let go ── out of the balancer ── waits for DRAINED ── drained ──▶ terminated      (no answer in time: terminated)
"""

from collections.abc import Sequence
from typing import Final, Literal

import pulumi
import pulumi_aws as aws
from msgspec import Struct
from pulumi import Input, ResourceOptions

from components.site import Service
from components.stage import Stage
from components.user_data import LAUNCH_SECONDS

READY: Final = "ready"
DRAINED: Final = "drained"

LIFETIME_DAYS: Final = 30
"""After which a host is replaced by one like it. That brings no newer package, which only a newer image does: it keeps
whatever gathers on a host (or hides on it) from getting old, and shows every month that hosts can still be made."""

WATCHED_SECONDS: Final = 300
"""That a new host serves before the next one is replaced: long enough for an alarm of a few minutes to speak."""

LEAST_PERCENT, MOST_PERCENT = 100, 110
"""Healthy hosts while some are replaced: never fewer than there should be, and a tenth more (of one host, one), so that
a new one serves before an old one goes."""

METRICS: Final = (
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupMaxSize",
    "GroupMinSize",
    "GroupPendingInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
)
"""Free of charge; scaling by the backlog of a host divides by the second."""


class _Hook(Struct, frozen=True, kw_only=True):
    name: str
    transition: Literal["autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"]
    otherwise: Literal["ABANDON", "CONTINUE"]
    """What happens if the host has said nothing in time."""
    seconds: int


_HOOKS: Final = (
    # the packages before it begins to count take a minute or two; the host itself gives up earlier
    _Hook(
        name=READY,
        transition="autoscaling:EC2_INSTANCE_LAUNCHING",
        otherwise="ABANDON",
        seconds=LAUNCH_SECONDS + 180,
    ),
    # a pause, a drain and three answers take less than a minute
    _Hook(name=DRAINED, transition="autoscaling:EC2_INSTANCE_TERMINATING", otherwise="CONTINUE", seconds=120),
)


def hosts_group(
    name: str,
    *,
    stage: Stage,
    service: Service,
    template: "aws.ec2.LaunchTemplate",
    subnet_ids: Sequence[Input[str]],
    target_group_arns: Sequence[Input[str]],
    rollback_alarm_names: Sequence[str],
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource],
) -> "aws.autoscaling.Group":
    """The group and its hooks. Without an image there is nothing to start, and it stays empty.

    A new version of the template replaces the hosts by and by; an alarm that is named here stops that and has AWS go
    back to what the group was before. The provider, however, saves the new template in the group before it starts the
    refresh, so that AWS goes back to the new one: https://github.com/hashicorp/terraform-provider-aws/issues/34189
    (open in November 2026). Until it is closed an alarm ends the refresh, and `make rollback` leads back.
    """
    runs = service.image is not None
    group = aws.autoscaling.Group(
        name,
        name=stage.name(name),
        vpc_zone_identifiers=subnet_ids,
        # between the two it is for scaling to say how many; a desired number here would undo it at every `up`
        min_size=service.min_hosts if runs else 0,
        max_size=service.max_hosts if runs else 0,
        # by number: what is called $Latest cannot be gone back from
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        target_group_arns=target_group_arns,
        health_check_type="ELB" if target_group_arns else "EC2",
        health_check_grace_period=60,
        # in service means ready: the hook has seen to it
        default_instance_warmup=30,
        # with the group and not after it, or its first host would be in service before there is a hook to hold it
        initial_lifecycle_hooks=[
            {
                "name": hook.name,
                "lifecycle_transition": hook.transition,
                "default_result": hook.otherwise,
                "heartbeat_timeout": hook.seconds,
            }
            for hook in _HOOKS
        ],
        instance_maintenance_policy={
            "min_healthy_percentage": LEAST_PERCENT,
            "max_healthy_percentage": MOST_PERCENT,
        },
        instance_refresh=_refresh(rollback_alarm_names),
        max_instance_lifetime=LIFETIME_DAYS * 86_400,
        termination_policies=["OldestLaunchTemplate", "OldestInstance"],
        enabled_metrics=[aws.autoscaling.Metric(metric) for metric in METRICS],
        metrics_granularity="1Minute",
        tags=[{"key": key, "value": value, "propagate_at_launch": False} for key, value in sorted(stage.tags.items())],
        opts=ResourceOptions(parent=parent, depends_on=after),
    )
    for hook in _HOOKS:
        # the same again: what a group is born with is not changed there afterwards
        aws.autoscaling.LifecycleHook(
            f"{name}-{hook.name}",
            name=hook.name,
            autoscaling_group_name=group.name,
            lifecycle_transition=hook.transition,
            default_result=hook.otherwise,
            heartbeat_timeout=hook.seconds,
            opts=ResourceOptions(parent=parent),
        )
    return group


def _refresh(alarm_names: Sequence[str]) -> "aws.autoscaling.GroupInstanceRefreshArgs":
    preferences = aws.autoscaling.GroupInstanceRefreshPreferencesArgs(
        auto_rollback=True,
        instance_warmup=str(WATCHED_SECONDS),
        min_healthy_percentage=LEAST_PERCENT,
        max_healthy_percentage=MOST_PERCENT,
        skip_matching=True,
    )
    if alarm_names:
        preferences.alarm_specification = aws.autoscaling.GroupInstanceRefreshPreferencesAlarmSpecificationArgs(
            alarms=[*alarm_names]
        )
    return aws.autoscaling.GroupInstanceRefreshArgs(strategy="Rolling", preferences=preferences)
