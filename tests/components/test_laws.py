"""The laws of the plan: they hold for every stack in the tree, and they see what breaks them, however it is written."""

import json
from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pytest

from tests.support.laws import broken
from tests.support.plan import Plan, record, run

OPEN = "0.0.0.0/0"


def declared(program: Callable[[], Any]) -> list[str]:
    return broken(run({"aws:region": "eu-west-1"}, stack="laws", program=program))


def test_every_stack_in_the_tree_keeps_every_law(plan: Plan) -> None:
    assert plan.resources
    sentences = broken(plan)
    assert not sentences, "\n".join(["broken laws:", *sentences])


def test_the_foundation_keeps_every_law_with_and_without_workflows() -> None:
    whole = {"parts": ["network", "flow_logs", "hosts", "balancer", "delivery", "alarms", "customer_key"]}
    deployed = {"repository": "octo/darkroom", "stacks": {"prod": {"environment": "production", **whole}}}
    for over in ({}, deployed):
        foundation = record("foundation", over)
        assert foundation.of("BucketPublicAccessBlock")
        sentences = broken(foundation)
        assert not sentences, "\n".join(["broken laws:", *sentences])


def _rule(**inputs: Any) -> Callable[[], Any]:
    return lambda: aws.vpc.SecurityGroupIngressRule("door", security_group_id="sg", **inputs)


def _group(**rule: Any) -> Callable[[], Any]:
    return lambda: aws.ec2.SecurityGroup("door", ingress=[rule])


def _old_rule(**inputs: Any) -> Callable[[], Any]:
    return lambda: aws.ec2.SecurityGroupRule("door", type="ingress", security_group_id="sg", **inputs)


@pytest.mark.parametrize(
    "program",
    [
        _rule(cidr_ipv4=OPEN, ip_protocol="tcp", from_port=22, to_port=22),
        _rule(cidr_ipv4="10.0.0.0/8", ip_protocol="tcp", from_port=22, to_port=22),
        _rule(cidr_ipv4=OPEN, ip_protocol="tcp", from_port=0, to_port=1024),
        _rule(cidr_ipv4=OPEN, ip_protocol="-1"),
        _group(cidr_blocks=[OPEN], protocol="tcp", from_port=22, to_port=22),
        _group(cidr_blocks=[OPEN], protocol="-1", from_port=0, to_port=0),
        _old_rule(cidr_blocks=[OPEN], protocol="tcp", from_port=20, to_port=30),
        _old_rule(ipv6_cidr_blocks=["::/0"], protocol="tcp", from_port=22, to_port=22),
    ],
)
def test_an_open_ssh_port_is_seen(program: Callable[[], Any]) -> None:
    assert any("SSH port is open in door" in sentence for sentence in declared(program))


def test_a_port_open_to_the_world_is_seen_but_those_of_a_balancer() -> None:
    (sentence,) = declared(_rule(cidr_ipv4=OPEN, ip_protocol="tcp", from_port=8000, to_port=8000))
    assert sentence == "the ports 8000 to 8000 of door are open to the world"
    assert declared(_rule(cidr_ipv4=OPEN, ip_protocol="tcp", from_port=443, to_port=443)) == []
    assert declared(_rule(referenced_security_group_id="sg-1", ip_protocol="tcp", from_port=8000, to_port=8000)) == []


def test_a_queue_without_dead_letters_is_seen() -> None:
    assert declared(lambda: aws.sqs.Queue("lonely", name="lonely", sqs_managed_sse_enabled=True)) == [
        "the queue lonely has no dead letters"
    ]


def test_a_queue_and_its_dead_letters_keep_the_law() -> None:
    def program() -> None:
        letters = aws.sqs.Queue("letters", name="letters", sqs_managed_sse_enabled=True)
        redrive = letters.arn.apply(lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3}))
        aws.sqs.Queue("inside", name="inside", sqs_managed_sse_enabled=True, redrive_policy=redrive)
        beside = aws.sqs.Queue("beside", name="beside", kms_master_key_id="k")
        aws.sqs.RedrivePolicy("beside", queue_url=beside.url, redrive_policy=redrive)

    assert declared(program) == []


def test_an_unencrypted_queue_or_topic_is_seen() -> None:
    def program() -> None:
        aws.sqs.Queue("plain", name="plain")
        aws.sns.Topic("loud")

    assert {"the queue plain is not encrypted", "the topic loud is not encrypted"} <= set(declared(program))


def test_a_public_bucket_is_seen() -> None:
    def program() -> None:
        bare = aws.s3.Bucket("bare", bucket="bare")
        half = aws.s3.Bucket("half", bucket="half")
        aws.s3.BucketPublicAccessBlock("half", bucket=half.id, block_public_acls=True, ignore_public_acls=True)
        aws.s3.BucketAcl("bare", bucket=bare.id, acl="public-read")

    sentences = declared(program)
    assert any("bucket bare is public: blockPublicAcls, blockPublicPolicy" in one for one in sentences)
    assert "the bucket half is public: blockPublicPolicy, restrictPublicBuckets is not on" in sentences
    assert "the bucket of bare is public: BucketAcl" in sentences
    assert "the bucket bare is not encrypted" in sentences


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Action": "s3:*", "Resource": "arn:aws:s3:::x"}, "wildcard action s3:*"),
        ({"Action": ["s3:GetObject", "*"], "Resource": "arn:aws:s3:::x"}, "wildcard action *"),
        ({"Action": ["s3:Get*"], "Resource": "arn:aws:s3:::x"}, "wildcard action s3:Get*"),
        ({"Action": "s3:GetObject", "Resource": "*"}, "allows s3:GetObject on every resource"),
        ({"NotAction": "s3:GetObject", "Resource": "arn:aws:s3:::x"}, "everything but what it names"),
    ],
)
def test_a_statement_that_allows_too_much_is_seen(statement: dict[str, Any], words: str) -> None:
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}}
    (sentence,) = declared(lambda: aws.iam.RolePolicy("wide", role="r", policy=json.dumps(document, indent=1)))
    assert words in sentence
    assert "wide" in sentence


def test_a_right_that_aws_defines_is_seen() -> None:
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert declared(lambda: aws.iam.RolePolicyAttachment("all", role="r", policy_arn=admin)) == [
        f"the role of all has rights that AWS defines: {admin}"
    ]


def test_a_resource_that_lets_anyone_in_is_seen() -> None:
    anyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:::q"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
    assert declared(lambda: aws.sqs.QueuePolicy("q", queue_url="u", policy=policy)) == [
        "the policy of aws:sqs/queuePolicy:QueuePolicy q allows anyone"
    ]


def test_an_unencrypted_volume_is_seen() -> None:
    def program() -> None:
        token = {"http_tokens": "required"}
        aws.ebs.Volume("disk", availability_zone="eu-west-1a", size=8)
        aws.ec2.LaunchTemplate(
            "hosts",
            metadata_options=token,
            block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"volume_size": 8, "encrypted": "false"}}],
        )
        aws.ec2.LaunchTemplate("silent", metadata_options=token)
        aws.ec2.Instance("pet", ami="ami-1", instance_type="t4g.micro", metadata_options=token)

    sentences = declared(program)
    assert "the volume disk is not encrypted" in sentences
    assert "the volume /dev/xvda of hosts is not encrypted" in sentences
    assert "the volume of silent is not encrypted: the template does not name it" in sentences
    assert "the volume of pet is not encrypted" in sentences


def test_hosts_that_answer_without_a_token_and_logs_kept_for_ever_are_seen() -> None:
    def program() -> None:
        encrypted = [{"device_name": "/dev/xvda", "ebs": {"encrypted": "true"}}]
        aws.ec2.LaunchTemplate("hosts", block_device_mappings=encrypted, key_name="mine")
        aws.cloudwatch.LogGroup("log", name="log")

    sentences = declared(program)
    assert "the hosts of hosts answer for their role without a token (IMDSv1)" in sentences
    assert "the SSH port has a key in hosts: a session on a host comes through SSM" in sentences
    assert "the log log is kept for ever" in sentences
