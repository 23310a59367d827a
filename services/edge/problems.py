"""Problem details (RFC 9457): the table from code to HTTP status, the documents, and what each code asks for next."""

from collections.abc import Sequence
from typing import Any, Final

from contracts.errors import PipelineError, Rejected, Unavailable
from contracts.job import Fault

PROBLEM_JSON: Final = "application/problem+json"

STATUS_OF: Final[dict[str, int]] = {
    "malformed": 400,
    "digest-mismatch": 400,
    "unauthenticated": 401,
    "scope-missing": 403,
    "fetch-disabled": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "request-timeout": 408,
    "state-conflict": 409,
    "gone": 410,
    "length-required": 411,
    "payload-too-large": 413,
    "unsupported-media-type": 415,
    "type-mismatch": 422,
    "pixel-limit": 422,
    "frame-limit": 422,
    "image-corrupt": 422,
    "spec-invalid": 422,
    "idempotency-key-reused": 422,
    "resource-limit": 422,
    "budget-unreachable": 422,
    "watermark-missing": 422,
    "source-missing": 422,
    "source-forbidden": 422,
    "hop-limit": 422,
    "bad-message": 422,
    "quota-exceeded": 429,
    "internal": 500,
    "source-unreachable": 502,
    "overloaded": 503,
    "unavailable": 503,
    "out-of-time": 503,
}
"""HTTP status of every public code."""

NEXT_STEP: Final[dict[str, str]] = {
    "malformed": "Check how the request is written; the detail names the place.",
    "digest-mismatch": "The bytes changed on the way, or the digest is of another file. Compute it again and resend.",
    "unauthenticated": "Send a key, as Authorization: Bearer dk_...; who runs this service makes and renews keys.",
    "scope-missing": "Use a key that has the scope; who runs this service can make one.",
    "not-found": "Check the address. A job is at /status/ followed by the id that the upload answered.",
    "method-not-allowed": "The Allow header lists what this address answers.",
    "request-timeout": "Send the body faster, or send a smaller picture.",
    "state-conflict": "Read the job's status and decide again.",
    "gone": "The job was deleted, cancelled or never uploaded. Send the picture again under a new Idempotency-Key.",
    "length-required": "Send a Content-Length.",
    "payload-too-large": "Make the file smaller; max_bytes is the most that is taken here.",
    "unsupported-media-type": "Send multipart/form-data with one JPEG, PNG, WebP, GIF, AVIF, TIFF, BMP or ICO.",
    "type-mismatch": "Name and declare the file as what its bytes are, or leave the type out.",
    "pixel-limit": "Scale the picture down below the limit and send it again.",
    "frame-limit": "Send an animation with fewer frames, or of a smaller size.",
    "image-corrupt": "The file is damaged or incomplete. Export or download it again.",
    "spec-invalid": "Correct the fields that are pointed at, and send the request again.",
    "idempotency-key-reused": "Use a new Idempotency-Key for a new request.",
    "resource-limit": "Ask for a smaller or simpler variant.",
    "budget-unreachable": "Raise max_bytes, or ask for a smaller picture or another format.",
    "watermark-missing": "Make the watermark again, and name its new job in a new request.",
    "source-missing": "Send the picture again.",
    "source-forbidden": "Name an https address on a public host, port 443, without a user's name.",
    "hop-limit": "Send the picture that you began with; and look for what uploads results as if they were new.",
    "fetch-disabled": "Send the picture itself; who runs this service can have it fetch pictures (fetch.enabled).",
    "bad-message": "Nothing: a queue message was parked for an operator.",
    "quota-exceeded": "Wait as long as Retry-After says; GET /usage shows what was had, and RateLimit what is left.",
    "internal": "Try again. If it stays, report the request id.",
    "source-unreachable": "Check that the address answers from the internet, in time, then try again.",
    "overloaded": "Wait as long as Retry-After says and send the same request again.",
    "unavailable": "Wait as long as Retry-After says and send the same request again.",
    "out-of-time": "Try again later.",
}
"""What the reader of a problem does next, in one sentence; shown at /problems/<code> and by the page."""


REGISTERED: Final[dict[str, str]] = {
    "quota-exceeded": "https://iana.org/assignments/http-problem-types#quota-exceeded",
}
"""Codes whose type has an address of its own, by which programs know it: draft-ietf-httpapi-ratelimit-headers-11."""


def error_types() -> dict[str, type[PipelineError]]:
    """Every failure with a code of its own, by code."""
    found: dict[str, type[PipelineError]] = {}
    waiting = list(PipelineError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "code" in vars(kind):
            found[kind.code] = kind
    return found


def status_of(error: PipelineError) -> int:
    """HTTP status of a failure; one that is not in the table is judged by its family."""
    fallback = 422 if isinstance(error, Rejected) else 503 if isinstance(error, Unavailable) else 500
    return STATUS_OF.get(error.code, fallback)


def problem(error: PipelineError, *, base: str, instance: str, request_id: str) -> dict[str, Any]:
    """The members of an RFC 9457 document; the facts of the error are extension members beside the standard ones."""
    facts = {name: value for name, value in error.facts.items() if name not in ("errors", "retry_after")}
    document: dict[str, Any] = facts | {
        "type": REGISTERED.get(error.code, f"{base}/problems/{error.code}"),
        "title": error.title,
        "status": status_of(error),
        "detail": error.detail,
        "instance": instance,
        "code": error.code,
        "retryable": error.retryable,
        "request_id": request_id,
    }
    pointed = error.facts.get("errors")
    if isinstance(pointed, Sequence):
        document["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in pointed]
    return document


def fault_problem(fault: Fault, *, base: str) -> dict[str, Any]:
    """The problem object of a fault recorded on a job or one of its variants."""
    kind = error_types().get(fault.code)
    return {
        "type": f"{base}/problems/{fault.code}",
        "title": kind.title if kind else fault.code,
        "status": STATUS_OF.get(fault.code, 422),
        "detail": fault.detail,
        "code": fault.code,
        "retryable": fault.retryable,
    }
