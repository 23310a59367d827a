"""The hosts of a service: what starts, what it may do, who reaches it, and how it is replaced."""

import base64
from types import SimpleNamespace
from typing import Any

import msgspec
import pulumi
import pulumi_aws as aws
import pytest

from components.access import parse_role_policy
from components.config import BadConfiguration
from components.host import PAUSE_SECONDS, ServiceHosts
from components.host_group import DRAINED, LIFETIME_DAYS, READY
from components.host_rights import CALLED, repository_arn
from components.identity import ProcessRole
from components.site import Ami, Hosts, Service
from components.stage import Stage
from components.unobservable import UNOBSERVABLE_OF_HOSTS
from components.user_data import LAUNCH_SECONDS, STOP_SECONDS
from tests.support.laws import broken
from tests.support.plan import ACCOUNT, Plan, run

REGION = "eu-west-1"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/darkroom/upload@sha256:" + "a" * 64
HOSTS = Hosts(amis={REGION: Ami(id="ami-0123456789abcdef0", source="a test", date="2026-11-01")})
GROUP_ARN = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/darkroom-dev-upload"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"


def planned(
    *,
    image: str | None = IMAGE,
    settings: Hosts = HOSTS,
    public: bool = False,
    targets: tuple[str, ...] = (),
    reached_from: dict[str, str] | None = None,
    alarms: tuple[str, ...] = (),
    key: str | None = None,
    environment: dict[str, str] | None = None,
) -> Plan:
    """The hosts of the upload service among stand-ins for what stands around them."""

    def program() -> None:
        stage = Stage(
            stack="dev",
            region=REGION,
            account=aws.get_caller_identity_output().account_id,
            own_tags={},
            require_tls=True,
            deletion_protection=False,
            force_destroy=True,
            key_arn=None if key is None else pulumi.Output.from_input(key),
        )
        network: Any = SimpleNamespace(
            vpc_id="vpc-1", host_subnet_ids=["subnet-a", "subnet-b"], hosts_get_public_address=public
        )
        role = ProcessRole.of_host("upload", stage=stage, purpose="A test's.")
        role.allow(["s3:PutObject"], "arn:aws:s3:::originals/*")
        hosts = ServiceHosts(
            "upload",
            stage=stage,
            settings=settings,
            service=Service(image=image, min_hosts=2, max_hosts=5, instance_type="t4g.medium"),
            role=role,
            environment=pulumi.Output.from_input(environment or {"DARKROOM_STACK": "dev"}),
            port=8000,
            network=network,
            reached_from=reached_from or {},
            target_group_arns=list(targets),
            rollback_alarm_names=list(alarms),
            log_retention_days=7,
        )
        pulumi.export("group", hosts.group_name)
        pulumi.export("security_group", hosts.security_group_id)
        pulumi.export("log_group", hosts.log_group_name)
        with pytest.raises(ValueError, match="the role upload is sealed"):
            role.allow(["s3:GetObject"], "arn:aws:s3:::originals/*")

    return run({"aws:region": REGION}, stack="dev", program=program)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Everything that there can be."""
    return planned(
        targets=("arn:aws:elasticloadbalancing:target",),
        reached_from={"balancer": "sg-balancer"},
        alarms=("darkroom-dev-upload-5xx", "darkroom-dev-upload-unhealthy"),
        key=KEY,
    )


@pytest.fixture(scope="module")
def bare() -> Plan:
    """As little as there can be: a developer's stack."""
    return planned(public=True)


def template(plan: Plan) -> dict[str, Any]:
    return plan.one("LaunchTemplate", "upload").inputs


def group(plan: Plan) -> dict[str, Any]:
    return plan.one("Group", "upload").inputs


def rights(plan: Plan) -> dict[str, set[str]]:
    """Where each action is allowed."""
    allowed: dict[str, set[str]] = {}
    for statement in parse_role_policy(plan.one("RolePolicy", "upload").inputs["policy"]):
        for action, resource in statement.pairs:
            allowed.setdefault(action, set()).add(resource)
    return allowed


def user_data(plan: Plan) -> str:
    return base64.b64decode(template(plan)["userData"]).decode()


def test_the_plan_breaks_no_law(plan: Plan, bare: Plan) -> None:
    assert broken(plan) == broken(bare) == []


def test_the_component_says_what_others_need(plan: Plan) -> None:
    assert plan.exports == {
        "group": "darkroom-dev-upload",
        "security_group": "upload-id",
        "log_group": "darkroom-dev-upload",
    }


def test_a_host_is_its_pinned_image_and_nothing_that_moves(plan: Plan) -> None:
    assert template(plan)["imageId"] == "ami-0123456789abcdef0"
    assert template(plan)["instanceType"] == "t4g.medium"
    assert IMAGE in user_data(plan)
    assert "latest" not in user_data(plan).replace("/latest/", "")
    assert "keyName" not in template(plan)


def test_metadata_wants_a_token_and_answers_one_hop_away(plan: Plan) -> None:
    assert template(plan)["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": "disabled",
    }


def test_the_disk_is_encrypted_by_the_key_there_is(plan: Plan, bare: Plan) -> None:
    disk = {"volumeType": "gp3", "volumeSize": 16, "encrypted": "true", "deleteOnTermination": "true"}
    assert template(bare)["blockDeviceMappings"] == [{"deviceName": "/dev/xvda", "ebs": disk}]
    assert template(plan)["blockDeviceMappings"] == [{"deviceName": "/dev/xvda", "ebs": {**disk, "kmsKeyId": KEY}}]


def test_logs_are_kept_as_long_as_configured_and_encrypted_by_the_key_there_is(plan: Plan, bare: Plan) -> None:
    logs = {"name": "darkroom-dev-upload", "retentionInDays": 7, "tags": {"project": "darkroom", "stack": "dev"}}
    assert bare.one("LogGroup", "upload").inputs == logs
    assert plan.one("LogGroup", "upload").inputs == {**logs, "kmsKeyId": KEY}
    assert "LOG_GROUP=darkroom-dev-upload\n" in user_data(plan)


def test_a_host_has_an_address_of_its_own_only_where_the_network_says_so(plan: Plan, bare: Plan) -> None:
    interface = {"deviceIndex": 0, "securityGroups": ["upload-id"], "deleteOnTermination": "true"}
    assert template(plan)["networkInterfaces"] == [{**interface, "associatePublicIpAddress": "false"}]
    assert template(bare)["networkInterfaces"] == [{**interface, "associatePublicIpAddress": "true"}]


def test_whoever_is_not_named_does_not_come_in_and_only_https_goes_out(plan: Plan, bare: Plan) -> None:
    def rules(plan: Plan, kind: str) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in one.inputs.items() if key not in ("tags", "description")}
            for one in plan.of(kind)
        ]

    common = {"securityGroupId": "upload-id", "ipProtocol": "tcp"}
    https = {**common, "cidrIpv4": "0.0.0.0/0", "fromPort": 443, "toPort": 443}
    caller = {**common, "referencedSecurityGroupId": "sg-balancer", "fromPort": 8000, "toPort": 8000}
    assert rules(plan, "SecurityGroupIngressRule") == [caller]
    assert rules(bare, "SecurityGroupIngressRule") == []
    assert rules(plan, "SecurityGroupEgressRule") == rules(bare, "SecurityGroupEgressRule") == [https]
    for one in (*plan.of("SecurityGroup"), *bare.of("SecurityGroup")):
        assert not {"ingress", "egress"} & one.inputs.keys()


def test_the_role_has_the_processs_rights_and_the_hosts_and_no_more(plan: Plan) -> None:
    assert {(action, resource) for action, places in rights(plan).items() for resource in places} == {
        ("s3:PutObject", "arn:aws:s3:::originals/*"),
        ("ecr:GetAuthorizationToken", "*"),
        ("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/darkroom/upload"),
        ("ecr:GetDownloadUrlForLayer", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/darkroom/upload"),
        ("logs:CreateLogStream", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:darkroom-dev-upload:*"),
        ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:darkroom-dev-upload:*"),
        ("autoscaling:CompleteLifecycleAction", GROUP_ARN),
        ("ssm:UpdateInstanceInformation", "*"),
        ("ssmmessages:CreateControlChannel", "*"),
        ("ssmmessages:CreateDataChannel", "*"),
        ("ssmmessages:OpenControlChannel", "*"),
        ("ssmmessages:OpenDataChannel", "*"),
    }


def test_a_closed_network_is_told_of_every_service_that_a_host_calls(plan: Plan) -> None:
    own = {action for action in rights(plan) if not action.startswith("s3:")}
    assert {action.partition(":")[0] for action in own} == {service.partition(".")[0] for service in CALLED}


def test_what_no_local_run_can_show_used_of_a_host_is_in_the_table(plan: Plan) -> None:
    hidden = {action for one in UNOBSERVABLE_OF_HOSTS if one.role == "upload" for action in one.actions}
    assert hidden == {action for action in rights(plan) if not action.startswith("s3:")}
    assert {one.role for one in UNOBSERVABLE_OF_HOSTS} == {"upload", "processing"}
    assert all(one.source.startswith("https://docs.aws.amazon.com/") for one in UNOBSERVABLE_OF_HOSTS)


@pytest.mark.parametrize("image", ["darkroom/upload:latest", IMAGE.partition("@")[0], IMAGE[:-1], IMAGE + "0", ""])
def test_only_an_image_by_its_digest_has_a_repository(image: str) -> None:
    with pytest.raises(ValueError, match="is not an image in ECR by its digest"):
        repository_arn(image)


def test_the_first_host_finds_its_rights_written_and_its_way_out_open(plan: Plan) -> None:
    """Without them it could not pull, the hook would give it up, and `up` would wait for nothing."""
    needed = {plan.one("RolePolicy", "upload").urn}
    needed |= {one.urn for kind in ("SecurityGroupIngressRule", "SecurityGroupEgressRule") for one in plan.of(kind)}
    assert needed <= set(plan.one("Group", "upload").depends_on)


def test_a_group_is_born_with_its_hooks_and_they_can_change_later(plan: Plan) -> None:
    hooks = {
        READY: {
            "lifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "defaultResult": "ABANDON",
            "heartbeatTimeout": 420,
        },
        DRAINED: {
            "lifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
            "defaultResult": "CONTINUE",
            "heartbeatTimeout": 120,
        },
    }
    assert group(plan)["initialLifecycleHooks"] == [{"name": name, **hook} for name, hook in hooks.items()]
    later = {one.inputs["name"]: one.inputs for one in plan.of("LifecycleHook")}
    assert later == {
        name: {"name": name, "autoscalingGroupName": "darkroom-dev-upload", **hook} for name, hook in hooks.items()
    }


def test_a_hook_waits_longer_than_the_host_can_take(plan: Plan) -> None:
    ready, drained = (hook["heartbeatTimeout"] for hook in group(plan)["initialLifecycleHooks"])
    # before the host begins to count: the system, and five tries at the packages
    assert ready >= LAUNCH_SECONDS + 120
    # beside the stop: one look, ten seconds that systemd gives docker, three answers five seconds apart
    assert drained >= PAUSE_SECONDS + STOP_SECONDS + 10 + 5 + 3 * 20
    assert f"LAUNCHING_HOOK={READY}\nTERMINATING_HOOK={DRAINED}\n" in user_data(plan)


def test_only_behind_a_balancer_a_host_that_goes_waits_for_it_to_hear(plan: Plan, bare: Plan) -> None:
    assert f"PAUSE_SECONDS={PAUSE_SECONDS}\n" in user_data(plan)
    assert "PAUSE_SECONDS=0\n" in user_data(bare)


def test_health_is_what_the_balancer_sees_if_there_is_one(plan: Plan, bare: Plan) -> None:
    assert group(plan)["healthCheckType"] == "ELB"
    assert group(plan)["targetGroupArns"] == ["arn:aws:elasticloadbalancing:target"]
    assert group(bare)["healthCheckType"] == "EC2"
    assert group(bare)["targetGroupArns"] == []


def test_hosts_are_replaced_by_a_numbered_template_one_before_another_goes(plan: Plan, bare: Plan) -> None:
    assert group(plan)["launchTemplate"] == {"id": "upload-id", "version": "7"}
    preferences = {
        "autoRollback": True,
        "instanceWarmup": "300",
        "minHealthyPercentage": 100,
        "maxHealthyPercentage": 110,
        "skipMatching": True,
    }
    alarms = {"alarms": ["darkroom-dev-upload-5xx", "darkroom-dev-upload-unhealthy"]}
    assert group(bare)["instanceRefresh"] == {"strategy": "Rolling", "preferences": preferences}
    assert group(plan)["instanceRefresh"]["preferences"] == {**preferences, "alarmSpecification": alarms}
    assert group(plan)["instanceMaintenancePolicy"] == {"minHealthyPercentage": 100, "maxHealthyPercentage": 110}
    assert group(plan)["maxInstanceLifetime"] == LIFETIME_DAYS * 24 * 60 * 60


def test_how_many_hosts_there_are_is_for_scaling_to_say(plan: Plan) -> None:
    assert (group(plan)["minSize"], group(plan)["maxSize"]) == (2, 5)
    assert "desiredCapacity" not in group(plan)
    assert {"GroupInServiceInstances", "GroupDesiredCapacity"} <= set(group(plan)["enabledMetrics"])


def test_every_change_of_a_setting_is_a_change_of_the_template(bare: Plan) -> None:
    other = planned(public=True, environment={"DARKROOM_STACK": "dev", "DARKROOM_NEW": "1"})
    assert template(other)["userData"] != template(bare)["userData"]
    assert {**template(other), "userData": ""} == {**template(bare), "userData": ""}


def test_without_an_image_nothing_starts_and_a_line_says_how_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", lambda text, resource=None: said.append(text))
    empty = planned(image=None)
    assert said == ["pipeline.hosts.upload.image: is empty, so no host is started; run: make images STACK=dev"]
    assert (group(empty)["minSize"], group(empty)["maxSize"]) == (0, 0)
    assert "userData" not in template(empty)
    assert not any(action.startswith("ecr:") for action in rights(empty))


def test_a_region_without_a_machine_image_is_refused_with_the_command_that_fetches_one() -> None:
    with pytest.raises(BadConfiguration) as refused:
        planned(settings=msgspec.structs.replace(HOSTS, amis={}))
    assert str(refused.value) == "pipeline.hosts.amis: has no image for eu-west-1; run: make amis STACK=dev"


def test_everything_is_tagged_the_machines_and_their_disks_too(plan: Plan) -> None:
    tags = {"project": "darkroom", "stack": "dev"}
    named = {**tags, "Name": "darkroom-dev-upload"}
    assert template(plan)["tagSpecifications"] == [
        {"resourceType": kind, "tags": named} for kind in ("instance", "volume", "network-interface")
    ]
    assert group(plan)["tags"] == [
        {"key": key, "value": value, "propagateAtLaunch": False} for key, value in tags.items()
    ]
