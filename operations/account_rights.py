"""Checks: does the foundation stand, and may whoever asks do what an `up` does?"""

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from adapters.errors import code_of
from client.errors import BadInput
from components.naming import PROJECT, bucket_name, physical_name
from operations.account import Account
from operations.asking import asking
from operations.findings import Finding, ok, problem, warning
from operations.stacks import StackFile

FOUNDATION: Final = "foundation"
STATE: Final = "state"

_ABSENT: Final = frozenset({"404", "NoSuchBucket", "NotFound", "NoSuchEntity"})


def foundation(account: Account) -> Iterator[Finding]:
    """The bucket that keeps the stacks' state; a stack can keep it elsewhere, so its absence is no problem yet."""
    try:
        region = StackFile(account.folder, FOUNDATION).region
    except BadInput:
        region = account.region
    bucket = bucket_name(FOUNDATION, STATE, account.number, region)
    with asking("s3", region) as s3:
        try:
            s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account.number)
        except ClientError as error:
            if code_of(error) not in _ABSENT:
                raise
            says = f"there is no bucket {bucket}: the account has no foundation"
            yield warning("foundation", says, f"pulumi up --stack {FOUNDATION}, as docs/operations.md says")
            return
    yield ok("foundation", f"the state is kept in {bucket}")


def boundary(account: Account) -> Iterator[Finding]:
    arn = account.settings.permissions_boundary
    if arn is None:
        return
    with asking("iam", account.region) as iam:
        try:
            iam.get_policy(PolicyArn=arn)
        except ClientError as error:
            if code_of(error) not in _ABSENT:
                raise
            fix = "take it from the foundation: pulumi stack output boundaries --stack foundation"
            yield problem("boundary", f"there is no policy {arn}", fix)
            return
    yield ok("boundary", arn.rpartition("/")[2])


def permissions(account: Account) -> Iterator[Finding]:
    """A sample of what the plan asks for, on the names that it asks for, played by IAM itself.

    IAM plays the policies of the caller and its boundary; what an organisation withholds it does not know.
    """
    who = _principal(account)
    if who is None:
        yield ok("permissions", "the root user may do everything; a role for this is better")
        return
    refused: list[str] = []
    unsure: list[str] = []
    sample = _sample(account)
    with asking("iam", account.region) as iam:
        for resource, actions in sample.items():
            answer = iam.simulate_principal_policy(
                PolicySourceArn=who, ActionNames=actions, ResourceArns=[resource], ContextEntries=_context(account)
            )
            for result in answer["EvaluationResults"]:
                if result["EvalDecision"] != "allowed":
                    (unsure if result.get("MissingContextValues") else refused).append(result["EvalActionName"])
    name = who.rpartition(":")[2]
    fix = "log in as somebody who may, or have these allowed"
    if refused:
        yield problem("permissions", f"{name} may not {', '.join(sorted(refused))}", fix)
    if unsure:
        says = f"{name} may {', '.join(sorted(unsure))} only under conditions that cannot be played"
        yield warning("permissions", says, "see whether pulumi preview comes through")
    if not refused and not unsure:
        yield ok("permissions", f"{name} may do {sum(map(len, sample.values()))} sampled actions of the plan")


def _principal(account: Account) -> str | None:
    """ARN of the user or role behind the caller's session; None for the root user."""
    kind, _, name = account.caller.rpartition(":")[2].partition("/")
    if kind == "root":
        return None
    if kind != "assumed-role":
        return account.caller
    # a session's name leaves out the path of its role
    with asking("iam", account.region) as iam:
        return iam.get_role(RoleName=name.partition("/")[0])["Role"]["Arn"]


def _context(account: Account) -> list[dict[str, Any]]:
    """What a request of the plan says of itself: rights for deploying are written in terms of it."""
    said = {
        "aws:RequestedRegion": account.region,
        "aws:RequestTag/project": PROJECT,
        "aws:RequestTag/stack": account.stack,
        "aws:ResourceTag/project": PROJECT,
        "aws:ResourceTag/stack": account.stack,
    }
    if account.settings.permissions_boundary is not None:
        said["iam:PermissionsBoundary"] = account.settings.permissions_boundary
    return [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in said.items()
    ]


def _sample(account: Account) -> dict[str, list[str]]:
    """Actions by the resource that they would be done to; `*` where nothing narrower is known before it is there."""
    stack, place = account.stack, f"{account.region}:{account.number}"
    bucket = bucket_name(stack, "originals", account.number, account.region)
    role = f"arn:aws:iam::{account.number}:role/{physical_name(stack, 'transform')}"
    sample = {
        f"arn:aws:s3:::{bucket}": ["s3:CreateBucket", "s3:PutBucketPolicy", "s3:PutEncryptionConfiguration"],
        f"arn:aws:sqs:{place}:{physical_name(stack, 'jobs')}": ["sqs:CreateQueue", "sqs:SetQueueAttributes"],
        f"arn:aws:dynamodb:{place}:table/{physical_name(stack, 'jobs')}": ["dynamodb:CreateTable"],
        f"arn:aws:lambda:{place}:function:{physical_name(stack, 'transform')}": ["lambda:CreateFunction"],
        f"arn:aws:logs:{place}:log-group:/aws/lambda/{physical_name(stack, 'transform')}": ["logs:CreateLogGroup"],
        role: ["iam:CreateRole", "iam:PutRolePolicy"],
    }
    settings = account.settings
    if settings.network is not None:
        sample["*"] = ["ec2:CreateVpc", "ec2:CreateSubnet", "ec2:CreateSecurityGroup"]
        if settings.hosts is not None:
            sample["*"] += ["ec2:CreateLaunchTemplate", "autoscaling:CreateAutoScalingGroup"]
        if settings.balancer is not None:
            sample["*"].append("elasticloadbalancing:CreateLoadBalancer")
    if settings.alarms is not None:
        sample[f"arn:aws:sns:{place}:{physical_name(stack, 'alarms')}"] = ["sns:CreateTopic"]
        alarm = physical_name(stack, "jobs-age")
        sample[f"arn:aws:cloudwatch:{place}:alarm:{alarm}"] = ["cloudwatch:PutMetricAlarm"]
    if settings.customer_key:
        sample["*"] = [*sample.get("*", []), "kms:CreateKey"]
    return sample
