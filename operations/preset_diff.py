"""`darkroom presets diff`: what another preset would make of a folder of pictures, on one page."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from client.drivers import Darkroom
from client.errors import BadInput
from client.given import given_variants
from contracts.errors import PipelineError
from contracts.formats import SNIFF_BYTES, ImageFormat, sniff
from contracts.options import Options, decode_options
from contracts.outputs import Output
from contracts.presets import PRESETS
from contracts.variants import A_DATE, A_JOB_ID, Variant, told
from functions.transform.marks import NO_ASSETS
from operations.comparison import Pair
from operations.renders import Render, judged, rendered
from operations.scoring import Judge

MOST_BYTES: Final = 200 * 1024 * 1024
"""Of one picture of a corpus."""


class Subject(Struct, frozen=True, kw_only=True):
    """One picture of the corpus."""

    name: str
    data: bytes
    form: ImageFormat


def variants_of(word: str, url: str, api_key: str | None) -> tuple[Variant, ...]:
    """The variants of a preset: `@FILE` (a list, or a preset as it is shown), a line of variants in their compact form,
    one of the repository's, or one that the service at `url` has. Raises DarkroomError.
    """
    import msgspec

    if word in PRESETS:
        return PRESETS[word]
    if word.startswith("@"):
        raw = msgspec.json.encode({"variants": given_variants(word)})
    elif "=" in word:
        raw = msgspec.json.encode({"t": word})
    else:
        with Darkroom(url, api_key) as darkroom:
            raw = msgspec.json.encode({"variants": darkroom.preset(word)["variants"]})
    try:
        options: Options = decode_options(raw)
        variants = options.resolved()
    except PipelineError as error:
        raise BadInput(f"{word} has variants that cannot be made: {error.detail}") from error
    # what texts name is of a job; here there is none
    return tuple(told(variant, A_JOB_ID, A_DATE) for variant in variants)


def corpus(folder: Path, most: int) -> tuple[list[Subject], list[str]]:
    """The pictures in a folder and below, by name, at most so many; and the names of files that are none.

    Raises BadInput for a folder without a picture.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder", "--corpus names a folder of pictures")
    found: list[Subject] = []
    others: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if len(found) == most:
            break
        name = str(path.relative_to(folder))
        try:
            with path.open("rb") as file:
                form = sniff(file.read(SNIFF_BYTES))
            if form is None or path.stat().st_size > MOST_BYTES:
                others.append(name)
                continue
            found.append(Subject(name=name, data=path.read_bytes(), form=form))
        except OSError:
            others.append(name)
    if not found:
        raise BadInput(f"there is no picture in {folder}", "--corpus names a folder of pictures")
    return found, others


def pairs(
    subjects: list[Subject],
    old: tuple[Variant, ...],
    new: tuple[Variant, ...],
    *,
    assets: Mapping[str, bytes] = NO_ASSETS,
    judge: Judge | None = None,
    threads: int = 2,
) -> Iterator[Pair]:
    """Every variant of every picture by both presets; those of a name are a pair, each judged by what it lost.

    `assets` are the pictures that variants are marked with.
    """
    specs = [{variant.name: replace(variant, output=Output()) for variant in variants} for variants in (old, new)]
    names = list(dict.fromkeys(variant.name for variant in (*old, *new)))
    for subject in subjects:
        sides: list[dict[str, Render]] = []
        for variants in (old, new):
            made = rendered(subject.data, subject.form, [variants], assets=assets, threads=threads)
            sides.append({name: judged(one, made.encoded.get(name), judge) for name, one in made.renders.items()})
        before, after = sides
        for name in names:
            yield Pair(
                picture=subject.name,
                variant=name,
                before=before.get(name),
                after=after.get(name),
                is_other=specs[0].get(name) != specs[1].get(name),
            )
