"""Whatever goes wrong rings once, says what to do, and reaches the topic that nobody else can write to."""

import json
import re
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from components import exhausted, fuse
from components.alarms import alarms, rollback_names
from components.naming import ambiguous, physical_name
from components.observability import Observability
from components.settings import PipelineConfig
from components.site import Alarms, Network
from components.stage import Stage
from components.topic import ACTIONS
from components.watched import (
    RUNBOOK,
    Alarm,
    BalancerNames,
    FunctionFacts,
    GroupFacts,
    QueueNames,
    Watched,
    watched_stack,
)
from contracts.limits import Timing
from contracts.outside_ports import Reply
from contracts.quotas import Quotas
from contracts.webhooks import deleted, disabled
from tests.services.upload.test_meter import World
from tests.support.configurations import configurations, hosts
from tests.support.laws import broken
from tests.support.pipeline import ENDPOINT, Pipeline, some_variants
from tests.support.plan import ACCOUNT, ROOT, Declared, Plan, record, run

QUEUES = {
    name: QueueNames(f"darkroom-dev-{name}", f"darkroom-dev-{name}-dead-letters") for name in ("jobs", "transforms")
}
DEFAULT = Alarms()
FETCHING = {"fetch": {"enabled": True}}
BALANCER = BalancerNames("app/darkroom-dev/0123456789abcdef", "targetgroup/darkroom-dev/0123456789abcdef")
FULL = Watched(
    queues=QUEUES,
    queue_age_seconds=600,
    function=FunctionFacts("darkroom-dev-transform", 60, 10),
    groups={
        "upload": GroupFacts("darkroom-dev-upload", True),
        "processing": GroupFacts("darkroom-dev-processing", False),
    },
    balancer=BALANCER,
    tables={"jobs": "darkroom-dev-jobs"},
    fetches=True,
)
WATCHED = st.builds(
    Watched,
    queues=st.just({}) | st.just(QUEUES),
    queue_age_seconds=st.integers(60, 86_400),
    function=st.none() | st.builds(FunctionFacts, st.just("f"), st.integers(5, 900), st.integers(2, 1_000)),
    groups=st.dictionaries(
        st.sampled_from(["upload", "processing"]), st.builds(GroupFacts, st.just("group"), st.booleans())
    ),
    balancer=st.none() | st.just(BALANCER),
    tables=st.dictionaries(st.sampled_from(["jobs", "registry"]), st.just("table")),
    fetches=st.booleans(),
)


def plan_of(watched: Watched, settings: Alarms = DEFAULT, *, key: str | None = None, tls: bool = True) -> Plan:
    def program() -> None:
        stage = Stage(
            stack="dev",
            region="eu-west-1",
            account=aws.get_caller_identity_output().account_id,
            own_tags={"team": "images"},
            require_tls=tls,
            deletion_protection=True,
            force_destroy=False,
            key_arn=None if key is None else pulumi.Output.from_input(key),
        )
        made = Observability("alarms", stage=stage, settings=settings, watched=watched, note="It costs 1 USD.")
        pulumi.export("topic_arn", made.topic_arn)

    return run({"aws:region": "eu-west-1"}, stack="dev", program=program)


@pytest.fixture(scope="module")
def full() -> Plan:
    return plan_of(FULL, Alarms(emails=["ops@example.com", "ops@example.com", "night@example.com"]))


def row(what: str, watched: Watched = FULL) -> Alarm:
    (found,) = (alarm for alarm in alarms(watched) if alarm.what == what)
    return found


def test_everything_that_can_go_wrong_has_an_alarm(full: Plan) -> None:
    assert sorted(alarm.what for alarm in alarms(FULL)) == [
        "balancer-5xx",
        "function-concurrency",
        "function-duration",
        "function-errors",
        "function-throttles",
        "jobs-age",
        "jobs-dead-letters",
        "processing-exhausted-events",
        "processing-hosts",
        "processing-stalled",
        "table-jobs-faults",
        "table-jobs-throttled",
        "transforms-age",
        "transforms-dead-letters",
        "upload-5xx",
        "upload-cpu-credits",
        "upload-fuse",
        "upload-hosts",
        "upload-loop",
        "upload-unhealthy",
    ]
    declared = [one.inputs["name"] for one in full.of("MetricAlarm")]
    assert sorted(declared) == sorted(physical_name("dev", alarm.what) for alarm in alarms(FULL))


def test_a_stack_with_nothing_in_it_has_no_alarm_and_still_a_topic() -> None:
    plan = plan_of(Watched(), Alarms(dashboard=False))
    assert plan.of("MetricAlarm") == plan.of("Dashboard") == []
    assert len(plan.of("Topic")) == 1


@given(WATCHED)
def test_every_row_is_one_that_cloudwatch_takes(watched: Watched) -> None:
    rows = alarms(watched)
    assert len({alarm.what for alarm in rows}) == len(rows)
    assert not ambiguous(frozenset(alarm.what for alarm in rows))
    for alarm in rows:
        wrong, of = alarm.wrong
        assert 1 <= wrong <= of
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        assert alarm.period_seconds % 60 == 0
        assert of * alarm.period_seconds <= 86_400
        assert 1 <= len(alarm.metrics) <= 10
        assert alarm.expression is not None or len(alarm.metrics) == 1
        assert len(alarm.description) <= 1_024
        for letter, metric in alarm.metrics.items():
            assert re.fullmatch("[a-z][a-zA-Z0-9_]*", letter)
            assert 1 <= len(metric.dimensions) <= 30
            assert re.fullmatch(r"Sum|Minimum|Maximum|Average|p[0-9]{2}", metric.statistic)
        if alarm.expression is not None and "METRICS()" not in alarm.expression:
            used = set(re.findall("[a-z][a-z0-9]*", alarm.expression))
            assert used == set(alarm.metrics)


@given(WATCHED)
def test_every_alarm_says_what_is_wrong_what_to_do_and_what_silence_means(watched: Watched) -> None:
    for alarm in alarms(watched):
        assert re.fullmatch(r"alarm(-[a-z]+)+", alarm.anchor)
        assert alarm.description.endswith(f"What to do: docs/operations.md#{alarm.anchor}")
        assert alarm.silence
        assert alarm.says.endswith(".")


def test_the_runbook_has_a_heading_for_every_alarm_and_no_other() -> None:
    headings = re.findall(r"^#+ (Alarm: .+)$", (ROOT / RUNBOOK).read_text("utf-8"), re.MULTILINE)
    anchors = [heading.lower().replace(":", "").replace(" ", "-") for heading in headings]
    assert sorted(anchors) == sorted({alarm.anchor for alarm in alarms(FULL)})


def test_only_a_group_that_is_silent_is_taken_to_be_down() -> None:
    assert {alarm.what for alarm in alarms(FULL) if alarm.missing == "breaching"} == {
        "upload-hosts",
        "processing-hosts",
    }


@pytest.mark.parametrize(
    ("what", "service", "alarm", "dimension", "value"),
    [
        ("fuse", "upload", "upload-fuse", "policy", "megapixels"),
        ("loop", "upload", "upload-loop", "way", "address"),
        ("exhausted-events", "processing", "processing-exhausted-events", "reason", "tries-spent"),
    ],
)
def test_lines_of_a_log_are_counted_where_their_alarm_looks(
    what: str, service: str, alarm: str, dimension: str, value: str
) -> None:
    plan = record("prod", FETCHING)
    made = plan.one("LogMetricFilter", what).inputs
    (metric,) = row(alarm).metrics.values()
    transformation = made["metricTransformation"]
    assert made["logGroupName"] == plan.one("LogGroup", service).inputs["name"] == transformation["namespace"]
    assert (transformation["name"], transformation["dimensions"]) == (metric.name, {dimension: f"$.{dimension}"})
    assert metric.dimensions == {dimension: value}
    rings = plan.one("MetricAlarm", alarm).inputs
    assert (rings["namespace"], rings["metricName"]) == (transformation["namespace"], transformation["name"])


def test_the_line_that_is_counted_is_the_one_that_is_written() -> None:
    world = World(Quotas(megapixels_per_day=1))
    with capture_logs() as lines:
        assert not world.takes()
    (line,) = [line for line in lines if line["event"] == fuse.COUNTED.event]
    assert (line["policy"], line["tenant"]) == (fuse.POLICY, "alice")


@pytest.mark.parametrize("reason", exhausted.REASONS)
def test_an_event_that_is_given_up_writes_the_line_that_is_counted(reason: str) -> None:
    pipeline = Pipeline(timing=Timing(webhook_gaps_seconds=(1,) * 8))
    pipeline.upload(options=some_variants("a", told=True))
    if reason == "tries-spent":
        pipeline.receiver.answers = [Reply(status=503)]
    elif reason == "endpoint-gone":
        pipeline.receiver.answers = [Reply(status=410)]
    else:
        left = disabled if reason == "endpoint-disabled" else lambda webhook, now, why: deleted(webhook, now)
        pipeline.webhooks.keep(left(ENDPOINT, 1, "it answered 410"), ENDPOINT.revision)
    with capture_logs() as lines:
        pipeline.settle()
    counted = [line[exhausted.COUNTED.dimension] for line in lines if line["event"] == exhausted.COUNTED.event]
    assert counted == [reason]


def test_a_loop_rings_only_where_pictures_are_fetched() -> None:
    assert [one.name for one in record("prod", FETCHING).of("MetricAlarm") if "loop" in one.name] == ["upload-loop"]
    assert not [one.name for one in record("prod").of("MetricAlarm") if "loop" in one.name]


def test_a_single_dead_letter_rings() -> None:
    alarm = row("jobs-dead-letters")
    assert (alarm.compare, alarm.threshold, alarm.wrong) == (">", 0, (1, 1))
    (metric,) = alarm.metrics.values()
    assert metric.dimensions == {"QueueName": "darkroom-dev-jobs-dead-letters"}


def test_how_old_is_too_old_is_configuration() -> None:
    assert row("transforms-age").threshold == 600


def test_the_function_is_near_its_time_out_at_four_fifths() -> None:
    alarm = row("function-duration")
    assert alarm.threshold == 48_000
    assert alarm.metrics["duration"].statistic == "p99"


def test_hosts_without_credits_have_no_alarm_for_them() -> None:
    assert not any(alarm.what == "processing-cpu-credits" for alarm in alarms(FULL))


@pytest.mark.parametrize(("service", "balanced"), [("upload", True), ("processing", True), ("processing", False)])
def test_a_refresh_is_rolled_back_by_alarms_that_there_are_and_that_ring_while_it_is_watched(
    service: str, balanced: bool
) -> None:
    names = rollback_names("dev", service, balanced=balanced)
    rows = {physical_name("dev", alarm.what): alarm for alarm in alarms(FULL)}
    assert names
    assert set(names) <= rows.keys()
    for name in names:
        wrong, _ = rows[name].wrong
        assert wrong * rows[name].period_seconds <= 300
        assert rows[name].missing == "notBreaching"


def test_upload_hosts_that_nobody_balances_are_rolled_back_by_nothing() -> None:
    assert rollback_names("dev", "upload", balanced=False) == []


@given(configurations())
def test_what_a_configuration_declares_is_watched(config: Any) -> None:
    balancer = BALANCER if config.balancer else None
    watched = watched_stack(config, lambda what: f"name-of-{what}", balancer=balancer)
    assert {names.dead_letters for names in watched.queues.values()} >= {"name-of-jobs-dead-letters"}
    assert watched.function == FunctionFacts("name-of-transform", 60, config.transform.concurrency)
    assert set(watched.groups) == ({"upload", "processing"} if config.hosts else set())
    if config.hosts:
        assert watched.groups["upload"].burstable == config.hosts.upload.instance_type.startswith("t4g")
    assert set(watched.tables) == {"jobs", "registry"}


def test_every_alarm_tells_the_topic_when_it_begins_and_when_it_is_over(full: Plan) -> None:
    (topic,) = full.of("Topic")
    for alarm in full.of("MetricAlarm"):
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [topic.state["arn"]]
        assert alarm.inputs["tags"] == {"team": "images", "project": "darkroom", "stack": "dev"}
    assert full.exports["topic_arn"] == topic.state["arn"]


def test_no_alarm_rings_before_it_may_write(full: Plan) -> None:
    (policy,) = full.of("TopicPolicy")
    assert all(policy.urn in alarm.depends_on for alarm in full.of("MetricAlarm"))


def test_an_alarm_over_several_metrics_returns_one_figure(full: Plan) -> None:
    queries = full.one("MetricAlarm", "upload-5xx").inputs["metricQueries"]
    returned = [query for query in queries if query["returnData"]]
    assert [query["expression"] for query in returned] == ["IF(bad >= 5, 100 * bad / requests, 0)"]
    assert {query["id"] for query in queries} == {"bad", "requests", "result"}
    assert "metricName" not in full.one("MetricAlarm", "upload-5xx").inputs


def test_each_person_is_told_once(full: Plan) -> None:
    subscribed = [one.inputs for one in full.of("TopicSubscription")]
    assert sorted(one["endpoint"] for one in subscribed) == ["night@example.com", "ops@example.com"]
    assert {one["protocol"] for one in subscribed} == {"email"}


def statements(policy: Declared, key: str = "policy") -> dict[str, dict[str, Any]]:
    return {one["Sid"]: one for one in json.loads(policy.inputs[key])["Statement"]}


def our_alarms(plan: Plan) -> list[str]:
    return sorted(
        f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:{one.inputs['name']}" for one in plan.of("MetricAlarm")
    )


def test_only_our_own_alarms_publish(full: Plan) -> None:
    (policy,) = full.of("TopicPolicy")
    (topic,) = full.of("Topic")
    allowed = [one for one in statements(policy).values() if one["Effect"] == "Allow"]
    assert allowed == [
        {
            "Sid": "PublishAlarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["sns:Publish"],
            "Resource": topic.state["arn"],
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnEquals": {"aws:SourceArn": our_alarms(full)},
            },
        }
    ]


def test_nobody_comes_to_the_topic_without_tls(full: Plan) -> None:
    (policy,) = full.of("TopicPolicy")
    refusal = statements(policy)["RefusePlainHttp"]
    assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert refusal["Action"] == list(ACTIONS)
    (plain,) = plan_of(FULL, tls=False).of("TopicPolicy")
    assert "RefusePlainHttp" not in statements(plain)


def test_the_topic_is_encrypted_under_the_stages_key_or_one_of_its_own(full: Plan) -> None:
    (topic,), (key,) = full.of("Topic"), full.of("Key")
    assert topic.inputs["kmsMasterKeyId"] == key.state["arn"]
    assert key.inputs["enableKeyRotation"] is True
    used = statements(key)["UseForAlarms"]
    assert used["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert used["Condition"]["ArnEquals"] == {"aws:SourceArn": our_alarms(full)}
    theirs = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/one"
    plan = plan_of(FULL, key=theirs)
    assert plan.of("Key") == []
    assert plan.of("Topic")[0].inputs["kmsMasterKeyId"] == theirs


@pytest.mark.parametrize(
    "left_out",
    [
        lambda: Watched(queues=QUEUES),
        lambda: Watched(function=FULL.function),
        lambda: Watched(groups=FULL.groups),
        lambda: Watched(tables=FULL.tables, queues=QUEUES),
        lambda: FULL,
    ],
)
def test_no_law_is_broken_whatever_is_missing(left_out: Callable[[], Watched]) -> None:
    plan = plan_of(left_out())
    assert broken(plan) == []
    assert len(plan.of("Dashboard")) == 1


def test_names_that_only_aws_knows_reach_the_alarms_and_the_dashboard() -> None:
    def program() -> None:
        stage = Stage(
            stack="dev",
            region="eu-west-1",
            account=aws.get_caller_identity_output().account_id,
            own_tags={},
            require_tls=True,
            deletion_protection=True,
            force_destroy=False,
        )
        promised = BalancerNames(pulumi.Output.from_input("app/late/1"), pulumi.Output.from_input("targetgroup/late/1"))
        Observability("alarms", stage=stage, settings=Alarms(), watched=Watched(balancer=promised))

    plan = run({"aws:region": "eu-west-1"}, stack="dev", program=program)
    assert plan.one("MetricAlarm", "balancer-5xx").inputs["dimensions"] == {"LoadBalancer": "app/late/1"}
    assert "targetgroup/late/1" in plan.of("Dashboard")[0].inputs["dashboardBody"]


@given(hosts())
def test_a_network_of_one_stack_needs_no_hosts_to_be_watched(made: Any) -> None:
    config = PipelineConfig(network=Network(), hosts=made)
    names = {alarm.what for alarm in alarms(watched_stack(config, str))}
    assert {"upload-hosts", "processing-hosts", "processing-stalled"} <= names
    assert not {"upload-5xx", "balancer-5xx"} & names
