"""Who may take a role of a workflow, and what each may do: nothing that is another's, nothing of another stack."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.access import ANYWHERE
from components.deployment_rights import POLICIES, PUSH, READS, WITHHELD, subjects
from components.deployment_where import BEYOND
from components.provider_calls_site import CALLS
from components.rights import MAX_POLICIES, MAX_POLICY_CHARS, Denial, Right, holds, merged, policy
from tests.support.founded import EVERYTHING, REGION, REPOSITORY, WHOLE, documents, founded, trust
from tests.support.plan import ACCOUNT, Plan
from tests.support.policies import allowed, statements, triples, trusted

AUDIENCE = "sts.amazonaws.com"
ISSUER = "token.actions.githubusercontent.com"

PURPOSES = ("preview-prod", "images", "deploy-prod")


@pytest.fixture(scope="module")
def foundation() -> Plan:
    return founded(WHOLE)


def token(sub: str, aud: str = AUDIENCE) -> dict[str, str]:
    return {f"{ISSUER}:sub": sub, f"{ISSUER}:aud": aud}


def rows() -> Iterator[tuple[str, str, Any]]:
    for part, table in CALLS.items():
        for kind, row in table.items():
            yield part, kind, row


@pytest.mark.parametrize(
    ("role", "subs"),
    [
        ("preview-prod", {f"repo:{REPOSITORY}:environment:preview", f"repo:{REPOSITORY}:ref:refs/heads/main"}),
        ("images", {f"repo:{REPOSITORY}:ref:refs/heads/main"}),
        ("deploy-prod", {f"repo:{REPOSITORY}:environment:production"}),
        ("deploy-staging", {f"repo:{REPOSITORY}:environment:staging"}),
    ],
)
def test_a_role_is_taken_by_exactly_these(foundation: Plan, role: str, subs: set[str]) -> None:
    (statement,) = statements([trust(foundation, role)])
    equal = statement["Condition"]["StringEquals"]
    written = equal[f"{ISSUER}:sub"]
    assert ({written} if isinstance(written, str) else set(written)) == subs
    assert equal[f"{ISSUER}:aud"] == AUDIENCE
    assert statement["Condition"].keys() == {"StringEquals"}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"].keys() == {"Federated"}
    assert all(trusted(trust(foundation, role), token(sub)) for sub in subs)


@pytest.mark.parametrize("role", [*PURPOSES, "deploy-staging", "preview-staging"])
@pytest.mark.parametrize(
    "sub",
    [
        f"repo:{REPOSITORY}:pull_request",
        f"repo:{REPOSITORY}:ref:refs/heads/main2",
        f"repo:{REPOSITORY}:ref:refs/heads/feature/main",
        f"repo:{REPOSITORY}:ref:refs/tags/main",
        f"repo:{REPOSITORY}:ref:refs/pull/1/merge",
        f"repo:{REPOSITORY}:environment:previews",
        f"repo:{REPOSITORY}:environment:Production",
        f"repo:{REPOSITORY}:environment:",
        f"repo:{REPOSITORY}:environment:production:ref:refs/heads/main",
        f"repo:{REPOSITORY.lower()}:environment:production",
        "repo:octo/Darkroom-fork:environment:production",
        "repo:evil/Darkroom:environment:preview",
        "repo:evil/Darkroom:ref:refs/heads/main",
        "repo:evil/Darkroom:pull_request",
        "repo:*:environment:production",
        "*",
        "",
    ],
)
def test_forks_other_branches_and_other_environments_take_no_role(foundation: Plan, role: str, sub: str) -> None:
    assert not trusted(trust(foundation, role), token(sub))


@pytest.mark.parametrize("role", PURPOSES)
def test_a_token_for_somebody_else_takes_no_role(foundation: Plan, role: str) -> None:
    (statement,) = statements([trust(foundation, role)])
    written = statement["Condition"]["StringEquals"][f"{ISSUER}:sub"]
    for sub in [written] if isinstance(written, str) else written:
        assert not trusted(trust(foundation, role), token(sub, aud="https://github.com/octo"))
        assert not trusted(trust(foundation, role), {f"{ISSUER}:sub": sub})


def test_nobody_takes_two_stacks_to_be_one() -> None:
    assert subjects("o/r", environment="prod") == ("repo:o/r:environment:prod",)
    assert subjects("o/r", main=True) == ("repo:o/r:ref:refs/heads/main",)
    assert subjects("o/r", environment="preview", main=True) == (
        "repo:o/r:environment:preview",
        "repo:o/r:ref:refs/heads/main",
    )


@pytest.mark.parametrize("role", PURPOSES)
def test_no_policy_is_larger_and_no_role_has_more_of_them_than_iam_takes(foundation: Plan, role: str) -> None:
    found = documents(foundation, role)
    assert 1 <= len(found) <= MAX_POLICIES
    assert all(len("".join(text.split())) <= MAX_POLICY_CHARS for text in found)


def test_the_longest_names_fit_too() -> None:
    """A stack, a foundation, a region and a zone with as many letters as they can have, and every part."""
    stack = {
        **EVERYTHING,
        "environment": "e" * 100,
        "hosted_zone_id": "Z" + "0" * 31,
        "domain": f"{'d' * 63}.{'d' * 63}.{'d' * 63}.example",
    }
    plan = founded({"repository": "o/r", "stacks": {"a" * 16: stack}}, stack="f" * 16, region="ap-southeast-7")
    sizes = {one.name: len("".join(one.inputs["policy"].split())) for one in plan.of("Policy")}
    assert len(sizes) == 12
    assert max(sizes.values()) <= MAX_POLICY_CHARS
    assert len(documents(plan, f"deploy-{'a' * 16}")) == 9


def test_every_part_has_a_policy_of_its_changes_and_one_of_its_reads() -> None:
    assert sorted(part for group in POLICIES.values() for part in group) == sorted(CALLS)
    assert sorted(part for group in READS.values() for part in group) == sorted(CALLS)


def test_no_action_has_a_wildcard_and_every_resource_without_a_name_a_condition(foundation: Plan) -> None:
    found = [
        one
        for kind in foundation.of("Policy")
        for one in statements([kind.inputs["policy"]])
        if one["Effect"] == "Allow"
    ]
    assert len(found) > 50
    for one in found:
        assert not any("*" in action or "?" in action for action in one["Action"])
        assert not {"NotAction", "NotResource"} & one.keys()
        if "*" in one["Resource"]:
            assert one.get("Condition") or set(one["Action"]) <= ANYWHERE.keys(), one


def test_the_order_of_rights_changes_nothing() -> None:
    one = Right(frozenset({"s3:GetObject"}), frozenset({"arn:aws:s3:::a", "arn:aws:s3:::b"}))
    other = Right(frozenset({"s3:PutObject"}), frozenset({"arn:aws:s3:::b"}), holds("Bool", "k", "true"))
    again = Right(frozenset({"s3:ListBucket"}), frozenset({"arn:aws:s3:::a"}))
    assert policy([one, other, again]) == policy([again, one, other, one])
    assert merged([one, again]) == merged([again, one])


@pytest.mark.parametrize(
    ("actions", "resources"),
    [
        ({"s3:*"}, {"a"}),
        ({"*"}, {"a"}),
        ({"s3:Get*"}, {"a"}),
        ({"s3:GetObject"}, {"*"}),
        (set(), {"a"}),
        ({"s3:GetObject"}, set()),
    ],
)
def test_a_right_that_says_too_much_cannot_be_written(actions: set[str], resources: set[str]) -> None:
    with pytest.raises(ValueError, match=r"right names|not one action|every resource"):
        Right(frozenset(actions), frozenset(resources))


def test_a_policy_that_iam_would_refuse_for_its_size_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="IAM takes 6144"):
        policy([Right(frozenset({"s3:GetObject"}), frozenset(f"arn:aws:s3:::{n:063}" for n in range(100)))])
    with pytest.raises(ValueError, match="not an action"):
        Denial("Wide", frozenset({"*"}), frozenset({"*"}))


def test_a_deployer_may_do_everything_in_the_table_but_what_is_withheld(foundation: Plan) -> None:
    may = {action for action, _, _ in triples(documents(foundation, "deploy-prod"))}
    table = {action for _, _, row in rows() for action in row.all}
    state = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    published = {"ssm:GetParameter", "ssm:GetParameters"}
    assert may == (table - WITHHELD.keys()) | state | published


def test_a_stack_gets_rights_over_the_parts_it_has() -> None:
    plan = founded({"repository": "o/r", "stacks": {"prod": {"environment": "p", "parts": []}}})
    services = {action.partition(":")[0] for action, _, _ in triples(documents(plan, "deploy-prod"))}
    assert services == {"dynamodb", "iam", "kms", "lambda", "logs", "s3", "secretsmanager", "sqs"}
    assert passed_to(documents(plan, "deploy-prod")) == {"lambda.amazonaws.com"}


def passed_to(found: list[str]) -> set[str]:
    conditions = [json.loads(when) for action, _, when in triples(found) if action == "iam:PassRole"]
    written = [one["StringEquals"]["iam:PassedToService"] for one in conditions]
    return {service for one in written for service in ([one] if isinstance(one, str) else one)}


def test_roles_are_passed_to_hosts_functions_and_flow_logs_where_there_are_some(foundation: Plan) -> None:
    plain = founded({"repository": "o/r", "stacks": {"prod": {"environment": "p"}}})
    assert passed_to(documents(plain, "deploy-prod")) == {"ec2.amazonaws.com", "lambda.amazonaws.com"}
    assert passed_to(documents(foundation, "deploy-prod")) == {
        "ec2.amazonaws.com",
        "lambda.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
    }


def test_a_preview_may_do_no_more_than_a_deployment(foundation: Plan) -> None:
    preview, deploy = (triples(documents(foundation, role)) for role in ("preview-prod", "deploy-prod"))
    assert preview < deploy


def test_a_preview_changes_nothing(foundation: Plan) -> None:
    found = documents(foundation, "preview-prod")
    changing = {action for _, _, row in rows() for action in row.all - row.read}
    reading = {action for _, _, row in rows() for action in row.read}
    may = {action for action, _, _ in triples(found)}
    assert may & (changing - reading) == set()
    assert may <= reading | {"s3:GetObject", "ssm:GetParameter", "ssm:GetParameters"}


def test_images_are_pushed_by_one_role_and_that_does_nothing_else(foundation: Plan) -> None:
    found = triples(documents(foundation, "images"))
    repositories = {one.state["arn"] for one in foundation.of("Repository")}
    assert len(repositories) == 2
    assert found == {(action, arn, "{}") for action in PUSH for arn in repositories} | {
        ("ecr:GetAuthorizationToken", "*", "{}")
    }
    assert not any("Delete" in action for action in PUSH)
    others = {
        action for role in ("preview-prod", "deploy-prod") for action, _, _ in triples(documents(foundation, role))
    }
    assert not any(action.startswith("ecr:") for action in others)


Request = tuple[str, str, tuple[tuple[str, str], ...]]


def _known(request: Request) -> tuple[str, str, dict[str, str]]:
    action, resource, context = request
    return action, resource, dict(context)


def requests(found: list[str]) -> Iterator[Request]:
    """One request for everything that documents allow: action, resource, and what makes its conditions hold."""
    for action, resource, when in sorted(triples(found)):
        context: dict[str, str] = {}
        for operator, keys in json.loads(when).items():
            for key, value in keys.items():
                if operator != "Null":
                    context[key] = (value if isinstance(value, str) else value[0]).replace("*", "some")
        asked = resource if resource == "*" else resource.replace("*", "some")
        yield action, asked, tuple(sorted(context.items()))


@pytest.mark.parametrize("role", PURPOSES)
@pytest.mark.parametrize("other", PURPOSES)
def test_a_role_is_refused_what_only_another_is_for(foundation: Plan, role: str, other: str) -> None:
    """A deployment looks before it changes, so it shares what a preview may; nobody else shares anything."""
    own, theirs = documents(foundation, role), documents(foundation, other)
    asked = {request for request in requests(theirs) if allowed(theirs, *_known(request))}
    assert len(asked) > 10
    granted = {request for request in asked if allowed(own, *_known(request))}
    looking = {"preview-prod", "deploy-prod"}
    shared = set(requests(own)) if {role, other} <= looking else set()
    assert granted == asked & shared if role != other else granted == asked


def test_a_stack_is_refused_what_is_anothers(foundation: Plan) -> None:
    """What reaches beyond is what is listed with its reason, and what stacks share on purpose."""
    prod, staging = documents(foundation, "deploy-prod"), documents(foundation, "deploy-staging")
    asked = list(requests(staging))
    assert len(asked) > 300
    granted = {request[:2] for request in asked if allowed(prod, *_known(request))}
    lists = {one for one in granted if one[1] == "*" and one[0].partition(":")[2].startswith(("Describe", "List"))}
    cloudfront = {one for one in granted if one[0].startswith("cloudfront:")}
    state = f"arn:aws:s3:::darkroom-foundation-state-{ACCOUNT}-{REGION}"
    linked = {resource for action, resource in granted if action == "iam:CreateServiceLinkedRole"}
    assert {"lists", "cloudfront:KeyGroup"} <= BEYOND.keys()
    assert all("/aws-service-role/" in resource for resource in linked)
    rest = {one for one in granted - lists - cloudfront if one[0] != "iam:CreateServiceLinkedRole"}
    assert rest == {
        ("s3:ListBucket", state),
        ("s3:GetObject", f"{state}/.pulumi/meta.yaml"),
        ("kms:Decrypt", foundation.of("Key")[0].state["arn"]),
        ("kms:GenerateDataKey", foundation.of("Key")[0].state["arn"]),
        ("route53:GetChange", "arn:aws:route53:::change/some"),
        ("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/some"),
        ("ec2:ModifySecurityGroupRules", f"arn:aws:ec2:{REGION}:aws:prefix-list/some"),
        ("ssm:GetParameter", f"arn:aws:ssm:{REGION}::parameter/aws/service/ami-amazon-linux-latest/some"),
        ("ssm:GetParameters", f"arn:aws:ssm:{REGION}::parameter/aws/service/ami-amazon-linux-latest/some"),
    }
    assert not any("Distribution" in action or "Tag" in action for action, _ in cloudfront)
    assert not any(
        allowed(prod, "kms:Decrypt", foundation.of("Key")[0].state["arn"], {"kms:EncryptionContext:stack": stack})
        for stack in ("staging", "foundation", "alice")
    )
