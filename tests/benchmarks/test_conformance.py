"""The conformance kit: ours holds every case, and no case can be held by just anything."""

import io

import pytest
from PIL import Image

from benchmarks.conformance.adapters.ours import answer
from benchmarks.conformance.case import Case
from benchmarks.conformance.checks import complaint
from benchmarks.conformance.kit import cases, score
from benchmarks.conformance.profiles import SRGB, in_srgb, mean_light

KIT = {case.name: case for case in cases()}


@pytest.mark.parametrize("name", KIT)
def test_ours_holds(name: str) -> None:
    case = KIT[name]
    assert complaint(case.checks, answer(case.source, case.format, case.request, case.assets)) is None, case.promise


def test_every_case_has_a_name_of_its_own() -> None:
    assert len(KIT) == len(cases()) > 140


@pytest.mark.parametrize("name", KIT)
def test_neither_the_source_nor_any_picture_holds(name: str) -> None:
    """Else the case would ask for nothing."""
    case = KIT[name]
    blank = io.BytesIO()
    Image.new("RGBA", (48, 32), (1, 2, 3, 200)).save(blank, "PNG")
    if case.group != "metadata":
        assert complaint(case.checks, blank.getvalue()) is not None
    # what is asked for without a resize may be in the source, but for a level or a frame
    if "resize" in case.request or case.group == "metadata":
        assert complaint(case.checks, case.source) is not None or case.name in SAME


SAME = {name for name in KIT if name.startswith(("size-not-up", "size-one-pixel-", "deep-"))}
"""Whose answer has the size and the colours of its source."""


def test_an_answer_that_is_no_picture_is_told_in_one_line() -> None:
    said = complaint(KIT["fill-keeps-all"].checks, b"no picture")
    assert said is not None
    assert said.startswith("cannot be read: UnidentifiedImageError")


def test_known_values_of_the_definitions() -> None:
    assert [round(mean_light(pair)) for pair in ((0, 255), (255, 255), (0, 0))] == [188, 255, 0]
    assert in_srgb((12, 200, 77), SRGB) == (12, 200, 77)


def test_an_adapter_is_scored_by_what_it_writes(tmp_path) -> None:
    program = tmp_path / "adapter.py"
    program.write_text(
        "import json, pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "(folder / 'size-up-png.error').write_text('no')\n"
        "(folder / 'size-not-up-png.out').write_bytes((folder / 'size-not-up-png.source').read_bytes())\n"
        "print(json.dumps({'name': 'it', 'versions': {}}))\n"
    )
    kit: list[Case] = [KIT[name] for name in ("size-up-png", "size-not-up-png", "size-fill-png")]
    found = score(["python3", str(program)], kit, tmp_path / "work")
    assert (found.passed, found.failed) == (1, {"size-up-png": "refused: no", "size-fill-png": "no answer"})
