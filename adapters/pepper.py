"""The pepper of API keys, in a secret that the program declares and nobody but `write_pepper` fills."""

import os
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from adapters.clients import AwsClient
from adapters.errors import code_of
from contracts.environment import BadEnvironment
from contracts.keys import PEPPER_BYTES

FIRST: Final = "darkroom-first-pepper-of-this-secret"
"""Token of the one write of a pepper: AWS takes a token once, so of two that write at once one is refused."""


def pepper(secrets: AwsClient, name: str, stack: str) -> bytes:
    """The pepper in a secret, read once. Raises BadEnvironment, with what to run, if there is none yet."""
    try:
        value = _value(secrets, name)
    except (BotoCoreError, ClientError) as error:
        reason = code_of(error) if isinstance(error, ClientError) else type(error).__name__
        raise BadEnvironment(f"DARKROOM_PEPPER_SECRET_NAME: the secret {name} cannot be read ({reason})") from error
    if value is None:
        raise BadEnvironment(f"the secret {name} is empty, so no API key can be checked; run: {initialise(stack)}")
    if len(value) != PEPPER_BYTES:
        raise BadEnvironment(f"DARKROOM_PEPPER_SECRET_NAME: the secret {name} does not hold {PEPPER_BYTES} bytes")
    return value


def initialise(stack: str) -> str:
    """The command that makes a stack's pepper."""
    return f"darkroom keys init --stack {stack}"


def write_pepper(secrets: AwsClient, name: str) -> bool:
    """Put random bytes into the secret, if it is empty; whether it was.

    What botocore raises passes: operators and the local run each have words of their own for it.
    """
    if _value(secrets, name) is not None:
        return False
    try:
        secrets.put_secret_value(SecretId=name, SecretBinary=os.urandom(PEPPER_BYTES), ClientRequestToken=FIRST)
    except ClientError as error:
        if code_of(error) != "ResourceExistsException":
            raise
        return False
    return True


def _value(secrets: AwsClient, name: str) -> bytes | None:
    """What the secret holds; None: nothing yet. A secret that is not there raises as it is."""
    try:
        answer = secrets.get_secret_value(SecretId=name)
    except ClientError as error:
        # one code for both: the message of an empty one names the label of a version
        if code_of(error) == "ResourceNotFoundException" and "AWSCURRENT" in str(error):
            return None
        raise
    if "SecretBinary" in answer:
        return answer["SecretBinary"]
    return answer["SecretString"].encode() if "SecretString" in answer else None
