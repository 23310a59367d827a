"""HEIC files with a known truth: what phones and encoders write, and the same files with a lie in one of their boxes.

Written by pillow-heif, whose encoder goes nowhere from here. A lie is a change of bytes in place, so that all else in
the file stays as it was.
"""

import io
import struct
from functools import cache
from typing import Any, Final

import pillow_heif
from PIL import Image

from contracts.formats import ImageFormat
from tests.support import pictures
from tests.support.headers import box

WIDE_P3: Final = {"color_primaries": 12, "transfer_characteristics": 13, "matrix_coefficients": 6, "full_range_flag": 1}
HLG: Final = {"color_primaries": 9, "transfer_characteristics": 18, "matrix_coefficients": 9, "full_range_flag": 1}
"""Code points of ITU-T H.273."""
_SUFFIX_OF_SPS: Final = 33 << 1


def heic(picture: Image.Image, **options: Any) -> bytes:
    return pictures.encoded(picture, ImageFormat.HEIC, **{"quality": 90} | options)


def grid(width: int = 300, height: int = 200, tile: int = 128) -> bytes:
    """As phones write: tiles of one size, and a derived item that puts them together."""
    return heic(pictures.corners(width, height), tile_size=tile)


def camera(orientation: int = 6, **options: Any) -> bytes:
    """A phone's picture: turned by `irot` and `imir` and once more by its EXIF, with a place, an owner and serials."""
    stored = pictures.stored_as(pictures.corners(120, 80), orientation)
    return heic(stored, exif=pictures.exif_block(orientation), **options)


def of_depth(colour: tuple[int, int, int] = (65535, 32896, 0), width: int = 96, height: int = 64) -> bytes:
    """10 bits a channel, of one colour of 16."""
    raw = struct.pack("<3H", *colour) * width * height
    target = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (width, height), raw).save(target, quality=95)
    return target.getvalue()


@cache
def everything() -> dict[str, bytes]:
    """Good files of every kind, by what they are."""
    corners = pictures.corners(96, 64)
    return {
        "plain": heic(corners),
        "turned": camera(6),
        "mirrored": camera(5),
        "grid": grid(),
        "grid of odd sides": heic(pictures.photo(301, 203), tile_size=128),
        "odd sides": heic(pictures.photo(97, 63)),
        "alpha": heic(pictures.gradient_alpha(96, 64)),
        "gray": heic(corners.convert("L")),
        "gray with alpha": heic(pictures.gradient_alpha(96, 64).convert("LA")),
        "10 bits": of_depth(),
        "Display P3": heic(corners, icc_profile=pictures.rgb_profile("Display P3")),
        "Display P3 by code points": heic(corners, **WIDE_P3),
        "HLG": heic(corners, **HLG),
        "thumbnail": heic(pictures.photo(200, 160), thumbnails=[64]),
        "packet": heic(corners, xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + pictures.MARKS["xmp"] + b"</x:xmpmeta>"),
        "two pictures": heic(corners, save_all=True, append_images=[pictures.photo(200, 100)]),
    }


def parameters(width: int, height: int, chroma: int = 1) -> bytes:
    """A sequence parameter set as far as its depth: one layer, 8 bits; 4:2:0 or gray (0)."""
    bits = "0000" + "000" + "1" + "0" * 96 + _golomb(0) + _golomb(chroma) + _golomb(width) + _golomb(height)
    bits += "0" + _golomb(0) + _golomb(0)
    return bytes([_SUFFIX_OF_SPS, 1]) + int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))


def _golomb(value: int) -> str:
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def made(size: tuple[int, int], tile: tuple[int, int], *, tiles: int, coded: tuple[int, int]) -> bytes:
    """A file whose boxes say that a row of tiles of one size is a picture of another; nothing is in them."""
    unit = parameters(*coded)
    record = bytes([1]) + bytes(15) + b"\xfd\xf8\xf8\0\0" + b"\3\1\xa1\0\1" + struct.pack(">H", len(unit)) + unit
    described = [(1, b"grid"), *((number, b"hvc1") for number in range(2, tiles + 2))]
    infos = b"".join(box(b"infe", b"\2\0\0\0", struct.pack(">2H4s", each, 0, kind), b"\0") for each, kind in described)
    word = bytes([0, 0, 0, tiles - 1]) + struct.pack(">2H", *size)
    places = struct.pack(">4H2I", 1, 1, 0, 1, 0, len(word))
    links = struct.pack(">H3B", 1, 1, 1, 0)[:-1] + b"".join(
        struct.pack(">H3B", n, 2, 2, 3) for n in range(2, tiles + 2)
    )
    extents = [box(b"ispe", bytes(4), struct.pack(">2I", *each)) for each in (size, tile)]
    meta = box(
        b"meta",
        bytes(4),
        box(b"pitm", bytes(4), b"\0\1"),
        box(b"iinf", bytes(4), struct.pack(">H", len(described)), infos),
        box(b"iref", bytes(4), box(b"dimg", struct.pack(f">{2 + tiles}H", 1, tiles, *range(2, tiles + 2)))),
        box(
            b"iprp",
            box(b"ipco", *extents, box(b"hvcC", record)),
            box(b"ipma", bytes(4), struct.pack(">I", tiles + 1), links),
        ),
        box(b"iloc", b"\1\0\0\0\x44\0", struct.pack(">H", 1), places),
        box(b"idat", word),
    )
    return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + meta


def gray_with_alpha(size: tuple[int, int], alpha: tuple[int, int]) -> bytes:
    """A file whose boxes say that a gray picture has an alpha of some size; nothing is in them."""
    unit = parameters(*size, chroma=0)
    record = bytes([1]) + bytes(15) + b"\xfc\xf8\xf8\0\0" + b"\3\1\xa1\0\1" + struct.pack(">H", len(unit)) + unit
    infos = b"".join(box(b"infe", b"\2\0\0\0", struct.pack(">2H4s", each, 0, b"hvc1"), b"\0") for each in (1, 2))
    extents = [box(b"ispe", bytes(4), struct.pack(">2I", *each)) for each in (size, alpha)]
    links = struct.pack(">H3BH3B", 1, 2, 1, 3, 2, 2, 2, 3)
    meta = box(
        b"meta",
        bytes(4),
        box(b"pitm", bytes(4), b"\0\1"),
        box(b"iinf", bytes(4), struct.pack(">H", 2), infos),
        box(b"iref", bytes(4), box(b"auxl", struct.pack(">3H", 2, 1, 1))),
        box(b"iprp", box(b"ipco", *extents, box(b"hvcC", record)), box(b"ipma", bytes(4), struct.pack(">I", 2), links)),
        box(b"iloc", bytes(4), b"\x44\0", struct.pack(">H", 0)),
    )
    return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + meta


def replaced(data: bytes, old: bytes, new: bytes, count: int = 1) -> bytes:
    """The file with these bytes in the place of others of the same length, which have to be there."""
    assert old in data
    assert len(old) == len(new)
    return data.replace(old, new, count)


def with_size(data: bytes, size: tuple[int, int], number: int = 0) -> bytes:
    """The file whose `ispe` of this number (in their order) says another size."""
    at = -1
    for _ in range(number + 1):
        at = data.index(b"ispe", at + 1)
    return data[: at + 8] + struct.pack(">2I", *size) + data[at + 16 :]


def with_parameters_among_samples(data: bytes) -> bytes:
    """The file whose first coded unit says that it is a set of parameters."""
    at = data.index(b"mdat") + 4
    return data[: at + 4] + bytes([_SUFFIX_OF_SPS]) + data[at + 5 :]


def of_many_frames(data: bytes) -> bytes:
    """The file whose coded picture is there twice, one behind the other: the start of a film."""
    at, places = data.index(b"mdat") + 4, data.index(b"iloc") + 12
    unit = data[at:]
    # one item in one piece, at the end of the file: its length is the last field of its place
    assert len(unit) == struct.unpack_from(">I", data, places + 14)[0]
    longer = data[: places + 14] + struct.pack(">I", 2 * len(unit)) + data[places + 18 :] + unit
    return longer[: at - 8] + struct.pack(">I", 8 + 2 * len(unit)) + longer[at - 4 :]


def deeper(data: bytes) -> bytes:
    """The file whose decoder's configuration says a bit more of each gray than there is."""
    at = data.index(b"hvcC") + 4 + 17
    assert data[at] == 0xF8
    return data[:at] + b"\xf9" + data[at + 1 :]


@cache
def lies() -> dict[str, bytes]:
    """Files of which a decoder would believe more than their header says, or that hold what is not to be opened."""
    plain, tiles = everything()["plain"], grid()
    described = plain.index(b"meta") - 4
    length = struct.unpack_from(">I", plain, described)[0]
    kind = tiles.index(b"infe")
    kind = tiles.index(b"hvc1", kind)
    return {
        "uncompressed": replaced(plain, b"hvc1", b"unci"),
        "AV1": replaced(plain, b"hvc1", b"av01"),
        "overlay": replaced(tiles, b"grid", b"iovl"),
        "derived": replaced(tiles, b"grid", b"iden"),
        "unheard of": replaced(tiles, b"hvc1", b"zzzz"),
        "tracks": plain + box(b"moov", box(b"mvhd", bytes(100))),
        "described twice": plain + plain[described : described + length],
        "smaller than coded": with_size(plain, (16, 16)),
        "grid smaller than its own word": with_size(tiles, (100, 100), tiles_number(tiles)),
        "parameters among samples": with_parameters_among_samples(plain),
        "a film": of_many_frames(plain),
        "deeper than coded": deeper(everything()["gray"]),
        "alpha of another size": gray_with_alpha((96, 64), (48, 64)),
        "no configuration": replaced(plain, b"hvcC", b"free"),
        "no size": replaced(plain, b"ispe", b"free"),
        "no items": replaced(plain, b"iinf", b"free"),
        "no places": replaced(plain, b"iloc", b"free"),
        "a media type that is no text": replaced(everything()["packet"], b"application/", b"\x80pplication/"),
        "a tile is a grid": replaced(tiles, b"hvc1", b"grid"),
    }


def tiles_number(data: bytes) -> int:
    """Which `ispe` is the whole grid's: the largest."""
    sizes, at = [], -1
    while (at := data.find(b"ispe", at + 1)) >= 0:
        sizes.append(struct.unpack_from(">2I", data, at + 8))
    return sizes.index(max(sizes))
