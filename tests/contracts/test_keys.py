"""API keys: their form, what is kept of them, when they live. By property where there is one."""

import random
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identifiers import Tenant
from contracts.keys import (
    PEPPER_BYTES,
    KeyRecord,
    Limits,
    Scope,
    decode_key,
    encode_key,
    forget_at,
    is_key_of,
    new_key,
    prefix_of,
    revoked,
)

NOW = 1_790_000_000_000
peppers = st.binary(min_size=PEPPER_BYTES, max_size=PEPPER_BYTES)
seeds = st.integers(min_value=0, max_value=2**32)
lives = st.none() | st.integers(min_value=1, max_value=10**8)


def made(seed: int = 0, *, pepper: bytes = bytes(PEPPER_BYTES), life: int | None = None) -> tuple[str, KeyRecord]:
    dice = random.Random(seed)
    return new_key(pepper, "shop", [Scope.JOBS_READ], now=NOW, life_seconds=life, randomness=dice.randbytes)


@given(seeds, peppers, lives)
def test_a_new_key_is_found_by_its_prefix_and_known_by_its_digest(seed: int, pepper: bytes, life: int | None) -> None:
    key, record = made(seed, pepper=pepper, life=life)
    assert re.fullmatch("dk_[a-z2-7]{12}_[0-9A-Za-z]{43}", key)
    assert prefix_of(key) == record.prefix
    assert is_key_of(record, pepper, key, NOW)
    assert decode_key(encode_key(record)) == record


@given(st.none() | st.integers(1, 100_000), st.none() | st.integers(1, 1_000_000_000))
def test_the_limits_of_a_key_are_kept_and_counted_apart_from_any_tenant(rate: int | None, jobs: int | None) -> None:
    record = msgspec.structs.replace(made()[1], limits=Limits(requests_per_second=rate, jobs_per_day=jobs))
    assert decode_key(encode_key(record)) == record
    counted = record.key_limits
    assert (counted is None) == (rate is None and jobs is None)
    if counted is not None:
        assert (counted.quotas.requests_per_second, counted.quotas.jobs_per_day) == (rate, jobs)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(counted.account, Tenant)


def test_a_key_of_before_there_were_limits_has_none() -> None:
    """As version 1 wrote it."""
    text = (
        b'{"schema":1,"prefix":"abcdefgh2345","tenant":"shop","scopes":["jobs:read"],'
        b'"digest":"' + b"0" * 64 + b'","created_at":1790000000000}'
    )
    assert decode_key(text).key_limits is None
    assert encode_key(decode_key(text)) == text


@given(seeds, st.integers(min_value=0, max_value=58), st.characters(codec="ascii"))
def test_a_key_with_one_other_character_is_another_key(seed: int, place: int, character: str) -> None:
    key, record = made(seed)
    other = key[:place] + character + key[place + 1 :]
    assert is_key_of(record, bytes(PEPPER_BYTES), other, NOW) == (other == key)


@given(seeds, peppers)
def test_another_pepper_knows_no_key(seed: int, pepper: bytes) -> None:
    key, record = made(seed)
    assert is_key_of(record, pepper, key, NOW) == (pepper == bytes(PEPPER_BYTES))


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_what_is_no_key_has_no_prefix(text: str) -> None:
    assert prefix_of(text) is None or re.fullmatch("dk_[a-z2-7]{12}_[0-9A-Za-z]{43}", text)


@pytest.mark.parametrize("ending", ["\n", " ", "=", "é", "\0"])
def test_nothing_stands_before_or_behind_a_key(ending: str) -> None:
    key, _ = made()
    assert prefix_of(key + ending) is None
    assert prefix_of(ending + key) is None


def test_capitals_count() -> None:
    key, record = made()
    assert key != key.lower()
    assert not is_key_of(record, bytes(PEPPER_BYTES), key.lower(), NOW)
    assert prefix_of(key.upper()) is None


def test_256_random_bits_are_in_every_key() -> None:
    """The two ends of what the random source can give are written in full, and are not the same."""

    def all_of(byte: int) -> str:
        return new_key(b"", "shop", [], now=NOW, life_seconds=None, randomness=lambda size: bytes([byte]) * size)[
            0
        ].rpartition("_")[2]

    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    values = [sum(alphabet.index(digit) * 62**place for place, digit in enumerate(all_of(byte))) for byte in (0, 255)]
    assert values == [0, 2**256 - 1]


def test_without_a_record_the_digest_is_computed_and_compared_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is unknown takes as long as one that is wrong."""
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    key, record = made()
    assert not is_key_of(None, b"pepper", key, NOW)
    assert not is_key_of(record, b"pepper", key, NOW)
    assert [(len(one), len(other)) for one, other in compared] == [(64, 64), (64, 64)]


@given(lives, st.none() | st.integers(min_value=NOW, max_value=NOW + 10**11), st.integers(0, 10**12))
def test_a_key_lives_until_the_first_of_its_ends(life: int | None, ended: int | None, after: int) -> None:
    key, record = made(life=life)
    if ended is not None:
        record = revoked(record, ended)
    moment = NOW + after
    ends = [end for end in (None if life is None else NOW + life * 1000, ended) if end is not None]
    assert is_key_of(record, bytes(PEPPER_BYTES), key, moment) == all(moment < end for end in ends)
    last = forget_at(record)
    assert (last is None) == (not ends)
    assert last is None or last > min(ends)


@given(st.integers(NOW, NOW + 10**9), st.integers(NOW, NOW + 10**9))
def test_the_end_of_a_key_only_comes_nearer(first: int, second: int) -> None:
    _, record = made()
    assert revoked(revoked(record, first), second).revoked_at == min(first, second)


def test_a_scope_that_a_reader_does_not_know_gives_nothing_and_breaks_nothing() -> None:
    _, record = made()
    later = msgspec.structs.replace(record, scopes=("jobs:read", "jobs:paint"))
    assert decode_key(encode_key(later)).scopes == ("jobs:read", "jobs:paint")


def test_a_later_schema_is_not_read() -> None:
    _, record = made()
    with pytest.raises(msgspec.ValidationError, match="schema 2 of a key"):
        decode_key(encode_key(msgspec.structs.replace(record, schema=2)))


def test_the_first_record_is_read_for_ever() -> None:
    _, record = made(life=60)
    golden = (
        b'{"schema":1,"prefix":"'
        + record.prefix.encode()
        + b'","tenant":"shop","scopes":["jobs:read"],"digest":"'
        + record.digest.encode()
        + b'","created_at":1790000000000,"expires_at":1790000060000}'
    )
    assert decode_key(golden) == record
