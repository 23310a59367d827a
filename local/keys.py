"""API keys of a local stack that requires them: its pepper, and keys for whoever asks on this machine.

An operator gives a stack in AWS its pepper by a command; here the run does it, between the program and the services.
"""

from collections.abc import Mapping

from adapters.clock import SystemClock
from adapters.pepper import pepper, write_pepper
from adapters.registry import DynamoKeys
from local.aws import Clients
from local.stack import STACK
from operations.keys import KeyRing


def key_ring(clients: Clients, environment: Mapping[str, str]) -> KeyRing:
    """The keys of the stack whose upload service has this environment; with a pepper, if it had none yet."""
    secrets, name = clients["secretsmanager"], environment["DARKROOM_PEPPER_SECRET_NAME"]
    write_pepper(secrets, name)
    keys = DynamoKeys(clients["dynamodb"], environment["DARKROOM_REGISTRY_TABLE"])
    return KeyRing(keys, pepper(secrets, name, STACK), SystemClock())
