"""ICC profiles from arithmetic, and what a colour in them is in sRGB: from definitions, without a colour engine.

Matrices are made of primaries and white point (SMPTE RP 177), white points adapted to D50 by Bradford (ICC.1:2010,
annex E); Lab as in CIE 15. Nothing here is rounded but what a profile stores rounded.
"""

import struct
from collections.abc import Sequence
from typing import Final, TypeAlias

Vector: TypeAlias = tuple[float, float, float]
Matrix: TypeAlias = tuple[Vector, Vector, Vector]
Chromaticity: TypeAlias = tuple[float, float]

D65: Final = (0.3127, 0.3290)
D50: Final[Vector] = (0.9642, 1.0, 0.8249)
"""XYZ of the profile connection space's white, as ICC writes it."""
SRGB: Final = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
DISPLAY_P3: Final = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
"""SMPTE EG 432-1 primaries, with the white of sRGB."""
_BRADFORD: Final[Matrix] = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_CURVE: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""IEC 61966-2-1: exponent, scale, offset, slope of the straight part, and where it ends."""


def matrix_profile(primaries: Sequence[Chromaticity], *, gamma: float | None = None, name: str = "made") -> bytes:
    """A profile of RGB with these primaries and the white of sRGB; its curve is sRGB's, or a plain power."""
    to_xyz = _times(_adaptation(), _to_xyz(primaries))
    curve = _para(*_CURVE) if gamma is None else _curv(gamma)
    columns = [_xyz(tuple(row[index] for row in to_xyz)) for index in range(3)]
    tags = {b"rXYZ": columns[0], b"gXYZ": columns[1], b"bXYZ": columns[2]}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve), name)


def gray_profile(gamma: float) -> bytes:
    """A profile of one channel: light is value ** gamma."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _curv(gamma)}, "gray")


def ink_profile(inks: Sequence[Vector]) -> bytes:
    """A printer of four inks: each passes these shares of red, green and blue (sRGB, gamma-coded) where it is full.

    A table of 16 corners in Lab, 8 bits, the same for every intent; between them is what interpolation makes of it.
    """
    table = bytes(value for corner in range(16) for value in _lab_bytes(printed(inks, _corner(corner))))
    straight = bytes(range(256))
    identity = b"".join(struct.pack(">i", round(value * 65536)) for value in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    body = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + straight * 4 + table + straight * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", dict.fromkeys((b"A2B0", b"A2B1", b"A2B2"), body), "four inks")


def printed(inks: Sequence[Vector], amounts: Sequence[float]) -> Vector:
    """Red, green and blue (0 to 1, sRGB) of full inks on white paper: what one passes, the next one takes from."""
    result = [1.0, 1.0, 1.0]
    for ink, amount in zip(inks, amounts, strict=True):
        result = [value * (1 - amount + amount * share) for value, share in zip(result, ink, strict=True)]
    return result[0], result[1], result[2]


def ink_in_srgb(inks: Sequence[Vector], amounts: Sequence[float]) -> tuple[int, int, int]:
    """What a corner of `ink_profile` is in sRGB: of the Lab that the table holds, rounding included."""
    lightness, a, b = _lab_bytes(printed(inks, amounts))
    return lab_in_srgb((lightness * 100 / 255, a - 128.0, b - 128.0))


def lab_in_srgb(lab: Vector) -> tuple[int, int, int]:
    """A colour of Lab (D50) in sRGB, cut to what sRGB has."""
    return _coded(_apply(_inverse(_times(_adaptation(), _to_xyz(SRGB))), lab_to_xyz(lab)))


def srgb_in_lab(colour: Sequence[float]) -> Vector:
    """A colour of sRGB (levels of 255) in Lab (D50); not rounded."""
    light = tuple(_light(value / 255) for value in colour)
    return xyz_to_lab(_apply(_times(_adaptation(), _to_xyz(SRGB)), (light[0], light[1], light[2])))


def in_srgb(
    colour: Sequence[int], primaries: Sequence[Chromaticity], gamma: float | None = None
) -> tuple[int, int, int]:
    """A colour of `matrix_profile` in sRGB, cut to what sRGB has."""
    light = tuple(_light(value / 255) if gamma is None else (value / 255) ** gamma for value in colour)
    return _coded(_apply(_inverse(_to_xyz(SRGB)), _apply(_to_xyz(primaries), (light[0], light[1], light[2]))))


def gray_in_srgb(value: int, gamma: float) -> int:
    return round(255 * _code((value / 255) ** gamma))


def mean_light(values: Sequence[int]) -> float:
    """The level of sRGB that gives as much light as these levels in equal parts; not rounded."""
    return 255 * _code(sum(_light(value / 255) for value in values) / len(values))


def _light(value: float) -> float:
    exponent, scale, offset, slope, end = _CURVE
    return value * slope if value <= end else (value * scale + offset) ** exponent


def _code(light: float) -> float:
    light = min(1.0, max(0.0, light))
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def _coded(light: Vector) -> tuple[int, int, int]:
    red, green, blue = (round(255 * _code(value)) for value in light)
    return red, green, blue


def _corner(index: int) -> tuple[float, ...]:
    """The first ink changes slowest, as tables of ICC have it."""
    return tuple(float(index >> shift & 1) for shift in (3, 2, 1, 0))


def _lab_bytes(colour: Vector) -> tuple[int, int, int]:
    """Lab in D50 as `mft1` stores it."""
    lab = srgb_in_lab([255 * value for value in colour])
    return round(lab[0] * 2.55), round(lab[1]) + 128, round(lab[2]) + 128


def xyz_to_lab(xyz: Vector) -> Vector:
    """CIE 15, with the white of the profile connection space."""
    fx, fy, fz = (_cube_root(value / white) for value, white in zip(xyz, D50, strict=True))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def lab_to_xyz(lab: Vector) -> Vector:
    """CIE 15, the other way."""
    fy = (lab[0] + 16) / 116
    parts = (fy + lab[1] / 500, fy, fy - lab[2] / 200)
    x, y, z = (
        white * (part**3 if part > 6 / 29 else 3 * (6 / 29) ** 2 * (part - 4 / 29))
        for part, white in zip(parts, D50, strict=True)
    )
    return x, y, z


def _cube_root(value: float) -> float:
    return value ** (1 / 3) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29


def _to_xyz(primaries: Sequence[Chromaticity]) -> Matrix:
    """Light of the primaries to XYZ, their sum being the white of sRGB."""
    rows = _transposed(tuple((x / y, 1.0, (1 - x - y) / y) for x, y in primaries))
    white = (D65[0] / D65[1], 1.0, (1 - D65[0] - D65[1]) / D65[1])
    scale = _apply(_inverse(rows), white)
    first, second, third = (tuple(value * part for value, part in zip(row, scale, strict=True)) for row in rows)
    return (_vector(first), _vector(second), _vector(third))


def _adaptation() -> Matrix:
    """From the white of sRGB to D50."""
    white = (D65[0] / D65[1], 1.0, (1 - D65[0] - D65[1]) / D65[1])
    here, there = _apply(_BRADFORD, white), _apply(_BRADFORD, D50)
    ratio = tuple(to / of for to, of in zip(there, here, strict=True))
    diagonal = ((ratio[0], 0.0, 0.0), (0.0, ratio[1], 0.0), (0.0, 0.0, ratio[2]))
    return _times(_inverse(_BRADFORD), _times(diagonal, _BRADFORD))


def _apply(matrix: Matrix, vector: Vector) -> Vector:
    return _vector([sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix])


def _times(left: Matrix, right: Matrix) -> Matrix:
    columns = _transposed(right)
    return _transposed(tuple(_apply(left, column) for column in columns))


def _transposed(rows: Sequence[Sequence[float]]) -> Matrix:
    first, second, third = zip(*rows, strict=True)
    return (_vector(first), _vector(second), _vector(third))


def _inverse(m: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = m
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    adjugate = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    first, second, third = (tuple(value / determinant for value in row) for row in adjugate)
    return (_vector(first), _vector(second), _vector(third))


def _vector(values: Sequence[float]) -> Vector:
    first, second, third = values
    return first, second, third


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(vector: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, vector))


def _curv(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _para(*values: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(map(_fixed, values))


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes], name: str) -> bytes:
    """Header (128 bytes), table of tags, tags; version 2.4 for tables of 8 bits, 4.2 else."""
    version = 0x02400000 if connection == b"Lab " else 0x04200000
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name.encode() + b"\0" + bytes(8 + 3 + 67)
    if connection != b"Lab ":
        wide = name.encode("utf-16-be")
        text = b"mluc\0\0\0\0" + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", len(wide), 28) + wide
    tags = {b"desc": text, b"wtpt": _xyz(D50), **tags}
    offset = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for tag, body in tags.items():
        table += tag + struct.pack(">II", offset + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    size = offset + len(bodies)
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, version, kind, space, connection) + date + b"acsp"
    head += bytes(24) + struct.pack(">I", 1) + b"".join(map(_fixed, D50))
    return head + bytes(128 - len(head)) + table + bodies
