"""Planted faults where people are told of jobs, and where their pictures are shown: receivers, endpoints, addresses."""

from typing import Final

from tests.support.mutant import one

_ADDRESSES: Final = "services/upload/address_routes.py"
_ADDRESS_TESTS: Final = "tests/services/upload/test_addresses.py"
_RECEIVING_TESTS: Final = "tests/client/test_receiving.py"

NOTIFICATIONS: Final = (
    # --- what a receiver believes ---
    one(
        "a delivery of any age is believed",
        "contracts/webhooks.py",
        "return any(same) and abs(int(timestamp) - now // 1000) <= TOLERANCE_SECONDS",
        "return any(same)",
        _RECEIVING_TESTS,
    ),
    one(
        "a receiver that holds two secrets compares the first alone",
        "client/webhooks.py",
        "for one in secrets]):",
        "for one in secrets[:1]]):",
        _RECEIVING_TESTS,
    ),
    # --- what is sent once ---
    one(
        "a new secret that was lost on its way is made a second time",
        "client/asking.py",
        "elif ask.once is not None and answer is not None and not answer.unsent:",
        "elif False:",
        "tests/client/test_webhook_commands.py",
    ),
    # --- who is shown a picture ---
    one(
        "a stable address answers anybody about any job",
        _ADDRESSES,
        "if job is not None and job.public:",
        "if job is not None:",
        _ADDRESS_TESTS,
    ),
    one(
        "any key of a tenant is shown its private pictures",
        _ADDRESSES,
        "if not may(request, Scope.JOBS_READ):",
        "if False:",
        _ADDRESS_TESTS,
    ),
    one(
        "a redirect is kept for as long as its link may live",
        "services/upload/links.py",
        "(link.expires_at - self._clock.now()) // 2_000",
        "(link.expires_at - self._clock.now()) // 1_000",
        _ADDRESS_TESTS,
    ),
    one(
        "a picture is saved under whatever extension is asked for",
        "services/upload/links.py",
        'return name if name.lower().endswith(extension) else f"{name}{extension}"',
        "return name",
        _ADDRESS_TESTS,
    ),
)
