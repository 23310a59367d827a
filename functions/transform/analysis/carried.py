"""What an original carried beside its pixels, and what a file of ours does: the leak report and its proof.

    original ─▶ blocks ─┬▶ facts (IPTC, XMP), private facts         file of ours ─▶ blocks ─▶ nothing, or their kinds
                        └▶ finds: that there were a place, serials, an owner, software, a story of editing, …

Both sides read bytes through `containers`, never through a decoder; only the embedded thumbnail is decoded, to see
whether it still shows what the picture no longer does. Never raises for what bytes may hold.
"""

from typing import Final

import msgspec
from msgspec import Struct
from PIL import Image

from contracts.analysis import Find
from contracts.errors import Rejected
from contracts.formats import ImageFormat
from functions.transform.analysis import containers, exif, words
from functions.transform.analysis.containers import Block, blocks
from functions.transform.steps.colour import colour
from functions.transform.steps.decode import Source, decode, inspect
from functions.transform.steps.metadata import Value
from functions.transform.steps.orient import orient
from functions.transform.steps.picture import Picture

GPS, SERIALS, OWNER, SOFTWARE = "gps", "serial-numbers", "owner", "software"
HISTORY, MAKER_NOTE, OTHER_THUMBNAIL = "edit-history", "maker-note", "thumbnail-differs"

_ORDER: Final = (
    *(GPS, SERIALS, OWNER, containers.THUMBNAIL, OTHER_THUMBNAIL, containers.TRAILING, HISTORY, SOFTWARE),
    *(MAKER_NOTE, containers.EXIF, containers.XMP, containers.IPTC, containers.PHOTOSHOP, containers.COMMENT),
    *(containers.TEXT, containers.TIME, containers.PROVENANCE, containers.PICTURES, containers.UNKNOWN),
    *(containers.UNREADABLE, containers.ICC),
)
"""The most telling first."""
_MAX_PRIVATE_BYTES: Final = 2_048
"""As JSON: what is private has no other place than the job's row."""
_MAX_THUMBNAIL_BYTES: Final = 128 * 1024
_MAX_THUMBNAIL_PIXELS: Final = 512 * 512
_COMPARED: Final = 16
"""Side of the pictures that a thumbnail is compared by."""
_DIFFERS: Final = 20.0
"""Levels of luma, on average: other encoders and tones stay below 10, another cut is above 25."""
_SHAPE: Final = 1.1
"""Ratio from which two shapes are not the same but for rounding: a thumbnail is then compared without its bars too."""
_NAMELESS: Final = frozenset({containers.ICC})
"""A profile says how to show the pixels."""


class Told(Struct, frozen=True, kw_only=True):
    """What an original told beside its pixels."""

    iptc: dict[str, words.Fact]
    xmp: dict[str, words.Fact]
    private: dict[str, Value]
    finds: tuple[Find, ...]


def told(source: Source, sample: Picture | None) -> Told:
    """All of it; `sample` is what an embedded thumbnail is compared with."""
    data, found = source.data, blocks(source.data, source.format)
    inner = exif.carried(source.exif)
    iptc, xmp = _iptc(data, found), _xmp(data, found)
    private: dict[str, Value] = xmp.private | iptc.private | inner.private
    sizes: dict[str, int] = {}
    for block in found:
        sizes[block.kind] = sizes.get(block.kind, 0) + block.size
    if source.exif and source.format is not ImageFormat.TIFF:
        sizes.setdefault(containers.EXIF, len(source.exif))
    whole = private.keys()
    owners = exif.OWNERS & whole or "creators" in iptc.facts.keys() | xmp.facts.keys()
    flags = {
        GPS: inner.has_place or bool({"latitude", "longitude"} & whole),
        SERIALS: bool(exif.SERIALS & whole),
        OWNER: bool(owners),
        SOFTWARE: inner.has_software or "creator_tool" in xmp.facts,
        HISTORY: xmp.has_history,
    }
    sizes |= {what: 0 for what, holds in flags.items() if holds}
    if inner.maker_note_bytes:
        sizes[MAKER_NOTE] = inner.maker_note_bytes
    if inner.thumbnail:
        sizes[containers.THUMBNAIL] = sizes.get(containers.THUMBNAIL, 0) + len(inner.thumbnail)
        if sample is not None and _differs(inner.thumbnail, source.exif_orientation, sample.pixels):
            sizes[OTHER_THUMBNAIL] = 0
    return Told(
        iptc=iptc.facts,
        xmp=xmp.facts,
        private=_within(private, _MAX_PRIVATE_BYTES),
        finds=tuple(Find(what=what, bytes=sizes[what]) for what in _ORDER if what in sizes),
    )


def _within(facts: dict[str, Value], most: int) -> dict[str, Value]:
    kept: dict[str, Value] = {}
    for name, value in facts.items():
        if len(msgspec.json.encode(kept | {name: value})) <= most:
            kept[name] = value
    return kept


def carries(body: bytes, form: ImageFormat) -> tuple[str, ...]:
    """Kinds of what a file of ours holds beside its pixels and their profile; empty: it is clean."""
    kinds = {block.kind for block in blocks(body, form)} - _NAMELESS
    return tuple(sorted(kinds))


def _iptc(data: bytes, found: tuple[Block, ...]) -> words.Words:
    for block in found:
        if block.kind == containers.IPTC:
            return words.iptc(block.of(data))
        if block.kind == containers.PHOTOSHOP:
            inner = words.iptc_in_photoshop(block.of(data))
            if inner:
                return words.iptc(inner)
    return words.Words()


def _xmp(data: bytes, found: tuple[Block, ...]) -> words.Words:
    packet = next((block.of(data) for block in found if block.kind == containers.XMP), b"")
    return words.xmp(packet) if packet else words.Words()


def _differs(thumbnail: bytes, orientation: int, sample: Image.Image) -> bool:
    """Whether the thumbnail shows something else than the picture does; one that cannot be read does not."""
    if len(thumbnail) > _MAX_THUMBNAIL_BYTES:
        return False
    try:
        source = inspect(thumbnail, ImageFormat.JPEG)
        if source.stored[0] * source.stored[1] > _MAX_THUMBNAIL_PIXELS:
            return False
        stored = decode(source)
    except Rejected:
        return False
    turned = Picture(stored.pixels, stored.extent, orientation, source.profile)
    small = colour(orient(turned)).pixels
    ours = _shrunk(sample)
    views = [small]
    shape = sample.size[0] * small.size[1] / (sample.size[1] * small.size[0])
    if not 1 / _SHAPE < shape < _SHAPE:
        # cameras of one shape put bars around pictures of another
        width, height = small.size
        across, down = (
            (width, round(width * sample.size[1] / sample.size[0]))
            if shape > 1
            else (round(height * sample.size[0] / sample.size[1]), height)
        )
        left, top = (width - across) // 2, (height - down) // 2
        views.append(small.crop((left, top, left + max(1, across), top + max(1, down))))
    return all(_distance(ours, _shrunk(view)) > _DIFFERS for view in views)


def _shrunk(pixels: Image.Image) -> bytes:
    return pixels.convert("RGB").convert("L").resize((_COMPARED, _COMPARED), Image.Resampling.BOX).tobytes()


def _distance(one: bytes, other: bytes) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)
