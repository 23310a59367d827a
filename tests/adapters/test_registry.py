"""The registry of API keys and their pepper, on moto; and on the embedded cloud what the two could see differently."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from adapters.clients import AwsClient
from adapters.pepper import pepper, write_pepper
from adapters.registry import DynamoKeys
from contracts.environment import BadEnvironment
from contracts.errors import AlreadyStored, NotFound
from contracts.keys import KEPT_DAYS, KeyRecord, Scope, forget_at, revoked
from contracts.tables import api_key_key
from tests.support.agreement_cloud import fresh_registry, maker
from tests.support.keys import MemoryKeys

NOW = 1_790_000_000_000
TABLE, SECRET = "registry", "darkroom-test-key-pepper"


def registry(make: Callable[[str], AwsClient]) -> DynamoKeys:
    return DynamoKeys(fresh_registry(make, TABLE), TABLE)


def records(count: int, *, seed: int = 0, life_seconds: int | None = None) -> list[KeyRecord]:
    keys, tenant = MemoryKeys(seed), "shop"
    made = [keys.made(tenant, Scope.JOBS_READ, now=NOW + place, life_seconds=life_seconds) for place in range(count)]
    found = [keys.key(key.split("_")[1]) for key in made]
    return [record for record in found if record is not None]


def agrees(keys: DynamoKeys) -> None:
    """What every cloud must do."""
    first, second, third = records(3)
    other = replace(third, tenant="shop-two")
    for record in (second, first, other):
        keys.create(record)
    assert keys.key(first.prefix) == first
    assert keys.key("nobodyskey22") is None
    with pytest.raises(AlreadyStored):
        keys.create(first)
    ended = revoked(first, NOW + 5)
    keys.replace(ended)
    assert keys.key(first.prefix) == ended
    assert keys.all("shop") == [ended, second]
    assert keys.all() == [ended, second, other]
    assert keys.all("sho") == []
    with pytest.raises(NotFound):
        keys.replace(replace(third, prefix="unknownkey22"))
    assert len(keys.all()) == 3


def test_keys_are_made_once_found_by_prefix_and_listed_by_tenant_on_moto(moto: None) -> None:
    agrees(registry(maker(None)))


@pytest.mark.slow
def test_keys_are_made_once_found_by_prefix_and_listed_by_tenant_on_the_embedded_cloud(ministack_url: str) -> None:
    agrees(registry(maker(ministack_url)))


def test_more_keys_than_one_page_are_all_listed(moto: None, monkeypatch: pytest.MonkeyPatch) -> None:
    make = maker(None)
    keys, wanted = registry(make), records(7)
    for record in wanted:
        keys.create(record)
    client = keys._client
    whole = client.query
    monkeypatch.setattr(client, "query", lambda **asked: whole(**asked, Limit=2))
    assert keys.all() == wanted


def test_a_key_that_ends_is_forgotten_a_while_after_and_one_without_an_end_never(moto: None) -> None:
    make = maker(None)
    keys = registry(make)
    (endless,), (mortal,) = records(1), records(1, seed=9, life_seconds=60)
    for record in (endless, mortal):
        keys.create(record)
    items = make("dynamodb").scan(TableName=TABLE)["Items"]
    times = {(item["pk"]["S"], item.get("ttl", {}).get("N")) for item in items}
    end = forget_at(mortal)
    assert end == NOW + 60_000 + KEPT_DAYS * 86_400_000
    assert (api_key_key(endless.prefix), None) in times
    assert (api_key_key(mortal.prefix), str(end // 1000)) in times
    assert ("keys", str(end // 1000)) in times


def test_no_row_holds_a_key(moto: None) -> None:
    make = maker(None)
    keys, held = registry(make), MemoryKeys()
    key = held.made("shop", now=NOW)
    record = held.key(key.split("_")[1])
    assert record is not None
    keys.create(record)
    rows = str(make("dynamodb").scan(TableName=TABLE))
    assert record.digest in rows
    assert key.rpartition("_")[2] not in rows


# --- the pepper -------------------------------------------------------------------------------------------------------


def empty_secret(make: Callable[[str], AwsClient]) -> AwsClient:
    secrets = make("secretsmanager")
    secrets.create_secret(Name=SECRET)
    return secrets


def written_once(secrets: AwsClient) -> None:
    with pytest.raises(BadEnvironment, match=r"is empty, .* run: darkroom keys init --stack dev"):
        pepper(secrets, SECRET, "dev")
    assert write_pepper(secrets, SECRET)
    found = pepper(secrets, SECRET, "dev")
    assert len(found) == 32
    assert not write_pepper(secrets, SECRET)
    assert pepper(secrets, SECRET, "dev") == found


def test_a_pepper_is_written_once_on_moto(moto: None) -> None:
    written_once(empty_secret(maker(None)))


@pytest.mark.slow
def test_a_pepper_is_written_once_on_the_embedded_cloud(ministack_url: str) -> None:
    written_once(empty_secret(maker(ministack_url)))


def test_of_two_that_write_a_pepper_at_once_one_is_refused(moto: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both found the secret empty; AWS takes the token of the first write once."""
    secrets = empty_secret(maker(None))
    tokens = []

    def refuse(**asked: Any) -> None:
        tokens.append(asked["ClientRequestToken"])
        raise ClientError({"Error": {"Code": "ResourceExistsException", "Message": ""}}, "PutSecretValue")

    monkeypatch.setattr(secrets, "put_secret_value", refuse)
    assert not write_pepper(secrets, SECRET)
    assert not write_pepper(secrets, SECRET)
    assert len(tokens) == 2
    assert len(set(tokens)) == 1


@pytest.mark.parametrize("value", [{"SecretString": "short"}, {"SecretBinary": b"x" * 31}])
def test_another_secret_is_no_pepper_and_is_not_shown(moto: None, value: dict[str, Any]) -> None:
    secrets = maker(None)("secretsmanager")
    secrets.create_secret(Name=SECRET, **value)
    with pytest.raises(BadEnvironment) as refused:
        pepper(secrets, SECRET, "dev")
    assert str(refused.value) == f"DARKROOM_PEPPER_SECRET_NAME: the secret {SECRET} does not hold 32 bytes"


def test_a_secret_that_is_not_there_is_said_and_not_made(moto: None) -> None:
    secrets = maker(None)("secretsmanager")
    with pytest.raises(BadEnvironment, match=r"cannot be read \(ResourceNotFoundException\)"):
        pepper(secrets, SECRET, "dev")
    with pytest.raises(ClientError):
        write_pepper(secrets, SECRET)
