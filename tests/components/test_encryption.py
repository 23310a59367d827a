"""The customer's key: everything is stored under it, services alone use it, and nobody is locked out of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.key_policy import ADMINISTRATION, CRYPTOGRAPHY, SCALING_ROLE, KeyUses, key_policy
from contracts.messages import Queue
from tests.support.plan import ACCOUNT, Plan
from tests.support.resource_policies import says
from tests.support.storing import STACK, Stored, storing

REGION = "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/data"
BUCKET = "arn:aws:s3:::pictures"
SOMEONE = f"arn:aws:iam::{ACCOUNT}:role/upload"
STRANGER = "arn:aws:iam::999999999999:role/upload"
SCALING = f"arn:aws:iam::{ACCOUNT}:{SCALING_ROLE}"
EVERYTHING = KeyUses(hosts=True, alarms=True, delivered_bucket=BUCKET)

USES = st.builds(KeyUses, hosts=st.booleans(), alarms=st.booleans(), delivered_bucket=st.none() | st.just(BUCKET))
SECRET_ACTIONS = [*CRYPTOGRAPHY, "kms:CreateGrant"]
PUT, GET = ["kms:Decrypt", "kms:GenerateDataKey"], ["kms:Decrypt"]


VERBS: dict[str, tuple[Callable[[Stored, Any], None], list[str]]] = {
    "putting-an-object": (lambda stored, role: stored.results.storable_by(role), PUT),
    "asking-for-a-checksum": (lambda stored, role: stored.originals.checkable_by(role, under="inline"), GET),
    "getting-an-object": (lambda stored, role: stored.results.readable_by(role), GET),
    "getting-a-version": (lambda stored, role: stored.originals.pinned_versions_readable_by(role, under="inline"), GET),
    "erasing": (lambda stored, role: stored.results.erasable_by(role), []),
    "sending": (lambda stored, role: stored.queues[Queue.JOBS].fed_by(role), PUT),
    "receiving": (lambda stored, role: stored.queues[Queue.JOBS].consumed_by(role), GET),
    "measuring": (lambda stored, role: stored.queues[Queue.JOBS].measured_by(role), []),
    "parking": (lambda stored, role: stored.queues[Queue.JOBS].dead_letters.fed_by(role), PUT),
    "redriving": (lambda stored, role: stored.queues[Queue.JOBS].dead_letters.consumed_by(role), GET),
    "keeping-jobs": (lambda stored, role: stored.tables.jobs.kept_by(role), GET),
    "sweeping": (lambda stored, role: stored.tables.jobs.swept_by(role), GET),
}
"""What a verb takes of the key, as AWS documents it for the calls behind it."""

ROLES = {verb: grant for verb, (grant, _) in VERBS.items()}


def policy(uses: KeyUses = EVERYTHING) -> str:
    return key_policy(account=ACCOUNT, region=REGION, prefix=f"darkroom-{STACK}-", uses=uses)


def asked(who: str, action: str, uses: KeyUses = EVERYTHING, **context: str) -> str:
    names = {
        "via": "kms:ViaService",
        "caller": "kms:CallerAccount",
        "source": "aws:SourceArn",
        "of": "aws:SourceAccount",
    }
    names |= {"log": "kms:EncryptionContext:aws:logs:arn", "stored": "kms:EncryptionContext:aws:s3:arn"}
    names |= {"principal": "aws:PrincipalArn", "for_aws": "kms:GrantIsForAWSResource"}
    return says(policy(uses), who=who, action=action, context={names[name]: value for name, value in context.items()})


@pytest.fixture(scope="module")
def keyed() -> Plan:
    return storing(key=True, roles=ROLES)


@pytest.fixture(scope="module")
def unkeyed() -> Plan:
    return storing(roles=ROLES)


def test_a_key_is_renewed_each_year_and_leaves_a_month_to_think_again(keyed: Plan) -> None:
    key = keyed.one("Key", "data")
    assert {name: value for name, value in key.inputs.items() if name not in ("policy", "tags")} == {
        "description": f"Everything that the stack {STACK} of darkroom stores",
        "enableKeyRotation": True,
        "deletionWindowInDays": 30,
    }
    assert key.protected
    assert key.inputs["policy"] == policy(KeyUses())
    alias = keyed.one("Alias", "data").inputs
    assert alias == {"name": f"alias/darkroom-{STACK}-data", "targetKeyId": key.state["keyId"]}
    assert keyed.outputs[key.parent] == {"arn": KEY}


@pytest.mark.parametrize("action", ADMINISTRATION)
def test_the_account_administers_its_key_so_nobody_is_locked_out(action: str) -> None:
    assert asked(SOMEONE, action, KeyUses()) == "allow"
    assert asked(STRANGER, action) == "nothing"


@given(USES, st.sampled_from(SECRET_ACTIONS))
def test_nobody_encrypts_decrypts_or_grants_by_hand(uses: KeyUses, action: str) -> None:
    """Not even who administers the key; but for describing it, which shows nothing."""
    expected = "allow" if action == "kms:DescribeKey" else "nothing"
    for who in (SOMEONE, f"arn:aws:iam::{ACCOUNT}:root", SCALING):
        context = {"caller": ACCOUNT} if who == SCALING else {"caller": ACCOUNT, "principal": who}
        assert asked(who, action, uses, **context) == expected


@pytest.mark.parametrize(
    ("service", "actions"),
    [
        ("s3", PUT),
        ("sqs", PUT),
        ("dynamodb", SECRET_ACTIONS),
        ("lambda", SECRET_ACTIONS),
    ],
)
def test_a_principal_uses_it_through_the_services_that_store(service: str, actions: list[str]) -> None:
    via = f"{service}.{REGION}.amazonaws.com"
    for action in set(SECRET_ACTIONS) - {"kms:DescribeKey"}:
        expected = "allow" if action in actions else "nothing"
        assert asked(SOMEONE, action, via=via, caller=ACCOUNT) == expected
        assert asked(STRANGER, action, via=via, caller="999999999999") == "nothing"
        assert asked(SOMEONE, action, via=f"{service}.eu-west-2.amazonaws.com", caller=ACCOUNT) == "nothing"
        assert asked(SOMEONE, action, via=f"ec2.{REGION}.amazonaws.com", caller=ACCOUNT) == "nothing"


@pytest.mark.parametrize("group", [f"/aws/lambda/darkroom-{STACK}-transform", f"darkroom-{STACK}-upload"])
def test_logs_of_the_stack_are_under_it_and_no_others(group: str) -> None:
    def log(name: str, account: str = ACCOUNT) -> str:
        where = f"arn:aws:logs:{REGION}:{account}:log-group:{name}"
        return asked(f"logs.{REGION}.amazonaws.com", "kms:GenerateDataKey", KeyUses(), log=where)

    assert log(group) == "allow"
    assert log(group, "999999999999") == "nothing"
    assert log(group.replace(STACK, "other")) == "nothing"
    assert asked(f"logs.{REGION}.amazonaws.com", "kms:GenerateDataKey") == "nothing"
    assert asked("logs.eu-west-2.amazonaws.com", "kms:GenerateDataKey") == "nothing"


def test_an_alarm_of_the_stack_writes_to_a_topic_under_it() -> None:
    def alarm(name: str, uses: KeyUses = EVERYTHING, of: str = ACCOUNT) -> str:
        source = f"arn:aws:cloudwatch:{REGION}:{of}:alarm:{name}"
        return asked("cloudwatch.amazonaws.com", "kms:GenerateDataKey", uses, source=source, of=of)

    assert alarm(f"darkroom-{STACK}-upload-5xx") == "allow"
    assert alarm("somebody-elses") == "nothing"
    assert alarm(f"darkroom-{STACK}-upload-5xx", of="999999999999") == "nothing"
    assert alarm(f"darkroom-{STACK}-upload-5xx", KeyUses()) == "nothing"


def test_groups_start_hosts_with_disks_under_it() -> None:
    context = {"caller": ACCOUNT, "principal": SCALING}
    for action in CRYPTOGRAPHY:
        assert asked(SCALING, action, **context) == "allow"
    assert asked(SCALING, "kms:CreateGrant", **context, for_aws="true") == "allow"
    assert asked(SCALING, "kms:CreateGrant", **context, for_aws="false") == "nothing"
    assert asked(SCALING, "kms:CreateGrant", **context) == "nothing"
    other = SCALING.replace(ACCOUNT, "999999999999")
    assert asked(other, "kms:Decrypt", caller="999999999999", principal=other) == "nothing"
    assert asked(SCALING, "kms:Decrypt", KeyUses(), **context) == "nothing"


def test_the_role_that_starts_hosts_need_not_be_there_yet() -> None:
    """KMS refuses a policy with a principal that is not there, and AWS makes this one with an account's first group."""
    principals = [one["Principal"] for one in json.loads(policy())["Statement"]]
    named = {who for one in principals for who in one.values()}
    assert named == {
        f"arn:aws:iam::{ACCOUNT}:root",
        "*",
        f"logs.{REGION}.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "cloudfront.amazonaws.com",
    }


@pytest.mark.parametrize("stored", [BUCKET, f"{BUCKET}/default/job/thumb.webp"])
def test_cloudfront_reads_the_delivered_bucket_and_nothing_else(stored: str) -> None:
    ours = {"source": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1", "of": ACCOUNT, "stored": stored}
    theirs = {"source": "arn:aws:cloudfront::999999999999:distribution/E1", "of": "999999999999"}

    def cloudfront(uses: KeyUses = EVERYTHING, action: str = "kms:Decrypt", **changed: str) -> str:
        return asked("cloudfront.amazonaws.com", action, uses, **{**ours, **changed})

    assert cloudfront() == "allow"
    assert cloudfront(stored="arn:aws:s3:::originals") == "nothing"
    assert cloudfront(stored=f"{BUCKET}-of-others") == "nothing"
    assert cloudfront(**theirs) == "nothing"
    assert cloudfront(action="kms:GenerateDataKey") == "nothing"
    assert cloudfront(KeyUses()) == "nothing"


@given(USES)
def test_every_statement_names_its_actions_and_only_administration_is_without_a_condition(uses: KeyUses) -> None:
    for statement in json.loads(policy(uses))["Statement"]:
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"])
        assert ("Condition" not in statement) == (statement["Sid"] == "AdministerByIam")


def test_everything_that_stores_is_under_the_key(keyed: Plan) -> None:
    for name in ("originals", "results"):
        assert keyed.one("BucketServerSideEncryptionConfiguration", name).inputs["rules"] == [
            {
                "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
                "bucketKeyEnabled": True,
            }
        ]
    assert len(keyed.of("Queue")) == 2 * len(Queue)
    for queue in keyed.of("Queue"):
        assert (queue.inputs["kmsMasterKeyId"], queue.inputs["kmsDataKeyReusePeriodSeconds"]) == (KEY, 300)
        assert "sqsManagedSseEnabled" not in queue.inputs
    assert len(keyed.of("Table")) == 2
    for table in keyed.of("Table"):
        assert table.inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_of_the_key_what_its_calls_need(keyed: Plan, unkeyed: Plan, verb: str) -> None:
    granted = _granted(keyed, verb)
    of_key = [one for one in granted if any(action.startswith("kms:") for action in one["Action"])]
    _, actions = VERBS[verb]
    assert of_key == ([{"Effect": "Allow", "Action": actions, "Resource": [KEY]}] if actions else [])
    assert [one for one in granted if one not in of_key] == _granted(unkeyed, verb)


def test_without_a_key_nothing_speaks_of_one(unkeyed: Plan, keyed: Plan) -> None:
    assert "kms" in json.dumps([one.inputs for one in keyed]).lower()
    assert "kms" not in json.dumps([one.inputs for one in unkeyed]).lower()
    assert all(one.inputs["sqsManagedSseEnabled"] for one in unkeyed.of("Queue"))


def test_the_key_adds_two_resources_and_changes_nothing_but_encryption(unkeyed: Plan, keyed: Plan) -> None:
    before = {(one.type, one.name) for one in unkeyed}
    after = {(one.type, one.name) for one in keyed}
    assert after - before == {
        ("darkroom:encryption:PipelineKey", "data"),
        ("aws:kms/key:Key", "data"),
        ("aws:kms/alias:Alias", "data"),
    }
    assert before <= after


@pytest.mark.parametrize("require_tls", [True, False])
def test_a_put_that_names_its_encryption_is_refused_and_one_that_names_none_is_not(require_tls: bool) -> None:
    plan = storing(key=True, require_tls=require_tls)
    secure = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
    for name in ("originals", "results"):
        document = plan.one("BucketPolicy", name).inputs["policy"]
        place = plan.one("Bucket", name).state["arn"] + "/default/job/thumb.webp"

        def put(document: str = document, place: str = place, action: str = "s3:PutObject", **headers: str) -> str:
            named = {f"s3:x-amz-server-side-encryption{header}": value for header, value in headers.items()}
            return says(document, who=SOMEONE, action=action, resource=place, context={**secure, **named})

        assert put() == "nothing"
        assert put(**{"": "AES256"}) == "deny"
        assert put(**{"": "aws:kms"}) == "deny"
        assert put(**{"": "aws:kms", "-aws-kms-key-id": KEY}) == "deny"
        assert put(**{"-customer-algorithm": "AES256"}) == "deny"
        assert put(action="s3:GetObject", **{"-customer-algorithm": "AES256"}) == "nothing"


def _granted(plan: Plan, verb: str) -> list[dict[str, Any]]:
    return json.loads(plan.one("RolePolicy", verb).inputs["policy"])["Statement"]
