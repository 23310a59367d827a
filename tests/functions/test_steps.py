"""What each step does to pixels, on pictures whose right answer is known without the step."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageStat

from contracts.compact import parse
from contracts.formats import ImageFormat
from functions.transform.finish import asked
from functions.transform.geometry import frame
from functions.transform.making import Made, Unmade
from functions.transform.pipeline import render
from functions.transform.steps import resize as resizing
from functions.transform.steps.sight import most_to_see
from tests.support import pictures


def outcome(picture: Image.Image, line: str) -> Made | Unmade:
    """What becomes of a PNG of the picture, of a variant that is said in a line."""
    (found,) = render(pictures.encoded(picture, "png"), parse(f"a={line}"), 1, form=ImageFormat.PNG).outcomes
    return found


def made(picture: Image.Image, line: str) -> Image.Image:
    found = outcome(picture, line if "/f:" in line else f"{line}/f:png")
    assert isinstance(found, Made), found
    decoded = pictures.opened(found.body)
    assert decoded.size == found.size
    return decoded


def plain(*levels: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """One colour; of four levels it has alpha, of one it is gray."""
    return Image.new({1: "L", 3: "RGB", 4: "RGBA"}[len(levels)], size, levels if len(levels) > 1 else levels[0])


def marked(size: tuple[int, int], box: tuple[int, int, int, int], inner="red", border=(255, 255, 255)) -> Image.Image:
    """A rectangle of one colour on another, `box` as left, top, right, bottom."""
    picture = Image.new("RGB", size, border)
    picture.paste(inner, box)
    return picture


# nothing asked for ----------------------------------------------------------------------------------------------------


def test_what_is_not_asked_for_is_not_done() -> None:
    for line in ("plain", "a=rs:cover:10:10/g:north/dpr:2", "a=cr:0:0:5:5/rs::7/k:box", "a=f:webp"):
        (variant,) = parse(line)
        assert asked(variant, frame((40, 30), variant)) == []


@pytest.mark.parametrize(
    "line", ["br:0/co:0/sa:0/ga:1", "pd:0:0:0:0", "ro:0", "ro:360", "ro:-360", "of:0:0", "g:center"]
)
def test_nothing_is_changed_by_nothing(line: str) -> None:
    picture = pictures.photo(40, 30)
    assert made(picture, line).tobytes() == picture.tobytes()


# cropping, turning ---------------------------------------------------------------------------------------------------


def test_a_crop_alone_gives_the_very_pixels() -> None:
    picture = pictures.photo(60, 40)
    assert made(picture, "cr:7:5:20:30").tobytes() == picture.crop((7, 5, 27, 35)).tobytes()
    assert made(picture, "cf:0.5:0:0.5:1").tobytes() == picture.crop((30, 0, 60, 40)).tobytes()


def test_turns_by_quarters_and_mirrors_give_the_very_pixels() -> None:
    picture = pictures.photo(60, 40)
    assert made(picture, "ro:90").tobytes() == picture.transpose(Image.Transpose.ROTATE_270).tobytes()
    assert made(picture, "ro:-90").tobytes() == picture.transpose(Image.Transpose.ROTATE_90).tobytes()
    assert made(picture, "fl:hv").tobytes() == picture.transpose(Image.Transpose.ROTATE_180).tobytes()
    mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert made(picture, "fl:h/cr:0:0:10:40").tobytes() == mirrored.crop((0, 0, 10, 40)).tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_crops_and_turns_are_of_the_upright_picture(orientation: int) -> None:
    upright = marked((80, 60), (10, 10, 30, 20))
    data = pictures.encoded(pictures.stored_as(upright, orientation), "png", exif=pictures.exif_block(orientation))
    variants = parse("crop=cr:10:10:20:10/f:png;turn=ro:90/cr:40:10:10:20/f:png;flip=fl:h/rs:cover:40:60/g:east/f:png")
    found = {one.name: pictures.opened(one.body) for one in render(data, variants, 2, form=ImageFormat.PNG).outcomes}
    assert found["crop"].tobytes() == plain(255, 0, 0, size=(20, 10)).tobytes()
    assert found["turn"].tobytes() == plain(255, 0, 0, size=(10, 20)).tobytes()
    assert found["flip"].tobytes() == upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((40, 0, 80, 60)).tobytes()


def test_a_crop_that_leaves_the_picture_fails_alone_and_says_so() -> None:
    data = pictures.encoded(pictures.photo(40, 30), "png")
    found = {
        one.name: one
        for one in render(data, parse("out=cr:30:0:11:5;in=cr:30:0:10:5"), 2, form=ImageFormat.PNG).outcomes
    }
    assert isinstance(found["in"], Made)
    assert isinstance(found["out"], Unmade)
    assert found["out"].error.code == "spec-invalid"
    assert "40×30" in str(found["out"].error)


@pytest.mark.parametrize("angle", [10, 30, 45, 100, 200.5, -33])
def test_a_slanted_picture_lies_as_its_corners_say(angle: float) -> None:
    """A disc off the centre goes around it clockwise; what is beyond the picture is nothing."""
    picture = Image.new("RGB", (120, 80), (10, 20, 30))
    ImageDraw.Draw(picture).ellipse((85, 30, 105, 50), fill=(255, 255, 255))
    found = made(picture, f"ro:{angle}")
    expected = picture.convert("RGBA").rotate(-angle, Image.Resampling.BICUBIC, expand=True)
    assert all(abs(found.size[axis] - expected.size[axis]) <= 2 for axis in (0, 1))
    assert found.getpixel((0, 0))[3] == found.getpixel((found.width - 1, found.height - 1))[3] == 0
    centre = found.width // 2, found.height // 2
    assert found.getpixel(centre) == (10, 20, 30, 255)
    shift = Image.new("RGBA", expected.size)
    shift.paste(found, ((expected.width - found.width) // 2, (expected.height - found.height) // 2))
    assert pictures_differ(shift, expected) < 6


def test_what_was_cropped_away_has_no_part_in_what_is_left() -> None:
    picture = marked((100, 80), (20, 20, 60, 60))
    for line in ("cr:20:20:40:40/rs::13", "ro:90/cr:20:20:40:40/rs:cover:9:17", "cr:20:20:40:40/rs::90/up"):
        assert set(made(picture, line).get_flattened_data()) == {(255, 0, 0)}


def pictures_differ(one: Image.Image, other: Image.Image) -> float:
    ground = Image.new("RGBA", one.size, (128, 128, 128, 255))
    both = [Image.alpha_composite(ground, each.convert("RGBA")).convert("RGB") for each in (one, other)]
    return max(ImageStat.Stat(ImageChops.difference(*both)).mean)


def test_the_corners_of_a_slanted_picture_are_background() -> None:
    picture = plain(200, 100, 50, size=(100, 60))
    assert made(picture, "ro:30/bg:00ff00").getpixel((1, 1)) == (0, 255, 0)
    assert made(picture, "ro:30/bg:0000ff80").getpixel((1, 1)) == (0, 0, 255, 128)
    jpeg = made(picture, "ro:30/f:jpeg")
    assert min(jpeg.getpixel((1, 1))) > 250
    assert made(picture, "ro:30/bg:dominant").getpixel((1, 1)) == (200, 100, 50)
    # no seam of another colour along the edge, where pixels are half the picture's
    colours = {pixel for pixel in made(picture, "ro:30/bg:dominant").get_flattened_data()}
    assert all(max(abs(a - b) for a, b in zip(colour, (200, 100, 50), strict=True)) <= 2 for colour in colours)


# trimming, smart cuts ------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.tuples(*[st.integers(0, 12)] * 4), st.sampled_from(["#ffffff", "#102030"]), st.integers(1, 2))
def test_a_border_of_one_colour_is_trimmed_to_the_pixel(margins, border, orientation) -> None:
    left, top, right, bottom = margins
    size = (left + 30 + right, top + 30 + bottom)
    picture = marked(size, (left, top, left + 30, top + 30), border=border)
    found = outcome(pictures.stored_as(picture, 1), "tr:5::90/f:png")
    decoded = pictures.opened(found.body)
    if margins == (0, 0, 0, 0):
        assert (decoded.size, found.warnings) == ((30, 30), ("trim-all-border",))
        return
    if left == 0 and top == 0:
        # the corner is the mark itself: what is taken for border is not there to be trimmed
        return
    assert decoded.tobytes() == plain(255, 0, 0, size=(30, 30)).tobytes()


def test_noise_within_the_tolerance_is_border_and_beyond_it_is_picture() -> None:
    picture = marked((60, 60), (20, 20, 40, 40))
    picture.putpixel((5, 5), (250, 255, 255))
    assert made(picture, "tr:5::90").size == (20, 20)
    assert made(picture, "tr:4::90").size == (35, 35)


def test_a_border_may_be_named_by_its_colour() -> None:
    picture = marked((60, 60), (0, 0, 40, 40), border=(0, 0, 255))
    assert made(picture, "tr:5:0000ff:90").size == (40, 40)
    assert made(picture, "tr:5:00ff00:90").size == (60, 60)


def test_transparent_borders_are_trimmed_by_their_alpha() -> None:
    picture = Image.new("RGBA", (60, 60), (255, 0, 255, 0))
    picture.paste((255, 0, 255, 255), (10, 15, 40, 50))
    assert made(picture, "tr:0").size == (60, 60)  # 50 % of the width would go
    assert made(picture, "tr:0::50").size == (30, 35)


def test_too_much_is_not_trimmed_and_a_blank_picture_stays() -> None:
    picture = marked((100, 100), (45, 45, 55, 55))
    kept = outcome(picture, "tr:5/f:png")
    assert (kept.size, kept.warnings) == ((100, 100), ("trim-too-much",))
    blank = outcome(plain(9, 9, 9), "tr:5/rs::10/f:png")
    assert (blank.size, blank.warnings) == ((10, 8), ("trim-all-border",))


def test_what_is_trimmed_is_then_fitted_in_any_orientation() -> None:
    picture = marked((100, 80), (10, 20, 90, 60))
    for orientation in range(1, 9):
        data = pictures.encoded(pictures.stored_as(picture, orientation), "png", exif=pictures.exif_block(orientation))
        (found,) = render(data, parse("a=ro:90/tr:3::60/rs:cover:20:20/f:png"), 2, form=ImageFormat.PNG).outcomes
        assert set(pictures.opened(found.body).get_flattened_data()) == {(255, 0, 0)}


def busy(size: tuple[int, int], centre: tuple[int, int]) -> Image.Image:
    """A calm gray with one colourful checked square."""
    picture = Image.new("RGB", size, (128, 128, 128))
    for x in range(-20, 20, 4):
        for y in range(-20, 20, 4):
            colour = (230, 40, 40) if (x + y) % 8 else (20, 60, 220)
            picture.paste(colour, (centre[0] + x, centre[1] + y, centre[0] + x + 4, centre[1] + y + 4))
    return picture


@pytest.mark.parametrize("at", [30, 150, 290, 370])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_smart_cut_keeps_what_there_is_to_see(at: int, orientation: int) -> None:
    for size, centre in (((400, 100), (at, 50)), ((100, 400), (50, at))):
        stored = pictures.stored_as(busy(size, centre), orientation)
        data = pictures.encoded(stored, "jpeg", quality=95, exif=pictures.exif_block(orientation))
        (found,) = render(data, parse("a=rs:cover:100:100/g:smart/f:png"), 2).outcomes
        assert found.warnings == ()
        decoded = pictures.opened(found.body)
        coloured = decoded.convert("HSV").getchannel("S").point(lambda level: 255 if level > 90 else 0)
        assert coloured.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) > 25  # 36 of 255 for all of it


def test_where_all_is_alike_the_middle_is_kept_and_the_answer_says_so() -> None:
    found = outcome(plain(90, 90, 90, size=(300, 100)), "rs:cover:50:50/g:smart/f:png")
    assert (found.size, found.warnings) == ((50, 50), ("smart-crop-centred",))
    stripes = Image.new("RGB", (300, 100))
    assert most_to_see(stripes, (0.3, 1.0)) is None


def test_smart_cuts_are_found_the_same_every_time() -> None:
    picture = pictures.photo(256, 170)
    places = {most_to_see(picture, (0.4, 1.0)) for _ in range(5)}
    assert len(places) == 1


# padding, backgrounds ------------------------------------------------------------------------------------------------


def test_padding_lies_around_the_picture() -> None:
    found = made(plain(10, 20, 30), "pd:1:2:3:4/bg:ff0000")
    assert found.size == (46, 34)
    expected = Image.new("RGB", (46, 34), (255, 0, 0))
    expected.paste((10, 20, 30), (4, 1, 44, 31))
    assert found.tobytes() == expected.tobytes()


def test_without_a_background_there_is_nothing_or_white() -> None:
    assert made(plain(10, 20, 30), "pd:1").getpixel((0, 0))[3] == 0
    assert min(made(plain(10, 20, 30), "pd:16/f:jpeg").getpixel((3, 3))) > 250


def test_a_background_lies_behind_what_is_transparent() -> None:
    half = plain(255, 0, 0, 128)
    assert made(half, "bg:0000ff").getpixel((5, 5)) == pytest.approx((128, 0, 127), abs=1)
    assert min(made(plain(0, 0, 0, 0), "bg:ffffff/f:jpeg").getpixel((5, 5))) > 250
    assert made(plain(0, 0, 0, 0), "bg:00ff0040").getpixel((5, 5)) == (0, 255, 0, 64)


def test_the_dominant_colour_is_that_of_the_larger_part() -> None:
    picture = marked((90, 60), (0, 0, 30, 60), inner=(0, 0, 200), border=(220, 180, 20))
    assert made(picture, "rs:contain:90:90/bg:dominant").getpixel((0, 0)) == pytest.approx((220, 180, 20), abs=2)
    hidden = Image.new("RGBA", (90, 60), (255, 0, 255, 0))
    hidden.paste((1, 200, 3, 255), (0, 0, 20, 20))
    assert made(hidden, "bg:dominant").getpixel((80, 50)) == pytest.approx((1, 200, 3), abs=2)


def test_a_blurred_ground_has_the_pictures_colours_and_none_of_its_detail() -> None:
    picture = busy((200, 100), (100, 50))
    found = made(picture, "rs:contain:200:200/enlarge/bg:blur".replace("/enlarge", ""))
    assert found.size == (200, 200)
    strip = found.crop((0, 0, 200, 40)).convert("L")
    assert max(abs(strip.getpixel((x, 20)) - strip.getpixel((x + 1, 20))) for x in range(199)) <= 4
    assert made(plain(9, 99, 199), "pd:20/bg:blur").getpixel((2, 2)) == pytest.approx((9, 99, 199), abs=1)


# tone ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        ("br:-100", (9, 99, 199), (0, 0, 0)),
        ("br:100", (9, 99, 199), (18, 198, 255)),
        ("br:-50", (10, 100, 200), (5, 50, 100)),
        ("co:-100", (9, 99, 199), (128, 128, 128)),
        ("co:100", (64, 127, 200), (0, 126, 255)),
        ("sa:-100", (200, 100, 50), (118, 118, 118)),  # 0.213 × 200 + 0.715 × 100 + 0.072 × 50
        ("sa:100", (120, 100, 100), (136, 96, 96)),
        ("ga:2", (64, 128, 255), (128, 181, 255)),
        ("ga:0.5", (64, 128, 255), (16, 64, 255)),
        ("br:50/co:-50", (100, 100, 100), (139, 139, 139)),
    ],
)
def test_tones_are_what_their_formulas_say(line: str, before, after) -> None:
    assert made(plain(*before), line).getpixel((5, 5)) == pytest.approx(after, abs=1)
    transparent = made(plain(*before, 77), line).getpixel((5, 5))
    assert transparent == pytest.approx((*after, 77), abs=1)


def test_gray_pictures_stay_gray_under_tones() -> None:
    assert made(plain(100), "br:50/sa:80").mode == "L"
    assert made(plain(100), "br:50/sa:80").getpixel((5, 5)) == 150


@given(st.integers(-100, 100), st.integers(0, 255), st.integers(0, 255))
@settings(max_examples=30)
def test_lighter_stays_lighter_under_every_tone(amount: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    picture = Image.new("L", (2, 1))
    picture.putdata([low, high])
    for key in ("br", "co"):
        found = made(picture, f"{key}:{amount}")
        assert found.getpixel((0, 0)) <= found.getpixel((1, 0))


# effects -------------------------------------------------------------------------------------------------------------


def test_a_blur_keeps_the_mean_and_spreads_a_point_as_a_gaussian() -> None:
    picture = Image.new("L", (101, 101))
    picture.paste(255, (48, 48, 53, 53))
    found = made(picture, "bl:6")
    mass = [sum(found.getpixel((x, y)) for y in range(101)) for x in range(101)]
    total = sum(mass)
    assert total == pytest.approx(255 * 25, rel=0.06)
    variance = sum(weight * (x - 50) ** 2 for x, weight in enumerate(mass)) / total
    assert variance == pytest.approx(6**2 + 2, rel=0.12)  # its own, and that of the square
    assert made(plain(9, 99, 199), "bl:100").getpixel((0, 0)) == (9, 99, 199)


def test_a_blur_brings_no_hidden_colour_out_of_transparency() -> None:
    picture = Image.new("RGBA", (60, 60), (255, 0, 0, 0))
    picture.paste((0, 255, 0, 255), (20, 20, 40, 40))
    for line in ("bl:5", "px:8", "ro:30", "rs::20"):
        shown = [pixel for pixel in made(picture, line).get_flattened_data() if pixel[3] > 8]
        assert shown
        assert all(red <= 12 and blue <= 12 for red, _, blue, _ in shown)


def test_pixels_become_blocks_of_their_mean() -> None:
    picture = Image.new("L", (10, 7))
    picture.putdata([20 * (index % 10) for index in range(70)])
    found = made(picture, "px:4")
    assert found.size == (10, 7)
    for x in range(10):
        block = range(x // 4 * 4, min(x // 4 * 4 + 4, 10))
        assert {found.getpixel((x, y)) for y in range(7)} == {round(sum(20 * i for i in block) / len(block))}
    assert made(picture, "px:512").size == (10, 7)


def test_sharpening_steepens_an_edge_and_leaves_what_is_flat() -> None:
    edge = Image.new("L", (40, 10), 100)
    edge.paste(150, (20, 0, 40, 10))
    found = made(edge, "sh:1:200")
    assert found.getpixel((2, 5)) == 100
    assert found.getpixel((37, 5)) == 150
    assert found.getpixel((19, 5)) < 90
    assert found.getpixel((20, 5)) > 160
    assert made(edge, "sh:1:200:255").tobytes() == edge.tobytes()


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        ("gray", (200, 100, 50), 124),  # 0.299 × 200 + 0.587 × 100 + 0.114 × 50
        ("sepia", (100, 100, 100), (135, 120, 94)),
        ("tint:ff8000", (0, 0, 0), (0, 0, 0)),
        ("tint:ff8000", (151, 151, 151), (255, 128, 0)),  # as light as the tint
        ("tint:ff8000", (255, 255, 255), (255, 255, 255)),
        ("tint:000000", (255, 255, 255), (255, 255, 255)),
        ("tint:ffffff", (128, 128, 128), (128, 128, 128)),
        ("duo:102030:c0b0a0", (0, 0, 0), (16, 32, 48)),
        ("duo:102030:c0b0a0", (255, 255, 255), (192, 176, 160)),
        ("duo:000000:ff0000", (128, 128, 128), (128, 0, 0)),
    ],
)
def test_looks_are_what_their_formulas_say(line: str, before, after) -> None:
    assert made(plain(*before), line).getpixel((5, 5)) == pytest.approx(after, abs=1)


def test_lengths_of_effects_grow_with_the_pixels_of_the_screen() -> None:
    picture = pictures.photo(400, 300)
    once = made(picture, "rs::100/px:10")
    twice = made(picture, "rs::100/dpr:2/px:10")
    assert twice.size == (2 * once.width, 2 * once.height)
    assert len(set(twice.crop((0, 0, 20, 20)).get_flattened_data())) == 1


# corners -------------------------------------------------------------------------------------------------------------


def test_a_square_masked_to_the_utmost_is_a_disc() -> None:
    found = made(plain(10, 20, 30, size=(100, 100)), "ra:max").getchannel("A")
    area = sum(found.get_flattened_data()) / 255
    assert area == pytest.approx(3.14159 * 50**2, rel=0.004)
    assert found.getpixel((50, 0)) > 200
    assert found.getpixel((0, 0)) == found.getpixel((13, 13)) == 0
    assert found.getpixel((16, 16)) == 255
    for turn in (Image.Transpose.ROTATE_90, Image.Transpose.FLIP_LEFT_RIGHT):
        assert found.transpose(turn).tobytes() == found.tobytes()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 80))
@settings(max_examples=30)
def test_corners_take_exactly_their_share_of_any_size(width: int, height: int, radius: int) -> None:
    found = made(plain(10, 20, 30, size=(width, height)), f"ra:{radius}").convert("RGBA").getchannel("A")
    kept = sum(found.get_flattened_data()) / 255
    radius = min(radius, width / 2, height / 2)
    assert kept == pytest.approx(width * height - (4 - 3.14159) * radius**2, abs=1.5 + 0.05 * radius)
    if width > 2 * radius + 2:
        assert found.getpixel((width // 2, 0)) == 255


def test_corners_of_a_format_without_alpha_are_background() -> None:
    picture = plain(10, 20, 30, size=(80, 80))
    assert min(made(picture, "ra:30/f:jpeg").getpixel((0, 0))) > 250
    assert made(picture, "ra:30/bg:ff0000/f:jpeg").getpixel((0, 0)) == pytest.approx((254, 0, 0), abs=20)
    # transparent already, it is no less so
    assert made(plain(10, 20, 30, 100, size=(80, 80)), "ra:30").getpixel((40, 40)) == (10, 20, 30, 100)


# watermarks --------------------------------------------------------------------------------------------


def traces(picture: Image.Image, line: str) -> tuple[int, int, int, int]:
    """The box of all that a watermark changed."""
    found = made(picture, line).convert("RGB")
    assert found.size == picture.size
    box = ImageChops.difference(found, picture).convert("L").point([255 if level > 40 else 0 for level in range(256)])
    assert box.getbbox() is not None
    return box.getbbox()


@pytest.mark.parametrize("scale", [10, 25, 60, 100])
@pytest.mark.parametrize("text", ["A", "Darkroom 2026", "x" * 60])
def test_a_text_takes_its_share_of_the_width_and_never_leaves_the_picture(text: str, scale: int) -> None:
    ground = plain(90, 120, 90, size=(400, 300))
    left, top, right, bottom = traces(ground, f"tx:{text}:center::{scale}")
    assert right - left <= 400 * scale / 100 + 1
    is_bound_by_height = text == "A" and scale == 100
    assert right - left >= 400 * scale / 100 * 0.85 - 3 or is_bound_by_height
    assert (left + right) / 2 == pytest.approx(200, abs=400 * 0.02 + 2)
    assert (top + bottom) / 2 == pytest.approx(150, abs=5)


def test_a_text_lies_at_its_anchor_and_steps_inwards() -> None:
    ground = plain(90, 120, 90, size=(400, 300))
    south_east = traces(ground, "tx:mark")
    assert south_east[2] >= 397
    assert south_east[3] >= 297
    moved = traces(ground, "tx:mark:south-east:::20:30")
    assert (south_east[0] - moved[0], south_east[1] - moved[1]) == (20, 30)
    north_west = traces(ground, "tx:mark:north-west:::0.25:0:fraction")
    assert 100 <= north_west[0] <= 104
    assert north_west[1] <= 3
    assert traces(ground, "tx:mark:west:::9999")[2] >= 397


def test_opacity_is_a_share_and_transparency_below_is_kept() -> None:
    ground = plain(0, 0, 0, size=(300, 200))
    full = made(ground, "tx:█████:center").convert("L").getextrema()[1]
    half = made(ground, "tx:█████:center:50").convert("L").getextrema()[1]
    assert full == 255
    assert half == pytest.approx(128, abs=2)
    clear = made(plain(0, 0, 0, 0, size=(300, 200)), "tx:mark:center")
    assert clear.getpixel((2, 2))[3] == 0
    assert clear.getchannel("A").getextrema()[1] == 255


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_text_is_read_on_any_ground(level: int) -> None:
    """Its outline is as far from its colour as can be, so one of the two is far from what is behind."""
    for colour in ("ffffff", "000000", f"{level:02x}" * 3):
        found = made(plain(level, level, level, size=(300, 100)), f"tx:mark:center::80:0:0:px:{colour}").convert("L")
        lowest, highest = found.getextrema()
        assert highest - lowest > 100


def test_a_character_without_a_glyph_is_told_of() -> None:
    ground = plain(90, 120, 90, size=(300, 200))
    assert outcome(ground, "tx:Zürich © 2026/f:png").warnings == ()
    assert outcome(ground, "tx:日本/tx:語/f:png").warnings == ("watermark-without-glyph",)


def test_watermarks_lie_over_everything_else_and_grow_with_the_pixels() -> None:
    picture = pictures.photo(400, 300)
    once = made(picture, "rs::200/bl:30/tx:mark:center::50")
    twice = made(picture, "rs::200/dpr:2/bl:30/tx:mark:center::50")
    assert twice.size == (400, 300)
    assert max(once.convert("L").getextrema()) == max(twice.convert("L").getextrema()) == 255
    assert pictures_differ(once, twice.resize(once.size, Image.Resampling.BOX)) < 6


def test_light_is_srgbs_and_who_wanted_the_originals_own_colours_is_told() -> None:
    p3 = pictures.encoded(pictures.photo(80, 60), "png", icc_profile=pictures.rgb_profile("Display P3"))
    srgb = pictures.encoded(pictures.photo(80, 60), "png")

    def told(data: bytes, line: str) -> tuple[str, ...]:
        (found,) = render(data, parse(f"a={line}/f:png"), 1, form=ImageFormat.PNG).outcomes
        assert isinstance(found, Made), found
        return found.warnings

    assert told(p3, "rs::40/lin/cs:keep") == ("colour-not-kept",)
    plain = pictures.encoded(pictures.photo(80, 60), "png", icc_profile=pictures.rgb_profile("sRGB"))
    assert told(plain, "rs::40/lin/cs:keep") == ()
    assert told(p3, "rs::40/cs:keep") == told(p3, "rs::40/lin") == told(srgb, "rs::40/lin/cs:keep") == ()
    # at its own size nothing is averaged
    assert told(p3, "rs::80/lin/cs:keep") == ()


# kernels and light ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["simd", "pillow"])
def resampler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "pillow":
        monkeypatch.setattr(resizing, "simd", lambda: None)
    return request.param


def test_the_nearest_pixel_makes_no_new_colour(resampler: str) -> None:
    picture = marked((64, 48), (10, 10, 33, 31))
    for line in ("rs::17/k:nearest", "rs::150/up/k:nearest"):
        assert set(made(picture, line).convert("RGB").get_flattened_data()) == {(255, 0, 0), (255, 255, 255)}


def test_box_is_the_plain_mean(resampler: str) -> None:
    picture = Image.new("L", (8, 8))
    picture.putdata([17 * (index % 8) for index in range(64)])
    found = made(picture, "rs:fill:4:4/k:box")
    assert [found.getpixel((x, 0)) for x in range(4)] == pytest.approx([8.5, 42.5, 76.5, 110.5], abs=0.6)


@pytest.mark.parametrize("kernel", ["lanczos3", "bicubic", "bilinear", "box", "nearest"])
def test_every_kernel_keeps_a_plain_colour_and_both_resamplers_agree(kernel: str, resampler: str) -> None:
    assert set(made(plain(9, 99, 199, size=(90, 60)), f"rs::31/k:{kernel}").get_flattened_data()) == {(9, 99, 199)}
    found = made(pictures.photo(90, 60), f"rs:fill:45:30/k:{kernel}")
    names = {"lanczos3": "LANCZOS", "bicubic": "BICUBIC", "bilinear": "BILINEAR", "box": "BOX", "nearest": "NEAREST"}
    expected = pictures.photo(90, 60).resize((45, 30), Image.Resampling[names[kernel]])
    assert pictures_differ(found, expected) < (1 if kernel != "nearest" else 12)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_light_is_averaged_and_not_its_numbers(mode: str, resampler: str) -> None:
    """Half of the light of white is level 188 (IEC 61966-2-1); the mean of the numbers is 128."""
    checks = Image.new("L", (64, 64))
    checks.putdata([255 * ((index + index // 64) % 2) for index in range(64 * 64)])
    picture = checks.convert(mode)
    if mode == "RGBA":
        picture.putpixel((0, 0), (0, 0, 0, 254))
    assert made(picture, "rs::8/lin/k:box").convert("L").getpixel((4, 4)) == pytest.approx(188, abs=1)
    assert made(picture, "rs::8/k:box").convert("L").getpixel((4, 4)) == pytest.approx(128, abs=1)


def test_light_of_plain_colours_is_what_it_was() -> None:
    for level in (0, 1, 5, 127, 254, 255):
        assert made(plain(level, 255 - level, level), "rs::20/lin").getpixel((3, 3)) == (level, 255 - level, level)
    half = plain(200, 100, 50, 128, size=(64, 64))
    assert made(half, "rs::20/lin").getpixel((3, 3)) == (200, 100, 50, 128)


def test_light_is_averaged_from_all_of_a_jpegs_pixels_and_along_a_pyramid() -> None:
    checks = Image.new("L", (512, 512))
    checks.putdata([255 * ((index + index // 512) % 2) for index in range(512 * 512)])
    data = pictures.encoded(checks.convert("RGB"), "jpeg", quality=100, subsampling=0)
    variants = parse("a=rs::128/lin/f:png;b=rs::40/lin/f:png;c=rs::40/f:png")
    found = {one.name: pictures.opened(one.body).convert("L") for one in render(data, variants, 2).outcomes}
    assert found["a"].getpixel((60, 60)) == pytest.approx(188, abs=3)
    assert found["b"].getpixel((20, 20)) == pytest.approx(188, abs=3)
    assert found["c"].getpixel((20, 20)) == pytest.approx(128, abs=3)
