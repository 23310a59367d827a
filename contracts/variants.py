"""What may be asked for: one variant of a picture, as data with its ranges on the types.

The order of work is fixed whatever the order of keys:

    orient ─▶ crop ─▶ trim ─▶ resize ─▶ pad ─▶ adjust ─▶ filter ─▶ mask ─▶ overlay ─▶ encode

A fixed order is what makes sharing, hashing and caching possible. The parts are in `framing`, `looks` and `outputs`,
what they mean together is here. Presets are named sets of variants (`presets.py`), `compact.py` writes them in a line;
the picture work itself is in `functions/transform`.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from contracts.framing import (
    Background,
    Crop,
    Fit,
    Flip,
    Gravity,
    Offset,
    Pad,
    Point,
    Resize,
    Trim,
    Unit,
)
from contracts.identifiers import JobId, VariantName
from contracts.limits import MAX_OUTPUT_SIDE
from contracts.looks import MAX_OVERLAYS, MAX_TEXT, TEXT_COLOUR, Adjust, Filters, Mask, Overlay, filled_in
from contracts.outputs import Output
from contracts.outputs import objections as output_objections


class Variant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One picture asked for. `name` is unique within its job. Without `resize` the size is the original's.

    To orient is to apply the EXIF orientation, then `flip`, then `rotate`: all that follows is of the picture as it
    then stands, crops and focal points too.
    """

    name: VariantName
    crop: Crop | None = None
    trim: Trim | None = None
    resize: Resize | None = None
    gravity: Gravity = Gravity.CENTER
    offset: Offset = Offset()
    focal: Point | None = None
    rotate: Annotated[float, Meta(ge=-360, le=360)] = 0.0
    """Degrees clockwise. Multiples of 90 lose nothing; other angles grow the picture by corners of background."""
    flip: Flip | None = None
    pad: Pad = Pad()
    background: Background | None = None
    """What shows where the picture does not; without it nothing does, or white where the format has no alpha."""
    adjust: Adjust = Adjust()
    filters: Filters = Filters()
    mask: Mask | None = None
    overlays: Annotated[tuple[Overlay, ...], Meta(max_length=MAX_OVERLAYS)] = ()
    output: Output = Output()


WHOLE_TO: Final = 1e-9
"""By how much fractions may exceed 1 together: decimal fractions have no exact sum."""


A_JOB_ID: Final = "00000000-0000-7000-8000-000000000000"
"""What a text has for `{job_id}` where there is no job: as long as any."""
A_DATE: Final = "2026-11-30"
"""Likewise for `{date}`."""


def told(variant: Variant, job_id: JobId, date: str) -> Variant:
    """The variant with its texts filled in; itself if there is nothing to fill in."""
    overlays = tuple(
        overlay if overlay.text is None else structs.replace(overlay, text=filled_in(overlay.text, job_id, date))
        for overlay in variant.overlays
    )
    return variant if overlays == variant.overlays else structs.replace(variant, overlays=overlays)


def asset_names(variants: Iterable[Variant]) -> tuple[str, ...]:
    """The pictures that they are marked with, each once, as overlays call them."""
    named = (overlay.asset for variant in variants for overlay in variant.overlays)
    return tuple(dict.fromkeys(name for name in named if name is not None))


def objections(variant: Variant) -> Iterator[tuple[str, str]]:
    """What is wrong with a variant of which every value is in its range: JSON Pointers within it, and why."""
    yield from _of_crop(variant.crop)
    yield from _of_resize(variant)
    chosen = [name for name in ("greyscale", "sepia", "tint", "duotone") if getattr(variant.filters, name)]
    if len(chosen) > 1:
        yield f"/filters/{chosen[1]}", f"{chosen[0]} has replaced the colours already; say one of them"
    for number, overlay in enumerate(variant.overlays):
        if (overlay.text is None) == (overlay.asset is None):
            yield f"/overlays/{number}", "an overlay is a text or an asset"
        if overlay.anchor is Gravity.SMART:
            yield f"/overlays/{number}/anchor", "an overlay has no smart place"
        if overlay.text is not None and len(filled_in(overlay.text, A_JOB_ID, A_DATE)) > MAX_TEXT:
            yield f"/overlays/{number}/text", f"with its fields filled in it has more than {MAX_TEXT} characters"
        if overlay.text is not None and not overlay.text.isprintable():
            yield f"/overlays/{number}/text", "a text is one line of characters that can be seen"
        if overlay.asset is not None and overlay.colour != TEXT_COLOUR:
            yield f"/overlays/{number}/colour", "a picture has colours of its own; a text takes this one"
    for pointer, why in output_objections(variant.output):
        yield f"/output{pointer}", why


def _of_crop(crop: Crop | None) -> Iterator[tuple[str, str]]:
    if crop is None:
        return
    if crop.unit is Unit.PX:
        for name in ("x", "y", "width", "height"):
            if not getattr(crop, name).is_integer():
                yield f"/crop/{name}", "pixels are whole; for fractions say the unit fraction"
        return
    for start, length in (("x", "width"), ("y", "height")):
        if getattr(crop, start) + getattr(crop, length) > 1 + WHOLE_TO:
            yield f"/crop/{length}", f"{start} and {length} are more than 1 together: the crop would leave the picture"


def _of_resize(variant: Variant) -> Iterator[tuple[str, str]]:
    resize = variant.resize
    has_box = resize is not None and resize.width is not None and resize.height is not None
    cuts = has_box and resize is not None and resize.fit is Fit.COVER
    pads = has_box and resize is not None and resize.fit is Fit.CONTAIN
    for name in ("width", "height"):
        side = None if resize is None else getattr(resize, name)
        if resize is not None and side is not None and side * resize.dpr > MAX_OUTPUT_SIDE:
            yield "/resize/dpr", f"{side} × {resize.dpr:g} is more than {MAX_OUTPUT_SIDE} pixels"
    if variant.gravity is Gravity.SMART and not cuts:
        yield "/gravity", "smart chooses what cover cuts: it needs the fit cover, a width and a height"
    elif variant.gravity is not Gravity.CENTER and not (cuts or pads):
        yield "/gravity", "gravity needs the fit cover or contain, a width and a height"
    if variant.trim is not None and variant.rotate % 90:
        yield "/trim", "a slanted picture has corners of background: there is no border to trim"
    if variant.gravity is Gravity.SMART and variant.rotate % 90:
        yield "/gravity", "smart looks at upright pictures: say a focal point, or turn by quarters"
    if variant.gravity is not Gravity.CENTER and variant.focal is not None:
        yield "/focal", "say gravity or a focal point"
    if variant.offset != Offset() and not (cuts or pads):
        yield "/offset", "an offset needs the fit cover or contain, a width and a height"
