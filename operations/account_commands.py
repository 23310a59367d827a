"""Subcommands of `darkroom` that speak of the account: what a stack finds there, what it costs, what prices say."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from client.errors import BadInput
from client.outcome import OK, say

PROBLEMS: Final = 1
"""Exit code of `check-account`: an `up` would not come through, or not work."""

Stack = Annotated[str, Parameter(name=["--stack", "-s"], help="Name of a stack, as in Pulumi.<stack>.yaml.")]
Json = Annotated[bool, Parameter(negative="", help="JSON on standard output, and nothing else there.")]

app: Final = App(name="darkroom")


@app.command(
    help_epilogue="""Examples:

  darkroom check-account --stack prod
  darkroom check-account --stack prod --json | jq '.findings[] | select(.level != "ok")'

Exit codes: 0 nothing stands in the way, 1 a problem does, 2 something given was wrong."""
)
def check_account(*, stack: Stack, json: Json = False) -> int:
    """Look at the account before a stack is put there: quotas, images, certificate, rights, price. Changes nothing."""
    from operations import check_account as account
    from operations import findings as found

    findings = account.look(Path(), stack, _today())
    if json:
        say(sys.stdout, found.to_json(findings))
    else:
        found.show(findings, sys.stdout)
        say(sys.stderr, found.summary(findings))
    return PROBLEMS if found.worst(findings) == "problem" else OK


@app.command(
    help_epilogue="""Examples:

  darkroom review --stack prod      Markdown, as it stands under a change
  darkroom review --stack prod --json"""
)
def review(*, stack: Stack, json: Json = False) -> int:
    """Say what a stack costs a month at rest and which quota it meets first, from its file alone."""
    import json as encoder

    from operations import review as reviewing
    from operations.configuration import configuration

    found = configuration(Path(), stack)
    if json:
        say(sys.stdout, encoder.dumps(reviewing.document(found, _today()), indent=2))
    else:
        say(sys.stdout, reviewing.markdown(found, _today()).rstrip("\n"))
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom prices                   how old the prices are, by region
  darkroom prices --update          ask AWS for those of every region in the file
  darkroom prices --update --region eu-north-1 --type m7g.large"""
)
def prices(
    *,
    update: Annotated[bool, Parameter(negative="")] = False,
    region: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    type_: Annotated[tuple[str, ...], Parameter(name="--type", negative="")] = (),
) -> int:
    """Show how old the price file is, or bring it up to date from AWS's own price list.

    Parameters
    ----------
    update
        Ask AWS and write components/prices.json.
    region
        Only of this region; may be given again.
    type_
        A type of hosts to ask for beside those in the file; may be given again.
    """
    from components import price_file
    from components.naming import is_region

    wrong = [one for one in region if not is_region(one)]
    if wrong:
        raise BadInput(f"{wrong[0]!r} is not a region", "name one such as eu-west-1")
    there = sorted({row.region for row in price_file.read()} - {price_file.GLOBAL})
    if not update:
        _show_prices([one for one in there if one in (region or there)])
        return OK
    from operations import prices as updating

    changes = updating.update(region or there, type_)
    for change in changes:
        old = "none" if change.old is None else f"{change.old:.10g}"
        new = f"{change.new:.10g} USD" if change.new is not None else f"kept ({change.why})"
        say(sys.stdout, f"{change.region} {change.item}: {old} -> {new}")
    say(sys.stderr, f"{price_file.FILE.name} is written; {len(changes)} lines above")
    return OK


def _show_prices(regions: list[str]) -> None:
    from components import price_file

    rows = [row for row in price_file.read() if row.region != price_file.GLOBAL]
    wanted = {row.item for row in rows if not row.item.startswith(price_file.INSTANCE)}
    for region in regions:
        known = {row.item: row.date for row in rows if row.region == region and row.date is not None}
        missing = sorted(wanted - known.keys())
        days = sorted(set(known.values()))
        said = (
            f"{len(known)} price{'s' * (len(known) != 1)} of {' to '.join(dict.fromkeys((days[0], days[-1])))}"
            if days
            else "no price"
        )
        say(sys.stdout, f"{region:<16}{said}{'; none for ' + ', '.join(missing) if missing else ''}")


def _today() -> date:
    return datetime.now(UTC).date()
