"""The state of a stack as workflows reach it: what the engine itself asks of the state bucket is what they may."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest
from pulumi import automation
from pulumi.automation.errors import CommandError

from components.deployment_rights import Store, state_changes, state_reads
from components.rights import Right
from components.secrets_policy import secrets_provider
from local.aws import Clients
from local.cloud import Cloud
from local.deployment import engine_path
from tests.support.embedded import REGION, session_of
from tests.support.plan import ROOT

BUCKET = "darkroom-foundation-state-000000000000-eu-west-1"
ALIAS = "alias/darkroom-foundation-secrets"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

As = Callable[[str], automation.Stack]
"""The stack `prod`, in the hands of somebody who has this role."""


@pytest.fixture
def store(clients: Clients) -> Store:
    clients["s3"].create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    key = clients["kms"].create_key()["KeyMetadata"]
    clients["kms"].create_alias(AliasName=ALIAS, TargetKeyId=key["KeyId"])
    return Store(bucket=BUCKET, key_arn=key["Arn"])


def _keys(clients: Clients, name: str, rights: tuple[Right, ...]) -> dict[str, str]:
    """A role with these rights, taken. The embedded cloud knows no conditions of KMS, so they are left out here."""
    statements = [{"Action": sorted(one.actions), "Resource": sorted(one.resources)} for one in rights]
    session_of(clients, name, *statements)
    role = f"arn:aws:iam::000000000000:role/{name}"
    taken = clients["sts"].assume_role(RoleArn=role, RoleSessionName="engine")["Credentials"]
    return dict(zip(KEYS, (taken[key] for key in ("AccessKeyId", "SecretAccessKey", "SessionToken")), strict=True))


@pytest.fixture
def prod(store: Store, clients: Clients, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    """A stack with a secret, made by the account's owner, and three roles that may come near it or not."""
    monkeypatch.setenv("PATH", f"{engine_path(ROOT).parent}{os.pathsep}{os.environ['PATH']}")
    at = f"region={REGION}&endpoint={cloud.endpoint}"
    backend = f"s3://{BUCKET}?{at}&s3ForcePathStyle=true"
    reads, changes = state_reads(store, "prod"), state_changes(store, "prod")
    keys = {
        "owner": dict(zip(KEYS, ("test", "test", ""), strict=True)),
        "preview": _keys(clients, "preview", reads),
        "deploy": _keys(clients, "deploy", (*reads, *changes)),
        "other": _keys(clients, "other", (*state_reads(store, "staging"), *state_changes(store, "staging"))),
    }

    def program() -> None:
        pulumi.export("word", pulumi.Config().require_secret("word"))

    def made(who: str, choose: Callable[..., automation.Stack] = automation.select_stack) -> automation.Stack:
        options = automation.LocalWorkspaceOptions(
            work_dir=str(tmp_path),
            pulumi_home=str(tmp_path / "home"),
            secrets_provider=secrets_provider(ALIAS, REGION).replace("?", f"?endpoint={cloud.endpoint}&") + "prod",
            project_settings=automation.ProjectSettings(name="darkroom", runtime="python"),
            env_vars={**keys[who], "PULUMI_BACKEND_URL": backend, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
        return choose("prod", project_name="darkroom", program=program, opts=options)

    made("owner", automation.create_stack).set_config("word", automation.ConfigValue("hidden", secret=True))
    return made


def test_each_purpose_reaches_the_state_that_it_is_for(prod: As, clients: Clients) -> None:
    """A preview looks, a deployment writes and locks, another stack's deployment gets nowhere."""
    prod("preview").preview()
    with pytest.raises(CommandError, match="PutObject"):
        prod("preview").up()
    assert prod("deploy").up().outputs["word"].value == "hidden"
    prod("preview").preview(expect_no_changes=True)
    prod("deploy").up()
    with pytest.raises(CommandError, match=r"prod\.json"):
        prod("other").preview()
    keys = [one["Key"] for one in clients["s3"].list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert any(key.startswith(".pulumi/history/darkroom/prod/") for key in keys)
    assert not any("/locks/" in key for key in keys), "a lock was left behind"
    state = clients["s3"].get_object(Bucket=BUCKET, Key=".pulumi/stacks/darkroom/prod.json")["Body"].read()
    assert b"hidden" not in state
    provider = json.loads(state)["checkpoint"]["latest"]["secrets_providers"]["state"]["url"]
    assert provider.endswith("context_stack=prod")
