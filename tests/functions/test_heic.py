"""HEIC in: upright once, in its colours, without what lies beside it; refused by name where nobody chose to read it."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from contracts.errors import PixelLimit
from contracts.formats import READ, ImageFormat
from contracts.framing import Resize
from contracts.outputs import ColorSpace, MetadataPolicy, Output, OutputFormat
from contracts.variants import Variant
from functions.transform.analysis.containers import blocks
from functions.transform.making import Made
from functions.transform.pipeline import render
from functions.transform.steps.decode import decode, inspect
from tests.support import heics, pictures
from tests.support.transform_room import Room

PNG = Variant(name="png", output=Output(format=OutputFormat.PNG))
SMALL = Variant(name="small", resize=Resize(width=20))
RED = pictures.RED


def png(data: bytes, **output) -> Image.Image:
    """The picture as it comes out, decoded by Pillow."""
    variant = Variant(name="png", output=Output(format=OutputFormat.PNG, **output))
    [made] = render(data, [variant], form=ImageFormat.HEIC).outcomes
    assert isinstance(made, Made), made
    return pictures.opened(made.body)


def distance(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of the worst channel, 0 to 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_phones_picture_is_turned_exactly_once(orientation: int) -> None:
    """The file says it twice: in its own boxes, which the decoder follows, and in EXIF, which is not for decoders."""
    data = heics.camera(orientation)
    source = inspect(data, ImageFormat.HEIC)
    assert (source.exif_orientation, source.pending, source.upright) == (orientation, 1, (120, 80))
    found = png(data)
    assert found.size == (120, 80)
    assert pictures.corner_colours(found) == ["red", "green", "blue", "yellow"]


def test_an_orientation_that_only_exif_names_turns_nothing() -> None:
    data = bytearray(heics.camera(6))
    data[data.index(b"irot") + 4] = 0
    stored = pictures.stored_as(pictures.corners(120, 80), 6)
    source = inspect(bytes(data), ImageFormat.HEIC)
    assert (source.exif_orientation, source.pending, source.upright) == (6, 1, stored.size)
    assert pictures.corner_colours(png(bytes(data))) == pictures.corner_colours(stored)


@pytest.mark.parametrize("said", [0, 9])
def test_an_orientation_that_there_is_not_is_none(said: int) -> None:
    """Found by damage: an answer with it could not be read by who waits for it."""
    packet = f"<x:xmpmeta xmlns:x='adobe:ns:meta/' tiff:Orientation=\"{said}\"/>"
    for options in ({"exif": pictures.exif_block(said)}, {"xmp": packet.encode()}):
        room = Room(heics.heic(pictures.corners(40, 30), **options), ImageFormat.HEIC)
        assert room.answer(SMALL).facts.orientation == 1


@pytest.mark.parametrize(("width", "height"), [(300, 200), (301, 203), (256, 128), (129, 128)])
def test_a_grid_is_one_picture_of_its_own_size(width: int, height: int) -> None:
    found = png(heics.grid(width, height))
    assert found.size == (width, height)
    assert distance(found, pictures.corners(width, height)) < 2


def test_its_colours_are_those_of_its_profile_however_it_is_written() -> None:
    by_profile, by_points = (heics.everything()[name] for name in ("Display P3", "Display P3 by code points"))
    shown = [png(data).getpixel((10, 10)) for data in (by_profile, by_points)]
    assert all(abs(a - b) <= 2 for a, b in zip(*shown, strict=True))
    # the same numbers are a stronger red in Display P3
    assert shown[0][0] - RED[0] > 15
    kept = png(by_points, color=ColorSpace.KEEP)
    assert kept.info["icc_profile"]
    assert all(abs(a - b) <= 3 for a, b in zip(kept.getpixel((10, 10)), RED, strict=True))


def test_code_points_that_are_not_followed_are_said() -> None:
    [made] = render(heics.everything()["HLG"], [PNG], form=ImageFormat.HEIC).outcomes
    assert "colour-profile-ignored" in made.warnings
    [made] = render(heics.everything()["plain"], [PNG], form=ImageFormat.HEIC).outcomes
    assert made.warnings == ()


def test_ten_bits_become_eight() -> None:
    data = heics.of_depth()
    source = inspect(data, ImageFormat.HEIC)
    assert not source.is_plain
    assert all(abs(a - b) <= 2 for a, b in zip(png(data).getpixel((9, 9)), (255, 128, 0), strict=True))


@pytest.mark.parametrize("name", ["alpha", "gray with alpha"])
def test_alpha_is_kept(name: str) -> None:
    found, wanted = png(heics.everything()[name]), pictures.gradient_alpha(96, 64)
    assert found.mode == "RGBA"
    assert distance(found.getchannel("A"), wanted.getchannel("A")) < 3


def test_gray_stays_gray() -> None:
    assert decode(inspect(heics.everything()["gray"], ImageFormat.HEIC)).pixels.mode == "L"


def test_what_lies_beside_the_picture_is_reported_and_comes_along_only_if_asked() -> None:
    data = heics.camera(6, thumbnails=[32], xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + pictures.MARKS["xmp"])
    room = Room(data, ImageFormat.HEIC)
    all_of_it = Variant(name="all", output=Output(format=OutputFormat.JPEG, metadata=MetadataPolicy.ALL))
    answer = room.answer(PNG, SMALL, all_of_it)
    assert answer.undecodable is None
    assert room.reported == []
    facts = answer.facts
    assert facts.metadata["camera_make"] == "Darkroom Optics"
    assert facts.private["latitude"] == pytest.approx(48.137, abs=0.01)
    assert {"gps", "serial-numbers", "owner", "thumbnail", "exif", "xmp"} <= {find.what for find in facts.carried}
    files = {key: versions[-1].body for key, versions in room.objects.results.items()}
    [kept] = [files.pop(key) for key in list(files) if "/all-" in key]
    assert len(files) == 2
    for mark in pictures.MARKS.values():
        assert not any(mark in body for body in files.values())
    assert pictures.MARKS["owner"] in kept
    assert pictures.opened(kept).getexif().get(0x0112, 1) == 1


def test_maps_are_more_pictures_and_alpha_is_part_of_one() -> None:
    kinds = {
        name: [block.kind for block in blocks(data, ImageFormat.HEIC)] for name, data in heics.everything().items()
    }
    assert kinds["thumbnail"] == ["thumbnail"]
    assert kinds["alpha"] == kinds["grid"] == kinds["plain"] == []
    assert kinds["packet"] == ["xmp"]
    assert set(kinds["turned"]) == {"exif"}
    # neither alpha nor a copy: depth, say
    beside = heics.replaced(heics.everything()["thumbnail"], b"thmb", b"auxl")
    assert [block.kind for block in blocks(beside, ImageFormat.HEIC)] == ["more-pictures"]


def test_neither_thumbnails_nor_maps_are_taken_for_the_picture() -> None:
    found = png(heics.everything()["thumbnail"])
    assert found.size == (200, 160)
    assert distance(found, pictures.photo(200, 160)) < 8


def test_without_its_decoder_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    room = Room(heics.everything()["plain"], ImageFormat.HEIC)
    answer = room.answer(PNG)
    assert (answer.undecodable, answer.answers) == ("unsupported-media-type", ())
    assert "formats.heic" in answer.detail
    assert room.reported == []


def test_where_nobody_chose_it_no_decoder_sees_it() -> None:
    """As when the choice is taken back while jobs wait."""
    answer = Room(heics.everything()["plain"], ImageFormat.HEIC).answer(PNG, read=READ)
    assert (answer.undecodable, answer.detail) == ("unsupported-media-type", "HEIC is not read by this function")


def test_nothing_imports_the_decoder_before_the_first_picture_that_needs_it() -> None:
    script = (
        "import functions.transform.handler, sys; from functions.transform.steps.decode import inspect\n"
        "print(sorted(name for name in sys.modules if 'heif' in name or 'heic' in name or 'hevc' in name))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", heics.lies())
def test_a_file_that_lies_is_refused_by_name(name: str) -> None:
    room = Room(heics.lies()[name], ImageFormat.HEIC)
    assert room.answer(SMALL).undecodable in ("image-corrupt", "unsupported-media-type")
    assert room.reported == []


def test_a_picture_above_the_limits_is_not_decoded() -> None:
    with pytest.raises(PixelLimit):
        inspect(heics.with_size(heics.everything()["plain"], (12_000, 12_000)), ImageFormat.HEIC)


@settings(max_examples=80)
@given(
    st.sampled_from(sorted(heics.everything())),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    st.floats(0.5, 1),
)
def test_damage_ends_in_variants_or_in_a_name(name: str, changes: list[tuple[float, int]], share: float) -> None:
    """In a header, among coded bytes, or cut: never an exception, and no decoder that takes the process along."""
    data = bytearray(heics.everything()[name])
    for place, value in changes:
        data[int(place * len(data))] = value
    if not changes:
        del data[int(share * len(data)) :]
    room = Room(bytes(data), ImageFormat.HEIC)
    answer = room.answer(SMALL)
    assert room.reported == []
    assert answer.undecodable in (None, "image-corrupt", "unsupported-media-type", "type-mismatch", "pixel-limit")
