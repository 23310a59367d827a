"""Pictures whose header is fair and whose body is not, and the first bytes of formats that are never opened."""

import struct
import zlib

from contracts.formats import ImageFormat
from functions.transform.steps.decode import MAX_SCANS
from tests.support import pictures

FOREIGN = {
    "PSD": b"8BPS\0\1" + b"\0" * 40,
    "FITS": b"SIMPLE  =                    T" + b" " * 2_850,
    "FLI": b"\0\0\0\0\x11\xaf" + b"\0" * 130,
    "GD2": b"gd2\0" + b"\0" * 40,
    "CUR": b"\0\0\2\0\1\0" + b"\0" * 40,
    "PIXAR": b"\x80\xe8\0\0" + b"\0" * 512,
    "SUN": b"\x59\xa6\x6a\x95" + b"\0" * 32,
    "XPM": b"/* XPM */\nstatic char *x[] = {};",
    "WMF": b"\xd7\xcd\xc6\x9a\0\0" + b"\0" * 40,
    "EMF": b"\1\0\0\0" + b"\0" * 36 + b" EMF" + b"\0" * 60,
    "HDF5": b"\x89HDF\r\n\x1a\n" + b"\0" * 40,
    "GRIB": b"GRIB\0\0\0\1" + b"\0" * 40,
    "BUFR": b"BUFR" + b"\0" * 40,
    "MCIDAS": b"\0\0\0\0\0\0\0\4" + b"\0" * 300,
    "FTEX": b"FTEX" + b"\0" * 40,
    "QOI": b"qoif" + b"\0" * 20,
    "FPX": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "PCD": b"\0" * 2_048 + b"PCD_" + b"\0" * 2_048,
    "IPTC": b"\x1c\x03\x3c\0\0" + b"\0" * 30,
    "XVTHUMB": b"P7 332\n#END_OF_COMMENTS\n1 1 255\n\0",
    "MIC": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\1" * 600,
    "WAL": b"\0" * 100,
    "IMT": b"*\nwidth 1\n",
    "MPEG": b"\0\0\1\xb3" + b"\0" * 20,
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40,
}


def chunk_bomb(kind: bytes) -> bytes:
    """A PNG with a compressed text (zTXt) or profile (iCCP) that grows to 200 MB."""
    packer = zlib.compressobj(9)
    text = b"k\0\0" + b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(200)) + packer.flush()
    chunk = struct.pack(">I", len(text)) + kind + text + struct.pack(">I", zlib.crc32(kind + text))
    data = pictures.sample(ImageFormat.PNG)
    return data[:33] + chunk + data[33:]


def tiled_tiff() -> bytes:
    """A 1x1 TIFF that says its only tile is 65,520 pixels wide and high."""
    tags = [
        (256, 1),
        (257, 1),
        (258, 8),
        (259, 1),
        (262, 1),
        (277, 1),
        (322, 65_520),
        (323, 65_520),
        (324, 200),
        (325, 16),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + b"\0" * 4).ljust(232, b"\0")


def looping_tiff() -> bytes:
    """A TIFF whose directory is its own successor."""
    data = bytearray(pictures.sample(ImageFormat.TIFF))
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    return bytes(data)


def many_scans(*, progressive: bool) -> bytes:
    """A JPEG whose last scan comes again and again; a sequential one first has a scan of one component only."""
    data = pictures.encoded(pictures.photo(64, 48), "jpeg", progressive=progressive)
    if not progressive:
        start = data.index(b"\xff\xda")
        data = data[:start] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + data[start + 14 :]
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * MAX_SCANS + b"\xff\xd9"
