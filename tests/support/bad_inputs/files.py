"""Files that are no picture, none that is taken, or one made to harm (B31 to B48)."""

import io
import struct
from functools import partial
from typing import Final

from PIL import Image

from contracts.formats import ImageFormat
from tests.support import headers, pictures
from tests.support.bad_inputs.asked import Asked
from tests.support.bad_inputs.forms import JPEG, LIGHT, Maker, form
from tests.support.hostile import FOREIGN, chunk_bomb, looping_tiff, many_scans, tiled_tiff
from tests.support.upload_room import file_part, options_part

FORM_OF: Final = {
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "tif": "image/tiff",
    "bmp": "image/bmp",
    "ico": "image/x-icon",
    "jpg": "image/jpeg",
}


def sent(content: bytes, extension: str = "jpg", media_type: str | None = None) -> Asked:
    """The file under a name and type of this kind."""
    picture = file_part(content, f"a.{extension}", media_type or FORM_OF[extension])
    return form(options_part(LIGHT), picture)


def file(content: bytes, extension: str = "jpg", media_type: str | None = None) -> Maker:
    return partial(sent, content, extension, media_type)


def _catalogued(number: str, table: dict[str, bytes]) -> dict[str, Maker]:
    """What the catalogue of headers has under a number, by the first word of its name's extension."""
    mark = f" ({number})"
    kinds = {"PNG": "png", "APNG": "png", "JPEG": "jpg", "GIF": "gif", "WebP": "webp", "AVIF": "avif", "TIFF": "tif"}
    return {
        name.removesuffix(mark): file(content, kinds[name.split()[0]])
        for name, content in table.items()
        if name.endswith(mark)
    }


def _arithmetic() -> bytes:
    """A JPEG that says its coding is arithmetic."""
    data = bytearray(JPEG)
    data[data.index(b"\xff\xc0") + 1] = 0xC9
    return bytes(data)


def _twelve_bits() -> bytes:
    data = bytearray(JPEG)
    data[data.index(b"\xff\xc0") + 4] = 12
    return bytes(data)


def _huffman_webp() -> bytes:
    """A lossless WebP whose code lengths fill more of a Huffman table than there is (the shape of CVE-2023-4863)."""
    good = pictures.encoded(pictures.photo(64, 64), "webp", lossless=True)
    # bits of the header stay; the codes of the first tables are all said to be as long as can be
    body = bytearray(good)
    for at in range(30, 80):
        body[at] = 0xFF
    return bytes(body)


def _heif_ish(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1" + brand + b"\0" * 40


def _exif(orientation: int | None = None, **tags: object) -> bytes:
    return pictures.encoded(pictures.corners(40, 30), "jpeg", exif=pictures.exif_block(orientation, **tags))


def _maker_note_in_itself() -> bytes:
    """EXIF whose directory of details is the first directory again, and whose maker's note is all of it."""
    entries = struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<HHII", 0x927C, 7, 26, 0)
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + b"\0" * 4
    return pictures.encoded(pictures.corners(40, 30), "jpeg", exif=b"Exif\0\0" + block)


def _polyglot_gif() -> bytes:
    """A GIF whose screen is as wide as `/*` says, so that a browser that ran it would find a script."""
    picture = bytearray(pictures.sample(ImageFormat.GIF))
    return bytes(picture) + b"*/=1;alert(document.domain)//"


def _icc_bomb() -> bytes:
    return chunk_bomb(b"iCCP")


def _itxt() -> bytes:
    """A compressed international text that grows to 200 MB."""
    data = chunk_bomb(b"zTXt")
    at = data.index(b"zTXt")
    return data[:at] + b"iTXt" + data[at + 4 :]


def _thumbnail_of_another() -> bytes:
    """EXIF with a preview that shows something else than the picture."""
    other = io.BytesIO()
    Image.new("RGB", (32, 24), (255, 0, 255)).save(other, "JPEG")
    return _exif(t0x9286=other.getvalue())


MVG: Final = (
    b"push graphic-context\nviewbox 0 0 640 480\nfill 'url(https://example.com/x.jpg\"|id; \")'\npop graphic-context"
)
SVG: Final = (
    b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    b'<image xlink:href="file:///etc/passwd"/><text>&x;</text></svg>'
)

REQUESTS: Final[dict[str, dict[str, Maker]]] = {
    "B31": {"nothing": file(b"")},
    "B32": {"one byte": file(b"\xff"), "one byte, as a PNG": file(b"\x89", "png")},
    "B33": {"text": file(b"This is not a picture.\n" * 50), "HTML": file(b"<!doctype html><title>x</title>" * 9)},
    "B34": {
        "a PNG": file(pictures.sample(ImageFormat.PNG)),
        "a PNG without a type": file(pictures.sample(ImageFormat.PNG), "jpg", "application/octet-stream"),
        "a GIF as image/png": file(pictures.sample(ImageFormat.GIF), "gif", "image/png"),
    },
    "B35": {"50 000 x 50 000": file(pictures.png_header(50_000, 50_000), "png")},
    "B36": {"all of its rows": lambda: sent(pictures.png_bomb(), "png")},
    "B37": {"no width": file(pictures.png_header(0, 8), "png"), "no height": file(pictures.png_header(8, 0), "png")},
    "B38": _catalogued("B38", headers.BOMBS),
    "B39": {
        **_catalogued("B39", headers.BOMBS),
        "PNG of 65 535 x 1": file(pictures.png_header(65_535, 1), "png"),
    },
    "B40": {
        **_catalogued("B40", headers.BOMBS | headers.TOO_MANY_FRAMES),
        "GIF of 301 frames": file(pictures.gif_frames(301), "gif"),
    },
    "B41": _catalogued("B41", headers.BOMBS | headers.TOO_MANY_FRAMES),
    "B42": {
        "zTXt": lambda: sent(chunk_bomb(b"zTXt"), "png"),
        "iTXt": lambda: sent(_itxt(), "png"),
        "iCCP": lambda: sent(_icc_bomb(), "png"),
        **_catalogued("B42", headers.CORRUPT),
    },
    "B43": {
        "cut in half": lambda: sent(pictures.truncated(pictures.encoded(pictures.photo(800, 600), "jpeg"))),
        "without its end": lambda: sent(JPEG[:-40]),
        "100 scans, progressive": lambda: sent(many_scans(progressive=True)),
        "100 scans, sequential": lambda: sent(many_scans(progressive=False)),
        "12 bits": lambda: sent(_twelve_bits()),
        "CMYK, inverted": lambda: sent(pictures.cmyk_jpeg()),
        "arithmetic": lambda: sent(_arithmetic()),
        "cut in its head": lambda: sent(JPEG[:100]),
    },
    "B44": {
        **_catalogued("B44", headers.BOMBS | headers.CORRUPT),
        "a directory that is its own next": lambda: sent(looping_tiff(), "tif"),
        "a tile of 65 520": lambda: sent(tiled_tiff(), "tif"),
    },
    "B45": {"codes too long": lambda: sent(_huffman_webp(), "webp")},
    "B46": {
        **{name: file(FOREIGN[name].ljust(400, b"\0")) for name in ("PSD", "FITS", "PCD", "WMF", "HDF5")},
        "EPS": file(b"%!PS-Adobe-3.0 EPSF-3.0\n" * 20),
        "JP2": file(b"\0\0\0\x0cjP  \r\n\x87\n".ljust(400, b"\0")),
        "ICNS": file(b"icns\0\0\x01\x90".ljust(400, b"\0")),
        "PDF": file(b"%PDF-1.7\n" * 40),
        "HEIC": file(_heif_ish(b"heic")),
    },
    "B47": {
        "SVG": file(SVG, "jpg"),
        "SVG as itself": lambda: form(options_part(LIGHT), file_part(SVG, "a.svg", "image/svg+xml")),
        "MVG": file(MVG),
        "MSL": file(b'<?xml version="1.0"?><image><read filename="/etc/passwd"/></image>'),
    },
    "B48": {
        "GIF and script": lambda: sent(_polyglot_gif(), "gif"),
        "JPEG and ZIP": file(JPEG + b"PK\x03\x04" + b"\0" * 200),
        "PNG and a program": file(pictures.sample(ImageFormat.PNG) + b"MZ\x90\0" + b"\0" * 200, "png"),
        "orientation 0": lambda: sent(_exif(0)),
        "orientation 9": lambda: sent(_exif(9)),
        "60 kB of EXIF": lambda: sent(_exif(6, t0x9286=b"x" * 60_000)),
        "GPS": lambda: sent(pictures.jpeg_with_exif()),
        "a preview of something else": lambda: sent(_thumbnail_of_another()),
        "a maker's note in itself": lambda: sent(_maker_note_in_itself()),
    },
}
