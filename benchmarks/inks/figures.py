"""How far from the measured patches: the fit, the profile as the function uses it, and what else one could do.

Differences are CIEDE2000, by libvips. What is compared on the screen is compared with what sRGB can show of a patch.
"""

from array import array
from collections.abc import Sequence
from io import BytesIO
from statistics import fmean
from typing import Any, Final, NamedTuple

from PIL import Image, ImageCms

from benchmarks.conformance.profiles import Vector, lab_in_srgb, srgb_in_lab
from benchmarks.inks.fitting import left_out
from benchmarks.inks.measured import Patch

_RELATIVE: Final = ImageCms.Intent.RELATIVE_COLORIMETRIC
_BLACK_POINT: Final = ImageCms.Flags.BLACKPOINTCOMPENSATION


class Figure(NamedTuple):
    """Mean, what 95 of 100 patches stay under, and the worst."""

    of: str
    mean: float
    most: float
    worst: float

    def __str__(self) -> str:
        return f"{self.of:46}{self.mean:8.2f}{self.most:8.2f}{self.worst:8.2f}"


def figures(patches: Sequence[Patch], profile: bytes) -> list[Figure]:
    printed = [patch.relative for patch in patches]
    shown = [srgb_in_lab(lab_in_srgb(patch.shown)) for patch in patches]
    inks = bytes(round(255 * amount) for patch in patches for amount in patch.amounts)
    pixels = Image.frombytes("CMYK", (len(patches), 1), inks)
    return [
        _figure("the fit, of a patch that it was not told of", printed, left_out(patches)),
        _figure("this profile by littleCMS, in sRGB", shown, _seen(_through(pixels, profile))),
        _figure("libvips with this profile, in sRGB", shown, _by_libvips(pixels, profile)),
        _figure("libvips with its own profile, in sRGB", shown, _by_libvips(pixels, None)),
        _figure("ideal inks, in sRGB", shown, _seen(pixels.convert("RGB"))),
    ]


def _figure(of: str, wanted: Sequence[Vector], found: Sequence[Vector]) -> Figure:
    differences = sorted(_lab(wanted).dE00(_lab(found)).numpy().ravel().tolist())
    return Figure(of, fmean(differences), differences[len(differences) * 95 // 100], differences[-1])


def _lab(colours: Sequence[Vector]) -> Any:
    import pyvips  # only the judge has it

    values = array("d", (value for lab in colours for value in lab)).tobytes()
    return pyvips.Image.new_from_memory(values, len(colours), 1, 3, "double").copy(interpretation="lab")


def _through(pixels: Image.Image, profile: bytes) -> Image.Image:
    """As `functions/transform/steps/colour.py` converts."""
    source, target = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(source, target, "CMYK", "RGB", renderingIntent=_RELATIVE, flags=_BLACK_POINT)
    return transform.apply(pixels)


def _by_libvips(pixels: Image.Image, profile: bytes | None) -> list[Vector]:
    import pyvips  # as above

    image = pyvips.Image.new_from_memory(pixels.tobytes(), *pixels.size, 4, "uchar").copy(interpretation="cmyk")
    if profile is not None:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    options = {"intent": "relative", "black_point_compensation": True}
    image = image.icc_transform("srgb", embedded=profile is not None, input_profile="cmyk", **options)
    return _seen(Image.frombytes("RGB", pixels.size, image.write_to_memory()))


def _seen(pixels: Image.Image) -> list[Vector]:
    data = pixels.tobytes()
    return [srgb_in_lab(data[at : at + 3]) for at in range(0, len(data), 3)]
