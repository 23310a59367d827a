"""Pictures made here and now by the present engine, with what one compares them by: bytes, likeness, time.

Likeness is to the pixels that were encoded, as they are seen: in sRGB, what is transparent on gray, of an animation the
first frame. It is SSIMULACRA2 where that is to be had (`operations.scoring`), and in any case structural similarity
of the brightness (`functions.transform.ssim`).
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.errors import PipelineError
from contracts.formats import ImageFormat
from contracts.outputs import OutputFormat, Quantizer
from contracts.variants import Variant
from functions.transform.making import Made
from functions.transform.marks import NO_ASSETS
from functions.transform.pipeline import render
from functions.transform.ssim import Likeness
from functions.transform.steps.colour import matched
from functions.transform.steps.decode import decode, inspect, quiet_decoders
from functions.transform.steps.picture import Picture
from operations.scoring import Judge

_GRAY: Final = (128, 128, 128)
_WHITE: Final = (255, 255, 255)

Groups = Sequence[Sequence[Variant]]
"""Variants that are made together, as an order is: what one of them is cut from hangs on the others."""


class Render(Struct, frozen=True, kw_only=True):
    """One variant's file, or why there is none. `ms` is resizing and encoding; None where it was not made here."""

    name: str
    body: bytes = b""
    format: OutputFormat | None = None
    size: tuple[int, int] = (0, 0)
    ms: float | None = None
    ssim: float | None = None
    score: float | None = None
    """SSIMULACRA2."""
    trouble: str = ""
    """Why there is no file; of a file, why it has no score."""


class Rendered(Struct, frozen=True, kw_only=True):
    """Of one original: its renders by name, and the whole time in ms, its decoding included."""

    renders: dict[str, Render]
    encoded: dict[str, Picture]
    """What the renders were encoded from, by name; of an animation the first frame."""
    ms: float = 0.0


def rendered(
    data: bytes,
    form: ImageFormat,
    groups: Groups,
    *,
    assets: Mapping[str, bytes] = NO_ASSETS,
    threads: int = 2,
    palettes: Quantizer = Quantizer.PILLOW,
) -> Rendered:
    """All variants, marked with the pictures in `assets`, by the names that overlays call them.

    `palettes` are made by this one, where it is on this machine.
    """
    found: dict[str, Render] = {}
    encoded: dict[str, Picture] = {}

    def keep(variant: Variant, picture: Picture) -> None:
        encoded.setdefault(variant.name, picture)

    took = 0.0
    for variants in groups:
        began = time.perf_counter()
        try:
            made = render(data, variants, threads, form=form, assets=assets, witness=keep, palettes=palettes)
            outcomes = made.outcomes
        except PipelineError as error:
            found |= {variant.name: Render(name=variant.name, trouble=error.detail) for variant in variants}
            continue
        took += 1_000 * (time.perf_counter() - began)
        for outcome in outcomes:
            if isinstance(outcome, Made):
                found[outcome.name] = Render(
                    name=outcome.name,
                    body=bytes(outcome.body),
                    format=outcome.format,
                    size=outcome.size,
                    ms=outcome.elapsed_ms,
                )
            else:
                found[outcome.name] = Render(name=outcome.name, trouble=str(outcome.error)[:200])
    return Rendered(renders=found, encoded=encoded, ms=took)


def judged(one: Render, encoded: Picture | None, judge: Judge | None = None) -> Render:
    """With its likeness to what was encoded; without one where there is none to be had: another size, or no picture."""
    if not one.body or one.format is None or encoded is None:
        return one
    # the one format without alpha was put on white when it was made
    ground = _WHITE if one.format is OutputFormat.JPEG else _GRAY
    try:
        ours = _seen(pixels_of(one.body, ImageFormat(one.format.value)), ground)
    except PipelineError as error:
        return replace(one, trouble=error.detail)
    theirs = _seen(encoded, ground)
    size = ours.pixels.size
    if theirs.pixels.size != size:
        return replace(one, trouble="no score: it has another size than what is encoded")
    ssim = round(Likeness(theirs.pixels.convert("L")).of(ours.pixels.convert("L")), 4)
    found = None if judge is None else judge.score(size, theirs.pixels.tobytes(), ours.pixels.tobytes())
    if isinstance(found, str):
        return replace(one, ssim=ssim, trouble=found)
    return replace(one, ssim=ssim, score=found)


def pixels_of(body: bytes, form: ImageFormat) -> Picture:
    """A file's first picture."""
    with quiet_decoders():
        return decode(inspect(body, form))


def _seen(picture: Picture, ground: tuple[int, int, int]) -> Picture:
    """In sRGB, in mode RGB, on this ground."""
    picture = matched(picture, None)
    pixels = picture.pixels
    if pixels.mode != "RGBA":
        return picture
    shown = pixels.convert("RGB")
    shown.paste(ground, (0, 0, *pixels.size), pixels.getchannel("A").point(lambda alpha: 255 - alpha))
    return picture.of(shown)
