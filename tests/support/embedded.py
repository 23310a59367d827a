"""An embedded cloud of a test's own, and roles on it with exactly the rights that a test names."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.aws import Clients
from local.cloud import Cloud

REGION = "eu-west-1"

Session = Callable[[str], Any]
"""A client of the service that is named, with the keys of the role's session."""


@contextmanager
def started(folder: Path) -> Iterator[Cloud]:
    """The cloud of `make run`, IAM enforced, with this folder, on a port that nobody else has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cloud = Cloud(folder, region=REGION, listener=listener, log=folder / "cloud.log")
        cloud.start()
        try:
            cloud.wait_until_ready()
            yield cloud
        finally:
            cloud.stop()


def session_of(clients: Clients, name: str, *statements: dict[str, Any]) -> Session:
    """Make a role with these statements, and take it."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    arn = clients["iam"].create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    clients["iam"].put_role_policy(RoleName=name, PolicyName="granted", PolicyDocument=json.dumps(policy))
    keys = clients["sts"].assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    session: Any = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], REGION)
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return lambda service: session.client(service, endpoint_url=clients.endpoint, config=config)
