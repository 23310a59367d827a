"""Every failure this house has a name for, in three families named by what the reader does next.

    PipelineError
    ├── Rejected       the input is at fault: 4xx, or recorded on the job; a retry would fail the same way
    │   └── Malformed, NotFound, Gone, TypeMismatch, PixelLimit, ...
    ├── Unavailable    we or AWS are at fault: do not acknowledge; the queue brings it back
    │   └── Overloaded, OutOfTime, SourceUnreachable
    └── Superseded     someone already did it, or did better: acknowledge and be glad
        └── AlreadyExists, RevisionMoved, AlreadyStored

Leaves are facts, not places. Which HTTP status a code has is a table in `services/edge/problems.py`; nothing here
knows HTTP.
"""

from typing import ClassVar


class PipelineError(Exception):
    """A failure with a public, stable, kebab-case `code`. The message is for people and may change.

    `facts` are extra members of the problem document (limit, actual, ...): numbers and short strings, never user bytes.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class Rejected(PipelineError):
    """The input is at fault. Reply 4xx or record it on the job; a retry would fail the same way."""


class Unavailable(PipelineError):
    """We or AWS are at fault. Do not acknowledge; the queue will bring it back."""

    code = "unavailable"
    title = "A service we depend on did not answer"
    retryable = True
    is_told = False
    """Whether its detail is of our own words and about the request, so that who asked may read it."""


class Superseded(PipelineError):
    """Someone already did it, or did better. Acknowledge and be glad."""

    code = "superseded"
    title = "Already done"


# --- the request is at fault -----------------------------------------------------------------------------------------


class Malformed(Rejected):
    code = "malformed"
    title = "The request cannot be read"


class SpecInvalid(Rejected):
    """`errors` in `facts` is a list of (JSON Pointer, detail)."""

    code = "spec-invalid"
    title = "The options are not valid"


class NotFound(Rejected):
    code = "not-found"
    title = "There is nothing here"


class Gone(Rejected):
    code = "gone"
    title = "This job was deleted"


class Unauthenticated(Rejected):
    """No key, or one that is malformed, unknown, expired or revoked: nobody is told which."""

    code = "unauthenticated"
    title = "A valid API key is needed"


class ScopeMissing(Rejected):
    """`scope` in `facts` is the one that the key lacks."""

    code = "scope-missing"
    title = "This API key may not do that"


class StateConflict(Rejected):
    code = "state-conflict"
    title = "The job's state does not allow this"


class KeyReused(Rejected):
    code = "idempotency-key-reused"
    title = "This Idempotency-Key belongs to another request"


class DigestMismatch(Rejected):
    code = "digest-mismatch"
    title = "The bytes do not match their digest"


class PayloadTooLarge(Rejected):
    code = "payload-too-large"
    title = "The body is too large"


class LengthRequired(Rejected):
    code = "length-required"
    title = "The length of the body is required"


class RequestTimeout(Rejected):
    code = "request-timeout"
    title = "The body took too long to arrive"


class UnsupportedMediaType(Rejected):
    code = "unsupported-media-type"
    title = "This kind of file is not read here"


class QuotaExceeded(Rejected):
    """`violated-policies` in `facts` names the quotas, `retry_after` the seconds until there is more."""

    code = "quota-exceeded"
    title = "A quota of this tenant is used up"
    retryable = True


class MethodNotAllowed(Rejected):
    code = "method-not-allowed"
    title = "This address does not answer that method"


# --- the picture is at fault -----------------------------------------------------------------------------------------


class TypeMismatch(Rejected):
    code = "type-mismatch"
    title = "The file is not what it was declared to be"


class PixelLimit(Rejected):
    code = "pixel-limit"
    title = "The image has too many pixels"


class FrameLimit(Rejected):
    code = "frame-limit"
    title = "The image has too many frames"


class ImageCorrupt(Rejected):
    code = "image-corrupt"
    title = "The image cannot be decoded"


class ResourceLimit(Rejected):
    """The function died or ran out of time or memory on this variant, alone, more than once."""

    code = "resource-limit"
    title = "Making this variant takes more than the function has"


class BudgetUnreachable(Rejected):
    """`max_bytes` and the `actual` bytes of the smallest file are among the facts."""

    code = "budget-unreachable"
    title = "No picture worth looking at is as small as that"


class WatermarkMissing(Rejected):
    """It was there when the job was taken in: its own job was deleted, or its life was over."""

    code = "watermark-missing"
    title = "The picture to be laid over is no longer there"


class SourceMissing(Rejected):
    code = "source-missing"
    title = "The original is no longer there"


class SourceForbidden(Rejected):
    """An address that is not called from here: a picture's, or a webhook's."""

    code = "source-forbidden"
    title = "This address is not called from here"


class HopLimit(Rejected):
    """A picture that came out of a Darkroom, was taken in again, and comes once more."""

    code = "hop-limit"
    title = "This picture has been here too often"


class FetchDisabled(Rejected):
    """An upload names its picture by an address, in a stack that fetches none."""

    code = "fetch-disabled"
    title = "Pictures are not fetched by their address here"


class BadMessage(Rejected):
    """A queue message that no reader here understands; it is parked in the dead letters with the reason."""

    code = "bad-message"
    title = "The message cannot be read"


# --- we are at fault -------------------------------------------------------------------------------------------------


class Overloaded(Unavailable):
    is_told = True
    code = "overloaded"
    title = "Too much is under way"


class OutOfTime(Unavailable):
    code = "out-of-time"
    title = "The deadline passed before the work was done"


class SourceUnreachable(Unavailable):
    """An address that somebody named did not answer as it should: neither the sender's fault nor ours."""

    is_told = True
    code = "source-unreachable"
    title = "The address did not answer as it should"


class InternalError(PipelineError):
    """A bug: logged once with its traceback at the composition root."""

    code = "internal"
    title = "Something went wrong on our side"
    retryable = True


# --- someone was quicker ---------------------------------------------------------------------------------------------


class RevisionMoved(Superseded):
    code = "revision-moved"
    title = "The job was changed meanwhile"


class AlreadyStored(Superseded):
    code = "already-stored"
    title = "The object exists"
