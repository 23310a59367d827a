"""Never larger than the original: where encoding again would only add bytes, the original's own are the variant.

Only for a variant that is the original in every pixel and every wish; then what the file tells about itself is taken
out, and not a bit of its pixels changed. Called by `pipeline`.
"""

from msgspec.structs import replace

from contracts.outputs import ColorSpace, MetadataPolicy, Output
from contracts.variants import Variant
from functions.transform.geometry import Frame
from functions.transform.steps.colour import is_srgb
from functions.transform.steps.decode import Source


def kept(source: Source, variant: Variant, framed: Frame, *, below: int, frames: int) -> bytes | None:
    """The original without what it tells about itself, if that is as good an answer as a file of `frames` frames and
    has fewer bytes than `below`."""
    output = variant.output
    if source.format.value != output.format.value or not _is_the_picture(source, variant, framed):
        return None
    says_more = output.progressive or output.colors is not None or output.metadata is not MetadataPolicy.NONE
    if says_more or not _has_its_colours(source, output) or frames != source.frames:
        return None
    from functions.transform.strip import stripped  # not at module level: few variants come so far

    body = stripped(source.data, source.format)
    limit = below if output.max_bytes is None else min(below, output.max_bytes + 1)
    return body if body is not None and len(body) < limit else None


def _is_the_picture(source: Source, variant: Variant, framed: Frame) -> bool:
    """Nothing was done to any pixel."""
    untouched = replace(variant, resize=None, output=Output()) == Variant(name=variant.name)
    cut = framed.cut
    whole = cut.is_whole and source.upright == cut.source == cut.size == framed.size == framed.canvas
    return untouched and whole and source.pending == 1 and source.is_plain


def _has_its_colours(source: Source, output: Output) -> bool:
    """They are in the space that was asked for, without a profile."""
    if output.color is ColorSpace.KEEP:
        return source.profile is None
    return output.color is ColorSpace.SRGB and is_srgb(source.profile)
