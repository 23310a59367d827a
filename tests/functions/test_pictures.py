"""From one file to others: what comes out is the picture that went in, at the promised size, and nothing else."""

import platform
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from contracts.formats import ImageFormat
from contracts.framing import Fit, Resize
from contracts.outputs import Output, OutputFormat
from contracts.presets import preset
from contracts.variants import Variant
from functions.transform.geometry import fits_output, frame
from functions.transform.making import Made, Unmade
from functions.transform.pipeline import render
from functions.transform.pyramid import planned
from functions.transform.steps import resize as resizing
from functions.transform.steps.decode import inspect
from functions.transform.steps.encode import encode
from tests.support import pictures

PRIVATE_MARKERS = (
    b"Exif",
    b"http://ns.adobe.com",
    b"ICC_PROFILE",
    b"iCCP",
    b"ICCP",
    b"eXIf",
    b"XMP ",
    b"8BIM",
    b"\xff\xfe",
)
"""How EXIF, XMP, ICC profiles and comments begin in the formats we write; the last is JPEG's comment marker."""

TIFF_STRUCTURE = {256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 338, 339}
"""Tags of a TIFF that describe how its pixels are stored; EXIF is in others of the same directory."""


def variant(form: OutputFormat = OutputFormat.PNG, resize: Resize | None = None, **options) -> Variant:
    return Variant(name=f"{form.value}", resize=resize, output=Output(format=form, **options))


ALL_OUTPUTS = [variant(form) for form in OutputFormat]


def made(
    data: bytes, variants: list[Variant], form: ImageFormat = ImageFormat.JPEG, threads: int = 2
) -> dict[str, Made]:
    """Every variant by name; fails if one could not be made."""
    outcomes = render(data, variants, threads, form=form).outcomes
    assert {type(outcome) for outcome in outcomes} == {Made}
    assert sorted(outcome.name for outcome in outcomes) == sorted(one.name for one in variants)
    return {outcome.name: outcome for outcome in outcomes}


def one(
    data: bytes, form: ImageFormat, resize: Resize | None = None, output: OutputFormat = OutputFormat.PNG
) -> Image.Image:
    """The only variant, decoded."""
    return pictures.opened(made(data, [variant(output, resize)], form)[output.value].body)


def distance(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of the channels, 0 to 255."""
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


def is_near(pixel, colour, within=6) -> bool:
    return all(abs(a - b) <= within for a, b in zip(pixel, colour, strict=True))


# sizes ---------------------------------------------------------------------------------------------------------------

wishes = st.none() | st.builds(
    Resize,
    width=st.none() | st.integers(1, 90),
    height=st.integers(1, 90),
    fit=st.sampled_from(Fit),
    enlarge=st.booleans(),
)
outputs = st.sampled_from([OutputFormat.JPEG, OutputFormat.PNG, OutputFormat.WEBP])
modes = st.sampled_from(["RGB", "RGBA", "L", "P", "1", "LA", "CMYK"])


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 80), st.integers(1, 80)),
    modes,
    st.lists(st.tuples(wishes, outputs), min_size=1, max_size=4),
    st.integers(1, 2),
    st.integers(1, 8),
)
def test_every_variant_has_the_size_that_was_promised(size, mode, specs, threads, orientation):
    form = ImageFormat.JPEG if mode in ("RGB", "L", "CMYK") else ImageFormat.PNG
    picture = pictures.photo(*size).convert(mode)
    data = pictures.encoded(picture, form, exif=pictures.exif_block(orientation))
    upright = size if orientation < 5 else (size[1], size[0])
    variants = [
        Variant(name=f"v{index}", resize=resize, output=Output(format=form))
        for index, (resize, form) in enumerate(specs)
    ]
    files = made(data, variants, form, threads)
    for each in variants:
        found = files[each.name]
        promised = frame(upright, each).canvas
        assert found.size == promised
        decoded = pictures.opened(found.body)
        assert decoded.size == promised
        assert decoded.format == each.output.format.value.upper()


@pytest.mark.parametrize("form", list(ImageFormat))
@pytest.mark.parametrize("output", list(OutputFormat))
def test_every_readable_format_becomes_every_writable_one(form, output):
    found = one(pictures.sample(form), form, output=output)
    assert found.size == (96, 64)
    assert distance(found, pictures.photo(96, 64)) < 12


def test_the_default_preset_of_a_large_photograph():
    data = pictures.encoded(pictures.photo(2000, 1500), "jpeg", quality=90)
    files = made(data, list(preset("web@1")))
    assert {name: (file.format.value, file.size) for name, file in files.items()} == {
        "large": ("jpeg", (1600, 1200)),
        "medium": ("webp", (800, 600)),
        "small": ("webp", (400, 300)),
        "thumb": ("jpeg", (150, 150)),
    }
    for file in files.values():
        upright = pictures.photo(2000, 1500)
        if file.name == "thumb":
            upright = upright.crop((250, 0, 1750, 1500))
        assert distance(pictures.opened(file.body), upright.resize(file.size, Image.Resampling.LANCZOS)) < 4


@pytest.mark.parametrize(("width", "target"), [(121, 15), (242, 60), (123, 61), (4_001, 500)])
def test_a_picture_decoded_at_a_reduced_scale_ends_where_it_ends(width, target):
    """The decoder rounds pixels up; taken for the picture's end, they would squeeze this ramp by up to 13 levels."""
    ramp = Image.new("L", (width, 64))
    ramp.putdata([round(255 * (x + 0.5) / width) for x in range(width)] * 64)
    data = pictures.encoded(ramp, "jpeg", quality=100)
    source = inspect(data, ImageFormat.JPEG)
    (branch,) = planned(source.upright, [variant(resize=Resize(width=target))], scales=True)
    assert branch.scale > 1
    found = one(data, ImageFormat.JPEG, Resize(width=target))
    for x in range(target):
        assert abs(found.getpixel((x, found.height // 2)) - 255 * (x + 0.5) / target) <= 4


def test_one_thread_and_two_make_the_same_pictures():
    data = pictures.encoded(pictures.photo(1200, 900), "jpeg", quality=90)
    variants = [variant(OutputFormat.PNG, Resize(width=500)), variant(OutputFormat.WEBP, Resize(width=260))]
    alone, together = (made(data, variants, threads=threads) for threads in (1, 2))
    for name, file in alone.items():
        assert distance(pictures.opened(file.body), pictures.opened(together[name].body)) < 2


def test_a_variant_that_would_be_too_large_fails_alone():
    data = pictures.encoded(pictures.corners(4, 3_000), "png")
    large = Variant(name="large", resize=Resize(width=8_000, enlarge=True))
    outcomes = {outcome.name: outcome for outcome in render(data, [large, variant()], 2, form=ImageFormat.PNG).outcomes}
    assert isinstance(outcomes["png"], Made)
    assert isinstance(outcomes["large"], Unmade)
    assert outcomes["large"].error.code == "pixel-limit"
    assert not fits_output(frame((4, 3_000), large).canvas)


def test_noise_that_outgrows_pillows_buffer_is_still_a_jpeg():
    dots = Image.effect_noise((257, 263), 400).point(lambda value: 255 if value > 127 else 0).convert("L")
    data = pictures.encoded(Image.merge("RGB", (dots, dots.rotate(90), dots.rotate(180))), "png")
    found = made(data, [variant(OutputFormat.JPEG, quality=94)], ImageFormat.PNG)["jpeg"]
    assert pictures.opened(found.body).size == (257, 263)


# orientation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "form", [ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.TIFF, ImageFormat.AVIF]
)
def test_every_orientation_comes_back_upright(orientation, form):
    stored = pictures.stored_as(pictures.corners(120, 80), orientation)
    options = {"speed": 10} if form is ImageFormat.AVIF else {}
    data = pictures.encoded(stored, form, exif=pictures.exif_block(orientation), **options)
    variants = [
        variant(OutputFormat.PNG),
        variant(OutputFormat.WEBP, Resize(width=60)),
        variant(OutputFormat.JPEG, Resize(width=33, height=33, fit=Fit.COVER)),
    ]
    rendering = render(data, variants, 2, form=form)
    assert rendering.source.upright == (120, 80)
    assert rendering.source.exif_orientation == orientation
    for outcome in rendering.outcomes:
        assert pictures.corner_colours(pictures.opened(outcome.body)) == ["red", "green", "blue", "yellow"]


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_a_senseless_orientation_is_none(orientation):
    data = pictures.encoded(pictures.corners(40, 30), "jpeg", exif=pictures.exif_block(orientation))
    assert pictures.corner_colours(one(data, ImageFormat.JPEG)) == ["red", "green", "blue", "yellow"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_crop_is_cut_from_the_upright_picture(orientation):
    wide = Image.new("RGB", (400, 100), (10, 10, 10))
    wide.paste((250, 250, 250), (160, 10, 240, 90))
    data = pictures.jpeg_with_exif(orientation, upright=wide)
    square = one(data, ImageFormat.JPEG, Resize(width=50, height=50, fit=Fit.COVER)).convert("L")
    assert square.getpixel((25, 25)) > 230
    assert max(square.getpixel(point) for point in ((0, 0), (49, 0), (0, 49), (49, 49))) < 40


# nothing but pixels --------------------------------------------------------------------------------------------------


def test_no_variant_carries_what_the_original_did():
    data = pictures.jpeg_with_exif(6, icc=pictures.rgb_profile("Display P3"))
    for mark in pictures.MARKS.values():
        assert mark in data
    for marker in (b"Exif", b"http://ns.adobe.com", b"ICC_PROFILE", b"\xff\xfe"):
        assert marker in data
    resized = [Variant(name=f"small-{one.name}", resize=Resize(width=50), output=one.output) for one in ALL_OUTPUTS]
    for file in made(data, ALL_OUTPUTS + resized).values():
        for mark in pictures.MARKS.values():
            assert mark not in file.body
        decoded = pictures.opened(file.body)
        assert set(decoded.getexif()) <= (TIFF_STRUCTURE if file.format is OutputFormat.TIFF else set())
        assert not {"exif", "xmp", "icc_profile", "comment", "photoshop"} & set(decoded.info)
        # the random bytes of a JPEG's or a WebP's pixels may hold two of anything; four are no chance
        for marker in PRIVATE_MARKERS[:-1]:
            assert marker not in file.body


@pytest.mark.parametrize("form", [ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.TIFF])
def test_no_format_lets_metadata_through(form):
    options = {"speed": 10} if form is ImageFormat.AVIF else {}
    profile = pictures.rgb_profile("Display P3")
    data = pictures.encoded(pictures.corners(40, 30), form, exif=pictures.exif_block(1), icc_profile=profile, **options)
    assert pictures.MARKS["owner"] in data
    for file in made(data, ALL_OUTPUTS, form).values():
        assert not any(mark in file.body for mark in pictures.MARKS.values())
        assert not any(marker in file.body for marker in PRIVATE_MARKERS[:-1])


# colour --------------------------------------------------------------------------------------------------------------

PATCHES = {
    # by the published matrices and curves of the two spaces, computed outside of littleCMS
    ("Display P3", (100, 150, 200)): (83, 152, 205),
    ("Display P3", (255, 255, 255)): (255, 255, 255),
    ("Display P3", (128, 128, 128)): (128, 128, 128),
    ("Display P3", (200, 100, 100)): (214, 94, 97),
    ("Adobe RGB (1998)", (100, 150, 200)): (66, 151, 203),
    ("Adobe RGB (1998)", (128, 128, 128)): (128, 128, 128),
    ("sRGB", (100, 150, 200)): (100, 150, 200),
}


@pytest.mark.parametrize(("patch", "expected"), list(PATCHES.items()))
@pytest.mark.parametrize("form", [ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.TIFF])
def test_colours_of_other_spaces_arrive_in_srgb(patch, expected, form):
    space, colour = patch
    options = {"lossless": True} if form is ImageFormat.WEBP else {}
    data = pictures.encoded(
        Image.new("RGB", (40, 30), colour), form, icc_profile=pictures.rgb_profile(space), **options
    )
    for resize in (None, Resize(width=20)):
        assert is_near(one(data, form, resize).getpixel((5, 5)), expected, within=2)


def test_colour_and_transparency_go_together():
    picture = pictures.disc(64, 64, (100, 150, 200), (255, 0, 255))
    data = pictures.encoded(picture, "png", icc_profile=pictures.rgb_profile("Display P3"))
    for resize in (None, Resize(width=32)):
        found = one(data, ImageFormat.PNG, resize)
        assert found.mode == "RGBA"
        assert is_near(found.getpixel((found.width // 2, found.height // 2)), (83, 152, 205, 255), within=2)


def test_gray_stays_gray():
    picture = pictures.photo(64, 48).convert("L")
    for data in (
        pictures.encoded(picture, "jpeg"),
        pictures.encoded(picture, "jpeg", icc_profile=pictures.rgb_profile("sRGB")),
    ):
        assert one(data, ImageFormat.JPEG).mode == "L"


def test_a_gray_profile_is_heeded():
    linear = pictures.encoded(Image.new("L", (20, 20), 128), "png", icc_profile=pictures.gray_profile(1.0))
    found = one(linear, ImageFormat.PNG)
    assert found.mode == "L"
    assert abs(found.getpixel((5, 5)) - 188) <= 2


@pytest.mark.parametrize(
    "profile",
    [b"not a profile", pictures.rgb_profile("Display P3")[:200], pictures.gray_profile(), b"\0" * 5_000_000],
    ids=["text", "truncated", "of another space", "huge"],
)
def test_a_profile_that_cannot_be_used_is_left_out_with_a_warning(profile):
    data = pictures.encoded(Image.new("RGB", (40, 30), (10, 150, 200)), "tiff", icc_profile=profile)
    file = made(data, [variant()], ImageFormat.TIFF)["png"]
    assert pictures.opened(file.body).getpixel((5, 5)) == (10, 150, 200)
    assert file.warnings == ("colour-profile-ignored",)


def test_sixteen_bits_become_eight():
    found = one(pictures.gray16_png((0, 257, 32_768, 65_535)), ImageFormat.PNG)
    assert [found.getpixel((8 + 16 * stripe, 8)) for stripe in range(4)] == [0, 1, 128, 255]
    assert is_near(
        one(pictures.rgb16_png((65_535, 32_896, 0)), ImageFormat.PNG).getpixel((5, 5)), (255, 128, 0), within=1
    )


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("F", (0.0, 0.5, 1.0), (0, 128, 255)),
        ("F", (-10.0, 0.0, 10.0), (0, 128, 255)),
        ("I", (0, 32_768, 65_535), (0, 128, 255)),
        ("I", (0, 100, 200), (0, 100, 200)),
        ("I", (-5, 0, 5), (0, 128, 255)),
        ("F", (0.0, float("nan"), float("inf")), (0, 0, 0)),
    ],
)
def test_pixels_of_other_depths_are_brought_into_range(mode, values, expected):
    picture = Image.new(mode, (30, 10))
    for index, value in enumerate(values):
        picture.paste(value, (index * 10, 0, index * 10 + 10, 10))
    found = one(pictures.encoded(picture, "tiff"), ImageFormat.TIFF)
    assert found.mode == "L"
    assert [found.getpixel((5 + 10 * index, 5)) for index in range(3)] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("mode", ["YCbCr", "LAB", "RGBX"])
def test_other_colour_models_of_tiff_are_understood(mode):
    original = pictures.photo(32, 24)
    if mode == "LAB":
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        stored = ImageCms.applyTransform(original, ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    else:
        stored = original.convert(mode)
    assert distance(one(pictures.encoded(stored, "tiff"), ImageFormat.TIFF), original) < 4


# transparency --------------------------------------------------------------------------------------------------------


def test_hidden_colours_never_bleed_into_the_edge():
    data = pictures.encoded(pictures.disc(200, 200, (20, 200, 40), hidden=(255, 0, 255)), "png")
    for resize in (Resize(width=37), Resize(width=90), Resize(width=300, enlarge=True)):
        found = one(data, ImageFormat.PNG, resize)
        for red, green, blue, alpha in found.get_flattened_data():
            # as it shows: where there is little of a colour, 8 bits of it premultiplied are few. Lanczos rings by a
            # fifth at an edge, so green may; of magenta there must be no trace
            assert abs(red - 20) * alpha / 255 < 8
            assert abs(blue - 40) * alpha / 255 < 10
            assert abs(green - 200) * alpha / 255 <= 42


@pytest.mark.parametrize("form", [OutputFormat.PNG, OutputFormat.WEBP, OutputFormat.AVIF])
def test_transparency_is_kept_where_the_format_has_it(form):
    data = pictures.encoded(pictures.gradient_alpha(80, 40), "png")
    found = one(data, ImageFormat.PNG, Resize(width=40), form)
    assert found.mode == "RGBA"
    assert found.getpixel((1, 10))[3] < 20
    assert found.getpixel((38, 10))[3] > 235


def test_transparency_becomes_white_in_a_jpeg():
    data = pictures.encoded(pictures.disc(80, 80, (20, 40, 200), hidden=(0, 0, 0)), "png")
    found = one(data, ImageFormat.PNG, Resize(width=40), OutputFormat.JPEG)
    assert found.mode == "RGB"
    assert is_near(found.getpixel((0, 0)), (255, 255, 255))
    assert is_near(found.getpixel((20, 20)), (20, 40, 200))


def test_pixels_under_transparency_survive_where_nothing_is_resized():
    picture = pictures.gradient_alpha(40, 20)
    assert one(pictures.encoded(picture, "png"), ImageFormat.PNG).tobytes() == picture.tobytes()


def test_an_opaque_alpha_channel_is_left_out():
    assert one(pictures.encoded(pictures.photo(20, 20).convert("RGBA"), "png"), ImageFormat.PNG).mode == "RGB"


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_a_transparent_colour_is_transparency(mode):
    picture = Image.new("RGB", (20, 20), (255, 255, 255))
    picture.paste((0, 0, 0), (0, 0, 10, 20))
    picture = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=2) if mode == "P" else picture.convert(mode)
    index = picture.getpixel((15, 5))
    data = pictures.encoded(picture, "png", transparency=index)
    found = one(data, ImageFormat.PNG).convert("RGBA")
    assert (found.getpixel((5, 5)), found.getpixel((15, 5))[3]) == ((0, 0, 0, 255), 0)


@pytest.mark.parametrize(
    ("form", "corner"),
    [(OutputFormat.PNG, (255, 255, 255, 0)), (OutputFormat.JPEG, (255, 255, 255)), (OutputFormat.WEBP, None)],
)
def test_contain_pads_with_transparency_or_white(form, corner):
    data = pictures.encoded(pictures.corners(80, 40), "png")
    found = one(data, ImageFormat.PNG, Resize(width=40, height=40, fit=Fit.CONTAIN), form)
    assert found.size == (40, 40)
    if corner is None:
        assert found.getpixel((0, 0))[3] == 0
    else:
        assert is_near(found.getpixel((0, 0)), corner, within=2)
    assert pictures.corner_colours(found.crop((0, 10, 40, 30))) == ["red", "green", "blue", "yellow"]


# animations ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [ImageFormat.GIF, ImageFormat.WEBP, ImageFormat.PNG, ImageFormat.AVIF])
def test_of_an_animation_that_cannot_stay_one_the_first_frame_is_taken_and_said_so(form):
    rendering = render(pictures.animated(form), ALL_OUTPUTS, 2, form=form)
    assert rendering.source.frames == 3
    for outcome in rendering.outcomes:
        stays = {form.value, outcome.format.value} <= {"gif", "webp"}
        assert outcome.warnings == (() if stays else ("first-frame-only",))
        found = pictures.opened(outcome.body)
        assert getattr(found, "n_frames", 1) == outcome.frames == (3 if stays else 1)
        assert pictures.corner_colours(found) == ["red", "green", "blue", "yellow"]


# threads -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(OutputFormat))
def test_a_picture_that_others_encode_too_is_not_written_on(form, monkeypatch):
    """Pillow puts a save's options on the picture; of one that two threads save, each would find the other's."""
    picture, saved, real = pictures.photo(40, 30), [], Image.Image.save

    def save(self, *arguments, **options):
        saved.append(self)
        return real(self, *arguments, **options)

    monkeypatch.setattr(Image.Image, "save", save)
    output = Output(format=form)
    assert encode(picture, output, output.effective_quality)
    assert saved
    assert all(each is not picture for each in saved)


# the resizer ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "CMYK"])
@pytest.mark.parametrize(
    "resize",
    [
        Resize(width=61),
        Resize(width=40, height=40, fit=Fit.COVER),
        Resize(width=90, height=20, fit=Fit.FILL),
        Resize(width=300, enlarge=True),
        Resize(width=1),
    ],
)
def test_simd_and_pillow_agree(monkeypatch, mode, resize):
    form = ImageFormat.JPEG if mode == "CMYK" else ImageFormat.PNG
    picture = pictures.gradient_alpha(150, 100) if mode == "RGBA" else pictures.photo(150, 100).convert(mode)
    data = pictures.encoded(picture, form)
    fast = made(data, [variant(resize=resize)], form)["png"]
    monkeypatch.setattr(resizing, "simd", lambda: None)
    slow = made(data, [variant(resize=resize)], form)["png"]
    assert (slow.size, slow.warnings) == (fast.size, ("resize-without-simd", *fast.warnings))
    one, other = pictures.opened(fast.body), pictures.opened(slow.body)
    assert one.mode == other.mode
    if mode == "RGBA":
        ground = Image.new("RGBA", one.size, (128, 128, 128, 255))
        one, other = (Image.alpha_composite(ground, image) for image in (one, other))
    assert distance(one, other) < 1.5


# memory --------------------------------------------------------------------------------------------------------------


def test_many_large_variants_take_the_memory_of_a_few():
    """Forty pictures of 16 MB each, on two threads, in a process of its own: at their peak not a third is there."""
    script = (
        "import sys; from pathlib import Path\n"
        "from functions.transform.pipeline import render\n"
        "from contracts.outputs import *; from contracts.variants import *\n"
        "status = Path('/proc/self/status')\n"
        "def peak(): return next(int(line.split()[1]) for line in status.read_text().splitlines() if 'VmHWM' in line)\n"
        "before, taken = peak(), []\n"
        "sizes = [Resize(width=2000 - index, height=2000, fit=Fit.FILL, enlarge=True) for index in range(40)]\n"
        "variants = [Variant(name=f'v{index}', resize=size) for index, size in enumerate(sizes)]\n"
        "made = render(sys.stdin.buffer.read(), variants, 2).outcomes\n"
        "print(len(made), {type(one).__name__ for one in made}, peak() - before)"
    )
    data = pictures.encoded(pictures.photo(300, 300), "jpeg")
    answer = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, check=True)
    count, kinds, kilobytes = answer.stdout.decode().rsplit(maxsplit=2)
    assert (count, kinds) == ("40", "{'Made'}")
    assert int(kilobytes) < 40 * 16_000 // 3


def test_the_c_library_keeps_pages_where_it_can():
    script = "from functions.transform.allocator import keep_pages; print(keep_pages())"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert answer.stdout.strip() == str(platform.libc_ver()[0] == "glibc")
