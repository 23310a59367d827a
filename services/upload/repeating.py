"""Requests that may only be repeating themselves: what is refused them now, they may have been given before."""

from contracts.identifiers import Tenant, derived_job_id
from contracts.ports import Ledger


def made_before(ledger: Ledger, tenant: Tenant, idempotency_key: str | None) -> bool:
    """Whether an earlier request under this key made a job. Raises Unavailable; asks only where there is a key."""
    return idempotency_key is not None and bool(ledger.read([derived_job_id(tenant, idempotency_key)]))
