"""The boundary: every role of a stack fits into it, and it is no wider than they are together."""

import json
from collections.abc import Iterator

import pytest

from tests.support.everything import EVERYTHING
from tests.support.founded import BOUNDARY, WHOLE, founded
from tests.support.plan import ACCOUNT, Plan, record
from tests.support.policies import allowed, statements, triples

REGISTRY = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"

IMAGES = {
    "hosts": {
        service: {"image": f"{REGISTRY}/darkroom-foundation-{service}@sha256:{'1' * 64}"}
        for service in ("upload", "processing")
    }
}

OURS = {
    "aws:ResourceTag/project": "darkroom",
    "aws:ResourceTag/stack": "prod",
    "aws:ResourceAccount": ACCOUNT,
}


@pytest.fixture(scope="module")
def boundary() -> str:
    return founded(WHOLE).one("Policy", "boundary-prod").inputs["policy"]


@pytest.fixture(scope="module")
def prod() -> Plan:
    return record("prod", {**EVERYTHING, **IMAGES, "permissions_boundary": BOUNDARY})


def granted(plan: Plan) -> Iterator[tuple[str, str]]:
    """Every action and resource that a process of the stack is granted."""
    for action, resource, _ in sorted(triples(one.inputs["policy"] for one in plan.of("RolePolicy"))):
        yield action, resource


def reached(boundary: str, action: str, resource: str) -> bool:
    # a pattern is judged by one of the things it stands for
    return allowed([boundary], action, resource if resource == "*" else resource.replace("*", "some"), OURS)


def test_every_role_of_the_stack_has_it(prod: Plan) -> None:
    roles = prod.of("Role")
    assert len(roles) > 4
    assert {one.inputs["permissionsBoundary"] for one in roles} == {BOUNDARY}


def test_whatever_a_process_is_granted_fits_into_it(boundary: str, prod: Plan) -> None:
    asked = list(granted(prod))
    assert len(asked) > 50
    assert [one for one in asked if not reached(boundary, *one)] == []


def test_it_allows_nothing_that_no_process_does(boundary: str, prod: Plan) -> None:
    used = {action for action, _ in granted(prod)}
    assert {action for action, _, _ in triples([boundary])} - used == set()


def test_nothing_of_another_stack_fits_into_it(boundary: str, prod: Plan) -> None:
    theirs = {
        (action, resource.replace("-prod-", "-staging-")) for action, resource in granted(prod) if "-prod-" in resource
    }
    assert len(theirs) > 40
    assert [one for one in sorted(theirs) if reached(boundary, *one)] == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/darkroom-prod-x"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/darkroom-prod-x"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/darkroom-foundation-deploy-prod"),
        (
            "s3:GetObject",
            f"arn:aws:s3:::darkroom-foundation-state-{ACCOUNT}-eu-west-1/.pulumi/stacks/darkroom/prod.json",
        ),
        ("s3:PutObject", "arn:aws:s3:::darkroom-prod-loot-999999999999-eu-west-1/a"),
        ("s3:PutBucketPolicy", f"arn:aws:s3:::darkroom-prod-originals-{ACCOUNT}-eu-west-1"),
        ("dynamodb:Scan", f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/darkroom-prod-jobs"),
        ("dynamodb:DeleteItem", f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/darkroom-prod-jobs"),
        ("lambda:InvokeFunction", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:darkroom-prod-transform"),
        ("ecr:PutImage", f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/darkroom-foundation-upload"),
        ("ecr:BatchGetImage", f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/other"),
        ("ec2:RunInstances", "*"),
        ("kms:Encrypt", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/some"),
    ],
)
def test_a_role_that_was_granted_this_still_may_not(boundary: str, action: str, resource: str) -> None:
    assert not reached(boundary, action, resource)


def test_a_bucket_of_another_account_is_none_of_ours_whatever_its_name(boundary: str) -> None:
    picture = f"arn:aws:s3:::darkroom-prod-results-{ACCOUNT}-eu-west-1/a"
    assert allowed([boundary], "s3:PutObject", picture, OURS)
    assert not allowed([boundary], "s3:PutObject", picture, {**OURS, "aws:ResourceAccount": "999999999999"})


def test_it_opens_no_key_without_the_stacks_tags(boundary: str) -> None:
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/some"
    assert allowed([boundary], "kms:Decrypt", key, OURS)
    assert not allowed([boundary], "kms:Decrypt", key, {})
    assert not allowed([boundary], "kms:Decrypt", key, {**OURS, "aws:ResourceTag/stack": "staging"})


def test_it_refuses_nothing_outright(boundary: str) -> None:
    assert {one["Effect"] for one in statements([boundary])} == {"Allow"}
    assert json.loads(boundary)["Version"] == "2012-10-17"
