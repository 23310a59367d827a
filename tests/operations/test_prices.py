"""`darkroom prices`: AWS's own list is asked and nothing else, and what it does not tell clearly stays as it was."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from client import command
from components import price_file
from components.price_file import FILE, GLOBAL, INSTANCE, Price, read, written
from operations import prices as updating
from operations.command import app
from operations.prices import ITEMS, Change, update
from tests.support.answers import Answers, Refusal

MARKS = {"eu-west-1": "EU-", "us-east-1": "", "us-east-2": "USE2-", "ap-southeast-2": "APS2-"}
"""What AWS writes before a usage type of the region."""


def product(usage: str, *usd: float, terms: str = "OnDemand", published: str = "2026-11-20T08:00:00Z") -> str:
    """A row of AWS's list, as it comes: JSON in JSON."""
    tiers = {
        f"SKU.TERM.{place}": {
            "beginRange": str(place * 100),
            "endRange": "Inf",
            "unit": "Hrs",
            "pricePerUnit": {"USD": f"{one:.10f}"},
        }
        for place, one in enumerate(usd)
    }
    return json.dumps(
        {
            "product": {"sku": "SKU", "attributes": {"usagetype": usage}},
            "serviceCode": "any",
            "terms": {terms: {"SKU.TERM": {"priceDimensions": tiers}}},
            "version": "20261120080000",
            "publicationDate": published,
        }
    )


def narrowed(given: Mapping[str, Any]) -> dict[str, str]:
    return {one["Field"]: one["Value"] for one in given["Filters"]}


def listing(given: dict[str, Any]) -> dict[str, Any]:
    """AWS's list, with one price for everything and the rows that stand beside the wanted ones."""
    fields = narrowed(given)
    region = fields.get("regionCode")
    mark = "" if region is None else MARKS[region]
    if "instanceType" in fields:
        return {"PriceList": [product(f"{mark}BoxUsage:{fields['instanceType']}", 0.5)]}
    rows = []
    for place in ITEMS.values():
        if place.service == given["ServiceCode"] and (region is None) == place.everywhere:
            before = f"{region}-" if place.service == "awskms" else mark
            rows.append(product(f"{before}{place.usage}", 0.25))
            rows += [product(f"{before}Outposts-{place.usage}", 0), product(f"{before}Reserved{place.usage}", 9)]
    return {"PriceList": rows}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Answers:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    answers = Answers()
    answers.install(monkeypatch)
    answers["pricing.GetProducts"] = listing
    return answers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A price file of a few rows."""
    rows = [
        Price(item="nat-gateway", unit="hour", region="eu-west-1", usd=0.048, source="a page", date="2025-01-01"),
        Price(item="s3-put", unit="request", region="eu-west-1", usd=None, source=None, date=None),
        Price(item=f"{INSTANCE}t4g.small", unit="hour", region="eu-west-1", usd=0.5, source="old", date="2025-01-01"),
        Price(item="secret", unit="month", region="us-east-2", usd=0.4, source="a page", date="2025-01-01"),
    ]
    path = tmp_path / "prices.json"
    path.write_text(written(rows))
    return path


def price(path: Path, item: str, region: str = "eu-west-1") -> Price:
    found = read(path).find(item, region)
    assert found is not None
    return found


@pytest.mark.parametrize("region", MARKS)
def test_every_price_of_a_region_comes_from_awss_list(aws: Answers, path: Path, region: str) -> None:
    update([region], path=path)
    for item in ITEMS:
        found = price(path, item, region)
        assert (found.usd, found.unit, found.date) == (0.25, ITEMS[item].unit, "2026-11-20")
        assert found.region == (GLOBAL if ITEMS[item].everywhere else region)
        assert re.fullmatch(rf"AWS price list API, {ITEMS[item].service} 20261120080000, \S+", found.source or "")
    assert price(path, f"{INSTANCE}t4g.small", region).usd == 0.5


def test_the_units_are_those_of_the_file() -> None:
    units = {row.item: row.unit for row in read() if not row.item.startswith(INSTANCE)}
    assert units == {item: place.unit for item, place in ITEMS.items()}


def test_what_changed_is_told_and_other_regions_stay_as_they_were(aws: Answers, path: Path) -> None:
    before = price(path, "secret", "us-east-2")
    changes = update(["eu-west-1"], path=path)
    told = {(change.item, change.region): (change.old, change.new) for change in changes}
    assert told["nat-gateway", "eu-west-1"] == (0.048, 0.25)
    assert told["s3-put", "eu-west-1"] == (None, 0.25)
    assert (f"{INSTANCE}t4g.small", "eu-west-1") not in told
    assert price(path, "secret", "us-east-2") == before
    # the day is new all the same
    assert price(path, f"{INSTANCE}t4g.small").date == "2026-11-20"


def test_a_second_update_changes_nothing(aws: Answers, path: Path) -> None:
    update(["eu-west-1"], path=path)
    text = path.read_text()
    assert update(["eu-west-1"], path=path) == []
    assert path.read_text() == text


def test_types_that_are_asked_for_are_added(aws: Answers, path: Path) -> None:
    update(["eu-west-1"], ["m7g.large"], path=path)
    assert price(path, f"{INSTANCE}m7g.large").usd == 0.5


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "AWS's list has no such row"),
        ([product("EU-NatGateway-Bytes", 0.048)], "AWS's list has no such row"),
        ([product("EU-RegionalNatGateway-Hours", 0.048)], "AWS's list has no such row"),
        ([product("TS-NatGateway-Hours", 0.048)], "AWS's list has no such row"),
        ([product("EU-NatGateway-Hours", 0.05, terms="Reserved")], "AWS's list has no such row"),
        (
            [product("EU-NatGateway-Hours", 0.05), product("EU-NatGateway-Hours", 0.06)],
            "AWS's list has 2 prices: [0.05, 0.06]",
        ),
    ],
)
def test_a_price_that_the_list_does_not_tell_clearly_is_kept(
    aws: Answers, path: Path, rows: list[str], why: str
) -> None:
    def said(given: dict[str, Any]) -> dict[str, Any]:
        nat = narrowed(given).get("productFamily") == "NAT Gateway"
        return {"PriceList": rows} if nat else listing(given)

    before = price(path, "nat-gateway")
    aws["pricing.GetProducts"] = said
    changes = update(["eu-west-1"], path=path)
    assert Change("nat-gateway", "eu-west-1", 0.048, None, why) in changes
    assert price(path, "nat-gateway") == before


@pytest.mark.parametrize(("tiers", "usd"), [((0.0, 0.3, 0.2), 0.3), ((0.7, 0.1), 0.7), ((0.0,), 0.0)])
def test_of_tiers_the_first_that_costs_anything_counts(
    aws: Answers, path: Path, tiers: tuple[float, ...], usd: float
) -> None:
    def said(given: dict[str, Any]) -> dict[str, Any]:
        return (
            {"PriceList": [product("EU-NatGateway-Hours", *tiers)]}
            if "productFamily" in narrowed(given)
            else listing(given)
        )

    aws["pricing.GetProducts"] = said
    update(["eu-west-1"], path=path)
    assert price(path, "nat-gateway").usd == usd


def test_all_pages_are_read(aws: Answers, path: Path) -> None:
    def said(given: dict[str, Any]) -> dict[str, Any]:
        if narrowed(given).get("productFamily") != "NAT Gateway":
            return listing(given)
        if "NextToken" not in given:
            return {"PriceList": [product("EU-NatGateway-Bytes", 9)], "NextToken": "more"}
        return {"PriceList": [product("EU-NatGateway-Hours", 0.06)]}

    aws["pricing.GetProducts"] = said
    update(["eu-west-1"], path=path)
    assert price(path, "nat-gateway").usd == 0.06


def test_a_refusal_leaves_the_file_as_it_was(aws: Answers, path: Path) -> None:
    text = path.read_text()
    aws["pricing.GetProducts"] = Refusal("AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied"):
        update(["eu-west-1"], path=path)
    assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture
def darkroom(monkeypatch: pytest.MonkeyPatch, path: Path) -> Callable[..., int]:
    command.app.update(app)
    text = path.read_bytes()
    monkeypatch.setattr(price_file.read, "__defaults__", (path,))
    monkeypatch.setattr(updating.update, "__defaults__", ((), path))
    assert price_file.FILE.read_bytes() != text
    return lambda *arguments: command.run(["prices", *arguments])


def test_the_command_shows_how_old_the_prices_are(
    darkroom: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert darkroom() == 0
    assert capsys.readouterr().out.splitlines() == [
        "eu-west-1       2 prices of 2025-01-01; none for s3-put, secret",
        "us-east-2       1 price of 2025-01-01; none for nat-gateway, s3-put",
    ]


def test_the_command_asks_for_the_regions_of_the_file_or_those_that_are_named(
    darkroom: Callable[..., int], aws: Answers, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = FILE.read_bytes()
    assert darkroom("--update", "--region", "ap-southeast-2") == 0
    assert "ap-southeast-2 nat-gateway: none -> 0.25 USD" in capsys.readouterr().out
    assert price(path, "nat-gateway").usd == 0.048
    assert darkroom("--update") == 0
    assert "eu-west-1 nat-gateway: 0.048 -> 0.25 USD" in capsys.readouterr().out
    assert FILE.read_bytes() == kept


def test_what_is_no_region_is_refused(darkroom: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert darkroom("--update", "--region", "Ireland") == 2
    assert "'Ireland' is not a region" in capsys.readouterr().err
