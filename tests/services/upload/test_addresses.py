"""Stable addresses and downloads: who is shown what, for how long an answer may be kept, and under which name a browser
saves it.
"""

import base64
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from contracts.events import Deleted, Erased
from contracts.filenames import disposition
from contracts.job import JobState, Source
from contracts.keys import Scope
from services.upload.application import application
from services.upload.auth import KeyDoor
from services.upload.links import filename_of
from tests.services.upload.test_auth import bearing
from tests.services.upload.test_listing import FAILED_VARIANT, a_job
from tests.services.upload.test_status import DIGEST, finished, moved, uploaded
from tests.support.keys import PEPPER, MemoryKeys
from tests.support.upload_room import UploadRoom

Client = TestClient[Litestar]
PUBLIC = '{"public":true}'
LIFE = 900
NOBODYS = "00000000-0000-7000-8000-000000000000"


def asked(client: Client, path: str, method: str = "GET", **headers: str) -> Any:
    return client.request(method, path, headers=headers, follow_redirects=False)


def test_an_address_leads_to_a_link_that_lives_twice_as_long_as_the_answer_may_be_kept(
    client: Client, room: UploadRoom
) -> None:
    job_id = uploaded(client)
    finished(room)
    answer = asked(client, f"/i/{job_id}/large")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"https://results.invalid/default/{job_id}/large-{DIGEST}.jpg?until=")
    dies_at = int(parse_qs(urlsplit(answer.headers["location"]).query)["until"][0])
    left = (dies_at - room.clock.now()) / 1000
    assert answer.headers["cache-control"] == f"private, max-age={int(left / 2)}"
    assert answer.headers["vary"] == "Authorization"
    assert LIFE - 1 <= left <= LIFE


def test_a_link_that_dies_early_is_kept_for_less(client: Client, room: UploadRoom) -> None:
    """The credentials that sign may end before a whole life of a link."""
    job_id = uploaded(client, PUBLIC)
    finished(room)

    class Ending:
        def link(self, key: str, *, seconds: int, filename: str, saved: bool = False) -> Any:
            return room.objects.link(key, seconds=31, filename=filename, saved=saved)

    room.desk.links._signer = Ending()
    [public, age] = asked(client, f"/i/{job_id}/large").headers["cache-control"].split(", max-age=")
    assert (public, int(age)) == ("public", 15)


def test_a_head_says_what_it_is_without_a_link(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client, PUBLIC)
    finished(room)
    answer = asked(client, f"/i/{job_id}/large", "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    said = {name: answer.headers.get(name) for name in ("content-type", "content-length", "etag", "repr-digest")}
    assert said == {
        "content-type": "image/jpeg",
        "content-length": "1234",
        "etag": f'"{DIGEST}"',
        "repr-digest": f"sha-256=:{base64.b64encode(bytes.fromhex(DIGEST)).decode()}:",
    }
    assert answer.headers["content-disposition"] == disposition("chair-large.jpg")
    assert answer.headers["cache-control"] == f"public, max-age={LIFE // 2}"
    for tag, status in ((f'"{DIGEST}"', 304), (f'W/"x", "{DIGEST}"', 304), ('"other"', 200)):
        again = asked(client, f"/i/{job_id}/large", "HEAD", **{"If-None-Match": tag})
        assert (again.status_code, again.headers["etag"]) == (status, f'"{DIGEST}"')


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there_is_answered_as_the_status_does(client: Client, room: UploadRoom, method: str) -> None:
    job_id = uploaded(client, PUBLIC)
    assert asked(client, f"/i/{job_id}/large", method).status_code == 409
    finished(room, failing="thumb")
    codes = {
        name: asked(client, f"/i/{job_id}/{name}", method).status_code for name in ("large", "thumb", "huge", "%00")
    }
    assert codes == {"large": 302 if method == "GET" else 200, "thumb": 409, "huge": 404, "%00": 404}
    for name in (NOBODYS, "x", "%2e%2e", "é", "a" * 5_000):
        assert asked(client, f"/i/{name}/large", method).status_code == 404
    job = moved(room, Deleted(command="c"))
    gone = asked(client, f"/i/{job_id}/large", method)
    assert (gone.status_code, gone.headers["cache-control"]) == (410, "no-store")
    while job.state is JobState.DELETING:
        job = moved(room, Erased(debt=job.debts[0].id))
    assert asked(client, f"/i/{job_id}/large", method).status_code == 410


PRIVATE = {"own": 302, "other": 404, "narrow": 403, "none": 404, "wrong": 401}
SHOWN = {"own": 302, "other": 302, "narrow": 302, "none": 302, "wrong": 401}


@pytest.mark.parametrize(("options", "answers"), [("{}", PRIVATE), (PUBLIC, SHOWN)])
def test_a_private_picture_is_its_tenants_and_a_public_one_everybodys(
    room: UploadRoom, options: str, answers: dict[str, int]
) -> None:
    """Without a key, and with another tenant's, a private job is as one that is not there."""
    keys, now = MemoryKeys(), room.clock.now()
    door = KeyDoor(keys, PEPPER, room.clock, room.threads)
    brought = {
        "own": bearing(keys.made("alice", now=now)),
        "other": bearing(keys.made("bob", now=now)),
        "narrow": bearing(keys.made("alice", Scope.UPLOADS_WRITE, now=now)),
        "none": {},
        "wrong": bearing("dk_nobody"),
    }
    with TestClient[Any](application(msgspec.structs.replace(room.desk, door=door))) as client:
        client.headers.update(brought["own"])
        job_id = uploaded(client, options)
        finished(room)
        del client.headers["Authorization"]
        for method in ("GET", "HEAD"):
            codes = {who: asked(client, f"/i/{job_id}/large", method, **key) for who, key in brought.items()}
            wanted = {who: 200 if method == "HEAD" and code == 302 else code for who, code in answers.items()}
            assert {who: answer.status_code for who, answer in codes.items()} == wanted
        for who in ("none", "other"):
            [shown, unknown] = [asked(client, f"/i/{one}/large", **brought[who]) for one in (job_id, NOBODYS)]
            assert unknown.status_code == 404
            if answers is PRIVATE:
                assert shown.json()["detail"] == unknown.json()["detail"], "nobody learns which jobs there are"


@pytest.mark.parametrize(("options", "policy"), [("{}", "same-origin"), (PUBLIC, "cross-origin")])
def test_a_public_picture_may_stand_on_a_page_of_another_host(
    client: Client, room: UploadRoom, options: str, policy: str
) -> None:
    """Browsers look at the policy of the redirect too."""
    job_id = uploaded(client, options)
    finished(room)
    for method in ("GET", "HEAD"):
        assert asked(client, f"/i/{job_id}/large", method).headers["cross-origin-resource-policy"] == policy


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("", "chair-large.jpg"),
        ("hero", "hero.jpg"),
        ("Hero.JPG", "Hero.JPG"),
        ("setup.exe", "setup.exe.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ('a"; filename="b.exe', 'a"; filename="b.exe.jpg'),
        ("写真 1.jpg", "写真 1.jpg"),
        ("gpj.\u202eexe", "gpj.exe.jpg"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: b.jpg"),
        ("x" * 5_000, "x" * 200 + ".jpg"),
    ],
)
@pytest.mark.parametrize("path", ["/i/{id}/large", "/jobs/{id}/variants/large"])
def test_a_download_has_the_name_that_is_asked_for_and_the_extension_that_is_true(
    client: Client, room: UploadRoom, path: str, wanted: str, name: str
) -> None:
    job_id = uploaded(client)
    finished(room)
    answer = asked(client, f"{path.replace('{id}', job_id)}?download={quote(wanted, safe='')}")
    assert answer.status_code in (302, 307)
    header = parse_qs(urlsplit(answer.headers["location"]).query)["as"][0]
    assert header == disposition(name, saved=True)
    assert header.startswith("attachment; filename=")


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_name_gets_out_of_its_header(wanted: str, stem: str) -> None:
    """RFC 6266 read by another hand: one name, which ends as the variant does, and nothing beside it."""
    job = a_job(1, source=Source(filename=stem or None), variants=(FAILED_VARIANT,))
    name = filename_of(job, job.variants[0], wanted)
    message = Message()
    message["Content-Disposition"] = disposition(name, saved=True)
    assert message.get_content_disposition() == "attachment"
    named = {key for key, _ in message.get_params(header="content-disposition") or []}
    assert named <= {"attachment", "filename", "filename*"}
    assert name.lower().endswith(f".{job.variants[0].spec.output.format.extension}")
