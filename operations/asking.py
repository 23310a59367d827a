"""Asking AWS as an operator: with whatever credentials there are, and with one line for each way in which it fails."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from adapters import clients
from client.errors import BadInput, DarkroomError, Unreachable

_LOG_IN = "log in (aws sso login, or AWS_PROFILE=name)"
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"})
_FORBIDDEN = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


class AwsRefused(DarkroomError):
    """AWS answered, and said no."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.advice = advice


@contextmanager
def asking(
    service: str, region: str, *, endpoint_url: str | None = None, keys: clients.Keys | None = None, pool: int = 10
) -> Iterator[clients.AwsClient]:
    """A client of a service, for as long as the block lasts. What goes wrong in it is a DarkroomError of one line.

    `endpoint_url` and `keys` are an embedded cloud's; `pool` is how many calls may be under way at once.
    """
    try:
        yield clients.make(service, region=region, endpoint_url=endpoint_url, keys=keys, pool=pool)
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise BadInput("there are no credentials for AWS", _LOG_IN) from error
    except (UnauthorizedSSOTokenError, TokenRetrievalError) as error:
        raise BadInput("the login to AWS is over", _LOG_IN) from error
    except ProfileNotFound as error:
        raise BadInput(_line(error), "name one that ~/.aws/config has") from error
    except EndpointConnectionError as error:
        where = endpoint_url or f"{service} in {region}"
        raise Unreachable(where, "no connection", "check the region and the network") from error
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _EXPIRED:
            raise BadInput(f"AWS does not know these credentials ({code})", _LOG_IN) from error
        advice = "ask for that right, or log in as somebody who has it" if code in _FORBIDDEN else "see what it says"
        raise AwsRefused(_line(error), advice) from error
    except BotoCoreError as error:
        raise AwsRefused(_line(error), "see what it says") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
