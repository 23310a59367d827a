"""What a stack costs and which quota it meets first, from its file alone: for whoever reads a change before it is made.

`darkroom review --stack prod`, or `python -m operations.review --stack prod` in a pipeline, writes Markdown to standard
output; no account, no Pulumi. The quotas are those of a new account: `darkroom check-account` asks for the account's.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from client.errors import DarkroomError
from components import price_file, quotas
from components.cost import BY_USE, Cost, monthly, monthly_foundation
from components.price_file import STALE_DAYS
from components.settings import PipelineConfig
from operations.configuration import Configuration, configuration


def markdown(found: Configuration, today: date) -> str:
    """The comment under a change."""
    if isinstance(found.settings, PipelineConfig) and found.settings.endpoint is not None:
        return f"### `{found.stack}` costs nothing: it stands on an embedded cloud, {found.settings.endpoint}\n"
    cost = _cost(found)
    lines = [f"### `{found.stack}` in {found.region}: {cost.total_usd:,.2f} USD a month at rest", ""]
    if cost.lines:
        lines += ["| at rest | USD a month |", "| --- | ---: |"]
        lines += [f"| {line.what} | {line.usd:,.2f} |" for line in cost.lines]
        lines.append("")
    lines += [f"- not counted, because the price file has no price: {what}" for what in cost.not_counted]
    if cost.prices_dated:
        age = f"; some are older than {STALE_DAYS} days: `darkroom prices --update`" if cost.is_stale(today) else ""
        lines.append(
            f"- list prices of {' to '.join(dict.fromkeys(cost.prices_dated))}, from components/prices.json{age}"
        )
    lines.append(f"- beside it, by use: {'; '.join(BY_USE)}")
    if cost.jobs is not None:
        lines.append(f"- {cost.jobs.text()}")
    if isinstance(found.settings, PipelineConfig):
        lines += ["", *_quotas(found.settings)]
    return "\n".join(lines) + "\n"


def document(found: Configuration, today: date) -> dict[str, Any]:
    """The same for a program."""
    cost = _cost(found)
    answer: dict[str, Any] = {
        "stack": found.stack,
        "region": found.region,
        "cost": {**cost.as_export(), "stale": cost.is_stale(today)},
    }
    if isinstance(found.settings, PipelineConfig):
        first = quotas.first_quota(found.settings)
        answer["first_quota"] = {
            "name": first.quota.name,
            "allowed": first.allowed,
            "unit": first.quota.unit,
            "met": first.when,
            "jobs_a_second": first.jobs_a_second,
            "says": first.says(),
            "remedy": first.quota.remedy,
            "page": first.quota.page,
        }
    return answer


def _cost(found: Configuration) -> Cost:
    prices = price_file.read()
    if isinstance(found.settings, PipelineConfig):
        return monthly(found.settings, found.region, prices)
    return monthly_foundation(found.settings, found.region, prices)


def _quotas(settings: PipelineConfig) -> list[str]:
    first = quotas.first_quota(settings)
    lines = [
        f"**The first quota it meets, in a new account: {first.says()}.** {_sentence(first.quota.remedy)} "
        f"([AWS]({first.quota.page}))",
        "",
        f"<details><summary>Every limit in its order, for a function that works {quotas.FUNCTION_SECONDS:g} s on a "
        "job</summary>",
        "",
    ]
    lines += [f"- {limit.when}: {limit.says()}" for limit in quotas.limits(settings)]
    return [*lines, "", "</details>"]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="review", description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    today = datetime.now(UTC).date()
    try:
        found = configuration(Path(), given.stack)
    except DarkroomError as error:
        sys.stderr.write(f"{error}; {error.advice}\n")
        return 2
    sys.stdout.write(json.dumps(document(found, today), indent=2) + "\n" if given.json else markdown(found, today))
    return 0


if __name__ == "__main__":
    sys.exit(main())
