"""Pictures that are broken, or made to harm: each ends in a named refusal, within bounds, and never in an exception."""

import importlib
import json
import subprocess
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from contracts.errors import FrameLimit, ImageCorrupt, PixelLimit, Rejected, TypeMismatch
from contracts.formats import ImageFormat
from contracts.framing import Resize
from contracts.outputs import Output, OutputFormat
from contracts.variants import Variant
from functions.transform.making import Made
from functions.transform.pipeline import render
from functions.transform.steps.decode import inspect
from tests.support import pictures
from tests.support.hostile import FOREIGN, chunk_bomb, looping_tiff, many_scans, tiled_tiff

VARIANTS = [Variant(name="small", resize=Resize(width=20)), Variant(name="png", output=Output(format=OutputFormat.PNG))]
FORMATS = list(ImageFormat)
REFUSALS = {"image-corrupt", "type-mismatch", "unsupported-media-type", "pixel-limit", "frame-limit"}


def rendered(data: bytes, form: ImageFormat) -> str:
    """`made`, or the code of the refusal. Anything else is raised."""
    try:
        outcomes = render(data, VARIANTS, 2, form=form).outcomes
    except Rejected as error:
        return error.code
    # a header damaged into a long thin picture makes the variant of its own size too large
    assert all(isinstance(outcome, Made) or outcome.error.code == "pixel-limit" for outcome in outcomes)
    return "made"


# another format than the order says ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_of_another_format_is_a_mismatch(form):
    for other in FORMATS:
        if other is not form:
            with pytest.raises(TypeMismatch):
                inspect(pictures.sample(form), other)


@pytest.mark.parametrize("data", [b"", b"\xff", b"just text", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_picture_is_a_mismatch(data):
    for form in FORMATS:
        with pytest.raises(TypeMismatch):
            inspect(data, form)


_SAVED_BY_PILLOW = [
    "PPM",
    "TGA",
    "PCX",
    "SGI",
    "IM",
    "MSP",
    "XBM",
    "EPS",
    "PDF",
    "JPEG2000",
    "ICNS",
    "DDS",
    "BLP",
    "SPIDER",
    "MPO",
    "DIB",
]


def test_of_all_that_pillow_reads_only_the_named_formats_are_opened():
    """Each format that Pillow registers is tried, as itself and as every format that an order can name."""
    known = _registered_formats()
    tried = set(FOREIGN) | set(_SAVED_BY_PILLOW) | {form.value.upper() for form in FORMATS} | {"HDF5", "STUB"}
    assert len(known) >= 40
    assert known - tried <= {"GBR", "WMF", "DCX", "FITS", "PALM", "GIMP", "MPO", "DIB"}
    for name, data in (FOREIGN | _saved_elsewhere()).items():
        for form in FORMATS:
            if (name, form) == ("MPO", ImageFormat.JPEG):
                # a JPEG with another behind it: the first one is a JPEG like any
                assert rendered(data, form) == "made"
                continue
            with pytest.raises(Rejected):
                inspect(data, form)


def _registered_formats() -> set[str]:
    script = "from PIL import Image; Image.init(); print(*Image.OPEN)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def _saved_elsewhere() -> dict[str, bytes]:
    """Files of formats that we do not read, written by Pillow in another process, whose registry is its own."""
    script = (
        "import io, json; from PIL import Image\n"
        f"names, files = {_SAVED_BY_PILLOW!r}, {{}}\n"
        "modes = {'MSP': '1', 'XBM': '1', 'SPIDER': 'F', 'BLP': 'P'}\n"
        "for name in names:\n"
        "    target = io.BytesIO(); Image.new(modes.get(name, 'RGB'), (32, 32)).save(target, name)\n"
        "    files[name] = target.getvalue().hex()\n"
        "print(json.dumps(files))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return {name: bytes.fromhex(text) for name, text in json.loads(answer.stdout).items()}


def test_a_sealed_process_knows_no_format_but_those_that_were_named():
    """In a process of its own: after a JPEG was made into a WebP and an AVIF, these are the plugins that Pillow has."""
    script = (
        "import sys; from functions.transform.steps.decode import seal; seal()\n"
        "from functions.transform.pipeline import render\n"
        "from contracts.outputs import *; from contracts.variants import *\n"
        "forms = OutputFormat.WEBP, OutputFormat.AVIF\n"
        "made = render(sys.stdin.buffer.read(), [Variant(name=f, output=Output(format=f)) for f in forms]).outcomes\n"
        "plugins = sorted(name for name in sys.modules if name.startswith('PIL.') and name.endswith('Plugin'))\n"
        "print(*(type(one).__name__ for one in made), *plugins)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], input=pictures.sample(ImageFormat.JPEG), capture_output=True, check=True
    )
    plugins = ["PIL.AvifImagePlugin", "PIL.JpegImagePlugin", "PIL.WebPImagePlugin"]
    assert answer.stdout.decode().split() == ["Made", "Made", *plugins]


# broken files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0.99, 0.9, 0.7, 0.5, 0.3, 0.1, 0.02])
def test_a_truncated_picture_is_refused_or_whole(form, share):
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    data = pictures.truncated(pictures.sample(form, 200, 150), share)
    found = rendered(data, form)
    # the end of an animation format's trailer, or of an icon's mask, may be missing without a pixel lost
    assert found in (("image-corrupt", "type-mismatch") if share < 0.95 else ("image-corrupt", "made"))


@pytest.mark.generated
@given(st.sampled_from(FORMATS), st.data())
def test_damaged_pictures_end_in_pictures_or_named_refusals(form, data):
    original = bytearray(pictures.sample(form, 40, 30))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(original) - 1))
        original[at] = data.draw(st.integers(0, 255))
    assert rendered(bytes(original), form) in {"made", *REFUSALS}


@pytest.mark.generated
@given(st.sampled_from(FORMATS), st.binary(max_size=400))
def test_garbage_behind_a_magic_number_is_refused(form, garbage):
    head = pictures.sample(form, 8, 8)[:16]
    assert rendered(head + garbage, form) in REFUSALS


@pytest.mark.parametrize("precision", [12, 16])
def test_a_jpeg_of_other_depth_is_refused(precision):
    data = bytearray(pictures.sample(ImageFormat.JPEG))
    data[data.index(b"\xff\xc0") + 4] = precision
    assert rendered(bytes(data), ImageFormat.JPEG) == "unsupported-media-type"


def test_trailing_bytes_change_nothing():
    data = pictures.sample(ImageFormat.PNG)
    polyglot = data + b"PK\x03\x04" + b"<script>alert(1)</script>" * 100
    assert rendered(polyglot, ImageFormat.PNG) == "made"
    for outcome in render(polyglot, VARIANTS, 1, form=ImageFormat.PNG).outcomes:
        assert b"<script>" not in outcome.body


def test_a_bigger_exif_than_cameras_write_is_no_obstacle():
    block = pictures.exif_block(6, t0x9286=b"x" * 60_000)
    assert rendered(pictures.encoded(pictures.corners(40, 30), "jpeg", exif=block), ImageFormat.JPEG) == "made"


# bombs ---------------------------------------------------------------------------------------------------------------


BOMBS = {
    "png header": (pictures.png_header(50_000, 50_000), ImageFormat.PNG, PixelLimit),
    "png in the warning zone": (pictures.png_bomb(12_000, 12_000), ImageFormat.PNG, PixelLimit),
    "png of no width": (pictures.png_header(0, 5), ImageFormat.PNG, ImageCorrupt),
    "png of the longest side there is": (pictures.png_header(2**31 - 1, 1), ImageFormat.PNG, PixelLimit),
    "png of one high column": (pictures.png_header(1, 65_535), ImageFormat.PNG, PixelLimit),
    "png with a profile that grows": (chunk_bomb(b"iCCP"), ImageFormat.PNG, ImageCorrupt),
    "png of one long line": (pictures.png_header(65_535, 1), ImageFormat.PNG, PixelLimit),
    "icon with a bomb inside": (pictures.ico_bomb(), ImageFormat.ICO, PixelLimit),
    "gif with a huge second frame": (pictures.gif_bomb(), ImageFormat.GIF, PixelLimit),
    "gif of ten thousand frames": (pictures.gif_frames(10_000), ImageFormat.GIF, FrameLimit),
    "png with a text that grows": (chunk_bomb(b"zTXt"), ImageFormat.PNG, ImageCorrupt),
    "tiff with a huge tile": (tiled_tiff(), ImageFormat.TIFF, Rejected),
    "progressive jpeg of many scans": (many_scans(progressive=True), ImageFormat.JPEG, ImageCorrupt),
    "sequential jpeg of many scans": (many_scans(progressive=False), ImageFormat.JPEG, ImageCorrupt),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(name):
    data, form, refusal = BOMBS[name]
    tracemalloc.start()
    try:
        with pytest.raises(refusal):
            render(data, VARIANTS, 2, form=form)
        assert tracemalloc.get_traced_memory()[1] < 64_000_000
    finally:
        tracemalloc.stop()


def test_progressive_pictures_are_read():
    data = pictures.encoded(pictures.photo(64, 48), "jpeg", progressive=True)
    assert data.count(b"\xff\xda") > 5
    assert rendered(data, ImageFormat.JPEG) == "made"


def test_a_directory_that_loops_ends():
    assert rendered(looping_tiff(), ImageFormat.TIFF) in ("made", "image-corrupt", "frame-limit")


def test_a_header_that_lies_about_its_pixels_is_corrupt():
    assert rendered(pictures.png_header(4_000, 4_000), ImageFormat.PNG) == "image-corrupt"


def test_the_largest_picture_that_is_taken_is_taken():
    data = pictures.png_bomb(8_000, 6_250)
    small = [Variant(name="small", resize=Resize(width=10))]
    (outcome,) = render(data, small, 1, form=ImageFormat.PNG).outcomes
    assert outcome.size == (10, 8)


def test_every_named_decoder_is_there():
    for form, module in pictures.PLUGINS.items():
        assert importlib.import_module(module.__name__) is module
        assert pictures.pillow_name(form) in Image.OPEN
