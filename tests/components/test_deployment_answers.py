"""What a deployer is answered, asked one by one; and that it reaches all of its stack that has a name."""

from collections.abc import Iterator

import pytest

from components.deployment_rights import WITHHELD
from components.provider_calls_site import CALLS
from tests.support.everything import EVERYTHING
from tests.support.founded import BOUNDARY, REGION, WHOLE, documents, founded
from tests.support.plan import ACCOUNT, Plan, record
from tests.support.policies import allowed


@pytest.fixture(scope="module")
def foundation() -> Plan:
    return founded(WHOLE)


@pytest.fixture(scope="module")
def prod() -> Plan:
    return record("prod", EVERYTHING)


STATE = f"arn:aws:s3:::darkroom-foundation-state-{ACCOUNT}-{REGION}"
ORIGINALS = f"arn:aws:s3:::darkroom-prod-originals-{ACCOUNT}-{REGION}"
OURS = {
    "aws:ResourceTag/project": "darkroom",
    "aws:ResourceTag/stack": "prod",
    "aws:RequestTag/project": "darkroom",
    "aws:RequestTag/stack": "prod",
    "aws:RequestedRegion": REGION,
    "iam:PermissionsBoundary": BOUNDARY,
    "iam:PassedToService": "lambda.amazonaws.com",
}
THEIRS = {**OURS, "iam:PermissionsBoundary": BOUNDARY.replace("prod", "staging")}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/darkroom-prod-upload"
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/darkroom-foundation-deploy-prod"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/some"
VPC = f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1"
ZONE = "arn:aws:route53:::hostedzone/Z0123456789"
NAMES = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
GROUP = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1"


@pytest.mark.parametrize(
    ("action", "resource", "change", "answer"),
    [
        ("iam:CreateRole", ROLE, {}, True),
        ("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": None}, False),
        ("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}, False),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/admin", {}, False),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/darkroom-staging-upload", {}, False),
        ("iam:PutRolePolicy", ROLE, {}, True),
        ("iam:PutRolePolicy", ROLE, {"iam:PermissionsBoundary": None}, False),
        ("iam:PutRolePolicy", DEPLOYER, {}, False),
        ("iam:UpdateAssumeRolePolicy", DEPLOYER, {}, False),
        ("iam:UpdateAssumeRolePolicy", ROLE, {"iam:PermissionsBoundary": None}, False),
        ("iam:AttachRolePolicy", ROLE, {}, False),
        ("iam:AttachRolePolicy", DEPLOYER, {}, False),
        ("iam:PutRolePermissionsBoundary", ROLE, {}, True),
        ("iam:PutRolePermissionsBoundary", ROLE, {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/Any"}, False),
        ("iam:DeleteRolePermissionsBoundary", ROLE, {}, False),
        ("iam:DeleteRolePermissionsBoundary", DEPLOYER, {}, False),
        ("iam:CreatePolicyVersion", BOUNDARY, {}, False),
        ("iam:SetDefaultPolicyVersion", BOUNDARY, {}, False),
        ("iam:DeletePolicy", BOUNDARY, {}, False),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/darkroom-prod-me", {}, False),
        ("iam:PassRole", ROLE, {}, True),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}, True),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "glue.amazonaws.com"}, False),
        ("iam:PassRole", DEPLOYER, {}, False),
        ("s3:PutBucketPolicy", ORIGINALS, {}, True),
        ("s3:PutBucketPolicy", STATE, {}, False),
        ("s3:DeleteBucket", ORIGINALS, {}, False),
        ("s3:DeleteObject", f"{ORIGINALS}/inline/a", {}, False),
        ("s3:GetObject", f"{ORIGINALS}/inline/a", {}, False),
        ("s3:DeleteObject", f"{STATE}/.pulumi/stacks/darkroom/prod.json", {}, False),
        ("s3:DeleteObject", f"{STATE}/.pulumi/locks/organization/darkroom/prod/1.json", {}, True),
        ("s3:PutObject", f"{STATE}/.pulumi/stacks/darkroom/prod.json.bak", {}, True),
        ("s3:PutObject", f"{STATE}/.pulumi/stacks/darkroom/staging.json", {}, False),
        ("s3:GetObject", f"{STATE}/.pulumi/stacks/darkroom/foundation.json", {}, False),
        ("dynamodb:DeleteTable", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/darkroom-prod-jobs", {}, False),
        ("dynamodb:UpdateTable", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/darkroom-prod-jobs", {}, True),
        ("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/darkroom-prod-jobs", {}, False),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:darkroom-prod-jobs", {}, False),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:darkroom-prod-transform", {}, False),
        ("kms:ScheduleKeyDeletion", KEY, {}, False),
        ("kms:DisableKey", KEY, {}, False),
        ("kms:PutKeyPolicy", KEY, {}, True),
        ("kms:PutKeyPolicy", KEY, {"aws:ResourceTag/stack": None}, False),
        ("kms:PutKeyPolicy", KEY, {"aws:ResourceTag/stack": "staging"}, False),
        ("kms:TagResource", KEY, {"aws:ResourceTag/stack": "staging"}, False),
        ("kms:Decrypt", KEY, {}, False),
        ("kms:Decrypt", KEY, {"kms:ViaService": f"lambda.{REGION}.amazonaws.com"}, True),
        ("kms:CreateGrant", KEY, {}, False),
        ("kms:CreateGrant", KEY, {"kms:ViaService": f"dynamodb.{REGION}.amazonaws.com"}, True),
        ("ec2:CreateVpc", VPC, {}, True),
        ("ec2:CreateVpc", VPC, {"aws:RequestTag/stack": None}, False),
        ("ec2:CreateVpc", VPC, {"aws:RequestTag/stack": "staging"}, False),
        ("ec2:DeleteVpc", VPC, {}, True),
        ("ec2:DeleteVpc", VPC, {"aws:ResourceTag/stack": "staging"}, False),
        ("ec2:DeleteVpc", VPC, {"aws:ResourceTag/stack": None}, False),
        ("ec2:CreateTags", VPC, {"ec2:CreateAction": "CreateVpc", "aws:ResourceTag/stack": None}, True),
        ("ec2:CreateTags", VPC, {"aws:ResourceTag/stack": None}, False),
        ("ec2:CreateTags", VPC, {"aws:ResourceTag/stack": "staging"}, False),
        ("ec2:CreateTags", VPC, {"aws:RequestTag/stack": "staging"}, False),
        ("ec2:CreateTags", GROUP, {"aws:ResourceTag/stack": None}, True),  # a network's default group: see BEYOND
        ("ec2:CreateTags", GROUP, {"aws:ResourceTag/stack": "staging"}, False),
        ("ec2:DeleteTags", VPC, {"aws:TagKeys": "environment"}, True),
        ("ec2:DeleteTags", VPC, {"aws:TagKeys": "stack"}, False),
        ("ec2:AuthorizeSecurityGroupIngress", GROUP, {"aws:ResourceTag/stack": None}, False),
        ("ec2:RunInstances", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1", {}, False),
        ("ec2:TerminateInstances", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1", {}, False),
        ("ec2:DescribeVpcs", "*", {}, True),
        ("ec2:DescribeVpcs", "*", {"aws:RequestedRegion": "us-east-1"}, False),
        ("route53:ChangeResourceRecordSets", ZONE, {NAMES: "pictures.example.com"}, True),
        ("route53:ChangeResourceRecordSets", ZONE, {NAMES: "_0a1b.pictures.example.com"}, True),
        ("route53:ChangeResourceRecordSets", ZONE, {NAMES: "example.com"}, False),
        ("route53:ChangeResourceRecordSets", ZONE, {NAMES: "www.pictures.example.com"}, False),
        ("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z9", {NAMES: "pictures.example.com"}, False),
        ("acm:RequestCertificate", "*", {"acm:DomainNames": "pictures.example.com"}, True),
        ("acm:RequestCertificate", "*", {"acm:DomainNames": "example.com"}, False),
        ("ecr:PutImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/darkroom-foundation-upload", {}, False),
    ],
)  # fmt: skip
def test_a_deployer_is_answered(
    foundation: Plan, action: str, resource: str, change: dict[str, str | None], answer: bool
) -> None:
    context = {key: value for key, value in {**OURS, **change}.items() if value is not None}
    assert allowed(documents(foundation, "deploy-prod"), action, resource, context) is answer


ELSEWHERE = {
    "iam:AddRoleToInstanceProfile", "iam:CreateServiceLinkedRole", "iam:GetRole", "iam:PassRole",
}  # fmt: skip
"""Actions of a row that are about another thing than the row's own."""


def named(plan: Plan) -> Iterator[tuple[str, str]]:
    """Type and ARN of everything in a plan that has a name of ours."""
    here = f"{REGION}:{ACCOUNT}"
    arns = {
        "Queue": f"arn:aws:sqs:{here}:{{name}}",
        "Table": f"arn:aws:dynamodb:{here}:table/{{name}}",
        "Function": f"arn:aws:lambda:{here}:function:{{name}}",
        "LogGroup": f"arn:aws:logs:{here}:log-group:{{name}}",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
        "InstanceProfile": f"arn:aws:iam::{ACCOUNT}:instance-profile/{{name}}",
        "LoadBalancer": f"arn:aws:elasticloadbalancing:{here}:loadbalancer/app/{{name}}/0123456789abcdef",
        "TargetGroup": f"arn:aws:elasticloadbalancing:{here}:targetgroup/{{name}}/0123456789abcdef",
        "Group": f"arn:aws:autoscaling:{here}:autoScalingGroup:0123:autoScalingGroupName/{{name}}",
        "MetricAlarm": f"arn:aws:cloudwatch:{here}:alarm:{{name}}",
        "Dashboard": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{{name}}",
        "Topic": f"arn:aws:sns:{here}:{{name}}",
        "Bucket": "arn:aws:s3:::{name}",
    }
    for one in plan:
        pattern = arns.get(one.type.rpartition(":")[2])
        name = next((one.inputs[key] for key in ("bucket", "name", "dashboardName") if key in one.inputs), None)
        if pattern is not None and isinstance(name, str):
            yield one.type, pattern.format(name=name)


def test_a_deployer_reaches_everything_of_its_stack_that_has_a_name(foundation: Plan, prod: Plan) -> None:
    """And nothing that has the same name in another stack."""
    table = {kind: row for rows in CALLS.values() for kind, row in rows.items()}
    own, others = documents(foundation, "deploy-prod"), documents(foundation, "deploy-staging")
    asked = 0
    for kind, arn in named(prod):
        service = arn.split(":")[2]
        for action in sorted(table[kind].all - WITHHELD.keys()):
            if action.startswith(f"{service}:") and action not in ELSEWHERE:
                if allowed(own, action, "*", OURS):
                    continue
                asked += 1
                assert allowed(own, action, arn, OURS), (kind, action, arn)
                assert not allowed(others, action, arn, THEIRS), (kind, action, arn)
    assert asked > 200
