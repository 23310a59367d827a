"""Makes botocore clients: bounded time-outs and retries, and addressing that suits AWS and the embedded cloud alike.

botocore rather than boto3 on top of it: nothing here uses its resources or transfers, and the import is a quarter
shorter, which a cold function pays for. Making a client takes 2 to 6 ms once botocore has read the service's model,
60 ms the first time (S3, 2026-11): composition roots make theirs once, and those rarely used when first asked for.
"""

import functools
import threading
from typing import Any, Final, TypeAlias

import botocore.session
from botocore.config import Config
from msgspec import Struct

from contracts.errors import Unavailable
from contracts.job import Instant

AwsClient: TypeAlias = Any
"""A botocore client: a class made at run time from the service's model, so no type of ours describes it."""

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 10
"""Of one read or write on the socket, not of a whole body."""
LONG_POLL_READ_SECONDS: Final = 30
"""For the client that waits on queues: the longest poll is 20 s."""
ATTEMPTS: Final = 3
"""Of one call, the first included; waits between them are random, up to 1 s, then 2 s. Beyond it the queue repeats."""

_making = threading.Lock()


class Keys(Struct, frozen=True, kw_only=True):
    """Credentials of a session and the moment they die."""

    access_key: str
    secret_key: str
    token: str
    expires_at: Instant


def make(
    service: str,
    *,
    region: str,
    endpoint_url: str | None = None,
    pool: int = 10,
    read_seconds: float = READ_SECONDS,
    attempts: int = ATTEMPTS,
    keys: Keys | None = None,
    check_parameters: bool = False,
) -> AwsClient:
    """A client for one service ("s3", "sqs", "dynamodb", "sts"), safe to share between threads.

    `endpoint_url` is that of the embedded cloud, None for AWS. `pool` is how many calls may be under way at once before
    connections are made and dropped for each: the number of threads that share it. Without `keys` the credentials
    come from botocore's own chain (environment, container endpoint, instance) and renew themselves.

    `check_parameters` has botocore check every argument against its model: tests do; it takes 7 % of a call's CPU.
    """
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=pool,
        tcp_keepalive=True,
        parameter_validation=check_parameters,
        # botocore builds its own text twice a request: 12 % of the CPU of a PutItem (0.83 -> 0.73 ms, 2026-11)
        user_agent="darkroom",
        # a proxy is for the world outside, not for a loopback endpoint
        proxies=None if endpoint_url is None else {},
        **(_s3_settings(endpoint_url) if service == "s3" else {}),
    )
    explicit: dict[str, Any] = (
        {}
        if keys is None
        else {
            "aws_access_key_id": keys.access_key,
            "aws_secret_access_key": keys.secret_key,
            "aws_session_token": keys.token or None,
        }
    )
    # a session may not be used by two threads at once, its clients may
    with _making:
        return _session().create_client(
            service, region_name=region, endpoint_url=endpoint_url, config=config, **explicit
        )


def own_credentials() -> Any:
    """What the chain finds for this process; it renews itself. Raises Unavailable if there are none."""
    with _making:
        found = _session().get_credentials()
    if found is None:
        raise Unavailable("this process has no credentials of its own")
    return found


def forget_credentials() -> None:
    """Let the next client without `keys` look for its credentials anew: whoever changed the environment asks for it.

    The chain is gone through once for the life of a process, as botocore does it; the models it has read stay.
    """
    with _making:
        _session()._credentials = None  # type: ignore[missing-attribute] - botocore has no public way


def _s3_settings(endpoint_url: str | None) -> dict[str, Any]:
    return {
        "signature_version": "s3v4",
        "s3": {
            # the embedded cloud has no name per bucket; left to itself botocore signs links for the global name of a
            # bucket, which redirects to its region for the first hours, and a redirected signature is worth nothing
            "addressing_style": "virtual" if endpoint_url is None else "path",
            # every put of ours carries its SHA-256, which S3 checks: hashing the body once more to sign it would
            # triple the CPU of a 20 MB put on plain http (23 -> 7 ms, 2026-11); over TLS botocore leaves it out itself
            "payload_signing_enabled": False,
        },
    }


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()
