"""Policies of endpoints and of the flow logs' role: who may pass, to what, and on whose behalf."""

import json

import pytest

from components.gates import GATED
from tests.support.laws import broken
from tests.support.plan import ACCOUNT, Plan
from tests.support.sites import CONFIGURATIONS, REGION, network, untagged


@pytest.fixture(params=CONFIGURATIONS, ids="-".join)
def configuration(request: pytest.FixtureRequest) -> tuple[str, str, str, str]:
    return request.param


def test_only_our_own_pass_to_our_own(configuration: tuple[str, str, str, str]) -> None:
    endpoints = network(*configuration).of("VpcEndpoint")
    gated = {one.name: json.loads(one.inputs["policy"])["Statement"] for one in endpoints if "policy" in one.inputs}
    assert set(gated) == {one.name for one in endpoints} & {"s3", "dynamodb", "sqs"}
    ours = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}}
    for service, statements in gated.items():
        assert statements[0] == {
            "Sid": "OursToOurs",
            "Effect": "Allow",
            "Principal": "*",
            "Action": list(GATED[service]),
            "Resource": ["*"],
            "Condition": ours,
        }
        assert len(statements) == (2 if service == "s3" else 1)


def test_layers_and_packages_of_aws_can_be_read_and_nothing_be_carried_to_them() -> None:
    """ECR's layers come by links that AWS signed, packages of Amazon Linux are asked for by nobody at all."""
    policy = network("nat", "one", "ab", "").one("VpcEndpoint", "s3").inputs["policy"]
    (_, public) = json.loads(policy)["Statement"]
    assert public == {
        "Sid": "LayersAndPackages",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [
            "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*",
            "arn:aws:s3:::al2023-repos-eu-west-1-de612dc2/*",
        ],
        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
    }


def granted(plan: Plan) -> set[str]:
    """Every action that some role of a plan is allowed."""
    documents = [json.loads(policy.inputs["policy"]) for policy in plan.of("RolePolicy")]
    allowed = [one for document in documents for one in document["Statement"] if one["Effect"] == "Allow"]
    return {action for statement in allowed for action in statement["Action"]}


@pytest.mark.parametrize("service", GATED)
def test_no_gate_stands_before_a_right_that_a_role_has(plan: Plan, service: str) -> None:
    """A grant that an endpoint refuses would fail in AWS alone."""
    asked = {action for action in granted(plan) if action.startswith(f"{service}:")}
    assert asked
    assert asked - set(GATED[service]) == set()


def test_nothing_passes_a_gate_that_no_role_may_do(everything: Plan) -> None:
    assert {action for actions in GATED.values() for action in actions} - granted(everything) == set()


def test_refused_connections_are_written_down_where_that_is_asked_for() -> None:
    assert network("nat", "one", "ab", "").of("FlowLog") == []
    plan = network("nat", "one", "ab", "", flow_logs=True, log_retention_days=90)
    (log,), group = plan.of("FlowLog"), plan.one("LogGroup", "flow-logs")
    assert {key: log.inputs[key] for key in ("vpcId", "trafficType", "logDestination", "iamRoleArn")} == {
        "vpcId": "network-id",
        "trafficType": "REJECT",
        "logDestination": group.state["arn"],
        "iamRoleArn": plan.one("Role", "flow-logs").state["arn"],
    }
    assert (group.inputs["name"], group.inputs["retentionInDays"]) == ("/aws/vpc/darkroom-dev-flow-logs", 90)
    assert plan.one("RolePolicy", "flow-logs").urn in log.depends_on
    assert broken(plan) == []
    assert untagged(plan) == []


def test_flow_logs_are_written_by_their_service_for_this_account_alone() -> None:
    plan = network("nat", "one", "ab", "", flow_logs=True)
    (trust,) = json.loads(plan.one("Role", "flow-logs").inputs["assumeRolePolicy"])["Statement"]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-flow-log/*"},
        },
    }
    group = plan.one("LogGroup", "flow-logs").state["arn"]
    granted = json.loads(plan.one("RolePolicy", "flow-logs").inputs["policy"])["Statement"]
    assert [(one["Action"], one["Resource"]) for one in granted] == [
        (["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], [f"{group}:*"]),
        (["logs:DescribeLogGroups"], [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:*"]),
    ]
