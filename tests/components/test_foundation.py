"""The foundation: what an account has before its first stack, and what a mistake in its configuration is told."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components import registry
from components.config import BadConfiguration, decode
from components.deployment_rights import ISSUER
from components.foundation_settings import DeployedStack, FoundationConfig
from components.key_policy import ADMINISTRATION
from components.secrets_policy import secrets_key_policy, secrets_provider
from tests.support.founded import REGION, WHOLE, founded
from tests.support.laws import broken
from tests.support.plan import ACCOUNT, ROOT, Plan, stack_settings
from tests.support.policies import holds, statements

STATE = f"darkroom-foundation-state-{ACCOUNT}-{REGION}"


@pytest.fixture(scope="module")
def bare() -> Plan:
    """As it is committed: nobody's repository is invented."""
    region, settings = stack_settings("foundation")
    return founded(settings, region=region)


@pytest.fixture(scope="module")
def whole() -> Plan:
    return founded(WHOLE)


@pytest.fixture(params=["bare", "whole"])
def plan(request: pytest.FixtureRequest) -> Plan:
    return request.getfixturevalue(request.param)


def test_it_keeps_every_law(plan: Plan) -> None:
    assert plan.resources
    assert broken(plan) == []


def test_everything_is_a_child_tagged_and_named(plan: Plan) -> None:
    components = {one.urn for one in plan if one.is_component}
    orphans = [one.type for one in plan if one.parent not in components]
    assert orphans == ["darkroom:foundation:Foundation"]
    tagged = [one.inputs["tags"] for one in plan if "tags" in one.inputs]
    assert len(tagged) >= 5
    assert all({"project": "darkroom", "stack": "foundation"}.items() <= tags.items() for tags in tagged)
    names = [one.inputs["name"] for one in plan if "name" in one.inputs]
    assert all(name.removeprefix("alias/").startswith("darkroom-foundation-") for name in names)
    assert all(len(name) <= 64 + len("alias/") for name in names)


def test_every_component_registers_what_it_made(plan: Plan) -> None:
    assert [one for one in plan if one.is_component and not plan.outputs.get(one.urn)] == []


def test_without_a_repository_nobody_but_people_deploys(bare: Plan) -> None:
    assert [bare.of(kind) for kind in ("Role", "Policy", "OpenIdConnectProvider")] == [[], [], []]
    assert set(bare.exports) == {"state_bucket", "backend_url", "secrets_provider", "repositories"}


def test_what_it_gives_is_what_stacks_and_workflows_are_configured_with(whole: Plan) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/darkroom-foundation"
    policy = f"arn:aws:iam::{ACCOUNT}:policy/darkroom-foundation"
    exports = json.loads(json.dumps(whole.exports))
    assert set(exports.pop("repositories")) == {"upload", "processing"}
    assert exports.pop("oidc_provider_arn") == whole.of("OpenIdConnectProvider")[0].state["arn"]
    assert exports == {
        "state_bucket": STATE,
        "backend_url": f"s3://{STATE}?region={REGION}",
        "secrets_provider": f"awskms://alias/darkroom-foundation-secrets?region={REGION}&context_stack=",
        "roles": {
            "images": f"{role}-images",
            "stacks": {
                stack: {"preview": f"{role}-preview-{stack}", "deploy": f"{role}-deploy-{stack}"}
                for stack in ("prod", "staging")
            },
        },
        "boundaries": {stack: f"{policy}-boundary-{stack}" for stack in ("prod", "staging")},
    }


def test_state_is_private_encrypted_and_kept(plan: Plan) -> None:
    (bucket,) = plan.of("Bucket")
    assert bucket.inputs["bucket"] == STATE
    assert bucket.inputs["forceDestroy"] is False
    assert plan.of("BucketVersioning")[0].inputs["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = plan.of("BucketServerSideEncryptionConfiguration")[0].inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == plan.of("Key")[0].state["arn"]
    (older,) = plan.of("BucketLifecycleConfiguration")[0].inputs["rules"]
    assert older["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert older["expiration"] == {"expiredObjectDeleteMarker": True}
    (refused,) = [
        one for one in statements([plan.of("BucketPolicy")[0].inputs["policy"]]) if one["Sid"] == "RefusePlainHttp"
    ]
    assert refused["Effect"] == "Deny"


def test_the_key_of_secrets_is_renewed_and_waits_before_it_dies(plan: Plan) -> None:
    (key,) = plan.of("Key")
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30
    assert plan.of("Alias")[0].inputs["name"] == "alias/darkroom-foundation-secrets"


def test_nobody_is_locked_out_of_the_key_and_nobody_else_let_in() -> None:
    document = secrets_key_policy(account=ACCOUNT, region=REGION, bucket=STATE)
    found = list(statements([document]))
    assert {one["Principal"]["AWS"] for one in found} == {f"arn:aws:iam::{ACCOUNT}:root"}
    administration = next(one for one in found if "Condition" not in one)
    assert administration["Action"] == sorted(ADMINISTRATION)
    assert not {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"} & set(ADMINISTRATION)


@pytest.mark.parametrize(
    ("action", "context", "answer"),
    [
        ("kms:Decrypt", {"kms:EncryptionContext:stack": "alice"}, True),
        ("kms:Encrypt", {"kms:EncryptionContext:stack": "alice"}, True),
        ("kms:Decrypt", {}, False),
        ("kms:GenerateDataKey", {"kms:EncryptionContext:stack": "alice"}, False),
        (
            "kms:Decrypt",
            {
                "kms:ViaService": f"s3.{REGION}.amazonaws.com",
                "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{STATE}",
            },
            True,
        ),
        (
            "kms:Decrypt",
            {"kms:ViaService": f"s3.{REGION}.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::other"},
            False,
        ),
        (
            "kms:Decrypt",
            {
                "kms:ViaService": f"sqs.{REGION}.amazonaws.com",
                "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{STATE}",
            },
            False,
        ),
    ],
)
def test_the_key_opens_secrets_that_say_whose_they_are_and_state(
    action: str, context: dict[str, str], answer: bool
) -> None:
    document = secrets_key_policy(account=ACCOUNT, region=REGION, bucket=STATE)
    ours = {"kms:CallerAccount": ACCOUNT, **context}
    let_in = [
        one for one in statements([document]) if action in one["Action"] and holds(one.get("Condition", {}), ours)
    ]
    assert bool(let_in) is answer


def test_the_provider_of_secrets_is_what_the_command_line_takes() -> None:
    assert (
        secrets_provider("alias/a-b", "eu-west-1") + "prod" == "awskms://alias/a-b?region=eu-west-1&context_stack=prod"
    )


def test_images_are_immutable_scanned_and_thrown_away_one_day(plan: Plan) -> None:
    assert {one.inputs["name"] for one in plan.of("Repository")} == {
        "darkroom-foundation-upload",
        "darkroom-foundation-processing",
    }
    for one in plan.of("Repository"):
        assert one.inputs["imageTagMutability"] == "IMMUTABLE"
        assert one.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        assert one.inputs["forceDelete"] is False
        assert one.inputs["encryptionConfigurations"] == [{"encryptionType": "AES256"}]
    untagged, tagged = json.loads(plan.of("LifecyclePolicy")[0].inputs["policy"])["rules"]
    assert untagged["selection"] == {
        "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7,
    }  # fmt: skip
    assert tagged["selection"] == {
        "tagStatus": "tagged", "tagPatternList": ["*"], "countType": "imageCountMoreThan", "countNumber": 100,
    }  # fmt: skip


@given(st.integers(1, 1_000), st.integers(1, 365))
def test_rules_of_a_repository_never_share_a_priority(kept: int, days: int) -> None:
    rules = json.loads(registry.lifecycle(kept=kept, untagged_days=days))["rules"]
    assert [rule["rulePriority"] for rule in rules] == [1, 2]
    assert [rule["selection"]["countNumber"] for rule in rules] == [days, kept]


def test_no_bucket_of_the_account_may_be_public_unless_it_is_said(plan: Plan) -> None:
    (block,) = plan.of("AccountPublicAccessBlock")
    assert set(block.inputs.values()) == {True}
    assert founded({"block_public_s3": False}).of("AccountPublicAccessBlock") == []


def test_what_is_spent_is_told(whole: Plan, bare: Plan) -> None:
    (budget,) = whole.of("Budget")
    assert budget.inputs["costFilters"] == [{"name": "TagKeyValue", "values": ["user:project$darkroom"]}]
    assert (budget.inputs["limitAmount"], budget.inputs["limitUnit"], budget.inputs["timeUnit"]) == (
        "100", "USD", "MONTHLY",
    )  # fmt: skip
    told = [(one["threshold"], one["notificationType"]) for one in budget.inputs["notifications"]]
    assert told == [(50, "ACTUAL"), (80, "ACTUAL"), (100, "FORECASTED")]
    assert all(one["subscriberEmailAddresses"] == ["money@example.com"] for one in budget.inputs["notifications"])
    # AWS refuses a notification that nobody gets
    assert bare.of("Budget")[0].inputs.get("notifications", []) == []


def test_what_cannot_be_made_again_is_protected_unless_it_is_said(plan: Plan) -> None:
    kinds = (":Bucket", ":Key", ":Repository", ":AccountPublicAccessBlock")
    assert {one.type.rpartition(":")[2] for one in plan if one.protected} == {kind[1:] for kind in kinds}
    loose = founded({"deletion_protection": False})
    assert not any(one.protected for one in loose)
    assert all(one.inputs["forceDelete"] for one in loose.of("Repository"))
    assert loose.of("Bucket")[0].inputs["forceDestroy"] is False


def test_githubs_word_is_taken_without_thumbprints(whole: Plan) -> None:
    (provider,) = whole.of("OpenIdConnectProvider")
    assert provider.inputs["url"] == f"https://{ISSUER}"
    assert provider.inputs["clientIdLists"] == ["sts.amazonaws.com"]
    assert "thumbprintLists" not in provider.inputs


def test_a_provider_that_the_account_has_is_used() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
    plan = founded({**WHOLE, "oidc_provider_arn": arn})
    assert plan.of("OpenIdConnectProvider") == []
    principals = {
        one["Principal"]["Federated"]
        for role in plan.of("Role")
        for one in statements([role.inputs["assumeRolePolicy"]])
    }
    assert principals == {arn}


@pytest.mark.parametrize(
    ("repository", "taken"),
    [
        ("octo/Darkroom", True),
        ("octo@123456/Darkroom@456789", True),
        ("octo@123456/Darkroom", False),
        ("octo/Darkroom@456789", False),
        ("octo@*/Darkroom@*", False),
        ("octo/*", False),
        ("repo:octo/Darkroom", False),
        ("octo/Darkroom:environment:production", False),
    ],
)
def test_a_repository_is_named_as_githubs_tokens_name_it(repository: str, taken: bool) -> None:
    if not taken:
        with pytest.raises(BadConfiguration):
            decode(json.dumps({"repository": repository}), FoundationConfig)
        return
    plan = founded({"repository": repository, "stacks": {"prod": {"environment": "p"}}})
    (statement,) = statements([plan.one("Role", "deploy-prod").inputs["assumeRolePolicy"]])
    assert statement["Condition"]["StringEquals"][f"{ISSUER}:sub"] == [f"repo:{repository}:environment:p"]


def _stacks(**stacks: Any) -> dict[str, Any]:
    return {"repository": "o/r", "stacks": {name: {"environment": name, **stack} for name, stack in stacks.items()}}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"repositry": "o/r"}, "foundation: has no field 'repositry'; did you mean 'repository'?"),
        (
            {"repository": "https://github.com/o/r"},
            "foundation.repository: expected `str` matching regex '^(?:[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}"
            "|[A-Za-z0-9-]{1,39}@[0-9]{1,20}/[A-Za-z0-9._-]{1,100}@[0-9]{1,20})\\\\Z'; "
            "write it as in Pulumi.foundation.yaml; components/foundation_settings.py describes every field",
        ),
        (
            {"stacks": {"prod": {"environment": "production"}}},
            "foundation.stacks: are deployed by nobody without a repository; "
            "write repository: owner/name beside stacks",
        ),
        (
            {"oidc_provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"},
            "foundation.oidc_provider_arn: is for nobody without a repository; write repository: owner/name beside it",
        ),
        (
            _stacks(prod={}, other={"environment": "prod"}),
            "foundation.stacks.other.environment: is also that of prod; give each stack an environment of its own",
        ),
        (
            _stacks(prod={"preview_environment": "prod"}),
            "foundation.stacks.prod.preview_environment: deploys prod; choose another",
        ),
        (
            _stacks(prod={"parts": ["hosts"]}),
            "foundation.stacks.prod.parts: has hosts without network, which it stands in; add network",
        ),
        (
            _stacks(prod={"hosted_zone_id": "Z1"}),
            "foundation.stacks.prod.domain: goes with hosted_zone_id; write both, or neither",
        ),
        (
            _stacks(prod={"parts": ["network"], "hosted_zone_id": "Z1", "domain": "a.example"}),
            "foundation.stacks.prod.hosted_zone_id: is for a balancer; add balancer to parts, or leave it out",
        ),
        (
            _stacks(**{"prod": {}, "prod-eu": {}}),
            "foundation.stacks.prod-eu: its names begin as those of prod do, whose roles would reach them; "
            "choose another name",
        ),
        ({"kept_images": 1}, "foundation.kept_images: expected `int` >= 10; the default is 100"),
        ({"state_version_days": 0}, "foundation.state_version_days: expected `int` >= 1; the default is 90"),
        ({"tags": {"stack": "x"}}, "foundation.tags.stack: is set by the program; choose another key"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_what_would_be_right(value: dict[str, Any], line: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        decode(json.dumps(value), FoundationConfig)
    assert str(refused.value) == line


@pytest.mark.parametrize(
    "value",
    [
        {"environment": "prod:preview"},
        {"environment": "*"},
        {"environment": ""},
        {"environment": "a b"},
        {"environment": "p", "preview_environment": "*"},
        {"environment": "p", "parts": ["databases"]},
        {"environment": "p", "hosted_zone_id": "*"},
        {},
    ],
)
def test_nothing_that_would_widen_a_trust_or_a_right_is_taken(value: dict[str, Any]) -> None:
    with pytest.raises(BadConfiguration):
        decode(json.dumps({"repository": "o/r", "stacks": {"prod": value}}), FoundationConfig)


@pytest.mark.parametrize("name", ["Prod", "prod.eu", "prod-", "-prod", "p--q", "*", "", "a" * 17])
def test_a_stack_that_workflows_deploy_has_a_plain_name(name: str) -> None:
    with pytest.raises(BadConfiguration):
        decode(json.dumps({"repository": "o/r", "stacks": {name: {"environment": "p"}}}), FoundationConfig)


@pytest.mark.parametrize("stack", ["foundation", "foundation-ci", "found"])
def test_no_workflow_deploys_what_is_named_as_the_foundation_is(stack: str) -> None:
    with pytest.raises(BadConfiguration, match=f"foundation.stacks.{stack}: its names begin"):
        founded(
            {"repository": "o/r", "stacks": {stack: {"environment": "p"}}},
            stack="found-ation" if stack == "found" else "foundation",
        )


def test_the_example_in_the_tree_deploys_what_production_declares() -> None:
    """Uncommented, the lines of the file are a configuration, and its parts are those of Pulumi.prod.yaml."""
    lines = (ROOT / "Pulumi.foundation.yaml").read_text().splitlines()
    first = lines.index("    # stacks:")
    written = [line.removeprefix("    # ") for line in lines[first:] if line.startswith("    # ")]

    example = yaml.safe_load("\n".join(written))
    config = decode(json.dumps({"repository": "owner/name", **example}), FoundationConfig)
    _, prod = stack_settings("prod")
    declared = {part for part in ("network", "hosts", "balancer", "delivery", "alarms", "customer_key") if part in prod}
    declared |= {"flow_logs"} if prod.get("network", {}).get("flow_logs") else set()
    assert set(config.stacks["prod"].parts) == declared
    assert config.stacks["prod"] == DeployedStack(environment="production", parts=config.stacks["prod"].parts)
