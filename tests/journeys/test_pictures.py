"""A picture goes through the whole pipeline, on the embedded cloud with IAM enforced, and comes back as promised."""

import io

import pytest
from PIL import Image

from client import Darkroom
from contracts.formats import READ, ImageFormat
from contracts.presets import PRESETS
from local.supervisor import Supervisor
from tests.support import patient, pictures
from tests.support.stack import on_the_stack

pytestmark = on_the_stack


def test_a_photograph_comes_back_upright_and_without_a_trace_of_where_it_was_taken(darkroom: Darkroom) -> None:
    """EXIF orientation 6 and GPS, as a telephone writes them; the default preset."""
    original = pictures.jpeg_with_exif(6, gps=True, upright=pictures.corners(1800, 2400))
    assert Image.open(io.BytesIO(original)).getexif().get_ifd(0x8825)
    status = darkroom.wait(darkroom.upload(original, filename="telephone.jpg").id)
    assert status.state == "completed"
    assert [variant.name for variant in status.variants] == [variant.name for variant in PRESETS["web@1"]]
    promised = {
        "large": ("image/jpeg", 1600, 2133),
        "medium": ("image/webp", 800, 1067),
        "small": ("image/webp", 400, 533),
        "thumb": ("image/jpeg", 150, 150),
    }
    for variant in status.variants:
        assert variant.url is not None
        answer = patient.get(variant.url)
        made = Image.open(io.BytesIO(answer.content))
        facts = (answer.headers["content-type"], *made.size)
        assert facts == promised[variant.name]
        assert (variant.media_type, variant.width, variant.height) == facts
        assert variant.bytes == len(answer.content)
        assert made.get_format_mimetype() == facts[0]
        assert pictures.corner_colours(made) == ["red", "green", "blue", "yellow"]
        assert not dict(made.getexif())
        assert not {"exif", "xmp", "comment"} & made.info.keys()
        for mark in pictures.MARKS.values():
            assert mark not in answer.content


@pytest.mark.parametrize("form", sorted(READ))
def test_every_readable_format_goes_through(darkroom: Darkroom, form: ImageFormat) -> None:
    accepted = darkroom.upload(pictures.sample(form), filename=f"sample.{form}", content_type=form.media_type)
    status = darkroom.wait(accepted.id)
    assert (status.state, status.progress.done) == ("completed", 4)


def test_the_same_upload_twice_is_one_job(darkroom: Darkroom) -> None:
    picture = pictures.sample(ImageFormat.JPEG)
    first = darkroom.upload(picture, filename="a.jpg", idempotency_key="once-and-for-all")
    done = darkroom.wait(first.id)
    second = darkroom.upload(picture, filename="a.jpg", idempotency_key="once-and-for-all")
    assert (second.id, second.replayed) == (first.id, True)
    again = darkroom.status(first.id)
    assert again is not None
    assert (again.revision, again.state) == (done.revision, "completed")


def test_the_full_record_is_the_operators(stack: Supervisor, darkroom: Darkroom) -> None:
    job = darkroom.wait(darkroom.upload(pictures.sample(ImageFormat.PNG), filename="a.png").id)
    record = patient.get(f"{stack.internal_url}/api/status/{job.id}").json()
    assert (record["id"], record["state"]) == (job.id, "completed")
    assert record["parts"]
    assert patient.get(f"{stack.url}/api/status/{job.id}").status_code == 404
