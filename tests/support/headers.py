"""Headers written by hand: builders that make good files too, and the catalogue of those that nobody would make.

`BOMBS`, `TOO_MANY_FRAMES`, `CORRUPT` and `UNSUPPORTED` are refused by their header alone; `ENDLESS` files are as large
as a body may be and lead a careless reader on and on. The numbers in brackets are those of the list of bad inputs.
"""

import struct

from contracts.limits import MAX_BODY_BYTES
from tests.support.pictures import gif_bomb, gif_frames, ico_bomb, png_header


def gif_file(*blocks: bytes, width: int = 1, height: int = 1) -> bytes:
    return b"GIF89a" + struct.pack("<2H3B", width, height, 0, 0, 0) + b"".join(blocks)


def gif_frame(width: int, height: int) -> bytes:
    return b"\x2c" + struct.pack("<4HB", 0, 0, width, height, 0) + b"\x02\x01\x44\x00"


def png_chunk(kind: bytes, body: bytes = b"", size: int | None = None) -> bytes:
    return struct.pack(">I4s", len(body) if size is None else size, kind) + body + b"crc!"


def png_file(*chunks: bytes, width: int = 8, height: int = 8) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks)


def webp_file(
    *chunks: tuple[bytes, bytes], canvas: tuple[int, int] = (8, 8), flags: int = 2, size: int | None = None
) -> bytes:
    first = bytes([flags, 0, 0, 0]) + (canvas[0] - 1).to_bytes(3, "little") + (canvas[1] - 1).to_bytes(3, "little")
    body = b"WEBP" + b"".join(
        struct.pack("<4sI", kind, len(data)) + data + b"\0" * (len(data) % 2)
        for kind, data in ((b"VP8X", first), *chunks)
    )
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def webp_frame(width: int, height: int, x: int = 0) -> tuple[bytes, bytes]:
    place = (x // 2).to_bytes(3, "little") + bytes(3)
    return b"ANMF", place + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little") + b"\0" * 4


def webp_lossless(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8L", b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14)


def tiff_file(
    order: str, pages: list[tuple[int, int]], *, kind: str = "I", more: tuple[tuple[int, int], ...] = (), last: int = 0
) -> bytes:
    data = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    for number, (width, height) in enumerate(pages, start=1):
        entries = [
            (256, width),
            (257, height),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, 8),
            (278, height),
            (279, width * height % 2**32),
            *more,
        ]
        data += struct.pack(order + "H", len(entries))
        for tag, value in entries:
            packed = struct.pack(order + (kind if tag in (256, 257) else "I"), value).ljust(4, b"\0")
            data += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[kind] if tag in (256, 257) else 4, 1) + packed
        data += struct.pack(order + "I", len(data) + 4 if number < len(pages) else last)
    return data


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def avif_file(*boxes: bytes, major: bytes = b"avif", brands: bytes = b"avif") -> bytes:
    return box(b"ftyp", major, b"\0" * 4, brands) + b"".join(boxes)


def avif_meta(*sizes: tuple[int, int], primary: int = 1, links: bytes = b"\0\1\1\x81", count: int = 1) -> bytes:
    extents = [box(b"ispe", b"\0" * 4, struct.pack(">2I", *size)) for size in sizes]
    table = box(b"ipma", b"\0" * 4, struct.pack(">I", count), links)
    pitm = box(b"pitm", b"\0" * 4, struct.pack(">H", primary))
    return box(b"meta", b"\0" * 4, pitm, box(b"iprp", box(b"ipco", *extents), table))


def avif_track(width: int, height: int, frames: int) -> bytes:
    header = box(b"tkhd", b"\0" * 76, struct.pack(">2I", width << 16, height << 16))
    sizes = box(b"stsz", b"\0" * 4, struct.pack(">2I", 0, frames))
    return box(b"moov", box(b"trak", header, box(b"mdia", box(b"minf", box(b"stbl", sizes)))))


def bmp_file(width: int, height: int) -> bytes:
    return b"BM" + b"\0" * 12 + struct.pack("<I2i", 40, width, height) + b"\0" * 28


def jpeg_file(*segments: bytes) -> bytes:
    return b"\xff\xd8\xff\xe0\0\x04JF" + b"".join(segments)


def jpeg_frame(width: int, height: int, *, marker: int = 0xC0, bits: int = 8, components: int = 3) -> bytes:
    return (
        struct.pack(">BBHBHHB", 0xFF, marker, 8 + 3 * components, bits, height, width, components)
        + b"\1\x11\0" * components
    )


JPEG_SCAN = b"\xff\xda\0\x0c" + b"\0" * 10
PNG_DATA = png_chunk(b"IDAT")

BOMBS = {
    "PNG of 50 000 x 50 000 (B35)": png_header(50_000, 50_000),
    "PNG of 12 000 x 12 000 (B36)": png_header(12_000, 12_000),
    "PNG with a side of 2^31 (B38)": png_header(2**31, 1),
    "PNG with sides of 2^32 - 1 (B38)": png_header(2**32 - 1, 2**32 - 1),
    "JPEG of 1 x 65 535 (B39)": jpeg_file(jpeg_frame(1, 65_535), JPEG_SCAN),
    "JPEG of 65 535 x 1 (B39)": jpeg_file(jpeg_frame(65_535, 1), JPEG_SCAN),
    "JPEG of 65 535 x 65 535": jpeg_file(jpeg_frame(65_535, 65_535), JPEG_SCAN),
    "GIF whose second frame is huge (B40)": gif_bomb(20_000, 20_000),
    "GIF whose screen is huge": gif_file(gif_frame(1, 1), width=65_535, height=65_535),
    "GIF whose frames reach far out": gif_file(
        b"\x2c" + struct.pack("<4HB", 65_000, 65_000, 1, 1, 0) + b"\x02\x01\x44\0"
    ),
    "APNG of many large frames (B41)": png_file(
        png_chunk(b"acTL", struct.pack(">2I", 250, 0)), PNG_DATA, width=1_000, height=1_000
    ),
    "WebP of 16 384 x 16 384": webp_file(webp_lossless(16_384, 16_384), canvas=(16_384, 16_384), flags=0),
    "WebP whose canvas is 2^24 wide (B41)": webp_file(webp_frame(1, 1), canvas=(2**24, 2**24)),
    "WebP of many large frames (B41)": webp_file(*[webp_frame(1, 1)] * 250, canvas=(1_000, 1_000)),
    "AVIF of 65 536 x 65 536 (B41)": avif_file(avif_meta((65_536, 65_536))),
    "AVIF whose other item is huge": avif_file(avif_meta((8, 8), (65_536, 65_536))),
    "AVIF sequence of many large frames (B41)": avif_file(avif_track(5_000, 5_000, 9), major=b"avis", brands=b"avis"),
    "TIFF of 2^32 - 1 (B38)": tiff_file("<", [(2**32 - 1, 2**32 - 1)]),
    "TIFF whose second page is huge": tiff_file(">", [(8, 8), (20_000, 20_000)]),
    "TIFF whose tiles are huge (B44)": tiff_file(
        "<",
        [(8, 8)],
        more=(
            (322, 60_000),
            (323, 60_000),
        ),
    ),
    "TIFF whose tiles are negative (B44)": tiff_file(
        "<",
        [(8, 8)],
        more=(
            (322, 2**32 - 1),
            (323, 2**32 - 1),
        ),
    ),
    "BMP of 2^31 - 1": bmp_file(2**31 - 1, 2**31 - 1),
    "BMP with a negative height": bmp_file(20_000, -20_000),
    "BMP with the most negative height": bmp_file(1, -(2**31)),
    "BMP with a negative width": bmp_file(-1, 1),
    "ICO with a huge PNG in it": ico_bomb(),
}

TOO_MANY_FRAMES = {
    "GIF of 10 000 frames (B40)": gif_frames(10_000),
    "GIF with frames behind unknown blocks": gif_file(*[b"\x05" + gif_frame(1, 1)] * 400),
    "APNG that says 10 000 frames (B41)": png_file(png_chunk(b"acTL", struct.pack(">2I", 10_000, 0)), PNG_DATA),
    "APNG that says 2^32 - 1 frames (B41)": png_file(png_chunk(b"acTL", struct.pack(">2I", 2**32 - 1, 0)), PNG_DATA),
    "WebP of 400 frames (B41)": webp_file(*[webp_frame(1, 1)] * 400),
    "AVIF of 10 000 frames (B41)": avif_file(avif_track(8, 8, 10_000), major=b"avis", brands=b"avis"),
    "TIFF of 400 pages": tiff_file("<", [(8, 8)] * 400),
}

CORRUPT = {
    "PNG of 0 x 8 (B37)": png_header(0, 8),
    "PNG of 8 x 0 (B37)": png_header(8, 0),
    "PNG that begins with another chunk": b"\x89PNG\r\n\x1a\n" + png_chunk(b"CgBI", b"\0" * 13) + PNG_DATA,
    "PNG with two headers": png_file(png_chunk(b"IHDR", struct.pack(">2I5B", 60_000, 60_000, 8, 2, 0, 0, 0)), PNG_DATA),
    "PNG with two animations": png_file(
        png_chunk(b"acTL", struct.pack(">2I", 1, 0)), png_chunk(b"acTL", struct.pack(">2I", 999, 0)), PNG_DATA
    ),
    "PNG without data": png_file(png_chunk(b"IEND")),
    "PNG with a chunk longer than the file (B42)": png_file(png_chunk(b"iCCP", b"x" * 9, size=2**31)),
    "JPEG of 0 lines": jpeg_file(jpeg_frame(8, 0), JPEG_SCAN),
    "JPEG without a frame": jpeg_file(JPEG_SCAN),
    "JPEG that ends at once": jpeg_file(b"\xff\xd9"),
    "JPEG with two frames": jpeg_file(jpeg_frame(8, 8), jpeg_frame(60_000, 60_000), JPEG_SCAN),
    "JPEG with a segment of no length": jpeg_file(b"\xff\xe1\0\0"),
    "JPEG that never ends": jpeg_file(b"\xff" * 99),
    "GIF without a frame": gif_file(b";"),
    "GIF of nothing": gif_file(gif_frame(0, 0), width=0, height=0),
    "GIF cut in a frame": gif_file(gif_frame(8, 8)[:-2]),
    "WebP longer than its file": webp_file(webp_lossless(8, 8), flags=0, size=2**32 - 2),
    "WebP shorter than its first chunk": webp_file(size=4),
    "WebP whose picture is not of its canvas's size": webp_file(webp_lossless(16_000, 16_000), flags=0),
    "WebP whose frame reaches beyond its canvas": webp_file(webp_frame(8, 8, x=2)),
    "WebP without a picture": webp_file((b"EXIF", b"x")),
    "WebP that begins with something else": b"RIFF\x10\0\0\0WEBPJUNK\x04\0\0\0....",
    "WebP whose lossy picture has no start code": b"RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0" + b"\0" * 10,
    "AVIF without a description": avif_file(box(b"mdat", b"x" * 9)),
    "AVIF without a primary item": avif_file(box(b"meta", b"\0" * 4)),
    "AVIF whose primary item has no size": avif_file(avif_meta((8, 8), primary=2)),
    "AVIF whose property is not there": avif_file(avif_meta((8, 8), links=b"\0\1\1\x07")),
    "AVIF of 0 x 0": avif_file(avif_meta((0, 0))),
    "AVIF with a box longer than the file": avif_file(struct.pack(">I4s", 2**31, b"meta")),
    "AVIF with a box of 2^64 bytes": avif_file(struct.pack(">I4sQ", 1, b"meta", 2**64 - 1)),
    "AVIF with a box of 1 byte": avif_file(struct.pack(">I4sQ", 1, b"meta", 0)),
    "AVIF with a table that says too much": avif_file(avif_meta((8, 8), count=2**32 - 1)),
    "AVIF sequence without a track": avif_file(box(b"moov"), major=b"avis", brands=b"avis"),
    "TIFF without a page": b"II*\0\0\0\0\0",
    "TIFF whose chain is a loop (B44)": tiff_file("<", [(8, 8), (8, 8)], last=8),
    "TIFF whose directory is beyond the file": b"II*\0\xff\xff\xff\x7f",
    "TIFF of a million tags (B44)": b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 12 * 65_535,
    "TIFF of 0 x 8": tiff_file("<", [(0, 8)]),
    "TIFF with two widths": tiff_file("<", [(8, 8)], more=((256, 60_000),)),
    "BMP of 0 x 8": bmp_file(0, 8),
    "ICO with its picture beyond the file": struct.pack("<3H4B2H2I", 0, 1, 1, 8, 8, 0, 0, 1, 32, 99, 9_999),
    "ICO of 65 535 pictures": struct.pack("<3H", 0, 1, 65_535) + struct.pack("<4B2H2I", 8, 8, 0, 0, 1, 32, 9, 22) * 9,
}

UNSUPPORTED = {
    "JPEG of 12 bits (B43)": jpeg_file(jpeg_frame(8, 8, marker=0xC1, bits=12), JPEG_SCAN),
    "JPEG in a hierarchy": jpeg_file(jpeg_frame(8, 8, marker=0xC5), JPEG_SCAN),
    "JPEG of 2 components": jpeg_file(jpeg_frame(8, 8, components=2), JPEG_SCAN),
}


ENDLESS = {
    "GIF of blocks of one byte": (gif_file(gif_frame(1, 1)[:-2]), b"\1"),
    "GIF of empty extensions": (gif_file(), b"!\1\0"),
    "GIF of unknown blocks": (gif_file(), b"\5"),
    "JPEG of empty segments": (b"\xff\xd8", b"\xff\xe0\0\2"),
    "JPEG of fill bytes": (b"\xff\xd8", b"\xff"),
    "JPEG of junk and stuffed bytes": (jpeg_file(), b"A\xff\0"),
    "JPEG of bare markers": (jpeg_file(), b"\xff\xd0"),
    "PNG of empty chunks": (png_file(), png_chunk(b"tEXt")),
    "WebP of empty chunks": (b"RIFF" + struct.pack("<I", MAX_BODY_BYTES - 99) + webp_file()[8:], b"JUNK\0\0\0\0"),
    "AVIF of empty boxes": (avif_file(), box(b"free")),
    "AVIF of nested boxes": (avif_file(), struct.pack(">I4s", MAX_BODY_BYTES, b"meta")),
    "AVIF of empty properties": (
        avif_file()
        + struct.pack(">I4sI", MAX_BODY_BYTES - 99, b"meta", 0)
        + struct.pack(">I4s", MAX_BODY_BYTES - 199, b"iprp"),
        box(b"ipco"),
    ),
}


def endless(name: str) -> bytes:
    """One of `ENDLESS`: its beginning, and its unit as often as a body holds it."""
    beginning, unit = ENDLESS[name]
    return beginning + unit * ((MAX_BODY_BYTES - len(beginning)) // len(unit))
