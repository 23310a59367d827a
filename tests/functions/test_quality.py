"""Quality that is found out: likeness by exact arithmetic, budgets that are kept, and nothing larger than it was."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from contracts.errors import BudgetUnreachable
from contracts.formats import ImageFormat
from contracts.outputs import TAKERS, ColorSpace, MetadataPolicy, Output, OutputFormat, Profile
from contracts.quality import Reason
from contracts.variants import Resize, Variant
from functions.transform.making import Made, Outcome
from functions.transform.pipeline import render
from functions.transform.quality import TARGET, found
from functions.transform.ssim import Likeness
from functions.transform.steps.encode import encode, opened, shrunk, webp_options
from tests.support import pictures

LOSSY = [OutputFormat.JPEG, OutputFormat.WEBP, OutputFormat.AVIF]


def outcome(
    data: bytes, form: ImageFormat = ImageFormat.JPEG, *, resize: Resize | None = None, **output: object
) -> Outcome:
    (only,) = render(data, [Variant(name="a", resize=resize, output=Output(**output))], 1, form=form).outcomes
    return only


def made(data: bytes, form: ImageFormat = ImageFormat.JPEG, **wishes: object) -> Made:
    only = outcome(data, form, **wishes)
    assert isinstance(only, Made), only
    return only


# likeness ------------------------------------------------------------------------------------------------------------


def by_the_formula(one: Image.Image, other: Image.Image) -> float:
    """Mean SSIM as it is published, pixel by pixel."""
    windows = []
    for top in (0, 4):
        for left in (0, 4):
            for down in range((one.height - top) // 8):
                for across in range((one.width - left) // 8):
                    corner = left + 8 * across, top + 8 * down
                    windows.append((*corner, corner[0] + 8, corner[1] + 8))
    total = 0.0
    for window in windows:
        x, y = (list(image.crop(window).tobytes()) for image in (one, other))
        mean_x, mean_y = sum(x) / 64, sum(y) / 64
        var_x, var_y = sum((v - mean_x) ** 2 for v in x) / 64, sum((v - mean_y) ** 2 for v in y) / 64
        covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / 64
        c1, c2 = 2.55**2, 7.65**2
        total += ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
            (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
        )
    return total / len(windows)


@settings(max_examples=25)
@given(st.integers(8, 40), st.integers(8, 40), st.binary(min_size=64, max_size=64), st.integers(0, 3))
def test_likeness_is_the_published_formula(width: int, height: int, noise: bytes, seed: int) -> None:
    one = pictures.photo(width, height, seed=seed).convert("L")
    other = Image.blend(one, Image.frombytes("L", (8, 8), noise).resize((width, height)), 0.3)
    assert Likeness(one).of(other) == pytest.approx(by_the_formula(one, other), abs=1e-4)


def test_a_picture_is_wholly_like_itself_and_its_negative_is_not() -> None:
    picture = pictures.photo(64, 48).convert("L")
    assert Likeness(picture).of(picture) == pytest.approx(1, abs=1e-6)
    assert Likeness(picture).of(picture.point(lambda value: 255 - value)) < 0
    assert Likeness(picture.resize((3, 2))).of(picture.resize((3, 2))) == pytest.approx(1, abs=1e-6)


# quality auto --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", LOSSY)
def test_the_chosen_quality_is_the_lowest_that_was_like_enough(form: OutputFormat) -> None:
    data = pictures.encoded(pictures.photo(400, 300), "png")
    file = made(data, ImageFormat.PNG, format=form, quality="auto")
    assert file.choice is not None
    assert 1 <= len(file.choice.probes) <= 5
    assert {probe.width for probe in file.choice.probes} == {400}
    enough = [probe.quality for probe in file.choice.probes if probe.ssim >= TARGET]
    if file.choice.why is Reason.LIKENESS:
        assert file.choice.quality == min(enough)
    else:
        assert (file.choice.why, enough) == (Reason.HIGHEST, [])
    # below a probe that was not like enough nothing is
    assert all(probe.quality < file.choice.quality for probe in file.choice.probes if probe.ssim < TARGET)
    assert file.body == made(data, ImageFormat.PNG, format=form, quality=file.choice.quality).body


def test_a_soft_picture_needs_less_quality_than_a_sharp_one() -> None:
    soft = pictures.encoded(pictures.photo(30, 20).resize((400, 300), Image.Resampling.BICUBIC), "png")
    sharp = pictures.encoded(Image.effect_noise((400, 300), 60).convert("RGB"), "png")
    qualities = [made(data, ImageFormat.PNG, quality="auto").choice.quality for data in (soft, sharp)]
    assert qualities[0] < qualities[1]


def test_the_proxy_of_a_large_picture_is_small() -> None:
    file = made(pictures.encoded(pictures.photo(1200, 900), "png"), ImageFormat.PNG, quality="auto")
    assert {probe.width for probe in file.choice.probes} == {512}


def test_an_animation_is_judged_by_its_first_frame() -> None:
    file = made(pictures.animated(ImageFormat.GIF), ImageFormat.GIF, format=OutputFormat.WEBP, quality="auto")
    assert (file.frames, file.choice.why) == (3, Reason.LIKENESS)


# budgets -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", LOSSY)
@pytest.mark.parametrize("share", [0.95, 0.6, 0.3])
def test_a_budget_is_kept_and_used(form: OutputFormat, share: float) -> None:
    data = pictures.encoded(pictures.photo(400, 300), "png")
    budget = int(share * len(made(data, ImageFormat.PNG, format=form, quality=90).body))
    file = made(data, ImageFormat.PNG, format=form, quality=90, max_bytes=budget)
    assert len(file.body) <= budget
    assert len(file.choice.probes) <= 12
    if file.choice.why is Reason.BUDGET:
        assert file.size == (400, 300)
        assert file.body == made(data, ImageFormat.PNG, format=form, quality=file.choice.quality).body
        # the next better quality that was tried did not fit
        assert all(probe.bytes > budget for probe in file.choice.probes if probe.quality > file.choice.quality)


def test_what_keeps_within_its_budget_is_what_was_asked_for() -> None:
    data = pictures.encoded(pictures.photo(100, 80), "png")
    file = made(data, ImageFormat.PNG, max_bytes=1_000_000)
    assert (file.choice.why, file.choice.quality, len(file.choice.probes)) == (Reason.ASKED, 80, 1)
    assert file.body == made(data, ImageFormat.PNG).body


@pytest.mark.parametrize("form", OutputFormat)
def test_where_quality_is_not_enough_the_picture_becomes_smaller(form: OutputFormat) -> None:
    data = pictures.encoded(pictures.photo(400, 300), "png")
    smallest = len(made(data, ImageFormat.PNG, format=form, resize=Resize(width=100)).body)
    file = made(data, ImageFormat.PNG, format=form, max_bytes=max(600, smallest // 2))
    assert len(file.body) <= max(600, smallest // 2)
    assert (file.choice.why, file.warnings) == (Reason.SIZE, ("scaled-for-budget",))
    assert file.size == pictures.opened(file.body).size
    assert file.size[0] < 400
    assert file.size[0] / file.size[1] == pytest.approx(4 / 3, abs=0.06)


def test_a_budget_that_no_picture_keeps_is_said_to_be_so() -> None:
    only = outcome(pictures.encoded(pictures.photo(400, 300), "png"), ImageFormat.PNG, max_bytes=100)
    assert isinstance(only.error, BudgetUnreachable)
    assert only.error.facts["max_bytes"] == 100
    assert only.error.facts["actual"] > 100


def test_likeness_and_a_budget_go_together() -> None:
    data = pictures.encoded(pictures.photo(400, 300), "png")
    free = made(data, ImageFormat.PNG, quality="auto")
    bound = made(data, ImageFormat.PNG, quality="auto", max_bytes=len(free.body) // 2)
    assert len(bound.body) <= len(free.body) // 2
    assert bound.choice.target == TARGET
    assert bound.choice.probes[: len(free.choice.probes)] == free.choice.probes


def test_an_animation_keeps_within_its_budget() -> None:
    frames = [pictures.photo(120, 90, seed=seed) for seed in range(4)]
    data = pictures.encoded(frames[0], "webp", save_all=True, append_images=frames[1:], duration=50, quality=95)
    file = made(data, ImageFormat.WEBP, format=OutputFormat.WEBP, max_bytes=len(data) // 4)
    assert len(file.body) <= len(data) // 4
    assert file.frames == 4


def test_no_more_is_tried_than_was_promised() -> None:
    picture, tries = pictures.photo(300, 200), []

    def file(quality, scale):
        tries.append((quality, scale))
        return encode(shrunk(picture, scale), Output(), quality), shrunk(picture, scale).size

    with pytest.raises(BudgetUnreachable):
        found(Output(quality="auto", max_bytes=100), lambda: picture, file)
    assert len([quality for quality, scale in tries if scale == 1]) <= 6
    assert len([quality for quality, scale in tries if scale < 1]) <= 6


# never larger than the original --------------------------------------------------------------------------------------

SAME = [ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.GIF]


def small(form: ImageFormat, **options: object) -> bytes:
    """A file that our own settings make larger."""
    picture = pictures.photo(120, 90)
    if form is ImageFormat.PNG:
        return pictures.encoded(picture.quantize(8), form, optimize=True, **options)
    if form is ImageFormat.GIF:
        return pictures.encoded(picture.quantize(4), form, **options)
    return pictures.encoded(picture, form, quality=20, optimize=True, **options)


@pytest.mark.parametrize("form", SAME)
def test_what_would_only_grow_is_kept(form: ImageFormat) -> None:
    extra = {} if form is ImageFormat.GIF else {"exif": pictures.exif_block(1)}
    data = small(form, **extra) + pictures.MARKS["thumbnail"]
    if extra:
        assert pictures.MARKS["serial"] in data
    file = made(data, form, format=OutputFormat(form.value))
    assert file.kept_source
    assert len(file.body) < len(data)
    assert not any(mark in file.body for mark in pictures.MARKS.values())
    assert pictures.opened(file.body).convert("RGBA").tobytes() == pictures.opened(data).convert("RGBA").tobytes()
    again = made(file.body, form, format=OutputFormat(form.value))
    assert again.kept_source
    assert again.body == file.body


NOT_THE_ORIGINAL = [
    {"resize": Resize(width=119)},
    {"metadata": MetadataPolicy.COPYRIGHT},
    {"color": ColorSpace.P3},
    {"max_bytes": 300},
]


@pytest.mark.parametrize(
    ("form", "wishes"),
    [
        (form, wishes)
        for form in SAME
        for wishes in NOT_THE_ORIGINAL
        if all(OutputFormat(form.value) in TAKERS.get(wish, OutputFormat) for wish in wishes)
    ],
)
def test_what_is_not_the_original_in_every_wish_is_made(form: ImageFormat, wishes: dict[str, object]) -> None:
    only = outcome(small(form), form, format=OutputFormat(form.value), **wishes)
    assert not getattr(only, "kept_source", False)


def test_a_picture_that_lies_on_its_side_is_made_upright() -> None:
    file = made(pictures.encoded(pictures.photo(120, 90), "jpeg", quality=20, exif=pictures.exif_block(6)))
    assert (file.kept_source, file.size) == (False, (90, 120))


@pytest.mark.parametrize(
    "data",
    [pictures.cmyk_jpeg(), small(ImageFormat.JPEG, icc_profile=pictures.rgb_profile("Display P3"))],
    ids=["inks", "display p3"],
)
def test_a_picture_of_other_colours_is_converted(data: bytes) -> None:
    assert not made(data, format=OutputFormat.JPEG).kept_source


def test_sixteen_bits_are_not_kept() -> None:
    assert not made(pictures.gray16_png(), ImageFormat.PNG, format=OutputFormat.PNG).kept_source


@settings(max_examples=60)
@given(st.sampled_from(SAME), st.data())
def test_stripping_a_damaged_file_never_crashes(form: ImageFormat, data: st.DataObject) -> None:
    from functions.transform.strip import stripped

    original = bytearray(small(form))
    for _ in range(data.draw(st.integers(0, 8))):
        original[data.draw(st.integers(0, len(original) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(original)))
    body = stripped(bytes(original[:cut]), form)
    assert body is None or len(body) <= len(original) + 20


def test_nothing_is_said_of_a_quality_that_was_asked_for() -> None:
    file = made(pictures.encoded(pictures.photo(40, 30), "png"), ImageFormat.PNG, quality=50)
    assert file.choice is None
    assert Image.open(io.BytesIO(file.body)).size == (40, 30)


# effort --------------------------------------------------------------------------------------------------------------


def test_an_effort_that_would_take_too_long_is_lowered_and_the_variant_says_so() -> None:
    data = pictures.encoded(pictures.photo(1_000, 900), ImageFormat.JPEG)
    budget = 2_000_000
    said = made(data, format=OutputFormat.PNG, effort=9, max_bytes=budget)
    assert said.warnings == ("effort-lowered",)
    assert said.body == made(data, format=OutputFormat.PNG, effort=8, max_bytes=budget).body
    # what nobody asked for is no broken promise
    assert made(data, format=OutputFormat.PNG, max_bytes=budget).warnings == ()


def test_the_best_effort_for_a_webp_with_alpha_is_not_the_one_that_takes_minutes() -> None:
    """libwebp's method 6 took 37 s for a megapixel of soft alpha: `best` of a picture for a page never ended."""
    soft = pictures.photo(600, 400).convert("RGBA")
    soft.putalpha(soft.convert("L"))
    output = Output(format=OutputFormat.WEBP, profile=Profile.BEST)
    assert webp_options(output, 80, 8, has_alpha=True)["method"] == 5
    assert webp_options(output, 80, 8, has_alpha=False)["method"] == 6
    assert (
        opened(encode(soft, output, 80), OutputFormat.WEBP).getchannel("A").tobytes() == soft.getchannel("A").tobytes()
    )
