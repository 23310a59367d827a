"""The price file, brought up to date from AWS's own price list. Nothing else is asked, and nothing there is changed.

The list (service `pricing`) has a row for every usage type of a service; outside N. Virginia its name begins with the
region's mark: `EU-NatGateway-Hours`. A row is taken if it is the only one; where AWS has none, or several that differ,
the file keeps what it had and the command says so. Of a price in tiers the first that costs anything is taken.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from adapters.clients import AwsClient
from components.price_file import FILE, GLOBAL, INSTANCE, Price, read, written
from operations.asking import asking

REGION: Final = "us-east-1"
"""Where the list is kept, for all regions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Where an item stands in AWS's list."""

    service: str
    usage: str
    """The end of its usage type; before it stands the mark of the region, or nothing."""
    unit: str
    of: Mapping[str, str] = field(default_factory=dict)
    """What else it is narrowed down by."""
    everywhere: bool = False
    """Whether one price holds in all regions, and so no region is asked for."""


ITEMS: Final[Mapping[str, Row]] = {
    "alarm-metric": Row(service="AmazonCloudWatch", usage="CW:AlarmMonitorUsage", unit="month"),
    "dashboard": Row(service="AmazonCloudWatch", usage="DashboardsUsageHour", unit="month", everywhere=True),
    "dynamodb-read": Row(service="AmazonDynamoDB", usage="ReadRequestUnits", unit="unit"),
    "dynamodb-write": Row(service="AmazonDynamoDB", usage="WriteRequestUnits", unit="unit"),
    "gp3-storage": Row(service="AmazonEC2", usage="EBS:VolumeUsage.gp3", unit="GB-month", of={"volumeApiName": "gp3"}),
    "interface-endpoint": Row(service="AmazonVPC", usage="VpcEndpoint-Hours", unit="hour"),
    "kms-key": Row(service="awskms", usage="KMS-Keys", unit="month"),
    "lambda-arm64": Row(service="AWSLambda", usage="Lambda-GB-Second-ARM", unit="GB-second"),
    "lambda-call": Row(service="AWSLambda", usage="Request", unit="request"),
    "lambda-x86_64": Row(service="AWSLambda", usage="Lambda-GB-Second", unit="GB-second"),
    "load-balancer": Row(
        service="AWSELB", usage="LoadBalancerUsage", unit="hour", of={"productFamily": "Load Balancer-Application"}
    ),
    "nat-gateway": Row(service="AmazonEC2", usage="NatGateway-Hours", unit="hour", of={"productFamily": "NAT Gateway"}),
    "public-ipv4": Row(service="AmazonVPC", usage="PublicIPv4:InUseAddress", unit="hour"),
    "s3-get": Row(service="AmazonS3", usage="Requests-Tier2", unit="request", of={"group": "S3-API-Tier2"}),
    "s3-put": Row(service="AmazonS3", usage="Requests-Tier1", unit="request", of={"group": "S3-API-Tier1"}),
    "secret": Row(service="AWSSecretsManager", usage="AWSSecretsManager-Secrets", unit="month"),
    "sqs-request": Row(service="AWSQueueService", usage="Requests-Tier1", unit="request", of={"queueType": "Standard"}),
}
"""Everything that an estimate may ask for, but hosts."""

_MARK: Final = r"(?:(?!TS-)[A-Z]{2,4}[0-9]?-|[a-z]{2,3}(?:-[a-z]+)+-[0-9]-)?"
"""Of a region, before a usage type. `TS-` marks trust stores of balancers instead."""


@dataclass(frozen=True, slots=True)
class Change:
    item: str
    region: str
    old: float | None
    new: float | None
    """None: AWS's list did not tell."""
    why: str = ""


def update(regions: Iterable[str], types: Iterable[str] = (), path: Path = FILE) -> list[Change]:
    """Ask for every price of these regions and write the file; what changed, and what could not be told.

    `types` are hosts' types beside those that the file has. Raises DarkroomError if AWS cannot be asked at all.
    """
    rows = {(row.item, row.region): row for row in read(path)}
    hosts = {row.item for row in rows.values() if row.item.startswith(INSTANCE)}
    hosts |= {f"{INSTANCE}{one}" for one in types}
    changes = []
    with asking("pricing", REGION) as pricing:
        for region in [GLOBAL, *regions]:
            for item, place in _wanted(region, sorted(hosts)):
                found, why = _asked(pricing, item, region, place)
                before = rows.get((item, region))
                old = None if before is None else before.usd
                if found is not None:
                    rows[item, region] = found
                    if old != found.usd:
                        changes.append(Change(item, region, old, found.usd))
                elif before is not None or not item.startswith(INSTANCE):
                    # not every region has every type of host
                    changes.append(Change(item, region, old, None, why))
    new = path.with_name(f".{path.name}.new")
    new.write_text(written(rows.values()), "utf-8")
    os.replace(new, path)
    return changes


def _wanted(region: str, hosts: Iterable[str]) -> Iterator[tuple[str, Row]]:
    for item, place in ITEMS.items():
        if place.everywhere == (region == GLOBAL):
            yield item, place
    if region != GLOBAL:
        for item in hosts:
            yield item, _host(item.removeprefix(INSTANCE))


def _host(instance_type: str) -> Row:
    return Row(
        service="AmazonEC2",
        usage=f"BoxUsage:{instance_type}",
        unit="hour",
        of={
            "instanceType": instance_type,
            "operatingSystem": "Linux",
            "tenancy": "Shared",
            "preInstalledSw": "NA",
            "capacitystatus": "Used",
        },
    )


def _asked(pricing: AwsClient, item: str, region: str, place: Row) -> tuple[Price | None, str]:
    """The price, or why there is none."""
    narrowed = dict(place.of) if place.everywhere else {"regionCode": region, **place.of}
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in narrowed.items()]
    found: dict[float, Price] = {}
    pages = pricing.get_paginator("get_products").paginate(ServiceCode=place.service, Filters=filters)
    for page in pages:
        for text in page["PriceList"]:
            product = json.loads(text)
            usage = product["product"]["attributes"].get("usagetype", "")
            usd = _usd(product) if re.fullmatch(_MARK + re.escape(place.usage), usage) else None
            if usd is not None:
                found[usd] = Price(
                    item=item,
                    unit=place.unit,
                    region=region,
                    usd=usd,
                    source=f"AWS price list API, {place.service} {product['version']}, {usage}",
                    date=product["publicationDate"][:10],
                )
    if len(found) == 1:
        return next(iter(found.values())), ""
    return None, "AWS's list has no such row" if not found else f"AWS's list has {len(found)} prices: {sorted(found)}"


def _usd(product: Mapping[str, Any]) -> float | None:
    """Of the first tier that costs anything; 0 if none does, None if it is not sold on demand."""
    tiers = [
        (float(tier["beginRange"]), float(tier["pricePerUnit"]["USD"]))
        for term in product["terms"].get("OnDemand", {}).values()
        for tier in term["priceDimensions"].values()
        if "USD" in tier["pricePerUnit"]
    ]
    paid = [usd for _, usd in sorted(tiers) if usd > 0]
    return paid[0] if paid else (0.0 if tiers else None)
