"""botocore's failures, by their codes, as failures this house has a name for.

`translated()` goes around every call to AWS. What is not named here (AccessDenied, a queue that does not exist, a
parameter of the wrong type) is a bug or a wrong deployment: it passes as it is, and crashes loudly.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
)
from botocore.parsers import ResponseParserError

from contracts.errors import AlreadyStored, PipelineError, RevisionMoved, SourceMissing, Unavailable

_TOO_FAST: Final = {
    "BandwidthLimitExceeded",
    "KMS.ThrottlingException",
    "OverLimit",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_OLD_KEYS: Final = {
    # what renewing the session mends
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
}
_BROKEN_ON_THE_WAY: Final = {
    # 4xx by status, but nobody's fault: sending the same bytes again is the cure
    "BadDigest",
    "IncompleteBody",
    "RequestTimeout",
    "RequestTimeoutException",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
}
CONFLICTS: Final = frozenset({"ConditionalRequestConflict", "OperationAborted"})
"""S3's 409: two conditional writes of one key at once; the next try is told who won."""

_BY_CODE: Final[dict[str, type[PipelineError]]] = {
    **dict.fromkeys(_TOO_FAST | _OLD_KEYS | _BROKEN_ON_THE_WAY | CONFLICTS, Unavailable),
    "ConditionalCheckFailedException": RevisionMoved,
    "TransactionConflictException": RevisionMoved,  # a transaction has the row in hand
    "PreconditionFailed": AlreadyStored,
    "NoSuchKey": SourceMissing,
    "NoSuchVersion": SourceMissing,
    "404": SourceMissing,  # HEAD has no body to name it in
}
_NO_ANSWER: Final = (
    HTTPClientError,  # reset, cut off, time-out while reading
    ConnectionError,  # nobody there, time-out while connecting
    IncompleteReadError,  # shorter than promised
    FlexibleChecksumError,  # other bytes than were stored
    ResponseParserError,  # what came is no answer of AWS
    CredentialRetrievalError,
    MetadataRetrievalError,
)


def code_of(error: ClientError) -> str:
    """AWS's name of the failure; for HEAD the status in digits."""
    return str(error.response.get("Error", {}).get("Code", ""))


def named(error: Exception, also: Mapping[str, type[PipelineError]] | None = None) -> PipelineError | None:
    """The failure as the house names it, or None. `also` names further codes for one operation."""
    if isinstance(error, ClientError):
        code = code_of(error)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = (also or {}).get(code) or _BY_CODE.get(code) or (Unavailable if status >= 500 else None)
        # the code and the operation are AWS's words: neither keys, names nor bytes of ours are in them
        return kind(f"{error.operation_name} was answered {code}") if kind else None
    if isinstance(error, _NO_ANSWER):
        return Unavailable(f"no answer ({type(error).__name__})")
    return None


@contextmanager
def translated(also: Mapping[str, type[PipelineError]] | None = None) -> Iterator[None]:
    """Around a call to AWS: raises what `named` says of its failure, from that failure."""
    try:
        yield
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        failure = named(error, also)
        if failure is None:
            raise
        raise failure from error
