"""Pictures over pictures: on flat colours, where the right answer is known without the step."""

import hashlib

import pytest
from msgspec.structs import replace
from PIL import Image

from contracts.compact import parse
from contracts.errors import BadMessage, Unavailable, WatermarkMissing
from contracts.formats import ImageFormat
from contracts.limits import MAX_ASSET_PIXELS
from contracts.messages import Done, Failed, Retryable
from contracts.outputs import OutputFormat
from contracts.places import ResultPlace
from contracts.variants import Variant
from functions.transform.making import Made, Unmade
from functions.transform.marks import Marks, remembered
from functions.transform.pipeline import render
from functions.transform.work import Stores
from tests.support import pictures
from tests.support.memory import MemoryObjects
from tests.support.transform_room import Broken, Room, photo

LOGO_JOB = "01890a5d-ac96-774b-bcce-00000000a551"
LOGO = f"{LOGO_JOB}.logo"
RED, GREY = (200, 40, 30), (90, 120, 90)


def flat(*levels: int, size: tuple[int, int] = (40, 20), form: str = "png", **options) -> bytes:
    return pictures.encoded(Image.new("RGBA" if len(levels) == 4 else "RGB", size, levels), form, **options)


def outcome(data: bytes, line: str, logo: bytes, form: ImageFormat = ImageFormat.PNG) -> Made | Unmade:
    (found,) = render(data, parse(f"a={line}"), 1, form=form, assets={LOGO: logo}).outcomes
    return found


def made(data: bytes, line: str, logo: bytes, form: ImageFormat = ImageFormat.PNG) -> Image.Image:
    found = outcome(data, line if "/f:" in line else f"{line}/f:png", logo, form)
    assert isinstance(found, Made), found
    return pictures.opened(found.body)


def reds(picture: Image.Image, colour=RED) -> tuple[int, int, int, int] | None:
    """The box of all pixels that have exactly this colour."""
    bands = zip(picture.convert("RGB").split(), colour, strict=True)
    hits = [band.point([255 if level == value else 0 for level in range(256)]) for band, value in bands]
    both = Image.merge("RGB", hits).convert("L").point([255 if level == 255 else 0 for level in range(256)])
    return both.getbbox()


@pytest.mark.parametrize("form", ["png", "webp", "gif", "tiff"])
def test_a_picture_takes_its_share_at_its_anchor_whatever_it_was_stored_as(form: str) -> None:
    colours = {"lossless": True} if form == "webp" else {}
    found = made(flat(*GREY, size=(400, 300)), f"wm:{LOGO}:north-west::25:10:20", flat(*RED, form=form, **colours))
    assert reds(found) == (10, 20, 110, 70)
    assert found.getpixel((9, 20)) == found.getpixel((110, 69)) == GREY


def test_one_that_is_larger_than_the_picture_becomes_smaller_and_a_smaller_one_larger() -> None:
    ground = flat(*GREY, size=(40, 30))
    assert reds(made(ground, f"wm:{LOGO}:center::50", flat(*RED, size=(1_600, 800)))) == (10, 10, 30, 20)
    assert reds(made(ground, f"wm:{LOGO}:center::50", flat(*RED, size=(2, 1)))) == (10, 10, 30, 20)
    # its height bounds it before its width does
    assert reds(made(ground, f"wm:{LOGO}:center::100", flat(*RED, size=(30, 90)))) == (15, 0, 25, 30)
    assert made(flat(*GREY, size=(1, 1)), f"wm:{LOGO}", flat(*RED)).getpixel((0, 0)) == RED


def test_opacity_and_the_marks_own_alpha_multiply_and_what_is_below_keeps_its_own() -> None:
    mixed = made(flat(0, 0, 0, size=(80, 60)), f"wm:{LOGO}:center:50:50", flat(255, 255, 255, 128))
    assert mixed.getpixel((40, 30)) == pytest.approx((64, 64, 64), abs=1)
    clear = made(flat(0, 0, 0, 0, size=(80, 60)), f"wm:{LOGO}:center:50:50", flat(*RED))
    assert clear.getpixel((1, 1))[3] == 0
    assert clear.getpixel((40, 30)) == (*RED, 128)


def test_colours_that_cannot_be_seen_never_show_at_the_marks_edge() -> None:
    """Premultiplied when it is made smaller: nothing of the green around the disc."""
    logo = Image.new("RGBA", (200, 200), (0, 255, 0, 0))
    logo.paste((255, 0, 0, 255), (50, 50, 150, 150))
    found = made(flat(255, 0, 0, size=(300, 300)), f"wm:{LOGO}:center::33", pictures.encoded(logo, "png"))
    assert found.getextrema() == ((255, 255), (0, 0), (0, 0))


def test_tiles_lie_in_rows_and_columns_from_the_anchor_on() -> None:
    found = made(flat(*GREY, size=(100, 60)), f"wm:{LOGO}:north-west::20:0:0:px::10", flat(*RED))
    for x in range(100):
        for y in range(60):
            is_marked = x % 30 < 20 and y % 20 < 10
            assert found.getpixel((x, y)) == (RED if is_marked else GREY)
    close = made(flat(*GREY, size=(100, 60)), f"wm:{LOGO}:center::7:3:1:px::0", flat(*RED))
    assert reds(close) == (0, 0, 100, 60)
    assert len(set(close.get_flattened_data())) == 1


def test_a_mark_and_its_gaps_grow_with_the_pixels() -> None:
    ground = flat(*GREY, size=(200, 120))
    once = made(ground, f"rs::100/wm:{LOGO}:north-west::20:5:5:px::10", flat(*RED))
    twice = made(ground, f"rs::100/dpr:2/wm:{LOGO}:north-west::20:5:5:px::10", flat(*RED))
    assert twice.size == (200, 120)
    assert twice.resize(once.size, Image.Resampling.BOX).tobytes() == once.tobytes()


def test_marks_lie_over_each_other_in_their_order_and_over_everything_else() -> None:
    found = made(flat(*GREY, size=(100, 100)), f"bl:20/ra:max/wm:{LOGO}:center::40/tx:█:center::10", flat(*RED))
    assert found.getpixel((50, 50)) == (255, 255, 255, 255)
    assert found.getpixel((31, 50)) == (*RED, 255)


# colours --------------------------------------------------------------------------------------------------------------


def test_a_mark_is_laid_over_in_the_colours_of_what_is_below() -> None:
    """In Display P3 the very red of sRGB is (234, 51, 35), whether the picture was to be so or came so."""
    ground, logo = flat(*GREY, size=(100, 60)), flat(255, 0, 0)
    wide = made(ground, f"wm:{LOGO}:center::50/cs:p3", logo)
    assert wide.getpixel((50, 30)) == pytest.approx((234, 51, 35), abs=2)
    p3 = flat(*GREY, size=(100, 60), icc_profile=pictures.rgb_profile("Display P3"))
    assert made(p3, f"wm:{LOGO}:center::50/cs:keep", logo).getpixel((50, 30)) == pytest.approx((234, 51, 35), abs=2)
    assert made(p3, f"wm:{LOGO}:center::50", logo).getpixel((50, 30)) == pytest.approx((255, 0, 0), abs=1)
    # and a mark that was stored in P3 is what it was, in either
    stored = flat(234, 51, 35, icc_profile=pictures.rgb_profile("Display P3"))
    assert made(ground, f"wm:{LOGO}:center::50", stored).getpixel((50, 30)) == pytest.approx((255, 0, 0), abs=3)
    assert made(ground, f"wm:{LOGO}:center::50/cs:p3", stored).getpixel((50, 30)) == pytest.approx((234, 51, 35), abs=1)


def test_a_gray_picture_under_its_own_profile_gets_colours_and_no_profile_for_gray() -> None:
    gray = Image.new("L", (100, 60), 120)
    data = pictures.encoded(gray, "png", icc_profile=pictures.gray_profile())
    found = made(data, f"wm:{LOGO}:center::50/cs:keep", flat(*RED))
    assert found.mode == "RGB"
    assert found.getpixel((50, 30)) == RED
    assert "icc_profile" not in found.info


def test_an_animation_has_its_mark_on_every_frame() -> None:
    colours = [(0, 0, 250), (0, 250, 0), (250, 250, 250)]
    first, *others = (Image.new("RGB", (60, 40), colour) for colour in colours)
    moving = pictures.encoded(first, "gif", save_all=True, append_images=others, duration=100)
    found = outcome(moving, f"wm:{LOGO}:north-west::50/f:webp/ll", flat(*RED), ImageFormat.GIF)
    assert isinstance(found, Made), found
    assert found.frames == 3
    shown = pictures.opened(found.body)
    for number, colour in enumerate(colours):
        shown.seek(number)
        assert reds(shown) == (0, 0, 30, 15)
        assert shown.convert("RGB").getpixel((50, 30)) == pytest.approx(colour, abs=2)


# where they come from -------------------------------------------------------------------------------------------------


class Counting(MemoryObjects):
    def __init__(self, inner: MemoryObjects) -> None:
        super().__init__()
        self.inner, self.asked = inner, []

    def get_result(self, key: str) -> bytes:
        self.asked.append(key)
        return self.inner.get_result(key)

    def put_result(self, key: str, body: bytes | memoryview, *, digest: str, media_type: str, hops: int = 1) -> None:
        self.inner.put_result(key, body, digest=digest, media_type=media_type, hops=hops)


def stored(room: Room, logo: bytes, tenant: str = "default") -> str:
    digest = hashlib.sha256(logo).hexdigest()
    key = ResultPlace(tenant, LOGO_JOB, "logo", digest, OutputFormat.PNG).key
    room.objects.put_result(key, logo, digest=digest, media_type="image/png")
    return key


(FIRST,) = parse(f"first=rs::60/wm:{LOGO}/f:png")
(SECOND,) = parse(f"second=rs::90/wm:{LOGO}:center:50/f:png")
PLAIN = Variant(name="plain")


def test_a_mark_is_fetched_once_however_many_variants_bear_it() -> None:
    room = Room(photo())
    counting = Counting(room.objects)
    found = room.answer(
        FIRST, SECOND, PLAIN, assets={LOGO: stored(room, flat(*RED))}, stores=Stores(room.objects, counting)
    )
    assert [type(answer) for answer in found.answers] == [Done] * 3
    assert len(counting.asked) == 1
    (body,) = (room.objects.get_result(answer.key) for answer in found.answers if answer.name == "first")
    assert reds(pictures.opened(body)) is not None


def test_another_mark_is_another_result() -> None:
    """A result is named by its own bytes, which the mark is a part of: none is ever taken for another's."""
    keys = set()
    for logo in (flat(*RED), flat(201, 40, 30), flat(*RED, 254)):
        room = Room(photo())
        (answer,) = room.answer(FIRST, assets={LOGO: stored(room, logo)}).answers
        keys.add(answer.key)
    assert len(keys) == 3


def test_a_mark_that_was_erased_fails_its_variants_by_name_and_no_others() -> None:
    room = Room(photo())
    key = stored(room, flat(*RED))
    room.objects.results.clear()
    found = room.answer(FIRST, PLAIN, assets={LOGO: key})
    first, plain = found.answers
    assert (type(first), first.code) == (Failed, "watermark-missing")
    assert LOGO in first.detail
    assert isinstance(plain, Done)
    # an order that does not say where it is, as no order of ours does
    assert room.answer(FIRST).answers[0].code == "watermark-missing"
    assert room.reported == []


def test_a_mark_that_storage_does_not_give_now_is_worth_another_try() -> None:
    room = Room(photo())
    key = stored(room, flat(*RED))
    found = room.answer(FIRST, assets={LOGO: key}, stores=Stores(room.objects, Broken(Unavailable("S3 is silent"))))
    assert found.answers == (Retryable(name="first", code="unavailable", detail="S3 is silent"),)
    assert room.reported == []


@pytest.mark.parametrize(
    "key", ["default/x", f"other/{LOGO_JOB}/logo-{'0' * 64}.png", f"inline/default/{LOGO_JOB}/original"]
)
def test_an_order_that_names_what_is_no_result_of_its_tenant_is_refused(key: str) -> None:
    room = Room(photo())
    with pytest.raises(BadMessage):
        room.answer(FIRST, assets={LOGO: key})


def test_marks_that_are_kept_at_their_size_are_no_larger_than_an_asset_may_be() -> None:
    marks = Marks(remembered({LOGO: flat(*RED)}))
    assert marks.size_of(LOGO) == (40, 20)
    assert marks.sized(LOGO, (80, 40), None) is marks.sized(LOGO, (80, 40), None)
    large = (MAX_ASSET_PIXELS, 2)
    assert marks.sized(LOGO, large, None) is not marks.sized(LOGO, large, None)
    with pytest.raises(WatermarkMissing):
        marks.size_of(replace(FIRST.overlays[0], asset=f"{LOGO_JOB}.other").asset or "")
