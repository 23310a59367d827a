"""The colour profile of Display P3, made from its definition: primaries of SMPTE RP 431-2, white D65, curve of sRGB.

An ICC profile of version 4 with a matrix and one parametric curve, 480 bytes; nobody's copyright. Colorants are adapted
to D50 by Bradford's method, as ICC.1:2022 wants them.
"""

import struct
from functools import cache
from typing import Final

_RED, _GREEN, _BLUE = (0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)
_D50: Final = (0.96420, 1.0, 0.82491)
_ADAPTATION: Final = (1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)
_CURVE: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_VERSION: Final = 0x04400000


@cache
def display_p3() -> bytes:
    """The profile's bytes; always the same."""
    curve = b"para" + struct.pack(">IHH", 0, 3, 0) + _fixed(*_CURVE)
    bodies = [
        (("desc",), _text("Display P3")),
        (("cprt",), _text("No copyright")),
        (("wtpt",), b"XYZ \0\0\0\0" + _fixed(*_D50)),
        (("chad",), b"sf32\0\0\0\0" + _fixed(*_ADAPTATION)),
        (("rXYZ",), b"XYZ \0\0\0\0" + _fixed(*_RED)),
        (("gXYZ",), b"XYZ \0\0\0\0" + _fixed(*_GREEN)),
        (("bXYZ",), b"XYZ \0\0\0\0" + _fixed(*_BLUE)),
        (("rTRC", "gTRC", "bTRC"), curve),
    ]
    count = sum(len(names) for names, _ in bodies)
    at = 128 + 4 + 12 * count
    table, data = b"", b""
    for names, body in bodies:
        for name in names:
            table += name.encode() + struct.pack(">II", at + len(data), len(body))
        data += body + b"\0" * (-len(body) % 4)
    header = struct.pack(">I4xI4s4s4s", at + len(data), _VERSION, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + _fixed(*_D50)
    return header.ljust(128, b"\0") + struct.pack(">I", count) + table + data


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _text(text: str) -> bytes:
    body = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(body), 28) + body
