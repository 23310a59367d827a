"""HEIC: the decoder that is there only where somebody has chosen it, and what it says of colours and turns.

libheif crops, turns and mirrors by itself (`clap`, `irot`, `imir`), once; the EXIF orientation beside them says the
same, and is not for decoders (ISO/IEC 23008-12, annex A). Nothing but the primary picture and its alpha is decoded: no
thumbnail, no depth, no gain map.
"""

import io
from collections.abc import Mapping
from typing import Any, Final

from PIL import ImageFile

from contracts.errors import UnsupportedMediaType
from contracts.headers.heic import check_coded
from contracts.headers.reader import Reader
from functions.transform.steps.display_p3 import display_p3

_OPTIONS: Final = {"THUMBNAILS": False, "DEPTH_IMAGES": False, "AUX_IMAGES": False, "DECODE_THREADS": 2}
"""Of the decoder's module, where they are variables. Threads decode tiles: as many as the usual function has processors
for."""

_P3, _SRGB_PRIMARIES, _UNSAID = 12, 1, 2
_NEAR_SRGB: Final = frozenset({1, 2, 6, 13, 14, 15})
"""Transfer functions that are shown as sRGB's is: BT.709 and its relatives, sRGB, and none said. ITU-T H.273, 8.2."""


def opened(file: io.BytesIO) -> ImageFile.ImageFile:
    """The primary picture, not yet decoded. Raises UnsupportedMediaType without the decoder, and whatever that does."""
    try:
        from pi_heif import options
        from pi_heif.as_plugin import HeifImageFile
    except ImportError as error:
        raise UnsupportedMediaType(
            "the file is HEIC, whose decoder this function does not have; whoever runs it installs it by formats.heic"
        ) from error
    check_coded(Reader(file, file.getbuffer().nbytes))
    vars(options).update(_OPTIONS)
    return HeifImageFile(file)


def orientation_in(info: Mapping[Any, Any]) -> int:
    """What the file's EXIF or XMP said before its decoder replaced it by 1; 1 also for what makes no sense."""
    said = info.get("original_orientation")
    return said if isinstance(said, int) and 1 <= said <= 8 else 1


def profile_of(info: Mapping[Any, Any]) -> tuple[bytes | None, bool]:
    """The profile that its code points stand for where it has none of its own, and whether they could be followed.

    Of the wide spaces Display P3 is the one that phones write; BT.2020, PQ and HLG are shown as if they were sRGB.
    """
    said = info.get("nclx_profile") or {}
    primaries = said.get("color_primaries", _UNSAID)
    is_near = said.get("transfer_characteristics", _UNSAID) in _NEAR_SRGB
    if primaries == _P3 and is_near:
        return display_p3(), True
    return None, primaries in (_SRGB_PRIMARIES, _UNSAID, 5, 6) and is_near
