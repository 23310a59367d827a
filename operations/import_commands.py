"""`darkroom import`: pictures that somebody owns already, copied within S3 and worked on like any upload."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

from client.errors import BadInput
from client.outcome import OK, Json, print_json, say

if TYPE_CHECKING:
    from operations.import_ends import End, Tally

INCOMPLETE: Final = 1
"""Exit code: some could not be taken now."""
_FASTEST: Final = 1_000
_SHOWN: Final = 20
"""Reasons that are printed one by one; the rest is counted, and in the JSON."""

app: Final = App(name="darkroom")


@app.command(
    name="import",
    help_epilogue="""Examples:

  darkroom import s3://photos/2024/ --stack prod --tenant shop --preset web@1 --dry-run
  darkroom import s3://photos/2024/ --stack prod --tenant shop --preset web@1
  darkroom import s3://photos/ --stack prod --tenant shop --yes --json

Run it again after it was broken off, or when there are new pictures: nothing is
taken twice.

Exit codes: 0 all that can be taken is, 1 something did not answer (run it
again), 2 something given was wrong, 3 the stack could not be asked.""",
)
def import_(
    source: Annotated[str, Parameter(name="S3://BUCKET/PREFIX")],
    /,
    *,
    preset: str | None = None,
    tenant: str | None = None,
    expires: str | None = None,
    rate: float = 20,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="")] = False,
    json: Json = False,
    stack: Annotated[str, Parameter(name=["--stack", "-s"])] = "local",
    data: Path = Path(".data"),
    endpoint: str | None = None,
) -> int:
    """Take the pictures of a bucket that you own: copied within S3, never changed there, worked on in the bulk lane.

    Parameters
    ----------
    source
        Where they are: every object whose key begins so.
    preset
        What to make of them; without it web@1.
    tenant
        Whose they shall be; may be left out where no keys are asked for.
    expires
        How long they are kept, 90d say; without it as long as an upload that names nothing.
    rate
        Pictures a second, at most.
    dry_run
        Look at each, and say what would be taken and what not; take none.
    yes
        Do not ask once the price is shown.
    stack
        Name of a stack, as in Pulumi.<stack>.yaml; without it what `make run` has up here.
    data
        Folder of the local run, where the stack stands on this machine.
    endpoint
        Address of the embedded cloud, where it is not the run's in that folder.
    """
    from adapters.clock import SystemClock
    from components.price_file import read
    from operations import import_bill
    from operations.import_ends import Waiting, tally
    from operations.import_wish import assets_of, variants_of, wish
    from operations.importing import Importer, Pace
    from operations.keys import seconds_of
    from operations.sources import Pictures, source_of
    from operations.standing import standing

    found = source_of(source)
    if not 0 < rate <= _FASTEST:
        raise BadInput(f"{rate} pictures a second are not a rate", f"more than 0, at most {_FASTEST}")
    options = wish(preset, None if expires is None else seconds_of(expires))
    with standing(Path(), stack, data=data, endpoint=endpoint) as there:
        owner = _owner(tenant, asks=there.settings.auth == "required")
        if found.bucket in (there.originals, there.results):
            raise BadInput(f"{found.bucket} is the stack's own bucket", "name the bucket where your pictures are")
        clock = SystemClock()
        variants = variants_of(options, there.shelf, owner, clock, marks=not dry_run)
        importer = Importer(
            there,
            Pictures(there.s3, found),
            tenant=owner,
            options=options,
            variants=variants,
            clock=clock,
            pace=Pace(rate),
            assets=assets_of(there.ledger, owner, variants),
        )
        listed = list(importer.sorted_out())
        waiting = [one for one in listed if isinstance(one, Waiting)]
        bill = import_bill.bill(
            there.settings,
            there.region,
            read(),
            pictures=len(waiting),
            size=sum(one.picture.bytes for one in waiting),
            variants=len(variants),
        )
        say(sys.stderr, f"{found}: {len(listed)} objects, {len(waiting)} to be taken")
        if waiting:
            say(sys.stderr, bill.text())
            if not dry_run and not yes:
                _confirm(len(waiting))
        working = importer.look(waiting) if dry_run else importer.take(waiting)
        ends = [*(one for one in listed if not isinstance(one, Waiting)), *_followed(working, len(waiting))]
    seen = tally(ends)
    if json:
        about = {"source": str(found), "stack": stack, "tenant": owner, "preset": options.effective_preset}
        print_json({**about, "dry_run": dry_run, **seen.document(), "price": bill.document()})
    else:
        _show(seen, "would be taken" if dry_run else "taken")
    if seen.failed:
        say(sys.stderr, "run it again for those that failed; nothing is taken twice")
    return INCOMPLETE if seen.failed else OK


def _show(seen: "Tally", told: str) -> None:
    for end in seen.told[:_SHOWN]:
        say(sys.stdout, f"{end.fate.value}: {_plain(end.picture.key)}: {end.reason}")
    if len(seen.told) > _SHOWN:
        say(sys.stdout, f"and {len(seen.told) - _SHOWN} more, which --json lists")
    say(sys.stdout, seen.text(told))


def _owner(tenant: str | None, *, asks: bool) -> str:
    from contracts.identifiers import OPEN_TENANT
    from operations.keys import tenant_of

    if tenant is not None:
        return tenant_of(tenant)
    if asks:
        raise BadInput("whose pictures shall they be?", "name a tenant: --tenant shop")
    return OPEN_TENANT


def _confirm(pictures: int) -> None:
    if not sys.stdin.isatty():
        raise BadInput("nobody is here to say yes", "look at the price, and say --yes")
    sys.stderr.write(f"take {pictures} pictures? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise BadInput("nothing was taken", "say y, or --yes")


def _followed(ends: "Iterator[End]", whole: int) -> "Iterator[End]":
    """The same, while a terminal is told how far it is."""
    for number, end in enumerate(ends, start=1):
        if sys.stderr.isatty() and (number % 10 == 0 or number == whole):
            sys.stderr.write(f"\r{number} of {whole}\033[K" + ("\n" if number == whole else ""))
            sys.stderr.flush()
        yield end


def _plain(key: str) -> str:
    """A key on one line of a terminal, whatever its owner wrote."""
    return "".join(char if char.isprintable() else "?" for char in key)
