"""What is told of a picture's EXIF: typed, bounded, and nothing that is not in the table."""

import json
import struct
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL.TiffImagePlugin import IFDRational

from contracts.messages import Facts
from functions.transform.steps.metadata import MAX_TEXT_CHARS, metadata, orientation_of
from tests.support import pictures


def test_a_cameras_exif_is_told_in_plain_types():
    assert metadata(pictures.exif_block(6)) == {
        "camera_make": "Darkroom Optics",
        "camera_model": "Model One",
        "orientation": 6,
        "software": "firmware 1.2",
        "exposure_seconds": 0.004,
        "f_number": 2.8,
        "iso": 400,
        "focal_length_mm": 35.0,
        "focal_length_35mm": 52,
        "lens_model": "Darkroom 35mm F2.8",
        "taken_at": "2024-05-06T07:08:09+02:00",
    }


def test_private_facts_are_there_and_are_not_told():
    block = pictures.exif_block(6)
    for mark in ("owner", "serial", "gps"):
        assert pictures.MARKS[mark] in block
    told = json.dumps(metadata(block)).encode()
    for mark in pictures.MARKS.values():
        assert mark not in told
    assert not {"gps", "owner", "artist", "serial", "copyright"} & set(metadata(block))


@given(st.binary(max_size=2_000))
def test_garbage_tells_nothing_and_harms_nothing(data):
    for block in (data, b"Exif\0\0" + data, b"II*\0\x08\0\0\0" + data, b"Exif\0\0MM\0*\0\0\0\x08" + data):
        assert isinstance(metadata(block), dict)
        assert 1 <= orientation_of(block) <= 8


@given(st.data())
def test_a_damaged_block_still_fits_its_types_and_its_size(data):
    block = bytearray(pictures.exif_block(6))
    for _ in range(data.draw(st.integers(1, 8))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    told = metadata(bytes(block))
    assert all(isinstance(value, str | int | float) for value in told.values())
    assert len(json.dumps(told)) <= 4_096
    Facts(width=1, height=1, metadata=dict(told))
    if "taken_at" in told:
        datetime.fromisoformat(told["taken_at"])


@given(st.text(max_size=300))
def test_text_is_printable_short_and_on_one_line(text):
    found = metadata(pictures.exif_block(1, t0x0110=text.replace("\0", ""))).get("camera_model", "x")
    assert 1 <= len(found) <= MAX_TEXT_CHARS
    assert found == found.strip()
    assert not any(char in found for char in "\0\n\r\t\x1b\u202e\u2066\ufeff\ufffe")


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(order):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = [(0x0112, 3, 1, struct.pack(order + "HH", 8, 0)), (0x010F, 2, 3, b"Ab\0\0")]
    block = mark + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        block += struct.pack(order + "HHI", tag, kind, count) + value
    assert metadata(block) == {"orientation": 8, "camera_make": "Ab"}
    assert orientation_of(b"Exif\0\0" + block) == 8


def test_a_directory_that_points_at_itself_is_read_once():
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHII", 0x8769, 4, 1, 8) + b"\0" * 4
    assert metadata(block) == {}


@pytest.mark.parametrize(
    "taken",
    [
        "2024:13:06 07:08:09",
        "2024:02:30 07:08:09",
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "yesterday",
        "2024:05:06",
    ],
)
def test_a_moment_that_never_was_is_left_out(taken):
    block = pictures.exif_block(1)
    told = metadata(block.replace(b"2024:05:06 07:08:09", taken.encode().ljust(19, b"\0")))
    assert "taken_at" in metadata(block)
    assert "taken_at" not in told


def test_numbers_that_are_none_are_left_out():
    block = pictures.exif_block(1)
    before, after = struct.pack("<II", 1, 250), struct.pack("<II", 1, 0)
    if before not in block:
        before, after = struct.pack(">II", 1, 250), struct.pack(">II", 1, 0)
    assert before in block
    assert "exposure_seconds" not in metadata(block.replace(before, after))
    assert isinstance(IFDRational(1, 250), IFDRational)
