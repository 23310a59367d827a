"""The photograph from code: always the same, and stored as a telephone stores one."""

from PIL import ImageStat

from benchmarks.landscape import landscape
from benchmarks.sample import plain_photo, sample_photo
from contracts.formats import ImageFormat
from functions.transform.steps.decode import inspect
from functions.transform.steps.metadata import metadata
from tests.support import pictures


def test_the_same_landscape_comes_from_the_same_seed():
    assert landscape(200, 150).tobytes() == landscape(200, 150).tobytes()
    assert landscape(200, 150, seed=2).tobytes() != landscape(200, 150).tobytes()


def test_the_sample_is_turned_and_tells_where_it_was_taken():
    data = sample_photo(400, 300)
    assert data == sample_photo(400, 300)
    source = inspect(data, ImageFormat.JPEG)
    assert (source.stored, source.exif_orientation, source.upright) == ((300, 400), 6, (400, 300))
    told = metadata(source.exif)
    assert (told["camera_make"], told["taken_at"]) == ("Darkroom", "2026-06-21T19:42:00+02:00")
    assert pictures.opened(data).getexif().get_ifd(0x8825)[1] == "N"


def test_the_plain_one_is_seen_as_it_is_stored_and_has_a_sky_above_and_a_meadow_below():
    picture = pictures.opened(plain_photo(400, 300))
    assert dict(picture.getexif()) == {}
    above, below = (ImageStat.Stat(picture.crop(box)).mean for box in ((0, 0, 400, 60), (0, 280, 400, 300)))
    assert above[2] > above[0]
    assert below[1] > below[2]
