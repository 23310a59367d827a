"""What the adapters of the registry must offer: keys, presets and webhook endpoints of tenants.

Every method may raise Unavailable, as those of `ports`; safe to call from several threads at once.
"""

from typing import Protocol

from contracts.identifiers import Tenant
from contracts.keys import KeyRecord, Prefix
from contracts.presets import PresetName
from contracts.shelves import ShelvedPreset
from contracts.webhooks import Webhook, WebhookId


class KeyReader(Protocol):
    """The registry's API keys."""

    def key(self, prefix: Prefix) -> KeyRecord | None:
        """What is recorded of the key with this prefix; consistent."""
        ...


class PresetShelf(Protocol):
    """The registry's presets of tenants."""

    def preset(self, tenant: Tenant, name: PresetName) -> ShelvedPreset | None:
        """Consistent; a deleted one too."""
        ...

    def presets(self, tenant: Tenant) -> list[ShelvedPreset]:
        """All of a tenant's, by name; deleted ones too."""
        ...

    def keep(self, preset: ShelvedPreset) -> None:
        """Write it in place of the revision before its own, or of nothing if it is the first.

        Raises RevisionMoved if another is there.
        """
        ...


class Webhooks(Protocol):
    """The registry's webhook endpoints."""

    def webhook(self, tenant: Tenant, webhook_id: WebhookId) -> Webhook | None:
        """What is recorded of it, deleted ones too until they are forgotten; consistent."""
        ...

    def webhooks(self, tenant: Tenant) -> list[Webhook]:
        """A tenant's endpoints by id, deleted ones too."""
        ...

    def keep(self, webhook: Webhook, expected_revision: int) -> None:
        """Write it whole; `expected_revision` 0 means that there is none yet. Raises RevisionMoved if it is another."""
        ...
