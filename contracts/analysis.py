"""What may be found out about a picture, by name, and how what its pixels show is written. Pure.

The function finds it out (`functions/transform/analysis`), the job's row keeps it, the status shows it. What a picture
says about itself in words (EXIF, IPTC, XMP) is in `messages.Facts`, beside this.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct


class Trait(StrEnum):
    """One thing to find out. `all` is every one of the others."""

    METADATA = "metadata"
    """EXIF, IPTC and XMP as typed facts, and what of it is private."""
    DOMINANT = "dominant"
    """The colour that most of the picture has."""
    PALETTE = "palette"
    """Up to eight colours and their shares, the average, and whether the picture is dark."""
    THUMBHASH = "thumbhash"
    """About 25 bytes that a browser paints a preview from, with alpha and the right shape."""
    BLURHASH = "blurhash"
    """About 30 characters for the same, without alpha."""
    PHASH = "phash"
    """64 bits that stay close when a picture is resized, recompressed or toned."""
    DHASH = "dhash"
    """64 bits of the same kind, from slopes: cheaper, and more easily moved by cropping."""
    SHARPNESS = "sharpness"
    ENTROPY = "entropy"
    OPACITY = "opacity"
    """Whether anything shows through, and whether the picture is blank."""
    ALL = "all"


DEFAULT_TRAITS: Final = (Trait.METADATA, Trait.THUMBHASH, Trait.DOMINANT, Trait.PHASH)
"""What is found out for a job that does not say."""

EVERY_TRAIT: Final = tuple(trait for trait in Trait if trait is not Trait.ALL)

MAX_SWATCHES: Final = 8

Colour = Annotated[str, Meta(pattern="^#[0-9a-f]{6}(?!\\n)$")]
"""sRGB, as CSS writes it."""
Bits = Annotated[str, Meta(pattern="^[0-9a-f]{16}(?!\\n)$")]
"""64 bits in hex, the first bit first. Two of them are as far apart as they have different bits."""


class Swatch(Struct, frozen=True, kw_only=True):
    """A colour and its share of the pixels, 0 to 1."""

    hex: Colour
    share: Annotated[float, Meta(ge=0, le=1)]


class Seen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the pixels show; of what nobody asked for there is nothing."""

    dominant: Colour | None = None
    palette: Annotated[tuple[Swatch, ...], Meta(max_length=MAX_SWATCHES)] = ()
    """The largest share first."""
    average: Colour | None = None
    is_dark: bool | None = None
    """Of the average colour, lightness (CIE L*) below 50."""
    thumbhash: Annotated[str, Meta(max_length=48)] | None = None
    """Base64."""
    blurhash: Annotated[str, Meta(max_length=48)] | None = None
    phash: Bits | None = None
    dhash: Bits | None = None
    sharpness: float | None = None
    """Standard deviation of the Laplacian of the luma at 100 pixels: under 4 for a blurred picture or a plain one."""
    entropy: float | None = None
    """Bits a pixel of the luma's histogram, 0 to 8."""
    is_opaque: bool | None = None
    looks_blank: bool | None = None
    """One colour all over, as far as an eye can tell, or nothing but transparency."""


class Find(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that an original carried beside its pixels; `bytes` where that can be said."""

    what: Annotated[str, Meta(max_length=32)]
    bytes: Annotated[int, Meta(ge=0)] = 0


def wanted(asked: tuple[str, ...] | None) -> tuple[Trait, ...]:
    """The traits to find out, each once and in the order of `Trait`: the usual ones for None, all of them for `all`.

    A name from a newer writer is passed over.
    """
    if asked is None:
        return DEFAULT_TRAITS
    names = set(asked)
    return EVERY_TRAIT if Trait.ALL in names else tuple(trait for trait in EVERY_TRAIT if trait in names)
