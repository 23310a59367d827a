"""Names of keys, and how jobs spread over the shards of the sweep index."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identifiers import JobId, new_job_id
from contracts.tables import JOBS, REGISTRY, Table, job_id_of, job_key, shard_of
from tests.support.strategies import values_of


@given(values_of(JobId))
def test_a_jobs_key_is_read_back(job_id: str) -> None:
    assert job_id_of(job_key(job_id)) == job_id


@given(values_of(JobId), st.integers(1, 256))
def test_a_job_stays_in_its_shard(job_id: str, shards: int) -> None:
    assert shard_of(job_id, shards) == shard_of(job_id, shards)
    assert 0 <= shard_of(job_id, shards) < shards


@pytest.mark.parametrize("shards", [1, 8, 64, 256])
def test_jobs_of_one_burst_spread_evenly(shards: int) -> None:
    """All of one millisecond: the shard must not follow the time."""
    jobs = 400 * shards
    ids = [new_job_id(1_700_000_000_000, number.to_bytes(10)) for number in range(jobs)]
    counts = Counter(shard_of(job_id, shards) for job_id in ids)
    assert len(counts) == shards
    # 400 in each on average; six standard deviations of a fair throw are 120
    assert all(280 <= count <= 520 for count in counts.values()) or shards == 1


@pytest.mark.parametrize("table", [JOBS, REGISTRY], ids=lambda table: table.name)
def test_every_key_and_nothing_else_has_a_type(table: Table) -> None:
    keys = {table.hash_key, table.range_key} | {
        key for index in table.indexes for key in (index.hash_key, index.range_key)
    }
    assert set(table.attributes) == keys - {None}
    assert set(table.attributes.values()) <= {"S", "N", "B"}
