"""Good pictures with a few bytes changed: each is a size within the limits or a refusal with a name."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Rejected
from contracts.formats import SNIFF_BYTES, ImageFormat, check_declared, check_limits, measure
from contracts.limits import MAX_FRAMES, MAX_PIXELS, MAX_SIDE
from tests.support.pictures import animated, cmyk_jpeg, sample

GOOD = [
    *(sample(form) for form in ImageFormat),
    *(animated(form) for form in (ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.GIF, ImageFormat.AVIF)),
    cmyk_jpeg(),
]
EVERY = frozenset(ImageFormat)
EXTREMES = [b"\0", b"\x01", b"\x7f", b"\x80", b"\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff"]


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 6))):
        # headers are where parsers can be led astray
        at = draw(st.integers(0, min(len(data), 600)))
        match draw(st.sampled_from(["replace", "insert", "remove", "copy", "cut"])):
            case "replace":
                piece = draw(st.sampled_from(EXTREMES))
                data[at : at + len(piece)] = piece
            case "insert":
                data[at:at] = draw(st.binary(max_size=8))
            case "remove":
                del data[at : at + draw(st.integers(1, 50))]
            case "copy":
                source = draw(st.integers(0, min(len(data), 600)))
                data[at : at + 16] = data[source : source + 16]
            case "cut":
                del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


@pytest.mark.generated
@given(mutants())
def test_a_changed_picture_is_within_the_limits_or_refused_by_name(data: bytes) -> None:
    with contextlib.suppress(Rejected):
        found = check_declared(data[:SNIFF_BYTES], None, None, EVERY)
        header = measure(io.BytesIO(data), len(data), EVERY)
        check_limits(header)
        assert header.format is found
        assert 1 <= header.width * header.height <= header.largest_pixels <= MAX_PIXELS
        assert 1 <= min(header.width, header.height) <= header.longest_side <= MAX_SIDE
        assert 1 <= header.frames <= MAX_FRAMES
