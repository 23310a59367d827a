"""HEIC at the door: refused by its name unless the deployment reads it, and then a picture like any other."""

from collections.abc import Iterator

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from contracts.environment import Formats
from contracts.errors import UnsupportedMediaType
from contracts.formats import READ, ImageFormat
from services.upload.application import application
from tests.services.upload.test_bad_requests import refused
from tests.support import heics
from tests.support.upload_room import UploadRoom

Client = TestClient[Litestar]
HEIC = heics.camera(6)
AS_HEIC = {"Content-Type": "image/heic"}
FORM = {"content_type": "image/heic", "filename": "IMG_0001.HEIC", "bytes": len(HEIC)}


@pytest.fixture
def reading() -> Iterator[tuple[Client, UploadRoom]]:
    """A service of a stack with `formats: {heic: true}`."""
    room = UploadRoom(read=Formats(heic=True).read)
    room.readiness.begin()
    with TestClient(application(room.desk), raise_server_exceptions=False) as client:
        yield client, room
    room.threads.close()


def test_a_stack_that_says_nothing_reads_what_everybody_reads() -> None:
    assert Formats().read == READ == frozenset(ImageFormat) - {ImageFormat.HEIC}
    assert Formats(heic=True).read == frozenset(ImageFormat)


def test_by_default_it_is_refused_by_its_name_and_nothing_is_left(client: Client, room: UploadRoom) -> None:
    answer = client.post("/uploads", content=HEIC, headers=AS_HEIC)
    problem = refused(answer, 415, UnsupportedMediaType.code)
    assert problem["detail"].startswith("the file is HEIC, which is not read here; send it as one of JPEG, PNG")
    assert "formats.heic" in problem["detail"]
    assert room.is_untouched
    refused(client.post("/uploads/presign", json=FORM), 415, UnsupportedMediaType.code)
    assert room.is_untouched
    assert "image/heic" not in client.get("/limits").json()["formats_in"]


def test_where_it_is_read_it_comes_by_itself(reading: tuple[Client, UploadRoom]) -> None:
    client, room = reading
    answer = client.post("/uploads?filename=IMG_0001.HEIC", content=HEIC, headers=AS_HEIC)
    assert answer.status_code == 202, answer.text
    [job] = room.ledger.jobs()
    assert (job.source.format, job.source.width, job.source.height) == (ImageFormat.HEIC, 80, 120)
    assert "image/heic" in client.get("/limits").json()["formats_in"]


def test_where_it_is_read_it_is_posted_straight_to_the_store(reading: tuple[Client, UploadRoom]) -> None:
    client, room = reading
    form = client.post("/uploads/presign", json=FORM).json()
    assert room.objects.post_form(form["fields"], HEIC) is None
    answer = client.post(f"/uploads/{form['id']}/complete")
    assert answer.status_code == 202, answer.text
    [job] = room.ledger.jobs()
    assert (job.source.format, job.source.bytes) == (ImageFormat.HEIC, len(HEIC))


@pytest.mark.parametrize("name", ["overlay", "tracks", "uncompressed"])
def test_where_it_is_read_what_is_not_hevc_is_still_refused(reading: tuple[Client, UploadRoom], name: str) -> None:
    client, room = reading
    answer = client.post("/uploads", content=heics.lies()[name], headers=AS_HEIC)
    refused(answer, 415, UnsupportedMediaType.code)
    assert room.is_untouched


def test_a_choice_travels_through_the_environment() -> None:
    assert msgspec.convert({"heic": True}, Formats) == Formats(heic=True)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"jxl": True}, Formats)
