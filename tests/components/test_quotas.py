"""The first quota is the one that is met first; a larger quota is never met sooner, and a larger stack never later."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.machines import is_arm, is_burstable, vcpus
from components.quotas import (
    ADDRESSES,
    CONCURRENCY,
    MEMORY,
    NEW_TABLE,
    PREFIX_PUTS,
    PROCESSORS,
    TABLE_WRITES,
    UNRESERVED,
    VPCS,
    first_quota,
    limits,
)
from components.settings import PipelineConfig, Transform
from components.site import Hosts, Network, ProcessingService, UploadService
from tests.support.configurations import configurations

QUOTAS = (CONCURRENCY, MEMORY, PROCESSORS, ADDRESSES, VPCS, TABLE_WRITES, NEW_TABLE, PREFIX_PUTS)
RANK = {"at rest": 0, "as hosts are added": 1, "under load": 2, "never": 3}
ROOMY = {PROCESSORS.name: 10_000.0, MEMORY.name: 10_240.0, ADDRESSES.name: 100.0, VPCS.name: 100.0}


@pytest.mark.parametrize(
    ("kind", "processors"),
    [
        ("t4g.nano", 2),
        ("t4g.micro", 2),
        ("t4g.large", 2),
        ("t4g.xlarge", 4),
        ("t3.2xlarge", 8),
        ("c7g.medium", 1),
        ("m7g.large", 2),
        ("c7g.16xlarge", 64),
        ("m7g.metal", None),
        ("t2.micro", None),
        ("u-6tb1.metal", None),
        ("nonsense", None),
    ],
)
def test_processors_are_read_from_the_name_where_it_tells(kind: str, processors: int | None) -> None:
    assert vcpus(kind) == processors


@pytest.mark.parametrize(
    ("kind", "arm", "burstable"),
    [
        ("t4g.small", True, True),
        ("t3.small", False, True),
        ("t3a.small", False, True),
        ("c7g.large", True, False),
        ("c7gn.large", True, False),
        ("m7gd.large", True, False),
        ("m7i.large", False, False),
        ("g5.xlarge", False, False),
        ("a1.large", True, False),
        ("trn1.2xlarge", False, False),
    ],
)
def test_processors_of_awss_own_and_credits_are_read_from_the_name(kind: str, arm: bool, burstable: bool) -> None:
    assert (is_arm(kind), is_burstable(kind)) == (arm, burstable)


def test_every_quota_names_its_page_and_what_to_do() -> None:
    for quota in QUOTAS:
        assert quota.page.startswith("https://docs.aws.amazon.com/")
        assert quota.remedy
        assert quota.default > 0


@given(configurations())
def test_limits_stand_in_the_order_in_which_they_are_met(config: PipelineConfig) -> None:
    found = limits(config)
    places = [(RANK[limit.when], limit.jobs_a_second or 0) for limit in found]
    assert places == sorted(places)
    assert first_quota(config) is not None
    first = first_quota(config)
    assert first.is_aws
    assert all(not limit.is_aws for limit in found[: found.index(first)])
    assert all(limit.says() for limit in found)


@given(configurations(), st.floats(1.1, 100))
def test_a_larger_quota_is_never_met_sooner(config: PipelineConfig, times: float) -> None:
    usual = first_quota(config)
    larger = first_quota(config, known={quota.name: quota.default * times for quota in QUOTAS})
    assert (RANK[larger.when], larger.jobs_a_second or 0) >= (RANK[usual.when], usual.jobs_a_second or 0)


@given(configurations(), st.floats(0.1, 10), st.floats(1, 10))
def test_a_function_that_takes_longer_meets_its_concurrency_sooner(
    config: PipelineConfig, seconds: float, times: float
) -> None:
    def load(function_seconds: float) -> float:
        found = limits(config, known=ROOMY, function_seconds=function_seconds)
        return next(limit.jobs_a_second or 0 for limit in found if limit.quota is CONCURRENCY)

    assert load(seconds * times) == pytest.approx(load(seconds) / times)


def test_a_new_account_meets_ten_functions_at_once_first() -> None:
    first = first_quota(PipelineConfig())
    assert first.quota is CONCURRENCY
    assert (first.when, first.jobs_a_second) == ("under load", 10)
    assert first.says() == "Lambda: concurrent executions: 10 functions at once; met at 10 jobs a second"


def test_an_account_with_a_thousand_meets_the_new_table_first() -> None:
    first = first_quota(PipelineConfig(), known={CONCURRENCY.name: 1_000})
    assert first.quota is NEW_TABLE


def test_what_the_configuration_itself_allows_stands_beside_the_quotas() -> None:
    found = limits(PipelineConfig(transform=Transform(concurrency=5)), known={CONCURRENCY.name: 1_000})
    assert (found[0].quota.name, found[0].jobs_a_second, found[0].is_aws) == ("transform.concurrency", 5, False)


def test_more_hosts_than_a_new_account_has_processors_for_do_not_even_come_up() -> None:
    hosts = Hosts(
        upload=UploadService(min_hosts=2, max_hosts=6), processing=ProcessingService(min_hosts=2, max_hosts=6)
    )
    first = first_quota(PipelineConfig(network=Network(), hosts=hosts))
    assert first.quota is PROCESSORS
    assert (first.when, first.at_rest) == ("at rest", 8)
    # six and one while another is replaced, of each service, with two processors
    assert first.at_most == 28


def test_hosts_that_only_fit_until_one_is_replaced_are_told_of() -> None:
    small = Hosts(upload=UploadService(max_hosts=1), processing=ProcessingService(max_hosts=1))
    first = first_quota(PipelineConfig(network=Network(), hosts=small))
    assert (first.quota, first.when, first.at_rest, first.at_most) == (PROCESSORS, "as hosts are added", 4, 8)


def test_more_memory_than_a_new_account_may_have_is_met_at_rest() -> None:
    first = first_quota(PipelineConfig(transform=Transform(memory_mb=3_009)))
    assert (first.quota, first.when) == (MEMORY, "at rest")


def test_what_is_reserved_must_leave_the_account_its_hundred() -> None:
    config = PipelineConfig(transform=Transform(concurrency=2, reserved_concurrency=50))
    assert first_quota(config, known={CONCURRENCY.name: 50 + UNRESERVED - 1}).when == "at rest"
    assert first_quota(config, known={CONCURRENCY.name: 50 + UNRESERVED}).when == "under load"


def test_zones_beyond_the_addresses_that_there_are_do_not_come_up() -> None:
    network = Network(zones=("a", "b", "c", "d", "e", "f"), nat_gateways="per_zone")
    found = limits(PipelineConfig(network=network, hosts=Hosts()))
    assert ADDRESSES in [limit.quota for limit in found if limit.when == "at rest"]


@given(configurations())
def test_a_larger_machine_takes_no_fewer_processors(config: PipelineConfig) -> None:
    if config.hosts is None:
        return
    larger = msgspec.structs.replace(config.hosts.upload, instance_type="c7g.16xlarge")
    grown = msgspec.structs.replace(config, hosts=msgspec.structs.replace(config.hosts, upload=larger))

    def taken(one: PipelineConfig) -> float:
        return next(limit.at_rest for limit in limits(one) if limit.quota is PROCESSORS)

    assert taken(grown) >= taken(config)
