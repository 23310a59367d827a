"""A photograph from code: what `make run` pushes through the pipeline, and what the picture benchmark works on."""

import io
from typing import Final

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from benchmarks.landscape import landscape

WIDTH, HEIGHT = 4032, 3024
QUALITY: Final = 92
"""As telephones save: a few bits a pixel."""
_ORIENTATION: Final = 6


def sample_photo(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A JPEG of `width` x `height` as it is seen, as a telephone held upright stores it: turned by 90 degrees (EXIF
    orientation 6), with camera, time and place in its EXIF. Always the same bytes."""
    stored = landscape(width, height).transpose(Image.Transpose.ROTATE_90)
    return jpeg(stored, exif=_exif())


def plain_photo(width: int = WIDTH, height: int = HEIGHT, seed: int = 7) -> bytes:
    """The same picture (or that of another seed) stored as it is seen, without EXIF."""
    return jpeg(landscape(width, height, seed))


def jpeg(picture: Image.Image, exif: bytes = b"") -> bytes:
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=QUALITY, subsampling=2, exif=exif)
    return target.getvalue()


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = _ORIENTATION
    exif[0x010F], exif[0x0110], exif[0x0131] = "Darkroom", "Landscape from code", "benchmarks.sample"
    exif[0x0132] = "2026:06:21 19:42:00"
    shot = exif.get_ifd(0x8769)
    shot[0x829A], shot[0x829D], shot[0x8827] = IFDRational(1, 320), IFDRational(28, 10), 100
    shot[0x9003], shot[0x9011] = "2026:06:21 19:42:00", "+02:00"
    shot[0x920A], shot[0xA405], shot[0xA434] = IFDRational(57, 10), 26, "Darkroom 26 mm f/2.8"
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (IFDRational(47), IFDRational(33), IFDRational(1296, 100))
    place[3], place[4] = "E", (IFDRational(12), IFDRational(58), IFDRational(2184, 100))
    place[5], place[6] = b"\0", IFDRational(603)
    return exif.tobytes()
