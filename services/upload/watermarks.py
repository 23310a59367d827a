"""Pictures that a request wants laid over its own, found and fixed before there is a job. Blocks on the ledger."""

from collections.abc import Sequence

from contracts.assets import pinned_assets
from contracts.errors import SpecInvalid
from contracts.identifiers import Tenant
from contracts.ports import Ledger
from contracts.variants import Variant
from services.upload.repeating import made_before


def assets_once(
    ledger: Ledger, tenant: Tenant, variants: Sequence[Variant], own: int, idempotency_key: str | None
) -> dict[str, str]:
    """As `pinned_assets`; nothing for a request that may only be repeating itself, where they are gone by now.

    Raises SpecInvalid, Unavailable. The job that an earlier request made has its own.
    """
    try:
        return pinned_assets(ledger, tenant, variants, own)
    except SpecInvalid:
        if not made_before(ledger, tenant, idempotency_key):
            raise
        return {}
