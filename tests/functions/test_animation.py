"""Animations: every frame as it is seen, in its time, whatever the file says of what happens between frames."""

import io
import random
import struct

import pytest
from PIL import GifImagePlugin, Image, ImageChops, ImageDraw, WebPImagePlugin

from contracts.formats import ImageFormat, measure
from contracts.outputs import Output, OutputFormat
from contracts.variants import Fit, Resize, Variant
from functions.transform.making import Made
from functions.transform.pipeline import render
from functions.transform.steps.gif import GifWriter
from functions.transform.steps.gif_frames import gif_frames, gif_plays
from tests.support import pictures
from tests.support.gifs import Frame, composed, gif, patch

SIZE = (60, 40)
SIDE = 8


def made(data: bytes, form: ImageFormat, *, resize: Resize | None = None, **output: object) -> Made:
    variant = Variant(name="a", resize=resize, output=Output(**output))
    (outcome,) = render(data, [variant], 1, form=form).outcomes
    assert isinstance(outcome, Made), outcome
    return outcome


def shown(body: bytes) -> list[tuple[Image.Image, int]]:
    """Frames of a GIF by our reader, of a WebP by libwebp's."""
    if body.startswith(b"GIF"):
        header = measure(io.BytesIO(body), len(body))
        return list(gif_frames(body, (header.width, header.height)))
    image = WebPImagePlugin.WebPImageFile(io.BytesIO(body))
    found = []
    for number in range(image.n_frames):
        image.seek(number)
        image.load()
        found.append((image.convert("RGBA"), round(image.info["duration"])))
    return found


def visible(picture: Image.Image) -> Image.Image:
    """What is seen of it: nothing has a colour where it is transparent."""
    clear = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    clear.paste(picture, mask=picture.getchannel("A").point(lambda value: 255 if value else 0))
    return clear


def differs(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(visible(one), visible(other)).getbbox(alpha_only=False) is not None


def rolling(ground: tuple[int, int, int, int], steps: tuple[int, ...] = (0, 10, 10, 20, 40)) -> list[Image.Image]:
    """A disc that rolls to the right, on this ground; once it stands still."""
    found = []
    for x in steps:
        frame = Image.new("RGBA", SIZE, ground)
        ImageDraw.Draw(frame).ellipse((x, 10, x + 16, 26), fill=(200, 30, 30, 255))
        found.append(frame)
    return found


# what a GIF says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_frames_are_what_the_specification_makes_of_them(seed: int) -> None:
    """Frames of all places, sizes, disposals and transparencies, beside a compositor of ten lines."""
    dice = random.Random(seed)
    frames = []
    for _ in range(dice.randint(2, 6)):
        size = dice.randint(1, SIDE), dice.randint(1, SIDE)
        at = dice.randint(0, SIDE - size[0]), dice.randint(0, SIDE - size[1])
        picture = patch(size, dice.randint(0, 3))
        for _ in range(6):
            picture.putpixel((dice.randrange(size[0]), dice.randrange(size[1])), dice.randint(0, 3))
        frames.append(Frame(at, picture, dice.randint(0, 9), dice.choice([0, 1, 2, 3]), dice.choice([None, 0, 3])))
    found = list(gif_frames(gif((SIDE, SIDE), frames), (SIDE, SIDE)))
    assert [milliseconds for _, milliseconds in found] == [10 * frame.hundredths for frame in frames]
    for (picture, _), expected in zip(found, composed((SIDE, SIDE), frames), strict=True):
        assert not differs(picture, expected)


@pytest.mark.parametrize(("again", "plays"), [(None, 1), (0, 0), (1, 2), (7, 8)])
def test_how_often_it_is_shown_survives_both_formats(again: int | None, plays: int) -> None:
    data = gif(SIZE, [Frame((0, 0), patch(SIZE, index), 10) for index in range(3)], again=again)
    assert gif_plays(data) == plays
    assert gif_plays(made(data, ImageFormat.GIF, resize=Resize(width=30), format=OutputFormat.GIF).body) == plays
    webp = made(data, ImageFormat.GIF, format=OutputFormat.WEBP).body
    assert WebPImagePlugin.WebPImageFile(io.BytesIO(webp)).info["loop"] == plays
    assert gif_plays(made(webp, ImageFormat.WEBP, format=OutputFormat.GIF).body) == plays


# what we write -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ground", [(0, 0, 0, 0), (30, 90, 30, 255)], ids=["on nothing", "on green"])
def test_what_is_written_is_what_is_shown(ground: tuple[int, int, int, int]) -> None:
    frames = rolling(ground)
    writer = GifWriter(SIZE, colors=256, careful=True, loop=0)
    for frame in frames:
        writer.add(frame, 95)
    body = writer.file()
    for (picture, _), expected in zip(shown(body), frames, strict=True):
        assert not differs(picture, expected)
    # half hundredths are not lost: 5 × 95 ms are 475 and not 500 or 450
    assert sum(milliseconds for _, milliseconds in shown(body)) in (470, 480)


def test_pillow_reads_what_we_write() -> None:
    frames = rolling((30, 90, 30, 255))
    writer = GifWriter(SIZE, colors=16, careful=True, loop=3)
    for frame in frames:
        writer.add(frame, 40)
    image = GifImagePlugin.GifImageFile(io.BytesIO(writer.file()))
    assert (image.n_frames, image.info["loop"], image.info["duration"]) == (5, 3, 40)
    for number, expected in enumerate(frames):
        image.seek(number)
        assert not differs(image.convert("RGBA"), expected)


def test_a_palette_of_two_has_room_for_nothing() -> None:
    """One colour and transparency: the colour that nobody sees takes no place of the palette."""
    writer = GifWriter(SIZE, colors=2, careful=True)
    writer.add(pictures.disc(*SIZE, (1, 200, 3), (9, 9, 9)))
    ((picture, _),) = shown(writer.file())
    assert {colour for _, colour in picture.getcolors()} == {(1, 200, 3, 255), (0, 0, 0, 0)}


def test_frames_that_change_little_take_little() -> None:
    ground = pictures.photo(*SIZE).convert("RGBA")
    still, blinking = GifWriter(SIZE, colors=256, careful=True), GifWriter(SIZE, colors=256, careful=True)
    still.add(ground)
    for number in range(10):
        frame = ground.copy()
        frame.putpixel((3, 3), (255, 0, 0, 255) if number % 2 else (0, 0, 255, 255))
        blinking.add(frame, 100)
    assert len(blinking.file()) < 1.3 * len(still.file())


# through the pipeline ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [ImageFormat.GIF, ImageFormat.WEBP])
@pytest.mark.parametrize("target", [OutputFormat.GIF, OutputFormat.WEBP])
@pytest.mark.parametrize("ground", [(0, 0, 0, 0), (30, 90, 30, 255)], ids=["on nothing", "on green"])
def test_an_animation_stays_one(source: ImageFormat, target: OutputFormat, ground: tuple[int, int, int, int]) -> None:
    frames = rolling(ground, (0, 10, 20, 40))
    options = {"lossless": True} if source is ImageFormat.WEBP else {"disposal": 2}
    data = pictures.encoded(
        frames[0], source, save_all=True, append_images=frames[1:], duration=[40, 80, 120, 160], loop=0, **options
    )
    lossless = {"lossless": True} if target is OutputFormat.WEBP else {}
    file = made(data, source, resize=Resize(width=120, enlarge=True, height=80), format=target, **lossless)
    assert (file.size, file.frames, file.warnings, file.format) == ((120, 80), 4, (), target)
    found = shown(file.body)
    assert [milliseconds for _, milliseconds in found] == [40, 80, 120, 160]
    for (picture, _), x in zip(found, (0, 10, 20, 40), strict=True):
        assert picture.size == (120, 80)
        inside, outside = picture.getpixel((2 * x + 16, 36)), picture.getpixel((118, 4))
        assert all(abs(a - b) < 12 for a, b in zip(inside, (200, 30, 30, 255), strict=True))
        assert outside[3] == ground[3]


@pytest.mark.parametrize(("frames", "expected"), [("all", 3), ("first", 1), (1, 1), (2, 2), (99, 3)])
def test_as_many_frames_are_made_as_are_asked_for(frames: object, expected: int) -> None:
    file = made(pictures.animated(ImageFormat.GIF), ImageFormat.GIF, format=OutputFormat.WEBP, frames=frames)
    assert (file.frames, file.warnings) == (expected, ())
    assert len(shown(file.body)) == expected


def test_one_picture_that_was_asked_for_is_no_reason_to_warn() -> None:
    file = made(pictures.animated(ImageFormat.GIF), ImageFormat.GIF, format=OutputFormat.JPEG, frames="first")
    assert file.warnings == ()


def test_frames_are_cut_like_a_picture() -> None:
    data = pictures.animated(ImageFormat.WEBP, width=80, height=40)
    square = Resize(width=20, height=20, fit=Fit.COVER)
    file = made(data, ImageFormat.WEBP, resize=square, format=OutputFormat.GIF)
    assert [picture.size for picture, _ in shown(file.body)] == [(20, 20)] * 3
    assert pictures.corner_colours(shown(file.body)[0][0]) == ["red", "green", "blue", "yellow"]


def test_frames_without_time_have_none() -> None:
    data = gif(SIZE, [Frame((0, 0), patch(SIZE, index), 0) for index in range(3)])
    found = shown(made(data, ImageFormat.GIF, resize=Resize(width=30), format=OutputFormat.GIF).body)
    assert [milliseconds for _, milliseconds in found] == [0, 0, 0]


def test_an_animation_that_only_grows_keeps_its_bytes_but_not_its_words() -> None:
    data = pictures.animated(ImageFormat.GIF)
    note = b"\x21\xfe\x06secret\x00"
    told = data[:-1] + note + data[-1:]
    file = made(told, ImageFormat.GIF, format=OutputFormat.GIF)
    assert b"secret" not in file.body
    assert len(file.body) <= len(data)
    for (one, _), (other, _) in zip(shown(file.body), shown(data), strict=True):
        assert not differs(one, other)


def test_one_broken_frame_fails_the_animation_and_not_the_still() -> None:
    frames = [Frame((0, 0), patch(SIZE, index), 10) for index in range(3)]
    data = bytearray(gif(SIZE, frames))
    last = data.rindex(b"\x2c" + struct.pack("<4H", 0, 0, *SIZE))
    data[last + 10] = 13  # no code of the LZW is as wide
    moving, still = (
        Variant(name=name, output=Output(format=form))
        for name, form in (("moving", OutputFormat.WEBP), ("still", OutputFormat.PNG))
    )
    outcomes = {one.name: one for one in render(bytes(data), [moving, still], 2, form=ImageFormat.GIF).outcomes}
    assert isinstance(outcomes["still"], Made)
    assert outcomes["moving"].error.code == "image-corrupt"
