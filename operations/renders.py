"""Pictures made here and now by the present engine, with what one compares them by: bytes, likeness, time.

Likeness is structural similarity of the brightness (`functions.transform.ssim`) to the same variant without any loss.
"""

import time
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from contracts.errors import PipelineError
from contracts.formats import ImageFormat
from contracts.outputs import Output, OutputFormat
from contracts.variants import Variant
from functions.transform.analysis.traits import luma
from functions.transform.making import Made
from functions.transform.pipeline import render
from functions.transform.ssim import Likeness
from functions.transform.steps.decode import decode, inspect, quiet_decoders
from functions.transform.steps.picture import Picture


class Render(Struct, frozen=True, kw_only=True):
    """One variant's file, or why there is none. `ms` is resizing and encoding; None where it was not made here."""

    name: str
    body: bytes = b""
    format: OutputFormat | None = None
    size: tuple[int, int] = (0, 0)
    ms: float | None = None
    ssim: float | None = None
    trouble: str = ""


class Rendered(Struct, frozen=True, kw_only=True):
    """Of one original: its renders by name, and the whole time in ms, its decoding included."""

    renders: dict[str, Render]
    ms: float = 0.0


def rendered(data: bytes, form: ImageFormat, groups: Iterable[Sequence[Variant]], *, threads: int = 2) -> Rendered:
    """All variants, each group made together as an order is: what a variant is cut from hangs on the others."""
    found: dict[str, Render] = {}
    took = 0.0
    for variants in groups:
        began = time.perf_counter()
        try:
            outcomes = render(data, variants, threads, form=form).outcomes
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
    return Rendered(renders=found, ms=took)


def lossless(data: bytes, form: ImageFormat, variants: Sequence[Variant], *, threads: int = 2) -> dict[str, bytes]:
    """What the variants are judged by: the same pictures as PNG."""
    plain = [replace(variant, output=Output(format=OutputFormat.PNG)) for variant in variants]
    return {name: one.body for name, one in rendered(data, form, [plain], threads=threads).renders.items() if one.body}


def judged(one: Render, reference: bytes | None) -> Render:
    """With its likeness to the reference; without one where there is none to be had: another size, or no picture."""
    if not one.body or one.format is None or reference is None:
        return one
    try:
        files = (one.body, ImageFormat(one.format.value)), (reference, ImageFormat.PNG)
        ours, theirs = (luma(pixels_of(body, form).pixels) for body, form in files)
    except PipelineError as error:
        return replace(one, trouble=error.detail)
    return replace(one, ssim=round(Likeness(theirs).of(ours), 4)) if ours.size == theirs.size else one


def pixels_of(body: bytes, form: ImageFormat) -> Picture:
    """A file's first picture."""
    with quiet_decoders():
        return decode(inspect(body, form))
