"""A picture by its address, whole: from a host that shows a certificate to variants, and in a circle no further."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from client import Darkroom, Refused, ServerFault
from contracts.formats import ImageFormat
from local.supervisor import Supervisor
from local.temporary import temporary
from tests.support import heics, patient, pictures
from tests.support.believing import believing
from tests.support.receivers import Authority, Receiver, answering, receiving, redirecting

PICTURE = pictures.encoded(pictures.photo(400, 300), ImageFormat.JPEG)
HOST = "localhost"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stack(authority: Authority) -> Iterator[Supervisor]:
    with temporary({"fetch": {"enabled": True}, "formats": {"heic": True}}, kind=believing(authority)) as supervisor:
        yield supervisor


@pytest.fixture
def receiver(authority: Authority) -> Iterator[Receiver]:
    with receiving(answering(200, body=PICTURE), authority.server(HOST)) as one:
        yield one


def test_a_picture_is_fetched_made_into_variants_and_downloaded(
    stack: Supervisor, receiver: Receiver, tmp_path: Path
) -> None:
    url = f"https://{HOST}:{receiver.port}/pictures/chair.jpg?signature=s3cret"
    with Darkroom(stack.url) as darkroom:
        wanted = [{"name": "small", "resize": {"width": 80}}]
        job = darkroom.upload_url(url, variants=wanted, idempotency_key="chair")
        again = darkroom.upload_url(url, variants=wanted, idempotency_key="chair")
        assert (again.id, again.replayed, receiver.connections) == (job.id, True, 1)
        status = darkroom.wait(job.id)
        assert (status.state, status.source.filename, status.source.bytes) == ("completed", "chair.jpg", len(PICTURE))
        [file] = darkroom.download(status, tmp_path)
        assert pictures.opened(file.path.read_bytes()).size == (80, 60)
    [request] = receiver.requests
    assert request.startswith(b"GET /pictures/chair.jpg?signature=s3cret HTTP/1.1\r\n")
    assert b"s3cret" not in stack.folder.log("upload").read_bytes()


def test_a_phones_picture_becomes_variants_where_the_stack_reads_heic(
    stack: Supervisor, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.behaviour = answering(200, body=heics.camera(6))
    with Darkroom(stack.url) as darkroom:
        job = darkroom.upload_url(f"https://{HOST}:{receiver.port}/IMG_0001.HEIC", variants=[{"name": "small"}])
        status = darkroom.wait(job.id)
        assert (status.state, status.source.media_type) == ("completed", "image/heic")
        [file] = darkroom.download(status, tmp_path)
        made = pictures.opened(file.path.read_bytes())
        assert (made.size, pictures.corner_colours(made)) == ((120, 80), ["red", "green", "blue", "yellow"])


def test_a_host_that_fails_or_leads_astray_leaves_nothing(stack: Supervisor, receiver: Receiver) -> None:
    url = f"https://{HOST}:{receiver.port}/"
    with Darkroom(stack.url) as darkroom:
        before = {job.id for job in darkroom.jobs()}
        receiver.behaviour = answering(500, body=b"words of its own")
        with pytest.raises(ServerFault, match="answered 500") as failed:
            darkroom.upload_url(url)
        assert (failed.value.status, failed.value.code) == (502, "source-unreachable")
        receiver.behaviour = redirecting("https://169.254.169.254/latest/meta-data/")
        with pytest.raises(Refused) as refused:
            darkroom.upload_url(url)
        assert refused.value.code == "source-forbidden"
        assert {job.id for job in darkroom.jobs()} == before


def test_a_result_that_is_fed_back_goes_round_once_and_ends(stack: Supervisor) -> None:
    """By the very links that a status gives: S3 sends the marker with the object."""

    def fed(url: str) -> httpx.Response:
        # a link of the embedded cloud is plain HTTP on loopback, which the client would not send
        document = {"url": url, "variants": [{"name": "small", "resize": {"width": 60}}]}
        return patient.post(f"{stack.url}/uploads", json=document)

    with Darkroom(stack.url) as darkroom:

        def link_of(job_id: str) -> str:
            [variant] = darkroom.wait(job_id).variants
            assert variant.url is not None
            return variant.url

        first = link_of(darkroom.upload(PICTURE, variants=[{"name": "small", "resize": {"width": 80}}]).id)
        again = fed(first)
        assert again.status_code == 202, again.text
        second = link_of(again.json()["id"])
        ended = fed(second)
        assert (ended.status_code, ended.json()["code"]) == (422, "hop-limit")
    assert b"hop.refused" in stack.folder.log("upload").read_bytes()
