"""Scaling: a host for what a host can carry, and no faster down than up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.balancer import LoadBalancer
from components.scaling import MAX_QUEUES, WARMUP_SECONDS, BacklogScaling, RequestScaling, backlog
from components.site import Balancer
from components.stage import Stage
from tests.support.laws import broken
from tests.support.plan import Plan
from tests.support.sites import a_network, planned, untagged

QUEUES = ["darkroom-dev-jobs", "darkroom-dev-jobs-bulk", "darkroom-dev-completions"]


@pytest.fixture(scope="module")
def plan() -> Plan:
    def program(stage: Stage) -> None:
        balancer = LoadBalancer("balancer", stage=stage, settings=Balancer(), network=a_network(stage), port=8000)
        RequestScaling("upload-requests", stage=stage, group_name="uploads", balancer=balancer, requests_a_minute=600)
        BacklogScaling(
            "processing-backlog", stage=stage, group_name="processors", queue_names=[*QUEUES], messages_a_host=200
        )

    return planned(program)


def tracked(plan: Plan, name: str) -> dict[str, Any]:
    policy = plan.one("Policy", name).inputs
    assert policy["name"] == f"darkroom-dev-{name}"
    assert policy["policyType"] == "TargetTrackingScaling"
    assert policy["estimatedInstanceWarmup"] == WARMUP_SECONDS
    # it may take hosts away too: a stack that was busy once would cost its most for ever
    assert not policy["targetTrackingConfiguration"].get("disableScaleIn", False)
    return policy["targetTrackingConfiguration"]


def computed(expression: str, **figures: float) -> float:
    """What CloudWatch would make of an expression of ours at one moment with all figures known."""
    words = {"FILL": lambda figure, _: figure, "REPEAT": None, "IF": lambda holds, one, other: one if holds else other}
    return eval(expression, {"__builtins__": {}}, {**words, **figures})  # noqa: S307 - arithmetic that we wrote


def test_the_laws_hold_and_everything_is_tagged(plan: Plan) -> None:
    assert broken(plan) == []
    assert untagged(plan) == []
    assert all(plan.outputs[one.urn] for one in plan if one.is_component)


def test_a_host_is_added_for_so_many_requests_a_minute(plan: Plan) -> None:
    assert plan.one("Policy", "upload-requests").inputs["autoscalingGroupName"] == "uploads"
    assert tracked(plan, "upload-requests") == {
        "predefinedMetricSpecification": {
            "predefinedMetricType": "ALBRequestCountPerTarget",
            "resourceLabel": "app/made/0123456789abcdef/targetgroup/darkroom-dev-upload/0123456789abcdef",
        },
        "targetValue": 600,
    }


def test_requests_are_counted_once_a_listener_leads_to_the_hosts(plan: Plan) -> None:
    """AWS refuses the policy before."""
    waits_for = plan.one("Policy", "upload-requests").depends_on
    assert plan.one("Listener", "balancer-http").urn in waits_for


def test_a_host_is_added_for_so_many_messages_waiting(plan: Plan) -> None:
    assert plan.one("Policy", "processing-backlog").inputs["autoscalingGroupName"] == "processors"
    configured = tracked(plan, "processing-backlog")
    assert configured["targetValue"] == 200
    *measured, quotient = configured["customizedMetricSpecification"]["metrics"]
    metrics = [one["metricStat"]["metric"] for one in measured]
    looked_at = [
        (one["namespace"], one["metricName"], *((by["name"], by["value"]) for by in one["dimensions"]))
        for one in metrics
    ]
    assert looked_at == [
        *(("AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName", queue)) for queue in QUEUES),
        ("AWS/AutoScaling", "GroupInServiceInstances", ("AutoScalingGroupName", "processors")),
    ]
    assert {one["returnData"] for one in measured} == {False}
    assert quotient.get("returnData", True) is True
    assert {one["id"] for one in measured} == {"waiting0", "waiting1", "waiting2", "hosts"}
    assert quotient["expression"] == backlog(["waiting0", "waiting1", "waiting2"], "hosts")


@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=MAX_QUEUES), st.integers(0, 100))
def test_what_waits_is_shared_by_the_hosts_and_by_one_where_there_is_none(waiting: list[int], hosts: int) -> None:
    names = [f"waiting{number}" for number in range(len(waiting))]
    figures = dict(zip(names, waiting, strict=True))
    assert computed(backlog(names, "hosts"), hosts=hosts, **figures) == sum(waiting) / max(hosts, 1)


@pytest.mark.parametrize("count", [0, MAX_QUEUES + 1])
def test_more_queues_than_one_policy_can_watch_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="one policy can watch"):
        planned(
            lambda stage: BacklogScaling("b", stage=stage, group_name="g", queue_names=["q"] * count, messages_a_host=1)
        )


def test_as_many_queues_as_one_policy_can_watch_are_watched() -> None:
    names = [f"q{number}" for number in range(MAX_QUEUES)]
    made = planned(
        lambda stage: BacklogScaling("b", stage=stage, group_name="g", queue_names=[*names], messages_a_host=1)
    )
    metrics = tracked(made, "b")["customizedMetricSpecification"]["metrics"]
    assert len(metrics) == 10
    assert len({one["id"] for one in metrics}) == 10
