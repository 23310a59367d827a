"""What taking a picture in costs its tenant, as the use cases see it.

It is taken before anything is written, and given back if nothing comes of it. Who counts is `meter`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from contracts.charges import Amounts, Charge
from contracts.errors import QuotaExceeded
from contracts.identifiers import Tenant
from contracts.ports import Ledger
from contracts.quotas import KeyLimits
from services.upload.repeating import made_before


class Charging(Protocol):
    """Takes what a job costs its tenant."""

    def charged(self, tenant: Tenant, amounts: Amounts, key: KeyLimits | None = None) -> "Taken": ...


class Taken(Protocol):
    """Something that was taken."""

    @property
    def charge(self) -> Charge | None:
        """For a row that will know better what it costs: from then on the row gives back, and `refund` is not called.

        None if nothing was taken.
        """
        ...

    def refund(self) -> None: ...


class Free:
    """Nobody counts."""

    charge: Charge | None = None

    def charged(self, tenant: Tenant, amounts: Amounts, key: KeyLimits | None = None) -> "Free":
        return self

    def refund(self) -> None:
        """There is nothing to give back."""


def charged_once(
    charging: Charging,
    tenant: Tenant,
    amounts: Amounts,
    ledger: Ledger,
    idempotency_key: str | None,
    limits: KeyLimits | None = None,
) -> Taken:
    """The charge of a request; nothing for one that may only be repeating itself, where there is no room for more.

    Raises QuotaExceeded, Unavailable.
    """
    try:
        return charging.charged(tenant, amounts, limits)
    except QuotaExceeded:
        if not made_before(ledger, tenant, idempotency_key):
            raise
        return Free()


@contextmanager
def kept_if_done(charge: Taken) -> Iterator[None]:
    """Gives the charge back if what it was for fails."""
    try:
        yield
    except BaseException:
        charge.refund()
        raise
