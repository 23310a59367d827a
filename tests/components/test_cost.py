"""The price of a stack: all that is paid by the hour is counted once, by a dated price; what is not known is named."""

import json
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import price_file
from components.cost import BY_USE, Cost, monthly, monthly_foundation, thousand_jobs
from components.foundation_settings import FoundationConfig
from components.needs import HOURS, needs
from components.price_file import GLOBAL, INSTANCE, STALE_DAYS, Price, Prices, parse, written
from components.settings import PipelineConfig, Transform
from components.site import Alarms, Balancer, Hosts, Network, ProcessingService, UploadService
from tests.support.configurations import configurations
from tests.support.plan import stack_settings

TODAY = date(2026, 11, 23)
PRICES = price_file.read()
DATES = st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(date.isoformat)
ROWS = st.lists(
    st.builds(
        Price,
        item=st.sampled_from(["nat-gateway", "kms-key", f"{INSTANCE}t4g.small"]),
        unit=st.just("hour"),
        region=st.sampled_from([GLOBAL, "eu-west-1", "us-east-1"]),
        usd=st.integers(0, 10**9).map(lambda billionths: billionths / 10**9),
        source=st.text(min_size=1),
        date=DATES,
    ),
    unique_by=lambda row: (row.item, row.region),
)


def dated(usd: float, day: str = "2026-11-01") -> Prices:
    """Every item of the file at one price."""
    items = {(row.item, row.unit) for row in PRICES}
    return Prices(
        Price(item=item, unit=unit, region=GLOBAL, usd=usd, source="a test", date=day) for item, unit in sorted(items)
    )


def of(stack: str) -> tuple[PipelineConfig, str]:
    region, pipeline = stack_settings(stack)
    return msgspec.convert(pipeline, PipelineConfig), region


def lines(cost: Cost) -> dict[str, float]:
    return {line.what: line.usd for line in cost.lines}


def test_every_price_of_the_file_has_a_source_and_a_day_or_is_none() -> None:
    rows = list(PRICES)
    assert len(rows) > 100
    for row in rows:
        assert (row.usd is None) == (row.source is None) == (row.date is None)
        assert row.date is None or date.fromisoformat(row.date) <= TODAY
        assert row.usd is None or row.usd > 0


def test_the_regions_that_most_people_use_have_prices_of_all_that_stands_there() -> None:
    for region in ("eu-west-1", "us-east-1"):
        items = {row.item for row in PRICES if row.region in (region, GLOBAL)}
        wanted = {row.item for row in PRICES if not row.item.startswith(INSTANCE)}
        assert wanted <= items
        for kind in ("t4g.micro", "t4g.small", "c7g.large", "m7g.large", "t3.micro"):
            assert PRICES.find(f"{INSTANCE}{kind}", region) is not None


def test_the_file_is_kept_as_it_would_be_written() -> None:
    assert written(PRICES) == price_file.FILE.read_text("utf-8")


@given(ROWS)
def test_what_is_written_is_read_again(rows: list[Price]) -> None:
    assert sorted(parse(written(rows).encode()), key=repr) == sorted(rows, key=repr)


@pytest.mark.parametrize(
    "mistake",
    [
        {"usd": -1},
        {"usd": None},
        {"source": None},
        {"date": None},
        {"date": "yesterday"},
        {"currency": "EUR"},
    ],
)
def test_a_row_that_says_too_little_or_too_much_is_refused(mistake: dict[str, Any]) -> None:
    row = {"item": "a", "unit": "hour", "region": "eu-west-1", "usd": 1, "source": "AWS", "date": "2026-01-01"}
    assert len(list(parse(json.dumps([row]).encode()))) == 1
    with pytest.raises(msgspec.ValidationError):
        parse(json.dumps([{**row, **mistake}]).encode())


def test_two_prices_of_one_thing_are_refused() -> None:
    row = Price(item="a", unit="hour", region="eu-west-1", usd=1, source="AWS", date="2026-01-01")
    with pytest.raises(ValueError, match="two prices"):
        Prices([row, row])


def test_a_price_of_the_region_stands_before_the_global_one() -> None:
    here = Price(item="a", unit="hour", region="eu-west-1", usd=2, source="AWS", date="2026-01-01")
    everywhere = Price(item="a", unit="hour", region=GLOBAL, usd=1, source="AWS", date="2026-01-01")
    prices = Prices([here, everywhere])
    assert prices.find("a", "eu-west-1") is here
    assert prices.find("a", "us-east-1") is everywhere
    assert prices.find("b", "us-east-1") is None


def test_a_developers_stack_costs_two_small_hosts_with_their_disks_and_addresses() -> None:
    config, region = of("dev")
    cost = monthly(config, region, PRICES)
    assert lines(cost) == {
        "1 upload host t4g.micro, once there is an image": round(0.0092 * HOURS, 2),
        "1 processing host t4g.micro, once there is an image": round(0.0092 * HOURS, 2),
        "2 disks of 16 GB": round(0.088 * 32, 2),
        "2 public addresses": round(0.005 * 2 * HOURS, 2),
        "secret of the API keys' pepper": 0.4,
    }
    assert cost.total_usd == 23.96
    assert cost.not_counted == ()


def test_production_costs_what_its_parts_cost() -> None:
    config, region = of("prod")
    found = lines(monthly(config, region, PRICES))
    assert found["2 NAT gateways"] == round(0.048 * 2 * HOURS, 2)
    assert found["load balancer"] == round(0.0252 * HOURS, 2)
    assert found["1 interface endpoint in 2 zones"] == round(0.011 * 2 * HOURS, 2)
    assert found["dashboard (an account's first three are free)"] == 3


def test_the_embedded_cloud_costs_nothing() -> None:
    config, region = of("local")
    assert monthly(config, region, PRICES).lines == ()


@given(configurations())
def test_everything_that_is_needed_is_either_counted_or_named(config: PipelineConfig) -> None:
    cost = monthly(config, "eu-west-1", PRICES)
    needed = [need.what for need in needs(config)]
    assert sorted([*lines(cost), *cost.not_counted]) == sorted(needed)
    assert len(set(needed)) == len(needed)
    assert cost.total_usd == pytest.approx(sum(line.usd for line in cost.lines), abs=0.001)
    assert all(need.count > 0 and need.units > 0 for need in needs(config))


@given(configurations())
def test_in_a_region_without_prices_all_that_differs_by_region_is_named(config: PipelineConfig) -> None:
    cost = monthly(config, "xx-nowhere-1", PRICES)
    assert {line.price.region for line in cost.lines} <= {GLOBAL}
    for what in cost.not_counted:
        assert f"not counted, because the price file has no price: {what}" in cost.text(TODAY)


@given(configurations(), st.integers(1, 50))
def test_more_hosts_at_rest_never_cost_less(config: PipelineConfig, more: int) -> None:
    if config.hosts is None:
        return
    upload = config.hosts.upload
    grown = msgspec.structs.replace(
        upload,
        min_hosts=min(100, upload.min_hosts + more),
        max_hosts=max(upload.max_hosts, min(100, upload.min_hosts + more)),
    )
    larger = msgspec.structs.replace(config, hosts=msgspec.structs.replace(config.hosts, upload=grown))
    prices = dated(0.01)
    assert monthly(larger, "eu-west-1", prices).total_usd >= monthly(config, "eu-west-1", prices).total_usd


def test_public_addresses_are_counted_wherever_they_stand() -> None:
    hosts = Hosts(upload=UploadService(min_hosts=2), processing=ProcessingService(min_hosts=1))
    public = PipelineConfig(network=Network(egress="public"), hosts=hosts)
    assert "3 public addresses" in {need.what for need in needs(public)}
    balanced = PipelineConfig(
        network=Network(zones=("a", "b", "c"), nat_gateways="per_zone"),
        hosts=hosts,
        balancer=Balancer(domain="pictures.example.com", hosted_zone_id="Z1"),
    )
    assert "6 public addresses" in {need.what for need in needs(balanced)}


def test_without_a_way_to_the_internet_every_service_has_an_endpoint_in_each_zone() -> None:
    config = PipelineConfig(network=Network(egress="endpoints"), hosts=Hosts(), transform=Transform(isolated=True))
    assert "9 interface endpoints in 2 zones" in {need.what for need in needs(config)}


def test_the_alarms_have_a_key_of_their_own_unless_the_stack_has_one() -> None:
    key = "key of the alarms' topic"
    assert key in {need.what for need in needs(PipelineConfig(alarms=Alarms()))}
    found = {need.what for need in needs(PipelineConfig(alarms=Alarms(), customer_key=True))}
    assert key not in found
    assert any(what.startswith("key of what is stored") for what in found)


def test_old_prices_are_said_to_be_old_and_new_ones_are_not() -> None:
    config, region = of("dev")
    day = TODAY - timedelta(days=STALE_DAYS)
    fresh, stale = (monthly(config, region, dated(1, (day - timedelta(days=late)).isoformat())) for late in (0, 1))
    assert not fresh.is_stale(TODAY)
    assert stale.is_stale(TODAY)
    warning = f"older than {STALE_DAYS} days: darkroom prices --update"
    assert warning not in fresh.text(TODAY)
    assert warning in stale.text(TODAY)


@given(configurations())
def test_the_table_says_the_total_the_days_and_what_comes_beside_it(config: PipelineConfig) -> None:
    cost = monthly(config, "eu-west-1", PRICES)
    text = cost.text(TODAY)
    rows = [row for row in text.splitlines() if row.endswith(" USD")]
    assert len(rows) == len(cost.lines) + 1
    assert rows[-1].strip().startswith("total")
    assert f"{cost.total_usd:.2f} USD" in rows[-1]
    assert len({len(row) for row in rows}) == 1
    flat = " ".join(text.split())
    assert all(what in flat for what in BY_USE)
    assert cost.prices_dated is None or cost.prices_dated[0] in text


@given(configurations())
def test_the_output_of_the_stack_does_not_change_with_the_day(config: PipelineConfig) -> None:
    cost = monthly(config, "eu-west-1", PRICES)
    exported = cost.as_export()
    assert json.loads(json.dumps(exported)) == exported
    assert sum(exported["lines"].values()) == pytest.approx(exported["usd_a_month_at_rest"], abs=0.001)
    assert TODAY.isoformat() not in json.dumps(exported)


def test_a_thousand_jobs_cost_their_requests_and_the_functions_seconds() -> None:
    config = PipelineConfig(transform=Transform(memory_mb=2_048))
    jobs = thousand_jobs(config, "eu-west-1", PRICES)
    assert jobs.second_usd == pytest.approx(1_000 * 2 * 0.0000166667)
    assert jobs.requests_usd == pytest.approx(
        1_000 * (5 * 0.000005 + 0.0000004 + 17 * 0.000000705 + 0.0000001415 + 4 * 0.0000004 + 0.0000002)
    )
    assert jobs.not_counted == ()
    arm = PipelineConfig(transform=Transform(memory_mb=2_048, architecture="arm64"))
    assert thousand_jobs(arm, "eu-west-1", PRICES).second_usd == pytest.approx(1_000 * 2 * 0.0000133334)


def test_requests_without_a_price_are_named() -> None:
    jobs = thousand_jobs(PipelineConfig(), "xx-nowhere-1", PRICES)
    assert "s3-put" in jobs.not_counted
    assert jobs.second_usd is None
    assert "without" in jobs.text()


def test_the_foundation_costs_its_key() -> None:
    assert monthly_foundation(FoundationConfig(), "eu-west-1", PRICES).total_usd == 1
