"""Presets of tenants, on moto and on the embedded cloud: as the shelf in memory has them."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from adapters.clients import AwsClient
from adapters.presets import DynamoPresets
from contracts.errors import RevisionMoved
from contracts.registry_ports import PresetShelf
from contracts.shelves import SCHEMA, ShelvedPreset, deleted, used
from contracts.variants import Variant
from tests.support.agreement_cloud import fresh_registry, maker
from tests.support.presets import MemoryPresets

TABLE = "presets-registry"


def shelf(make: Callable[[str], AwsClient]) -> DynamoPresets:
    return DynamoPresets(fresh_registry(make, TABLE), TABLE)


def preset(name: str = "product@1", tenant: str = "shop") -> ShelvedPreset:
    variants = (Variant(name="card"),)
    return ShelvedPreset(schema=SCHEMA, tenant=tenant, name=name, variants=variants, created_at=5, updated_at=5)


def agrees(presets: PresetShelf) -> None:
    """What every shelf does."""
    first, second, other = preset(), preset("product@2"), preset(tenant="shop-two")
    for one in (second, first, other):
        presets.keep(one)
    assert presets.preset("shop", "product@1") == first
    assert presets.preset("shop", "nobodys@1") is None
    assert presets.presets("shop") == [first, second]
    assert presets.presets("nobody") == []
    with pytest.raises(RevisionMoved):
        presets.keep(first)
    later = used(first, 7)
    presets.keep(later)
    with pytest.raises(RevisionMoved):
        presets.keep(replace(later, used_at=None))
    gone = deleted(later, 9)
    presets.keep(gone)
    assert presets.presets("shop") == [gone, second]
    assert presets.preset("shop-two", "product@1") == other
    with pytest.raises(RevisionMoved):
        presets.keep(replace(preset("product@3"), revision=2))


def test_the_shelf_in_memory_agrees() -> None:
    agrees(MemoryPresets())


def test_the_shelf_agrees_on_moto(moto: None) -> None:
    agrees(shelf(maker(None)))


@pytest.mark.slow
def test_the_shelf_agrees_on_the_embedded_cloud(ministack_url: str) -> None:
    agrees(shelf(maker(ministack_url)))


def test_more_presets_than_one_page_are_all_listed(moto: None, monkeypatch: pytest.MonkeyPatch) -> None:
    presets = shelf(maker(None))
    wanted = [preset(f"p@{number}") for number in range(1, 8)]
    for one in wanted:
        presets.keep(one)
    whole = presets._client.query
    monkeypatch.setattr(presets._client, "query", lambda **asked: whole(**asked, Limit=2))
    assert presets.presets("shop") == wanted
