"""`darkroom presets diff` and `darkroom upgrade`: pages that show what would change, before anything does."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

from client.errors import BadInput
from client.outcome import OK, THE_USUAL, Json, Server, print_json, say

if TYPE_CHECKING:
    # what a page needs is imported when one is made: Pillow would slow every other command
    from operations.sidebyside import Pair

app: Final = App(name="darkroom")
presets: Final = App(name="presets")
"""Joined to the client's commands of this name."""


@presets.command(
    help_epilogue="""Examples:

  darkroom presets diff web@1 @new.json --corpus pictures
  darkroom presets diff product@1 product@2 --corpus pictures --out page.html"""
)
def diff(
    old: Annotated[str, Parameter(name="OLD")],
    new: Annotated[str, Parameter(name="NEW")],
    /,
    *,
    corpus: Path,
    out: Path = Path("presets-diff.html"),
    most: int = 20,
    server: Server = THE_USUAL,
) -> int:
    """Make pictures by two presets, here and now, and put them side by side on one page.

    Parameters
    ----------
    old
        A preset: its name, or @FILE with a JSON list of variants.
    new
        The one to compare it with.
    corpus
        Folder of pictures.
    out
        The page: one HTML file with everything in it.
    most
        Pictures of the corpus to take.
    """
    from operations import preset_diff
    from operations.sidebyside import page

    if most < 1:
        raise BadInput("a comparison takes at least one picture", "--most N")
    before, after = (preset_diff.variants_of(word, server.url, server.api_key) for word in (old, new))
    subjects, others = preset_diff.corpus(corpus, most)
    for name in others:
        say(sys.stderr, f"{name} is no picture that is read here")
    found = list(preset_diff.pairs(subjects, before, after))
    about = f"{len(subjects)} pictures of {corpus.name}, made on this machine by both presets."
    before_name, after_name = (Path(word).name if word.startswith("@") else word for word in (old, new))
    _write(out, page(f"{before_name} → {after_name}", about, found, before=before_name, after=after_name))
    return _told(found, out, as_json=server.json)


@app.command(
    help_epilogue="""Examples:

  darkroom upgrade --what-changes            of what `make run` has up here
  darkroom upgrade --what-changes --stack prod --sample 50 --out page.html"""
)
def upgrade(
    *,
    what_changes: Annotated[bool, Parameter(negative="")] = False,
    stack: Annotated[str, Parameter(name=["--stack", "-s"])] = "local",
    sample: int = 20,
    out: Path = Path("upgrade.html"),
    json: Json = False,
    data: Path = Path(".data"),
    endpoint: str | None = None,
) -> int:
    """Make a sample of stored jobs anew with the present engine, and show it beside what is stored. Writes no result.

    Parameters
    ----------
    what_changes
        Show it. Nothing is ever rewritten by this command: results are immutable, new jobs are made by the new engine.
    stack
        Name of a stack, as in Pulumi.<stack>.yaml.
    sample
        Jobs to take.
    out
        The page: one HTML file with everything in it.
    data
        Folder of the local run, where the stack stands on this machine.
    endpoint
        Address of the embedded cloud, where it is not the run's in that folder.
    """
    from functions.transform.pipeline import ENGINE
    from operations import upgrade as upgrading
    from operations.sidebyside import page
    from operations.standing import standing

    if not what_changes:
        raise BadInput("say what to do", "darkroom upgrade --what-changes shows it and rewrites nothing")
    if sample < 1:
        raise BadInput("a sample has at least one job", "--sample N")
    with standing(Path(), stack, data=data, endpoint=endpoint) as found:
        jobs, count = upgrading.sample(found, sample)
        if not jobs:
            raise BadInput(f"{stack} has no job with results to look at", "send it a picture first")
        pairs = list(upgrading.pairs(found, jobs))
    engines = ", ".join(upgrading.engines(jobs))
    about = (
        f"{len(jobs)} of the {count} jobs of {stack} with results, made anew on this machine by engine {ENGINE}; "
        f"stored ones are of engine {engines}."
    )
    _write(out, page(f"What engine {ENGINE} would change", about, pairs, before="stored", after=f"engine {ENGINE}"))
    return _told(pairs, out, as_json=json)


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}", "--out names another place") from error


def _told(pairs: "list[Pair]", out: Path, *, as_json: bool) -> int:
    same = sum(pair.is_same for pair in pairs)
    sides = [
        sum(len(one.body) for one in side if one is not None)
        for side in ([pair.before for pair in pairs], [pair.after for pair in pairs])
    ]
    if as_json:
        print_json({"page": str(out), "pairs": len(pairs), "same": same, "bytes": sides})
    else:
        say(sys.stdout, f"{out}: {len(pairs)} pairs, {same} the same bytes; {sides[0]:,} bytes, then {sides[1]:,}")
    return OK
