"""Two developers' stacks on one cloud: neither touches what is the other's, and neither is allowed to."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws import Clients
from local.cloud import Cloud
from local.deployment import Deployment
from tests.support.embedded import REGION
from tests.support.engine import deployment, everything, local_config, touched

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = [
    pytest.mark.xdist_group("engine-side-by-side"),
    pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning"),
]

NAMES = ("alice", "bob")
HOLDERS = {"upload": None, "processing": None, "link-signer": "upload", "eraser": "processing", "transform": None}
"""Roles, each with the one that takes it."""

OPEN = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
)

Session = Callable[[str], Any]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> dict[str, Deployment]:
    return {name: deployment(tmp_path_factory.mktemp(name), cloud, stack=name) for name in NAMES}


@pytest.fixture(scope="module")
def exports(stacks: dict[str, Deployment]) -> dict[str, dict[str, Any]]:
    """What each stack exports, once both are deployed."""
    return {name: stack.up().exports for name, stack in stacks.items()}


def _session(clients: Clients, roles: dict[str, str], role: str) -> Session:
    """Clients of a role: taken by its holder, or by AWS itself, as which root may pass; not as Lambda, though, whose
    word for an account is asked for, so that the function's role is opened first."""
    holder = HOLDERS[role]
    if role == "transform":
        clients["iam"].update_assume_role_policy(RoleName=roles[role].rpartition("/")[2], PolicyDocument=OPEN)
    taking = clients["sts"] if holder is None else _session(clients, roles, holder)("sts")
    keys = taking.assume_role(RoleArn=roles[role], RoleSessionName="test")["Credentials"]
    session: Any = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], REGION)
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return lambda service: session.client(service, endpoint_url=clients.endpoint, config=config)


def _refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403")
    return False


def test_no_name_is_shared(stacks: dict[str, Deployment], exports: dict[str, dict[str, Any]], clients: Clients) -> None:
    ids = {name: {one["id"] for one in stack.resources().values()} for name, stack in stacks.items()}
    # the mapping's is random, so this is about names
    assert ids["alice"].isdisjoint(ids["bob"])
    for names in everything(clients).values():
        assert len([one for one in names if "-alice-" in one]) == len([one for one in names if "-bob-" in one])


def test_what_one_may_the_other_may_not(exports: dict[str, dict[str, Any]], clients: Clients) -> None:
    """Every verb of each role: on its own stack it is allowed, on the other's it is refused."""
    own, other = exports["alice"], exports["bob"]
    verbs: dict[str, list[Callable[[Session, dict[str, Any]], Any]]] = {
        "upload": [
            lambda session, of: session("s3").put_object(Bucket=of["buckets"]["originals"], Key="inline/a/b", Body=b""),
            lambda session, of: session("sqs").send_message(QueueUrl=of["queues"]["jobs"]["url"], MessageBody="{}"),
            lambda session, of: session("dynamodb").put_item(
                TableName=of["tables"]["jobs"], Item={"pk": {"S": "test"}, "revision": {"N": "1"}}
            ),
            lambda session, of: session("sts").assume_role(RoleArn=of["roles"]["link-signer"], RoleSessionName="test"),
        ],
        "processing": [
            lambda session, of: session("sqs").receive_message(
                QueueUrl=of["queues"]["completions"]["url"], WaitTimeSeconds=0
            ),
            lambda session, of: session("sqs").send_message(
                QueueUrl=of["queues"]["transforms"]["url"], MessageBody="{}"
            ),
            lambda session, of: session("sts").assume_role(RoleArn=of["roles"]["eraser"], RoleSessionName="test"),
        ],
        "link-signer": [lambda session, of: session("s3").get_object(Bucket=of["buckets"]["results"], Key="there")],
        "eraser": [
            lambda session, of: session("s3").list_object_versions(Bucket=of["buckets"]["originals"]),
            lambda session, of: session("s3").delete_object(Bucket=of["buckets"]["results"], Key="there"),
        ],
        "transform": [
            lambda session, of: session("s3").put_object(Bucket=of["buckets"]["results"], Key="a", Body=b""),
            lambda session, of: session("sqs").send_message(
                QueueUrl=of["queues"]["completions"]["url"], MessageBody="{}"
            ),
        ],
    }
    assert verbs.keys() == HOLDERS.keys() == own["roles"].keys()
    for one in (own, other):
        clients["s3"].put_object(Bucket=one["buckets"]["results"], Key="there", Body=b"gold")
    for role in HOLDERS:
        session = _session(clients, own["roles"], role)
        for number, verb in enumerate(verbs[role]):
            assert _refused(lambda verb=verb, session=session: verb(session, other)), f"{role} {number} on another's"
            verb(session, own)
    # the function cannot read it, and would be given it again while its stack is being taken away
    clients["sqs"].purge_queue(QueueUrl=own["queues"]["transforms"]["url"])
    # what was refused did not happen
    assert clients["s3"].get_object(Bucket=other["buckets"]["results"], Key="there")["Body"].read() == b"gold"
    assert clients["dynamodb"].scan(TableName=other["tables"]["jobs"])["Items"] == []


def test_a_change_of_one_and_its_end_leave_the_other_as_it_was(
    stacks: dict[str, Deployment], exports: dict[str, dict[str, Any]], cloud: Cloud, clients: Clients
) -> None:
    alice, bob = stacks["alice"], stacks["bob"]
    clients["sqs"].send_message(QueueUrl=exports["bob"]["queues"]["jobs"]["url"], MessageBody="bob's")
    before = {kind: [one for one in names if "-bob-" in one] for kind, names in everything(clients).items()}
    alice.configure(local_config(cloud.endpoint, {"results_days": 500, "log_retention_days": 3}))
    assert alice.up().changes
    assert touched(bob.up(refresh=True)) == {}
    alice.destroy()
    assert everything(clients) == before
    assert touched(bob.up(refresh=True)) == {}
    message = clients["sqs"].receive_message(QueueUrl=exports["bob"]["queues"]["jobs"]["url"])["Messages"][0]
    assert message["Body"] == "bob's"
