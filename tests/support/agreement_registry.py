"""The part of the agreement machine that drives what outlives jobs: keys, presets, endpoints, and tallies of days."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from contracts.charges import Amounts
from contracts.keys import KeyRecord
from contracts.shelves import SCHEMA as SHELF_SCHEMA
from contracts.shelves import ShelvedPreset
from contracts.tallies import Tally
from contracts.variants import Variant
from contracts.webhooks import SCHEMA as WEBHOOK_SCHEMA
from contracts.webhooks import Secret, Webhook
from tests.support.agreement_cloud import CloudWorld
from tests.support.agreement_ports import outcomes
from tests.support.keys import MemoryKeys
from tests.support.memory import MemoryTallies, MemoryWebhooks
from tests.support.presets import MemoryPresets

TENANTS = ["default", "default-2"]
WEBHOOKS = ["wh_" + "a" * 16, "wh_" + "b" * 16]
PRESETS = ["product@1", "product@2"]
MIDNIGHT = 1_799_971_200_000
DAYS = [MIDNIGHT, MIDNIGHT + 86_400_000]

tenants = st.sampled_from(TENANTS)
revisions = st.integers(1, 3)


def some_keys() -> list[KeyRecord]:
    """The same ones each time, of both tenants."""
    ring = MemoryKeys()
    made = [ring.made(tenant, now=MIDNIGHT) for tenant in TENANTS]
    found = [ring.key(key.split("_")[1]) for key in made]
    return [record for record in found if record is not None]


class RegistryAgreement(RuleBasedStateMachine):
    """To be mixed in; `cloud` is whoever mixes it in's."""

    cloud: CloudWorld

    def __init__(self) -> None:
        super().__init__()
        self.presets, self.webhooks = MemoryPresets(), MemoryWebhooks()
        self.tallies, self.keys_held = MemoryTallies(), MemoryKeys()

    @rule(tenant=tenants, name=st.sampled_from(PRESETS), revision=revisions, created_at=st.integers(1, 3))
    def keep_preset(self, tenant: str, name: str, revision: int, created_at: int) -> None:
        preset = ShelvedPreset(
            schema=SHELF_SCHEMA,
            tenant=tenant,
            name=name,
            revision=revision,
            variants=(Variant(name="card"),),
            created_at=created_at,
            updated_at=created_at,
        )
        ours, theirs = outcomes(lambda: self.presets.keep(preset), lambda: self.cloud.presets.keep(preset))
        assert ours is theirs

    @rule(
        tenant=tenants,
        webhook_id=st.sampled_from(WEBHOOKS),
        revision=revisions,
        expected=st.integers(0, 3),
        deleted_at=st.none() | st.just(MIDNIGHT),
    )
    def keep_webhook(self, tenant: str, webhook_id: str, revision: int, expected: int, deleted_at: int | None) -> None:
        webhook = Webhook(
            schema=WEBHOOK_SCHEMA,
            id=webhook_id,
            tenant=tenant,
            url="https://hooks.example/in",
            revision=revision,
            created_at=MIDNIGHT,
            secrets=(Secret(value="whsec_AAAA"),),
            deleted_at=deleted_at,
        )
        ours, theirs = outcomes(
            lambda: self.webhooks.keep(webhook, expected), lambda: self.cloud.webhooks.keep(webhook, expected)
        )
        assert ours is theirs

    @rule(tenant=tenants, day=st.sampled_from(DAYS), revision=revisions, expected=st.integers(0, 3))
    def replace_tally(self, tenant: str, day: int, revision: int, expected: int) -> None:
        tally = Tally(revision=revision, amounts=Amounts(jobs=revision, bytes=2 * revision, pixels=3 * revision))
        ours, theirs = outcomes(
            lambda: self.tallies.replace(tenant, day, tally, expected),
            lambda: self.cloud.tallies.replace(tenant, day, tally, expected),
        )
        assert ours is theirs

    @rule(record=st.sampled_from(some_keys()))
    def create_key(self, record: KeyRecord) -> None:
        if self.keys_held.key(record.prefix) is None:
            self.keys_held.keep(record)
            # by operators: that is no port of the services
            self.cloud.keys.create(record)

    def compare_registries(self) -> None:
        """Each row, and each list; and one more write of each kind, so that no rule has to be lucky."""
        self.keep_preset(TENANTS[0], PRESETS[0], 1, 1)
        self.keep_webhook(TENANTS[0], WEBHOOKS[0], 1, 0, None)
        self.replace_tally(TENANTS[0], DAYS[0], 1, 0)
        for tenant in TENANTS:
            assert self.presets.presets(tenant) == self.cloud.presets.presets(tenant)
            assert self.webhooks.webhooks(tenant) == self.cloud.webhooks.webhooks(tenant)
            for name in PRESETS:
                assert self.presets.preset(tenant, name) == self.cloud.presets.preset(tenant, name)
            for webhook_id in WEBHOOKS:
                assert self.webhooks.webhook(tenant, webhook_id) == self.cloud.webhooks.webhook(tenant, webhook_id)
            for day in DAYS:
                assert self.tallies.read(tenant, day) == self.cloud.tallies.read(tenant, day)
        for record in some_keys():
            assert self.keys_held.key(record.prefix) == self.cloud.keys.key(record.prefix)
