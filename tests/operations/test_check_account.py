"""`darkroom check-account`: what would stop an `up` is found, named, and says what to do; nothing is changed."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
import yaml
from moto import mock_aws

from adapters import clients
from client import command
from client.errors import BadInput
from components.naming import bucket_name
from operations.account import Account
from operations.account_site import covers
from operations.check_account import CHECKS, guarded, look
from operations.command import app
from operations.configuration import pipeline_configuration
from operations.findings import Finding
from tests.support.answers import Answers, Refusal
from tests.support.everything import PUBLIC_KEY
from tests.support.tree import ROOT

ACCOUNT = "123456789012"
REGION = "eu-west-1"
TODAY = date(2026, 11, 23)
DIGEST = "sha256:" + "1" * 64
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
AMI = "ami-0ef3038e9b73a0746"
"""Amazon Linux 2023 for arm64, as moto keeps it; Pulumi.dev.yaml has it."""


def limits(everything: int, free: int | None = None) -> dict[str, Any]:
    return {
        "AccountLimit": {
            "ConcurrentExecutions": everything,
            "UnreservedConcurrentExecutions": everything if free is None else free,
        }
    }


def quotas(**values: float) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The account's own, by service and code; a new account's where nothing is said."""
    known = {"ec2_L_1216C47A": 5.0, "ec2_L_0263D0A3": 5.0, "vpc_L_F678F1CE": 5.0, **values}

    def said(given: dict[str, Any]) -> dict[str, Any]:
        return {"Quota": {"Value": known[f"{given['ServiceCode']}_{given['QuotaCode'].replace('-', '_')}"]}}

    return said


def allowed(decision: str = "allowed", *refused: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """IAM's play: everything is allowed, but what is named."""

    def said(given: dict[str, Any]) -> dict[str, Any]:
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalDecision": decision if action in refused or not refused else "allowed",
                    "MissingContextValues": [],
                }
                for action in given["ActionNames"]
            ]
        }

    return said


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """An account that has been used for a while, and what moto does not know of it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    answers = Answers()
    answers.install(monkeypatch)
    answers["lambda.GetAccountSettings"] = limits(1_000)
    answers["lambda.GetFunctionConcurrency"] = Refusal("ResourceNotFoundException")
    answers["service-quotas.GetServiceQuota"] = quotas(ec2_L_1216C47A=64)
    answers["iam.SimulatePrincipalPolicy"] = allowed()
    with mock_aws():
        yield answers


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    command.app.update(app)
    return tmp_path


def written(folder: Path, over: dict[str, Any] | None = None, *, model: str = "dev", region: str = REGION) -> Path:
    """The stack `own`: a model's file with parts put in place of its own."""
    config = yaml.safe_load((ROOT / f"Pulumi.{model}.yaml").read_text())["config"]
    pipeline = {**config["darkroom:pipeline"], **(over or {})}
    text = yaml.safe_dump({"config": {"aws:region": region, "darkroom:pipeline": pipeline}})
    (folder / "Pulumi.own.yaml").write_text(text)
    return folder


def pushed(service: str) -> str:
    """An image in the account's registry; its reference."""
    ecr = boto3.client("ecr", region_name=REGION)
    name = f"darkroom-{service}"
    ecr.create_repository(repositoryName=name)
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "name": service}
    image = ecr.put_image(repositoryName=name, imageManifest=json.dumps(manifest), imageTag="one")["image"]
    return f"{REGISTRY}/{name}@{image['imageId']['imageDigest']}"


def hosts(**over: Any) -> dict[str, Any]:
    made = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]["darkroom:pipeline"]["hosts"]
    return {**made, **over}


def found(folder: Path, check: str, *, caller: str = f"arn:aws:sts::{ACCOUNT}:user/moto") -> list[Finding]:
    """Of that check alone."""
    told, settings = pipeline_configuration(folder, "own")
    account = Account(folder=folder, stack="own", region=told.region, settings=settings, today=TODAY)
    account.number, account.caller = ACCOUNT, caller
    return guarded(check, CHECKS[check], account)


def one(folder: Path, check: str, **more: str) -> Finding:
    (finding,) = found(folder, check, **more)
    return finding


def test_a_stack_that_fits_has_no_problem(folder: Path, aws: Answers) -> None:
    boto3.client("s3", region_name="us-east-1").create_bucket(
        Bucket=bucket_name("foundation", "state", ACCOUNT, REGION)
    )
    images = {
        name: {"image": pushed(name), "instance_type": "t4g.micro", "max_hosts": 1} for name in ("upload", "processing")
    }
    findings = look(written(folder, {"hosts": hosts(**images)}), "own", TODAY)
    assert {finding.check: finding.level for finding in findings if finding.check != "price"} == dict.fromkeys(
        [
            "configuration",
            "credentials",
            "region",
            "zones",
            "function concurrency",
            "function memory",
            "processors",
            "networks",
            "first quota",
            "machine image",
            "host types",
            "container images",
            "foundation",
            "permissions",
        ],
        "ok",
    )
    assert all(not finding.fix for finding in findings if finding.level == "ok")


def test_without_credentials_it_says_so_once_and_still_tells_the_price(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the one of this process may have found credentials for an earlier test
    monkeypatch.setattr(clients, "_session", botocore.session.Session)
    findings = look(written(folder), "own", TODAY)
    assert [finding.check for finding in findings] == ["configuration", "credentials", "price"]
    assert findings[1].level == "problem"
    assert findings[1].fix == "log in (aws sso login, or AWS_PROFILE=name)"
    assert "USD a month at rest" in findings[2].says


def test_a_configuration_that_the_program_refuses_is_refused_with_its_path(folder: Path, aws: Answers) -> None:
    with pytest.raises(BadInput, match=r"memory_mb"):
        look(written(folder, {"transform": {"memory_mb": 1}}), "own", TODAY)
    with pytest.raises(BadInput, match="embedded cloud"):
        look(written(folder, model="local"), "own", TODAY)


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "ThrottlingException", "InternalFailure"])
def test_what_may_not_be_read_is_a_finding_of_that_check(folder: Path, aws: Answers, code: str) -> None:
    aws["ec2.DescribeAvailabilityZones"] = Refusal(code)
    finding = one(written(folder), "zones")
    assert (finding.level, finding.says.startswith("could not be looked at: ")) == ("warning", True)
    assert code in finding.says
    assert finding.fix


def test_each_call_of_every_check_may_be_refused(folder: Path, aws: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who may only ask who they are gets a list and no crash."""
    real = aws._answer

    def refusing(model: Any, context: dict[str, Any], **more: Any) -> Any:
        if model.service_model.service_name != "sts":
            aws[f"{model.service_model.service_name}.{model.name}"] = Refusal("AccessDenied")
        return real(model=model, context=context, **more)

    monkeypatch.setattr(aws, "_answer", refusing)
    everything = {
        "network": {"egress": "nat"},
        "balancer": {"domain": "a.example.com", "hosted_zone_id": "Z1"},
        "delivery": {"public_keys": {"one": PUBLIC_KEY}},
        "permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/limit",
        "hosts": hosts(upload={"image": f"{REGISTRY}/darkroom-upload@{DIGEST}"}),
    }
    findings = look(written(folder, everything), "own", TODAY)
    looked = [finding for finding in findings if finding.says.startswith("could not be looked at: ")]
    assert {finding.check for finding in looked} >= {
        "region",
        "zones",
        "function concurrency",
        "processors",
        "addresses",
        "networks",
        "first quota",
        "machine image",
        "host types",
        "container images",
        "hosted zone",
        "delivery",
        "foundation",
        "boundary",
        "permissions",
    }


def test_a_region_that_is_not_enabled_is_a_problem(folder: Path, aws: Answers) -> None:
    aws["ec2.DescribeRegions"] = {"Regions": [{"RegionName": REGION, "OptInStatus": "not-opted-in"}]}
    finding = one(written(folder), "region")
    assert (finding.level, "enable-region" in finding.fix) == ("problem", True)
    aws["ec2.DescribeRegions"] = {"Regions": []}
    assert one(folder, "region").says == f"AWS has no region {REGION}"


def test_a_zone_that_the_account_has_not_is_a_problem(folder: Path, aws: Answers) -> None:
    finding = one(written(folder, {"network": {"zones": ["a", "f"]}}), "zones")
    assert finding.level == "problem"
    assert finding.says == "this account has no eu-west-1f"
    assert finding.fix == "write network.zones out of: a, b, c"


@pytest.mark.parametrize(
    ("transform", "account", "level"),
    [
        ({"concurrency": 10}, limits(10), "ok"),
        ({"concurrency": 11}, limits(10), "warning"),
        ({"concurrency": 10, "reserved_concurrency": 10}, limits(10), "problem"),
        ({"concurrency": 10, "reserved_concurrency": 900}, limits(1_000), "ok"),
        ({"concurrency": 10, "reserved_concurrency": 901}, limits(1_000), "problem"),
        ({"concurrency": 10, "reserved_concurrency": 500}, limits(1_000, 599), "problem"),
    ],
)
def test_a_new_account_has_ten_functions_and_can_reserve_none(
    folder: Path, aws: Answers, transform: dict[str, Any], account: dict[str, Any], level: str
) -> None:
    aws["lambda.GetAccountSettings"] = account
    assert one(written(folder, {"transform": transform}), "function concurrency").level == level


def test_what_the_function_reserves_already_is_not_taken_twice(folder: Path, aws: Answers) -> None:
    aws["lambda.GetAccountSettings"] = limits(1_000, 100)
    aws["lambda.GetFunctionConcurrency"] = {"ReservedConcurrentExecutions": 900}
    transform = {"concurrency": 10, "reserved_concurrency": 900}
    assert one(written(folder, {"transform": transform}), "function concurrency").level == "ok"


@pytest.mark.parametrize(("concurrent", "level"), [(10, "warning"), (1_000, "ok")])
def test_memory_beyond_a_new_accounts_is_told_of(folder: Path, aws: Answers, concurrent: int, level: str) -> None:
    aws["lambda.GetAccountSettings"] = limits(concurrent)
    assert one(written(folder, {"transform": {"memory_mb": 4_096}}), "function memory").level == level


@pytest.mark.parametrize(("quota", "level"), [(3, "problem"), (4, "warning"), (7, "warning"), (8, "ok")])
def test_processors_are_enough_at_rest_or_as_it_grows(folder: Path, aws: Answers, quota: float, level: str) -> None:
    """Two hosts of two processors; while each is replaced, twice as many."""
    aws["service-quotas.GetServiceQuota"] = quotas(ec2_L_1216C47A=quota)
    assert one(written(folder), "processors").level == level


def test_processors_that_others_use_count_and_those_of_the_stack_itself_do_not(folder: Path, aws: Answers) -> None:
    ec2 = boto3.client("ec2", region_name=REGION)
    ec2.run_instances(ImageId=AMI, InstanceType="t4g.micro", MinCount=1, MaxCount=1)
    mine = [{"Key": "project", "Value": "darkroom"}, {"Key": "stack", "Value": "own"}, {"Key": "team", "Value": "a"}]
    ec2.run_instances(
        ImageId=AMI,
        InstanceType="t4g.micro",
        MinCount=2,
        MaxCount=2,
        TagSpecifications=[{"ResourceType": "instance", "Tags": mine}],
    )
    assert one(written(folder), "processors").says.startswith("2 of 64 vCPUs are used by others; the stack takes 4")


@pytest.mark.parametrize(("there", "level"), [(3, "ok"), (4, "problem")])
def test_addresses_for_the_gateways_are_counted(folder: Path, aws: Answers, there: int, level: str) -> None:
    ec2 = boto3.client("ec2", region_name=REGION)
    for _ in range(there):
        ec2.allocate_address(Domain="vpc")
    finding = one(written(folder, {"network": {"egress": "nat", "nat_gateways": "per_zone"}}), "addresses")
    assert finding.level == level


def test_a_stack_that_is_there_already_needs_no_further_network(folder: Path, aws: Answers) -> None:
    ec2 = boto3.client("ec2", region_name=REGION)
    for _ in range(3):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert one(written(folder), "networks").level == "ok"
    last = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    finding = one(folder, "networks")
    assert (finding.level, finding.fix) == ("problem", "ask for more in Service Quotas (vpc L-F678F1CE)")
    tags = [{"Key": "project", "Value": "darkroom"}, {"Key": "stack", "Value": "own"}]
    ec2.create_tags(Resources=[last], Tags=tags)
    assert one(folder, "networks").level == "ok"


def test_the_first_quota_is_the_accounts_own(folder: Path, aws: Answers) -> None:
    assert "1,000" not in one(written(folder), "first quota").says
    aws["lambda.GetAccountSettings"] = limits(20)
    assert (
        one(folder, "first quota").says
        == "Lambda: concurrent executions: 20 functions at once; met at 20 jobs a second"
    )


@pytest.mark.parametrize(
    ("amis", "says"),
    [
        ({}, "hosts.amis has none for eu-west-1"),
        ({"id": "ami-00000000000000000"}, "ami-00000000000000000 is not to be had in eu-west-1"),
        ({"id": "ami-1e749f67"}, "ami-1e749f67 is x86_64, the hosts are arm64"),
    ],
)
def test_a_machine_image_that_cannot_start_a_host_is_a_problem(
    folder: Path, aws: Answers, amis: dict[str, str], says: str
) -> None:
    made = {REGION: {"source": "a test", "date": "2026-01-01", **amis}} if amis else {}
    finding = one(written(folder, {"hosts": hosts(amis=made)}), "machine image")
    assert (finding.level, finding.says, finding.fix) == ("problem", says, "make amis STACK=own")


@pytest.mark.parametrize(
    ("ends", "level"), [("2026-11-22T00:00:00.000Z", "warning"), ("2026-11-24T00:00:00.000Z", "ok")]
)
def test_a_machine_image_that_its_owner_gave_up_is_told_of(folder: Path, aws: Answers, ends: str, level: str) -> None:
    image = {"ImageId": AMI, "Architecture": "arm64", "State": "available", "DeprecationTime": ends}
    aws["ec2.DescribeImages"] = {"Images": [image]}
    assert one(written(folder), "machine image").level == level


def test_a_type_of_another_architecture_is_a_problem(folder: Path, aws: Answers) -> None:
    finding = one(written(folder, {"hosts": hosts(upload={"instance_type": "t3.micro"})}), "host types")
    assert (finding.level, finding.says) == ("problem", "t3.micro: not arm64")


def test_a_type_that_a_zone_has_not_is_a_problem(folder: Path, aws: Answers) -> None:
    offer = {"InstanceType": "t4g.micro", "LocationType": "availability-zone", "Location": "eu-west-1a"}
    aws["ec2.DescribeInstanceTypeOfferings"] = {"InstanceTypeOfferings": [offer]}
    finding = one(written(folder), "host types")
    assert (finding.level, finding.says) == ("problem", "AWS has no t4g.micro in eu-west-1b")


def test_images_that_are_not_set_are_told_of_and_images_that_are_not_there_are_a_problem(
    folder: Path, aws: Answers
) -> None:
    upload = pushed("upload")
    absent = f"{REGISTRY}/darkroom-upload@{DIGEST}"
    nowhere = f"{REGISTRY}/darkroom-nowhere@{DIGEST}"
    for image, level in ((upload, "ok"), (absent, "problem"), (nowhere, "problem")):
        upload_finding, processing = found(
            written(folder, {"hosts": hosts(upload={"image": image})}), "container images"
        )
        assert upload_finding.level == level
        assert (processing.level, processing.fix) == ("warning", "make images STACK=own")


def certificate(aws: Answers, **over: Any) -> str:
    arn = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/one"
    known = {
        "CertificateArn": arn,
        "DomainName": "pictures.example.com",
        "SubjectAlternativeNames": ["*.shop.example.com"],
        "Status": "ISSUED",
        "NotAfter": datetime(2027, 11, 23, tzinfo=UTC),
        **over,
    }
    aws["acm.DescribeCertificate"] = {"Certificate": known}
    return arn


@pytest.mark.parametrize(
    ("domain", "over", "level"),
    [
        ("pictures.example.com", {}, "ok"),
        ("a.shop.example.com", {}, "ok"),
        ("shop.example.com", {}, "problem"),
        ("b.a.shop.example.com", {}, "problem"),
        ("pictures.example.com", {"Status": "PENDING_VALIDATION"}, "problem"),
        ("pictures.example.com", {"NotAfter": datetime(2026, 12, 1, tzinfo=UTC)}, "warning"),
        (
            "pictures.example.com",
            {"NotAfter": datetime(2026, 12, 1, tzinfo=UTC), "RenewalEligibility": "ELIGIBLE"},
            "ok",
        ),
    ],
)
def test_a_certificate_is_issued_and_covers_the_domain(
    folder: Path, aws: Answers, domain: str, over: dict[str, Any], level: str
) -> None:
    balancer = {"domain": domain, "certificate_arn": certificate(aws, **over)}
    finding = one(written(folder, {"balancer": balancer}), "certificate")
    assert finding.level == level
    assert bool(finding.fix) == (level != "ok")


def test_a_certificate_of_another_region_or_account_is_a_problem(folder: Path, aws: Answers) -> None:
    elsewhere = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/one"
    balancer = {"domain": "a.example.com", "certificate_arn": elsewhere}
    assert one(written(folder, {"balancer": balancer}), "certificate").says == (
        "balancer.certificate_arn is of us-east-1, not of eu-west-1"
    )
    arn = certificate(aws)
    aws["acm.DescribeCertificate"] = Refusal("ResourceNotFoundException")
    balancer = {"domain": "a.example.com", "certificate_arn": arn}
    assert one(written(folder, {"balancer": balancer}), "certificate").says == (
        "balancer.certificate_arn is not in this account"
    )


def test_a_star_stands_for_one_label() -> None:
    assert covers("*.example.com", "a.example.com")
    assert not covers("*.example.com", "example.com")
    assert not covers("*.example.com", "b.a.example.com")
    assert not covers("a.example.com", "example.com")


@pytest.mark.parametrize(
    ("zone", "private", "level"),
    [
        ("example.com", False, "ok"),
        ("pictures.example.com", False, "ok"),
        ("example.com", True, "problem"),
        ("ample.com", False, "problem"),
        ("example.org", False, "problem"),
    ],
)
def test_the_domain_lies_in_its_public_zone(folder: Path, aws: Answers, zone: str, private: bool, level: str) -> None:
    known = {"Id": "/hostedzone/Z1", "Name": f"{zone}.", "CallerReference": "one", "Config": {"PrivateZone": private}}
    aws["route53.GetHostedZone"] = {"HostedZone": known}
    balancer = {"domain": "pictures.example.com", "hosted_zone_id": "Z1"}
    assert one(written(folder, {"balancer": balancer}), "hosted zone").level == level


def test_a_zone_that_is_not_there_is_a_problem(folder: Path, aws: Answers) -> None:
    balancer = {"domain": "pictures.example.com", "hosted_zone_id": "Z1"}
    assert one(written(folder, {"balancer": balancer}), "hosted zone").says == "there is no Z1 in this account"


def test_links_are_signed_with_a_secret_that_is_there(folder: Path, aws: Answers) -> None:
    written(folder, {"delivery": {"public_keys": {"one": PUBLIC_KEY}}})
    assert one(folder, "delivery").says == "there is no secret darkroom-own-delivery"
    boto3.client("secretsmanager", region_name=REGION).create_secret(Name="darkroom-own-delivery", SecretString="pem")
    assert one(folder, "delivery").level == "ok"


def test_an_account_without_a_foundation_is_told_of_one(folder: Path, aws: Answers) -> None:
    finding = one(written(folder), "foundation")
    assert finding.level == "warning"
    assert finding.fix.startswith("pulumi up --stack foundation")


def test_a_boundary_is_there(folder: Path, aws: Answers) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/darkroom-boundary"
    assert one(written(folder, {"permissions_boundary": arn}), "boundary").level == "problem"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    boto3.client("iam").create_policy(PolicyName="darkroom-boundary", PolicyDocument=document)
    assert one(folder, "boundary").level == "ok"


def test_rights_that_are_missing_are_named(folder: Path, aws: Answers) -> None:
    aws["iam.SimulatePrincipalPolicy"] = allowed("implicitDeny", "sqs:CreateQueue", "ec2:CreateVpc")
    finding = one(written(folder), "permissions")
    assert (finding.level, finding.says) == ("problem", "user/moto may not ec2:CreateVpc, sqs:CreateQueue")


def test_rights_are_played_on_the_names_and_tags_that_the_plan_would_use(folder: Path, aws: Answers) -> None:
    assert one(written(folder), "permissions").level == "ok"
    played = [given for operation, given in aws.asked if operation == "iam.SimulatePrincipalPolicy"]
    resources = {resource for given in played for resource in given["ResourceArns"]}
    assert f"arn:aws:sqs:{REGION}:{ACCOUNT}:darkroom-own-jobs" in resources
    assert f"arn:aws:s3:::darkroom-own-originals-{ACCOUNT}-{REGION}" in resources
    said = {entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in played[0]["ContextEntries"]}
    assert said["aws:RequestTag/stack"] == ["own"]


def test_rights_under_conditions_that_cannot_be_played_are_no_problem(folder: Path, aws: Answers) -> None:
    result = {"EvalActionName": "sqs:CreateQueue", "EvalDecision": "implicitDeny", "MissingContextValues": ["aws:x"]}
    aws["iam.SimulatePrincipalPolicy"] = {"EvaluationResults": [result]}
    assert one(written(folder), "permissions").level == "warning"


def test_a_session_is_judged_by_its_role(folder: Path, aws: Answers) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/teams/images/deployer"
    boto3.client("iam").create_role(RoleName="deployer", Path="/teams/images/", AssumeRolePolicyDocument="{}")
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/me@example.com"
    assert one(written(folder), "permissions", caller=session).level == "ok"
    assert {given["PolicySourceArn"] for _, given in aws.asked if "PolicySourceArn" in given} == {arn}


def test_the_root_user_is_not_played(folder: Path, aws: Answers) -> None:
    finding = one(written(folder), "permissions", caller=f"arn:aws:iam::{ACCOUNT}:root")
    assert "root user" in finding.says
    assert aws.asked == []


def test_nothing_in_the_account_is_changed(folder: Path, aws: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    real = aws._answer

    def noting(model: Any, context: dict[str, Any], **more: Any) -> Any:
        called.append(model.name)
        return real(model=model, context=context, **more)

    monkeypatch.setattr(aws, "_answer", noting)
    everything = {
        "network": {"egress": "nat"},
        "balancer": {"domain": "a.example.com", "hosted_zone_id": "Z1"},
        "delivery": {"public_keys": {"one": PUBLIC_KEY}},
        "permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/limit",
    }
    look(written(folder, everything), "own", TODAY)
    assert len(called) > 15
    assert [name for name in called if not name.startswith(("Describe", "Get", "Head", "List", "Simulate"))] == []


def test_the_command_ends_with_one_if_there_is_a_problem(
    folder: Path, aws: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    written(folder)
    assert command.run(["check-account", "--stack", "own"]) == 0
    captured = capsys.readouterr()
    assert "ok       zones" in captured.out
    assert captured.err.splitlines()[-1].startswith("0 problems, ")
    aws["service-quotas.GetServiceQuota"] = quotas(ec2_L_1216C47A=1)
    assert command.run(["check-account", "--stack", "own", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["level"] == "problem"
    (processors,) = (finding for finding in answer["findings"] if finding["check"] == "processors")
    assert processors["fix"] == "ask for more in Service Quotas (ec2 L-1216C47A)"


def test_a_stack_that_there_is_not_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["check-account", "--stack", "nowhere"]) == 2
    assert "there is no Pulumi.nowhere.yaml here" in capsys.readouterr().err
