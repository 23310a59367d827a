"""Job ids sort by time or follow from a key; nothing that is not exactly one is taken for one."""

import uuid

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from contracts.errors import NotFound
from contracts.identifiers import (
    JobId,
    Tenant,
    VariantName,
    derived_job_id,
    event_id,
    new_job_id,
    parse_job_id,
)
from tests.support.strategies import TEXT, values_of

moments = st.integers(0, 2**48 - 1)
randomness = st.binary(min_size=10, max_size=10)


@given(moments, randomness)
def test_a_new_id_is_a_version_7_uuid_that_carries_its_millisecond(now: int, random: bytes) -> None:
    made = uuid.UUID(new_job_id(now, random))
    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, now)


@given(moments, moments, randomness, randomness)
def test_new_ids_sort_by_their_millisecond(earlier: int, later: int, one: bytes, other: bytes) -> None:
    assume(earlier < later)
    assert new_job_id(earlier, one) < new_job_id(later, other)


@given(moments, randomness, st.integers(0, 73))
def test_each_of_the_74_random_bits_counts(now: int, random: bytes, bit: int) -> None:
    # bits 76 to 79 hold the version and bits 62 and 63 the variant
    position = bit if bit < 62 else bit + 2
    other = (int.from_bytes(random) ^ 1 << position).to_bytes(10)
    assert new_job_id(now, random) != new_job_id(now, other)


@pytest.mark.parametrize("size", [0, 9, 11, 16])
def test_any_other_amount_of_randomness_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        new_job_id(0, b"\0" * size)


@given(TEXT, TEXT)
def test_a_derived_id_is_a_version_8_uuid_and_always_the_same(tenant: str, key: str) -> None:
    made = derived_job_id(tenant, key)
    assert uuid.UUID(made).version == 8
    assert made == derived_job_id(tenant, key) == parse_job_id(made)


@given(st.tuples(TEXT, TEXT), st.tuples(TEXT, TEXT))
@example(("ab", "c"), ("a", "bc"))
@example(("", "ab"), ("ab", ""))
@example(("a\0", "b"), ("a", "\0b"))
def test_no_two_pairs_of_tenant_and_key_share_an_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)
    assert derived_job_id(*one) != derived_job_id(*other)


def test_derived_ids_never_change() -> None:
    """A changed derivation would forget every Idempotency-Key that was ever used."""
    assert derived_job_id("default", "8f3a1c52") == "bff00912-62fd-8430-b6c2-4f3dfb92c6b6"


@given(values_of(JobId))
def test_what_the_pattern_allows_is_an_id(text: str) -> None:
    assert parse_job_id(text) == text
    assert str(uuid.UUID(text)) == text


@given(TEXT)
@example("")
@example("018f3a1c-52aa-7bbb-8ccc-0123456789ab\n")
@example(" 018f3a1c-52aa-7bbb-8ccc-0123456789ab")
@example("018F3A1C-52AA-7BBB-8CCC-0123456789AB")
@example("018f3a1c52aa7bbb8ccc0123456789ab")
@example("{018f3a1c-52aa-7bbb-8ccc-0123456789ab}")
@example("018f3a1c-52aa-4bbb-8ccc-0123456789ab")
@example("018f3a1c-52aa-7bbb-0ccc-0123456789ab")
@example("٠18f3a1c-52aa-7bbb-8ccc-0123456789ab")
@example("../018f3a1c-52aa-7bbb-8ccc-0123456789ab")
@example("018f3a1c-52aa-7bbb-8ccc-0123456789ab%00")
@example("' OR 1=1 --")
@example("0" * 10_000)
def test_anything_else_is_an_address_of_nothing(text: str) -> None:
    with pytest.raises(NotFound):
        parse_job_id(text)


@pytest.mark.parametrize(
    ("kind", "good"),
    [(JobId, "018f3a1c-52aa-7bbb-8ccc-0123456789ab"), (Tenant, "acme-1"), (VariantName, "thumb_2x")],
)
@pytest.mark.parametrize("spoiled", ["{}\n", "\n{}", "{} ", "{}\0", "{}/", "{}é", "{}.", ""])
def test_a_struct_takes_no_name_with_anything_before_or_behind_it(kind: object, good: str, spoiled: str) -> None:
    assert msgspec.convert(good, kind) == good
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(spoiled.format(good), kind)


@given(values_of(JobId), st.integers(1, 99), st.integers(1, 99))
def test_every_run_and_final_state_has_an_event_id_of_its_own(job_id: str, run: int, other: int) -> None:
    ids = {event_id(job_id, number, state) for number in {run, other} for state in ("completed", "failed")}
    assert len(ids) == 2 * len({run, other})
    assert all(len(made) == 32 and int(made, 16) >= 0 for made in ids)
