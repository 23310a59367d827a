"""What taking a picture in costs its tenant, as the use cases see it.

It is taken before anything is written, and given back if nothing comes of it. Who counts is `meter`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from contracts.errors import QuotaExceeded
from contracts.identifiers import Tenant, derived_job_id
from contracts.ports import Ledger
from contracts.quotas import Amounts


class Charging(Protocol):
    """Takes what a job costs its tenant."""

    def charged(self, tenant: Tenant, amounts: Amounts) -> "Charge": ...


class Charge(Protocol):
    """Something that was taken."""

    def refund(self) -> None: ...


class Free:
    """Nobody counts."""

    def charged(self, tenant: Tenant, amounts: Amounts) -> "Free":
        return self

    def refund(self) -> None:
        """There is nothing to give back."""


def charged_once(
    charging: Charging, tenant: Tenant, amounts: Amounts, ledger: Ledger, idempotency_key: str | None
) -> Charge:
    """The charge of a request; nothing for one that may only be repeating itself, where there is no room for more.

    Raises QuotaExceeded, Unavailable.
    """
    try:
        return charging.charged(tenant, amounts)
    except QuotaExceeded:
        if idempotency_key is None or not ledger.read([derived_job_id(tenant, idempotency_key)]):
            raise
        return Free()


@contextmanager
def kept_if_done(charge: Charge) -> Iterator[None]:
    """Gives the charge back if what it was for fails."""
    try:
        yield
    except BaseException:
        charge.refund()
        raise
