"""Observability: what tells people that something is wrong, and the page on which they see what."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.alarms import alarms
from components.counted import count_lines
from components.dashboard import dashboard_body
from components.naming import type_token
from components.site import Alarms
from components.stage import Stage
from components.topic import alarm_arns, topic_key_policy, topic_policy
from components.watched import Alarm, BalancerNames, Metric, QueueNames, Watched

COMPARISONS = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
}

DELETION_WINDOW_DAYS = 7
"""Of a key under which nothing is kept: a topic passes on and forgets."""


class Observability(pulumi.ComponentResource):
    """A topic that alarms alone write to, the alarms of everything in `watched`, and a dashboard of it.

    The topic is encrypted under the stage's key, or under one of its own. `note` stands at the top of the dashboard,
    `logs` are the services' groups of logs, by service: what they say of quotas and of events is counted there.
    """

    topic_arn: Output[str]
    alarm_names: list[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        settings: Alarms,
        watched: Watched,
        logs: Mapping[str, Input[str]] = MappingProxyType({}),
        note: Input[str] = "",
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("observability", "Observability"), name, None, opts)
        self._stage, self._name, self._child = stage, name, ResourceOptions(parent=self)
        table = alarms(watched)
        self.alarm_names = [stage.name(alarm.what) for alarm in table]
        self.topic_arn = self._topic(settings)
        for service, log in logs.items():
            count_lines(stage, service, log, self._child)
        for alarm in table:
            self._alarm(alarm)
        if settings.dashboard:
            self._dashboard(watched, [alarm.what for alarm in table], note)
        self.register_outputs({"topic_arn": self.topic_arn, "alarm_names": self.alarm_names})

    def _topic(self, settings: Alarms) -> Output[str]:
        stage = self._stage
        topic = aws.sns.Topic(
            self._name,
            name=stage.name(self._name),
            display_name=f"Darkroom {stage.stack}",
            kms_master_key_id=stage.key_arn or self._key(),
            tags=stage.tags,
            opts=self._child,
        )
        policy = aws.sns.TopicPolicy(
            self._name,
            arn=topic.arn,
            policy=Output.all(topic.arn, stage.account).apply(
                lambda values: topic_policy(
                    values[0], account=values[1], alarm_arns=self._alarm_arns(values[1]), tls=stage.require_tls
                )
            ),
            opts=self._child,
        )
        for email in dict.fromkeys(settings.emails):
            aws.sns.TopicSubscription(email, topic=topic.arn, protocol="email", endpoint=email, opts=self._child)
        # an alarm that rings before it may write is heard by nobody
        return Output.all(topic.arn, policy.id).apply(lambda values: values[0])

    def _key(self) -> Output[str]:
        stage = self._stage
        key = aws.kms.Key(
            self._name,
            description=f"The topic of the alarms of the stack {stage.stack} of Darkroom",
            policy=stage.account.apply(
                lambda account: topic_key_policy(account=account, alarm_arns=self._alarm_arns(account))
            ),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            tags=stage.tags,
            opts=self._child,
        )
        aws.kms.Alias(self._name, name=f"alias/{stage.name(self._name)}", target_key_id=key.key_id, opts=self._child)
        return key.arn

    def _alarm_arns(self, account: str) -> list[str]:
        return alarm_arns(self.alarm_names, account=account, region=self._stage.region)

    def _alarm(self, alarm: Alarm) -> None:
        datapoints, periods = alarm.wrong
        aws.cloudwatch.MetricAlarm(
            alarm.what,
            name=self._stage.name(alarm.what),
            alarm_description=alarm.description,
            comparison_operator=COMPARISONS[alarm.compare],
            threshold=alarm.threshold,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints,
            treat_missing_data=alarm.missing,
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            tags=self._stage.tags,
            opts=self._child,
            **_measured(alarm),
        )

    def _dashboard(self, watched: Watched, whats: list[str], note: Input[str]) -> None:
        stage = self._stage

        def body(values: Mapping[str, Any]) -> str:
            arns = {
                what: arn
                for what in whats
                for arn in alarm_arns([stage.name(what)], account=values["account"], region=stage.region)
            }
            known = _with_names(watched, values["names"])
            return dashboard_body(known, stack=stage.stack, region=stage.region, alarm_arns=arns, note=values["note"])

        aws.cloudwatch.Dashboard(
            self._name,
            dashboard_name=stage.name(self._name),
            dashboard_body=Output.all(account=stage.account, names=_names(watched), note=note).apply(body),
            opts=self._child,
        )


def _measured(alarm: Alarm) -> dict[str, Any]:
    """What an alarm looks at: one metric, or an expression over several."""
    if alarm.expression is None:
        (metric,) = alarm.metrics.values()
        return {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": dict(metric.dimensions),
            "period": alarm.period_seconds,
            ("extended_statistic" if metric.statistic.startswith("p") else "statistic"): metric.statistic,
        }
    queries: list[dict[str, Any]] = [
        {"id": letter, "return_data": False, "metric": _queried(metric, alarm.period_seconds)}
        for letter, metric in alarm.metrics.items()
    ]
    result = {"id": "result", "label": alarm.what, "expression": alarm.expression, "return_data": True}
    return {"metric_queries": [*queries, result]}


def _queried(metric: Metric, period_seconds: int) -> dict[str, Any]:
    return {
        "namespace": metric.namespace,
        "metric_name": metric.name,
        "dimensions": dict(metric.dimensions),
        "period": period_seconds,
        "stat": metric.statistic,
    }


def _names(watched: Watched) -> dict[str, Any]:
    """Every name in it that may be a promise; the way back is `_with_names`."""
    return {
        "queues": {queue: list(names) for queue, names in watched.queues.items()},
        "function": watched.function and watched.function.name,
        "groups": {service: group.name for service, group in watched.groups.items()},
        "balancer": watched.balancer and list(watched.balancer),
        "tables": dict(watched.tables),
    }


def _with_names(watched: Watched, names: Mapping[str, Any]) -> Watched:
    return Watched(
        queues={queue: QueueNames(*pair) for queue, pair in names["queues"].items()},
        queue_age_seconds=watched.queue_age_seconds,
        function=watched.function and watched.function._replace(name=names["function"]),
        groups={service: group._replace(name=names["groups"][service]) for service, group in watched.groups.items()},
        balancer=watched.balancer and BalancerNames(*names["balancer"]),
        tables=names["tables"],
    )
