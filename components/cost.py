"""What a stack costs a month at rest: with its least hosts, and nobody sending a picture. Pure.

Everything that is paid by the hour or the month is counted, from the dated price file; a thing whose price the file
does not have is named, never guessed. What is paid by use is not at rest and is listed, and 1,000 jobs have a price of
their own. Taxes, support, free tiers and discounts are left out: the figure is what the list says.
"""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from components.foundation_settings import FoundationConfig
from components.needs import HOURS, Need, needs
from components.price_file import STALE_DAYS, Price, Prices
from components.settings import PipelineConfig

BY_USE: Final = (
    "requests and bytes of S3, DynamoDB and SQS, and the empty polls of queues",
    "the function's time",
    "the capacity units of the balancer, the gigabytes through NAT gateways and endpoints",
    "logs, traffic to the internet, calls to KMS, borrowed CPU credits",
)
"""What comes with use, and so is in no figure at rest."""

REQUESTS_OF_A_JOB: Final = {
    "s3-put": 5,
    "s3-get": 1,
    "dynamodb-write": 17,
    "dynamodb-read": 1,
    "sqs-request": 4,
    "lambda-call": 1,
}
"""Of four variants, uploaded through the service. The calls are in docs/architecture.md, counted by `make calls`. Four
writes of a document of 0.6 to 2 KB are 7 units; 6 more are for the index of what is due, 4 for the one by tenant."""


@dataclass(frozen=True, slots=True)
class Line:
    what: str
    usd: float
    price: Price


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of one stack, a month, in USD."""

    region: str
    lines: tuple[Line, ...]
    not_counted: tuple[str, ...]
    """What has no price in the file."""
    jobs: "Jobs | None" = None

    @property
    def total_usd(self) -> float:
        return round(sum(line.usd for line in self.lines), 2)

    @property
    def prices_dated(self) -> tuple[str, str] | None:
        """Day of the oldest and of the newest price that was counted."""
        days = sorted(line.price.date for line in self.lines if line.price.date is not None)
        return (days[0], days[-1]) if days else None

    def is_stale(self, today: date) -> bool:
        dated = self.prices_dated
        return dated is not None and (today - date.fromisoformat(dated[0])).days > STALE_DAYS

    def as_export(self) -> dict[str, Any]:
        """For an output of the stack: it changes with the configuration and the price file, and not with the day."""
        dated = self.prices_dated
        return {
            "usd_a_month_at_rest": self.total_usd,
            "lines": {line.what: line.usd for line in self.lines},
            "not_counted": list(self.not_counted),
            "prices_dated": " to ".join(dict.fromkeys(dated)) if dated else None,
        }

    def text(self, today: date) -> str:
        """A table for people."""
        whole = "total" if not self.not_counted else "total of what is counted"
        width = max(len(what) for what in (whole, *(line.what for line in self.lines)))
        dated = self.prices_dated
        head = f"At rest this stack costs, a month of {HOURS} h in {self.region}:"
        rows = [f"  {line.what:<{width}}  {line.usd:>9.2f} USD" for line in self.lines]
        rows.append(f"  {whole:<{width}}  {self.total_usd:>9.2f} USD")
        notes = [f"not counted, because the price file has no price: {what}" for what in self.not_counted]
        if dated:
            notes.append(f"list prices of {' to '.join(dict.fromkeys(dated))}, from components/prices.json")
        if self.is_stale(today):
            notes.append(f"some of them are older than {STALE_DAYS} days: darkroom prices --update")
        notes += textwrap.wrap(f"beside it, by use: {'; '.join(BY_USE)}", 110)
        if self.jobs is not None:
            notes.append(self.jobs.text())
        return "\n".join([head, *rows, *(f"  {note}" for note in notes)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Jobs:
    """What 1,000 jobs of four variants cost."""

    requests_usd: float
    second_usd: float | None
    """For each second that the function works on a job."""
    not_counted: tuple[str, ...]

    def text(self) -> str:
        said = f"1,000 jobs of four variants: {self.requests_usd:.3f} USD of requests"
        if self.second_usd is not None:
            said += f", and {self.second_usd:.3f} USD for each second that the function works on a job"
        return said + (f" (without {', '.join(self.not_counted)})" if self.not_counted else "")


def monthly(config: PipelineConfig, region: str, prices: Prices) -> Cost:
    """Of a pipeline stack on AWS."""
    return _cost(needs(config), region, prices, thousand_jobs(config, region, prices))


def monthly_foundation(config: FoundationConfig, region: str, prices: Prices) -> Cost:
    """Of the foundation of an account: budget, registry and roles cost nothing, nor do buckets with nothing in them."""
    del config
    return _cost([Need("key of the stacks' secrets", "kms-key", 1)], region, prices, None)


def thousand_jobs(config: PipelineConfig, region: str, prices: Prices) -> Jobs:
    """Of 1,000 jobs: their requests, and the function's time by the second, which depends on the pictures."""
    total, missing = 0.0, []
    for item, count in REQUESTS_OF_A_JOB.items():
        price = prices.find(item, region)
        if price is None or price.usd is None:
            missing.append(item)
        else:
            total += 1_000 * count * price.usd
    second = prices.find(f"lambda-{config.transform.architecture}", region)
    usd = None if second is None or second.usd is None else 1_000 * config.transform.memory_mb / 1_024 * second.usd
    return Jobs(requests_usd=total, second_usd=usd, not_counted=tuple(missing))


def _cost(needed: Iterable[Need], region: str, prices: Prices, jobs: Jobs | None) -> Cost:
    lines, missing = [], []
    for need in needed:
        price = prices.find(need.item, region)
        if price is None or price.usd is None:
            missing.append(need.what)
        else:
            # by the cent, so that a reader who adds the lines up finds the total
            lines.append(Line(need.what, round(need.count * need.units * price.usd, 2), price))
    return Cost(region=region, lines=tuple(lines), not_counted=tuple(missing), jobs=jobs)
