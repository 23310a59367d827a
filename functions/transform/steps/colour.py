"""Colour: any mode that a decoder gives to 8 bits in one of four modes, any embedded profile to the space asked for.

Profiles go through littleCMS, relative colorimetric with black point compensation. One that cannot be used (broken, or
of another colour space than the pixels) is left out with a warning: a picture is worth more than its profile. Inks
without one are taken for those of a press that was measured (`press`), with a warning too.
"""

import io
import math
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from PIL import Image, ImageChops

from contracts.outputs import ColorSpace, OutputFormat
from functions.transform.steps.display_p3 import display_p3
from functions.transform.steps.picture import PLAIN_MODES, Picture, straight

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

IGNORED: Final = "colour-profile-ignored"
"""Warning of a variant whose original had a profile that could not be used."""

ASSUMED: Final = "inks-assumed-fogra39"
"""Warning of a variant whose original has inks, and no profile that says which."""

NOT_KEPT: Final = "colour-not-kept"
"""Warning of a variant that is sRGB although it was to keep its colours, because its format cannot hold them."""

_WITHOUT_GRAY: Final = frozenset({OutputFormat.WEBP, OutputFormat.AVIF})
_SPACES: Final = {"L": "GRAY", "RGB": "RGB ", "RGBA": "RGB ", "CMYK": "CMYK"}
_SAME_WITHIN: Final = 1
"""Levels by which a profile may differ from sRGB and still be taken for it: lookup tables round."""


def plain(image: Image.Image) -> Image.Image:
    """The picture in mode L, RGB, RGBA or CMYK, without anything beside its pixels.

    16 bits lose the lower 8; floats and 32-bit integers beyond 16 bits are stretched over their own range. An alpha
    channel that is opaque everywhere goes.
    """
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    elif image.mode in ("I", "F"):
        image = _stretched(image)
    elif image.mode == "LAB":
        image = _from_lab(image)
    if image.has_transparency_data:
        image = image.convert("LA") if image.mode == "La" else image
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] == 255:
            image = image.convert("RGB")
    elif image.mode not in PLAIN_MODES:
        image = image.convert("L" if image.mode == "1" else "RGB")
    # a bare image: the one that a decoder gave keeps its file and its buffers alive
    bare = image._new(image.im)
    bare.info.clear()
    return bare


def colour(picture: Picture, space: ColorSpace = ColorSpace.SRGB) -> Picture:
    """The picture in that space; itself if it is so already. Gray stays gray, which looks the same in all of them.

    What leaves here with a profile is to be stored with it. `keep` keeps the pixels of a picture without one, and of
    inks it makes sRGB, with a warning: no format but two could hold them.
    """
    if space is ColorSpace.KEEP:
        return _as_it_is(picture)
    wide = space is ColorSpace.P3
    pixels, profile, warnings = picture.pixels, picture.profile, picture.warnings
    target = display_p3() if wide and pixels.mode != "L" else None
    if profile == target and pixels.mode != "CMYK":
        return picture
    pixels = pixels.convert("RGBA") if pixels.mode == "RGBa" else pixels
    if pixels.mode == "CMYK":
        profile, said = _inks(profile, target)
        warnings += said
    converted: Image.Image | None = pixels
    if profile is not None or target is not None:
        converted = _converted(pixels, profile, target)
    if converted is None:
        warnings = (*warnings, IGNORED)
        converted = pixels if target is None else _converted(pixels, None, target) or pixels
    converted.info.clear()
    return Picture(converted, picture.extent, picture.orientation, target, warnings)


def storable(picture: Picture, form: OutputFormat) -> Picture:
    """The picture with a profile that goes with the pixels as this format stores them.

    A format without gray would store a gray picture as three colours, under a profile for one.
    """
    if picture.profile is None or picture.pixels.mode != "L" or form not in _WITHOUT_GRAY:
        return picture
    return unkept(picture)


def matched(picture: Picture, profile: bytes | None) -> Picture:
    """The picture as three colours, in the space of others whose profile this is (None: sRGB): to be laid over them."""
    if picture.pixels.mode == "L" and picture.profile is not None:
        picture = colour(picture)
    pixels = straight(picture.pixels)
    pixels = pixels if pixels.mode == "RGBA" else pixels.convert("RGB")
    if picture.profile == profile:
        return picture.of(pixels)
    converted = _converted(pixels, picture.profile, profile)
    return picture.of(pixels if converted is None else converted)


def named(colour: str, profile: bytes | None) -> tuple[int, int, int, int]:
    """`#rrggbb` or `#rrggbbaa`, which is sRGB, as pixels under this profile (None: sRGB) have it; and its alpha."""
    red, green, blue, *alpha = bytes.fromhex(colour.removeprefix("#"))
    if profile is not None:
        patch = _converted(Image.new("RGB", (1, 1), (red, green, blue)), None, profile)
        if patch is not None:
            red, green, blue = patch.tobytes()
    return red, green, blue, alpha[0] if alpha else 255


def is_srgb(profile: bytes | None) -> bool:
    """Whether colour pictures under this profile are sRGB as they are."""
    if profile is None:
        return True
    conversion = _conversion(profile, "RGB", None)
    return conversion is not None and not conversion.changes


def profile_name(profile: bytes) -> str | None:
    """The profile's own description, cleaned and cut; None if it cannot be read."""
    from PIL import ImageCms  # not at module level: most pictures have no profile, and this loads littleCMS

    try:
        text = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return "".join(char for char in text if char.isprintable()).strip()[:64] or None


def _as_it_is(picture: Picture) -> Picture:
    """With its own profile, if that is one for its pixels."""
    if picture.pixels.mode == "CMYK":
        return unkept(picture)
    if picture.profile is None:
        return picture
    mode = picture.pixels.mode.upper()
    found = _space(picture.profile)
    if found == _SPACES[mode]:
        return picture
    # many a gray picture carries the RGB profile of the program that saved it
    is_gray = mode == "L" and found == _SPACES["RGB"]
    if is_gray or (found == _SPACES["L"] and _is_colourless(picture.pixels)):
        return unkept(picture)
    return Picture(
        picture.pixels, picture.extent, picture.orientation, None, tuple(dict.fromkeys((*picture.warnings, IGNORED)))
    )


def unkept(picture: Picture) -> Picture:
    """In sRGB after all."""
    converted = colour(picture)
    warnings = tuple(dict.fromkeys((*converted.warnings, NOT_KEPT)))
    return Picture(converted.pixels, converted.extent, converted.orientation, converted.profile, warnings)


def _inks(profile: bytes | None, target: bytes | None) -> tuple[bytes, tuple[str, ...]]:
    """The profile that says what the inks are, and what is to be said of it."""
    if profile is not None and _conversion(profile, "CMYK", target) is not None:
        return profile, ()
    from functions.transform.steps.press import press_profile  # not at module level: few pictures are inks

    return press_profile(), (ASSUMED,) if profile is None else (IGNORED, ASSUMED)


def _converted(pixels: Image.Image, profile: bytes | None, target: bytes | None) -> Image.Image | None:
    """The pixels in the target's space (None: sRGB); None if the profile cannot be used for them."""
    conversion = _conversion(profile, pixels.mode, target)
    if conversion is not None:
        converted = conversion.transform.apply(pixels) if conversion.changes else pixels
    elif pixels.mode == "L":
        # many a gray picture carries the RGB profile of the program that saved it
        converted = _converted(pixels.convert("RGB"), profile, target)
    elif profile is not None and _space(profile) == _SPACES["L"] and _is_colourless(pixels):
        # gray with alpha, which has three channels here
        gray = _converted(pixels.getchannel("R"), profile, target)
        others = (pixels.getchannel("A"),) if pixels.mode == "RGBA" else ()
        return None if gray is None else Image.merge(pixels.mode, (gray, gray, gray, *others))
    else:
        return None
    return converted.convert("L") if converted is not None and pixels.mode == "L" else converted


def _is_colourless(pixels: Image.Image) -> bool:
    """Whether it is gray in three channels."""
    if pixels.mode not in ("RGB", "RGBA", "RGBa"):
        return False
    red, green, blue = (pixels.getchannel(name) for name in "RGB")
    return not any(ImageChops.difference(red, other).getbbox() for other in (green, blue))


class _Conversion(NamedTuple):
    """`changes` is False where both spaces are the same, whatever their names."""

    transform: "ImageCmsTransform"
    changes: bool


@lru_cache(maxsize=16)
def _conversion(profile: bytes | None, mode: str, target: bytes | None) -> _Conversion | None:
    """The conversion of pixels of this mode from one profile to another (None: sRGB); None if there is none."""
    from PIL import ImageCms

    try:
        source, wanted = (
            ImageCms.createProfile("sRGB") if each is None else ImageCms.ImageCmsProfile(io.BytesIO(each))
            for each in (profile, target)
        )
        if profile is not None and _space(profile) != _SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(
            source,
            wanted,
            mode,
            "RGBA" if mode == "RGBA" else "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return _Conversion(transform, mode == "CMYK" or _changes(transform, mode))


def _space(profile: bytes) -> str | None:
    """The colour space that a profile is of; None if it cannot be read."""
    from PIL import ImageCms

    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _changes(transform: "ImageCmsTransform", mode: str) -> bool:
    """Whether any of a grid of colours comes out as another."""
    steps = (0, 32, 64, 128, 192, 255)
    if mode == "L":
        patches = Image.frombytes("L", (len(steps), 1), bytes(steps))
    else:
        colours = bytes(value for colour in product(steps, repeat=3) for value in colour)
        patches = Image.frombytes("RGB", (len(steps) ** 3, 1), colours)
    after = transform.apply(patches.convert(mode))
    pairs = zip(patches.convert("RGB").tobytes(), after.convert("RGB").tobytes(), strict=True)
    return any(abs(old - new) > _SAME_WITHIN for old, new in pairs)


def _stretched(image: Image.Image) -> Image.Image:
    """Integers or floats as 8 bits: by 1/257 where they look like 16 bits, else over their own range."""
    low, high = image.getextrema()
    assert isinstance(low, int | float)  # of one band, which these modes have
    assert isinstance(high, int | float)
    if not (math.isfinite(low) and math.isfinite(high)):
        return Image.new("L", image.size)
    if image.mode == "I" and low >= 0 and high <= 65535:
        scale, offset = (1.0, 0.0) if high <= 255 else (1 / 257, 0.5)
    else:
        scale = 255 / (high - low) if high > low else 0.0
        offset = 0.5 - low * scale
    return image.convert("F").point(lambda value: value * scale + offset).convert("L")


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB").apply(image)
