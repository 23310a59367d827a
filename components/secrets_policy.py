"""Who may use the key of Pulumi's secrets and state. Pure.

The account administers it and leaves to IAM which of its people and workflows do what, so nobody is locked out. It
opens two things only: secrets that say which stack they are of, and the state bucket's objects, through S3. A secret
that does not say whose it is could not be kept from another stack's workflows, so it cannot be made at all.
"""

import json
from typing import Any, Final

from components.access import VERSION
from components.key_policy import ADMINISTRATION

SECRETS: Final = ("kms:Decrypt", "kms:Encrypt")
OBJECTS: Final = ("kms:Decrypt", "kms:GenerateDataKey")

STACK_CONTEXT: Final = "stack"
"""Key in the encryption context by which a secret says which stack it is of; `context_stack` in the provider's URL.
https://gocloud.dev/howto/secrets/#aws"""


def secrets_provider(alias: str, region: str) -> str:
    """The URL that Pulumi takes as a stack's secrets provider; the stack's name is to be written behind it."""
    return f"awskms://{alias}?region={region}&context_{STACK_CONTEXT}="


def secrets_key_policy(*, account: str, region: str, bucket: str) -> str:
    """The policy of the key; `bucket` is the name of the state bucket."""
    arn = f"arn:aws:s3:::{bucket}"
    ours = {"kms:CallerAccount": account}
    statements = [
        _allow("AdministerByIam", ADMINISTRATION, account, None),
        _allow(
            "SecretsOfAStack",
            SECRETS,
            account,
            {"StringEquals": ours, "Null": {f"kms:EncryptionContext:{STACK_CONTEXT}": "false"}},
        ),
        _allow(
            "StateThroughS3",
            OBJECTS,
            account,
            {
                "StringEquals": {**ours, "kms:ViaService": f"s3.{region}.amazonaws.com"},
                # with a bucket key the context is the bucket's ARN; without one, each object's
                "ArnLike": {"kms:EncryptionContext:aws:s3:arn": [arn, f"{arn}/*"]},
            },
        ),
    ]
    return json.dumps({"Version": VERSION, "Statement": statements}, separators=(",", ":"))


def _allow(sid: str, actions: tuple[str, ...], account: str, condition: dict[str, Any] | None) -> dict[str, Any]:
    # in the policy of a key, `*` is the key
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": sorted(actions),
        "Resource": "*",
    }
    return statement if condition is None else {**statement, "Condition": condition}
