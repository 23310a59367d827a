"""`darkroom presets diff`: what another preset would make of a folder of pictures, on one page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from client.drivers import Darkroom
from client.errors import BadInput
from client.given import given_variants
from contracts.errors import PipelineError
from contracts.formats import SNIFF_BYTES, ImageFormat, sniff
from contracts.options import Options, decode_options
from contracts.presets import PRESETS
from contracts.variants import Variant
from operations.renders import Render, judged, lossless, rendered
from operations.sidebyside import Pair

MOST_BYTES: Final = 200 * 1024 * 1024
"""Of one picture of a corpus."""


class Subject(Struct, frozen=True, kw_only=True):
    """One picture of the corpus."""

    name: str
    data: bytes
    form: ImageFormat


def variants_of(word: str, url: str, api_key: str | None) -> tuple[Variant, ...]:
    """The variants of a preset: `@FILE` (a list, or a preset as it is shown), one of the repository's, or one that the
    service at `url` has. Raises DarkroomError.
    """
    import msgspec

    if word in PRESETS:
        return PRESETS[word]
    if word.startswith("@"):
        raw = msgspec.json.encode({"variants": given_variants(word)})
    else:
        with Darkroom(url, api_key) as darkroom:
            raw = msgspec.json.encode({"variants": darkroom.preset(word)["variants"]})
    try:
        options: Options = decode_options(raw)
    except PipelineError as error:
        raise BadInput(f"{word} has variants that cannot be made: {error.detail}") from error
    return options.variants


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
    subjects: list[Subject], old: tuple[Variant, ...], new: tuple[Variant, ...], *, threads: int = 2
) -> Iterator[Pair]:
    """Every variant of every picture by both presets; those of a name are a pair, each judged against itself as PNG."""
    names = list(dict.fromkeys(variant.name for variant in (*old, *new)))
    for subject in subjects:
        sides: list[dict[str, Render]] = []
        for variants in (old, new):
            made = rendered(subject.data, subject.form, [variants], threads=threads).renders
            references = lossless(subject.data, subject.form, variants, threads=threads)
            sides.append({name: judged(one, references.get(name)) for name, one in made.items()})
        before, after = sides
        for name in names:
            yield Pair(picture=subject.name, variant=name, before=before.get(name), after=after.get(name))
