"""`darkroom presets diff` and `darkroom upgrade`: pages that show what would change, before anything does."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

from client.errors import BadInput
from client.outcome import OK, THE_USUAL, Json, Server, print_json, say

if TYPE_CHECKING:
    # what a page needs is imported when one is made: Pillow would slow every other command
    from operations.comparison import Pair

app: Final = App(name="darkroom")
presets: Final = App(name="presets")
"""Joined to the client's commands of this name."""


@presets.command(
    help_epilogue="""Examples:

  darkroom presets diff web@1 @new.json --corpus pictures
  darkroom presets diff web@1 'medium=rs::800/f:avif' --corpus pictures
  darkroom presets diff product@1 product@2 --corpus pictures --watermark logo=logo.png --out page.html"""
)
def diff(
    old: Annotated[str, Parameter(name="OLD")],
    new: Annotated[str, Parameter(name="NEW")],
    /,
    *,
    corpus: Path,
    out: Path = Path("presets-diff.html"),
    most: int = 20,
    watermark: Annotated[list[str] | None, Parameter(negative="")] = None,
    score: bool = True,
    server: Server = THE_USUAL,
) -> int:
    """Make pictures by two presets, here and now, and put them side by side on one page.

    With bytes, time and, where `make score` was run once, the score of SSIMULACRA2.

    Parameters
    ----------
    old
        A preset: its name, @FILE with a JSON list of variants, or variants in a line.
    new
        The one to compare it with.
    corpus
        Folder of pictures.
    out
        The page: one HTML file with everything in it.
    most
        Pictures of the corpus to take.
    watermark
        NAME=FILE, for each picture that variants are marked with: NAME is <job id>.<variant>, or the variant alone.
        What is not named is fetched from the server.
    score
        Score every file, if the measure is there: a second or two for each megapixel.
    """
    from contracts.compact import spelled
    from contracts.variants import asset_names
    from operations import marks, preset_diff
    from operations.scoring import judge
    from operations.sidebyside import OWN_REFERENCE, page

    if most < 1:
        raise BadInput("a comparison takes at least one picture", "--most N")
    before, after = (preset_diff.variants_of(word, server.url, server.api_key) for word in (old, new))
    subjects, others = preset_diff.corpus(corpus, most)
    wanted = asset_names((*before, *after))
    assets = marks.named(watermark or (), wanted)
    assets |= marks.fetched([name for name in wanted if name not in assets], server.url, server.api_key)
    for name in others:
        say(sys.stderr, f"{name} is no picture that is read here")
    with judge(wanted=score) as measure:
        found = list(preset_diff.pairs(subjects, before, after, assets=assets, judge=measure))
    about = f"{_count(len(subjects), 'picture')} of {corpus.resolve().name}, made on this machine by both presets."
    before_name, after_name = _called(old, "before"), _called(new, "after")
    text = page(
        f"{before_name} → {after_name}",
        about,
        found,
        before=before_name,
        after=after_name,
        reference=OWN_REFERENCE,
        asked={before_name: spelled(before), after_name: spelled(after)},
    )
    _write(out, text)
    return _told(found, out, as_json=server.json, scored=score)


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
    score: bool = True,
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
    score
        Score every file, if the measure is there (`make score`): a second or two for each megapixel.
    data
        Folder of the local run, where the stack stands on this machine.
    endpoint
        Address of the embedded cloud, where it is not the run's in that folder.
    """
    from functions.transform.pipeline import ENGINE
    from operations import upgrade as upgrading
    from operations.scoring import judge
    from operations.sidebyside import PRESENT_REFERENCE, page
    from operations.standing import standing

    if not what_changes:
        raise BadInput("say what to do", "darkroom upgrade --what-changes shows it and rewrites nothing")
    if sample < 1:
        raise BadInput("a sample has at least one job", "--sample N")
    with standing(Path(), stack, data=data, endpoint=endpoint) as found:
        jobs, count = upgrading.sample(found, sample)
        if not jobs:
            raise BadInput(f"{stack} has no job with results to look at", "send it a picture first")
        with judge(wanted=score) as measure:
            pairs = list(upgrading.pairs(found, jobs, measure))
    engines = ", ".join(upgrading.engines(jobs))
    about = (
        f"{len(jobs)} of the {_count(count, 'job')} of {stack} with results, made anew on this machine by engine "
        f"{ENGINE}; stored ones are of engine {engines}. Nothing was rewritten."
    )
    text = page(
        f"What engine {ENGINE} would change",
        about,
        pairs,
        before="stored",
        after=f"engine {ENGINE}",
        reference=PRESENT_REFERENCE,
    )
    _write(out, text)
    return _told(pairs, out, as_json=json, scored=score)


def _called(word: str, otherwise: str) -> str:
    """What a side is called on the page: a line of variants has no name."""
    return Path(word[1:]).name if word.startswith("@") else otherwise if "=" in word else word


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}", "--out names another place") from error


def _told(pairs: "list[Pair]", out: Path, *, as_json: bool, scored: bool) -> int:
    from operations.comparison import counted, has_scores, in_numbers, totals
    from operations.scoring import ADVICE

    if scored and not has_scores(pairs):
        say(sys.stderr, f"without scores: `{ADVICE}` gets SSIMULACRA2, and the next page has them")
    if as_json:
        print_json({"page": str(out), **in_numbers(pairs)})
        return OK
    whole = totals(pairs)
    line = f"{out}: {_count(len(pairs), 'pair')}: {counted(whole)}; {whole.bytes[0]:,} bytes, then {whole.bytes[1]:,}"
    if None not in whole.score:
        line += f"; median score {whole.score[0]:.1f}, then {whole.score[1]:.1f}"
    say(sys.stdout, line)
    return OK
