"""`darkroom keys`: the API keys of a stack. A key goes to standard output, alone, and is shown this once."""

import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from client.outcome import OK, print_json, say

Stack = Annotated[str, Parameter(name=["--stack", "-s"], help="Name of a stack, as in Pulumi.<stack>.yaml.")]
Named = Annotated[str, Parameter(name="PREFIX", help="Of the key: the twelve characters after dk_.")]

app: Final = App(name="keys", help="Make, list, renew and end the API keys of a stack.", help_epilogue="")


@app.command(
    help_epilogue="""Examples:

  darkroom keys init --stack prod   once, after the stack's first up and before its hosts have an image"""
)
def init(*, stack: Stack) -> int:
    """Give a stack its pepper: random bytes that its keys are hashed with. One that is there is kept."""
    from operations import keys

    if keys.initialised(_region(stack), stack):
        say(
            sys.stderr, f"{stack} has its pepper; make a key: darkroom keys create --stack {stack} --tenant T --scope S"
        )
    else:
        say(sys.stderr, f"{stack} had its pepper already, and keeps it")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom keys create --stack prod --tenant shop --scope uploads:write --scope jobs:read --expires 90d
  darkroom keys create --stack prod --tenant shop --scope uploads:write --limit 5/s --limit 1000/day"""
)
def create(
    *,
    stack: Stack,
    tenant: str,
    scope: Annotated[list[str], Parameter(negative="")],
    expires: str | None = None,
    limit: Annotated[list[str] | None, Parameter(negative="")] = None,
) -> int:
    """Make a key and print it. Nobody can be shown it again.

    Parameters
    ----------
    tenant
        Whose jobs it sends and sees: at most 40 lower-case letters, digits and hyphens.
    scope
        What it may do, as often as needed: uploads:write, jobs:read, jobs:write, presets:write, meta:private, admin.
    expires
        How long it lives: 90d, 12h; without it until it is revoked.
    limit
        What it may ask for of what its tenant may: 5/s requests of each host, 1000/day jobs; once or both.
    """
    from operations import keys

    owner, scopes = keys.tenant_of(tenant), keys.scopes_of(scope)
    life = None if expires is None else keys.seconds_of(expires)
    limits = keys.limits_of(limit or ())
    with keys.ring(_region(stack), stack) as ring:
        made = ring.create(owner, scopes, life, limits)
    end = "until it is revoked" if made.record.ends_at is None else f"until {keys.moment(made.record.ends_at)}"
    at_most = "".join(f", at most {one}" for one in keys.written(made.record.limits))
    say(sys.stderr, f"a key of {owner} for {', '.join(made.record.scopes)}{at_most}, {end}; it is shown this once:")
    say(sys.stdout, made.key)
    return OK


@app.command(
    name="list",
    help_epilogue="""Examples:

  darkroom keys list --stack prod
  darkroom keys list --stack prod --tenant shop --json | jq '.[] | select(.state == "live")'""",
)
def list_(*, stack: Stack, tenant: str | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """List the keys of a stack, those too that ended within the last 90 days.

    Parameters
    ----------
    tenant
        Of this tenant only.
    json
        JSON on standard output.
    """
    from adapters.clock import SystemClock
    from operations import keys

    owner = None if tenant is None else keys.tenant_of(tenant)
    with keys.ring(_region(stack), stack) as ring:
        found = ring.all(owner)
    shown = [keys.document(record, SystemClock().now()) for record in found]
    if json:
        print_json(shown)
        return OK
    for one in shown:
        end = f"ends {one['ends_at']}" if one["ends_at"] else "no end"
        may = " ".join(one["scopes"] + one["limits"])
        say(sys.stdout, f"{one['prefix']}  {one['state']:8}  {end:24}  {one['tenant']}  {may}")
    if not shown:
        say(sys.stderr, "there are none")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom keys revoke abcdefgh2345 --stack prod"""
)
def revoke(prefix: Named, /, *, stack: Stack) -> int:
    """End a key. Every host refuses it within 30 seconds, when what it remembers of it is too old."""
    from operations import keys

    with keys.ring(_region(stack), stack) as ring:
        record = ring.revoke(prefix)
    ended = "" if record.ends_at is None else keys.moment(record.ends_at)
    say(sys.stderr, f"{prefix} of {record.tenant} ended at {ended}; no host takes it 30 s after that")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom keys rotate abcdefgh2345 --stack prod
  darkroom keys rotate abcdefgh2345 --stack prod --grace 12h"""
)
def rotate(prefix: Named, /, *, stack: Stack, grace: str = "7d") -> int:
    """Make a key for the same tenant, scopes and limits, print it, and let the old one end a while later.

    Parameters
    ----------
    grace
        How long both are taken: 7d, 12h, 30m.
    """
    from operations import keys

    seconds = keys.seconds_of(grace)
    with keys.ring(_region(stack), stack) as ring:
        made, old = ring.rotate(prefix, seconds)
    ends = "" if old.ends_at is None else keys.moment(old.ends_at)
    say(sys.stderr, f"{prefix} is taken until {ends}; in its place, shown this once:")
    say(sys.stdout, made.key)
    return OK


def _region(stack: str) -> str:
    from operations.stacks import StackFile

    return StackFile(Path(), stack).region
