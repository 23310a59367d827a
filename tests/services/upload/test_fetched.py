"""An upload that names its picture by an address: fetched over the one guarded way out, judged like any other."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from structlog.testing import capture_logs

from adapters.outside import Outside
from components import loops
from contracts.digests import digest_field
from contracts.environment import Fetch
from contracts.errors import Unavailable
from contracts.formats import READ, ImageFormat
from contracts.job import Lane
from contracts.limits import MAX_BODY_BYTES, MIB
from services.upload.application import application
from tests.services.upload.test_bad_requests import refused
from tests.support import receivers
from tests.support.pictures import png_bomb, sample
from tests.support.receivers import PUBLIC, Authority, Behaviour, Receiver, Wires, answering, redirecting
from tests.support.upload_room import UploadRoom

Client = TestClient[Litestar]
JPEG = sample(ImageFormat.JPEG)
NAME = "shop.example"
URL = f"https://{NAME}/pictures/chair.jpg?size=large"


class World:
    """A stranger's host behind a name, an upload service that fetches, and a client of it."""

    def __init__(self, room: UploadRoom, client: Client, wires: Wires, receiver: Receiver) -> None:
        self.room, self.client, self.wires, self.receiver = room, client, wires, receiver

    def ask(self, url: str = URL, key: str | None = None, **options: Any) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.client.post("/uploads", json={"url": url, **options}, headers=headers)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


Make = Callable[..., Any]


@pytest.fixture
def world(authority: Authority) -> Iterator[Callable[..., World]]:
    open_: list[Callable[[], object]] = []

    def make(behaviour: Behaviour, *answers: list[str], fetch: Fetch | None = None, **more: Any) -> World:
        receiver = Receiver(behaviour, authority.server(NAME))
        wires = Wires(receiver, *answers)
        outside = Outside(trust=authority.trust(), resolve=wires.resolve, connect=wires.connect)
        room = UploadRoom(outside=outside, fetch=fetch or Fetch(enabled=True), **more)
        room.readiness.begin()
        client = TestClient[Any](application(room.desk), raise_server_exceptions=False)
        client.__enter__()
        open_.extend([receiver.close, room.threads.close, lambda: client.__exit__(None, None, None)])
        return World(room, client, wires, receiver)

    yield make
    for close in reversed(open_):
        close()


def picture(content: bytes = JPEG, *headers: str) -> Behaviour:
    return answering(200, *headers, body=content)


@pytest.mark.parametrize("image_format", sorted(READ))
def test_a_picture_of_every_kind_is_fetched_and_stored_as_it_is(world: Make, image_format: ImageFormat) -> None:
    content = sample(image_format)
    made = world(picture(content))
    answer = made.ask("https://shop.example/a")
    assert answer.status_code == 202, answer.text
    [job] = made.room.ledger.jobs()
    assert (job.source.format, job.source.bytes, job.source.filename) == (image_format, len(content), "a")
    assert made.room.objects.originals[job.key][0].body == content
    assert answer.json() == {"id": job.id, "state": "queued", "status_url": f"/status/{job.id}"}
    assert answer.headers["location"] == f"/status/{job.id}"
    assert made.wires.dialled == [PUBLIC]
    assert len(made.room.messages) == 1


def test_the_options_of_every_upload_stand_beside_the_address(world: Make) -> None:
    made = world(picture())
    options = {"t": "mini=rs::30/f:png", "priority": "bulk", "expires_in": 86_400, "meta": {"sku": "A-17"}}
    assert made.ask(**options, digest=digest_of(JPEG)).status_code == 202
    [job] = made.room.ledger.jobs()
    assert ([one.spec.name for one in job.variants], job.lane, job.meta) == (["mini"], Lane.BULK, {"sku": "A-17"})
    assert job.expires_at - job.created_at == 86_400_000


def test_a_large_picture_goes_through_the_disk_and_arrives_whole(world: Make) -> None:
    content = JPEG + bytes(3 * MIB)
    made = world(picture(content))
    assert made.ask().status_code == 202
    [job] = made.room.ledger.jobs()
    assert made.room.objects.originals[job.key][0].body == content


def test_a_name_is_the_senders_or_the_addresses_and_only_the_senders_is_held_against_the_bytes(world: Make) -> None:
    png = sample(ImageFormat.PNG)
    made = world(picture(png, "Content-Type: image/gif"))
    assert made.ask("https://shop.example/a/K%C3%BCche.jpg?b=/c.gif").status_code == 202
    [job] = made.room.ledger.jobs()
    assert (job.source.format, job.source.filename) == (ImageFormat.PNG, "Küche.jpg")
    refused(made.ask(filename="b.jpg"), 422, "type-mismatch")
    assert made.ask(filename="../b.png").status_code == 202
    assert {job.source.filename for job in made.room.ledger.jobs()} == {"Küche.jpg", "b.png"}


def test_the_same_request_under_its_key_is_answered_again_and_its_host_not_asked_again(world: Make) -> None:
    """A host may show another picture later; what was accepted is what it showed then."""
    made = world(picture())
    first, again = made.ask(key="k"), made.ask(key="k")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "?1"
    assert made.receiver.connections == 1
    for url, options in ((URL + "2", {}), (URL, {"priority": "bulk"}), (URL, {"filename": "b"})):
        refused(made.ask(url, "k", **options), 422, "idempotency-key-reused")
    sent = made.client.post("/uploads", files={"file": ("a.jpg", JPEG)}, headers={"Idempotency-Key": "k"})
    refused(sent, 422, "idempotency-key-reused")
    assert made.receiver.connections == 1
    assert len(made.room.ledger.jobs()) == 1


def test_a_request_that_was_broken_off_goes_on_under_its_key(world: Make) -> None:
    made = world(picture())
    made.room.before = once("objects.put_original")
    assert made.ask(key="k").status_code == 503
    assert made.ask(key="k").status_code == 202
    assert len(made.room.ledger.jobs()) == 1
    assert made.receiver.connections == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"", 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b'{"url":"https://a.example/","url":"https://b.example/"}', 400, "malformed"),
        (b'{"url":"' + b"a" * 70_000 + b'"}', 413, "payload-too-large"),
        (b"[]", 415, "unsupported-media-type"),
        (b'{"preset":"web@1"}', 415, "unsupported-media-type"),
        (b'{"url":null}', 422, "spec-invalid"),
        (b'{"url":["https://shop.example/"]}', 422, "spec-invalid"),
        (b'{"url":"https://shop.example/","evil":1}', 422, "spec-invalid"),
        (b'{"url":"https://shop.example/","preset":"none@9"}', 422, "spec-invalid"),
        (b'{"url":"https://shop.example/","webhook":"wh_none"}', 422, "spec-invalid"),
        (b'{"url":""}', 422, "source-forbidden"),
        (b'{"url":"' + b"a" * 5_000 + b'"}', 422, "source-forbidden"),
        ('{"url":"https://shop.example/ü"}'.encode(), 422, "source-forbidden"),
        (b'{"url":"http://shop.example/"}', 422, "source-forbidden"),
        (b'{"url":"https://127.0.0.1/"}', 422, "source-forbidden"),
        (b'{"url":"https://shop.example:8443/"}', 422, "source-forbidden"),
        (b'{"url":"https://me@shop.example/"}', 422, "source-forbidden"),
    ],
)
def test_a_request_that_is_wrong_is_refused_by_name(world: Make, body: bytes, status: int, code: str) -> None:
    made = world(picture())
    answer = made.client.post("/uploads", content=body, headers={"Content-Type": "application/json"})
    refused(answer, status, code)
    assert made.room.is_untouched


NEVER_DONE = (receivers.silent, receivers.slow_head)
"""Hosts that only the end of a fetch's time gets rid of; all others have as long as the slowest machine may take."""


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        (picture(b""), 400, "malformed"),
        (picture(b"<!doctype html><title>Not found</title>"), 415, "unsupported-media-type"),
        (picture(b"\x1f\x8b\x08" + bytes(100), "Content-Encoding: gzip"), 415, "unsupported-media-type"),
        (picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), 415, "unsupported-media-type"),
        (picture(png_bomb(50_000, 50_000)), 422, "pixel-limit"),
        (picture(JPEG[:100]), 422, "image-corrupt"),
        (answering(200, "Content-Length: 7"), 502, "source-unreachable"),
        (receivers.endless, 413, "payload-too-large"),
        (receivers.silent, 502, "source-unreachable"),
        (receivers.slow_head, 502, "source-unreachable"),
        (receivers.huge_head, 502, "source-unreachable"),
        (receivers.promising(103), 502, "source-unreachable"),
        (receivers.other_protocol, 502, "source-unreachable"),
        (receivers.cut_off, 502, "source-unreachable"),
        (answering(404, body=b"secret words"), 502, "source-unreachable"),
        (answering(500, body=b"secret words"), 502, "source-unreachable"),
        (answering(401, "WWW-Authenticate: Basic", body=b"secret words"), 502, "source-unreachable"),
        (redirecting("/next"), 502, "source-unreachable"),
        (redirecting("https://169.254.169.254/latest/"), 422, "source-forbidden"),
        (redirecting("http://shop.example/"), 422, "source-forbidden"),
        (redirecting("https://["), 422, "source-forbidden"),
    ],
)
def test_what_a_host_does_is_told_by_name_and_nothing_is_left_of_it(
    world: Make, behaviour: Behaviour, status: int, code: str
) -> None:
    made = world(behaviour, fetch=Fetch(enabled=True, seconds=1.5 if behaviour in NEVER_DONE else 60))
    told = json.dumps(refused(made.ask(), status, code))
    for secret in ("secret", "169.254", PUBLIC, "size=large"):
        assert secret not in told
    assert made.room.is_untouched
    assert made.room.desk.room.inside == 0


def test_a_length_that_is_too_great_is_refused_before_it_comes(world: Make) -> None:
    def behave(connection: Any, request: bytes, home: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1))
        home.wait(60)

    assert refused(world(behave).ask(), 413, "payload-too-large")["max_bytes"] == MAX_BODY_BYTES


@pytest.mark.parametrize("addresses", [["10.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:169.254.169.254"]])
def test_a_name_that_leads_within_is_forbidden_and_nobody_learns_where(world: Make, addresses: list[str]) -> None:
    made = world(picture(), addresses)
    answer = made.ask()
    refused(answer, 422, "source-forbidden")
    assert not any(address in answer.text for address in addresses)
    assert (made.receiver.connections, made.room.is_untouched) == (0, True)


@pytest.mark.parametrize("hops", [0, 1])
def test_a_result_may_be_fetched_once_and_keeps_its_count(world: Make, hops: int) -> None:
    made = world(picture(JPEG, f"X-Amz-Meta-Darkroom-Hop: {hops}"))
    assert made.ask().status_code == 202
    [job] = made.room.ledger.jobs()
    assert (job.source.hops, made.room.objects.originals[job.key][0].hops) == (hops, hops)


@pytest.mark.parametrize("marker", ["2", "17", "-1", "one", "1000", ""])
def test_a_result_of_a_result_is_refused_and_told_of(world: Make, marker: str) -> None:
    made = world(picture(JPEG, f"x-amz-meta-darkroom-hop: {marker}"))
    with capture_logs() as lines:
        assert refused(made.ask(), 422, "hop-limit")["limit"] == 1
    [line] = [line for line in lines if line["event"] == loops.COUNTED.event]
    assert (line["tenant"], line[loops.COUNTED.dimension]) == ("default", loops.ADDRESS)
    assert made.room.is_untouched


def test_other_bytes_than_the_digest_names_are_refused(world: Make) -> None:
    made = world(picture())
    refused(made.ask(digest=digest_of(b"others")), 400, "digest-mismatch")
    assert made.room.is_untouched


def test_a_stack_that_fetches_nothing_says_so_whatever_the_address_is(client: Client, room: UploadRoom) -> None:
    for document in ({"url": URL}, {"url": "http://127.0.0.1/"}, {"url": URL, "evil": 1}):
        refused(client.post("/uploads", json=document), 403, "fetch-disabled")
    assert client.get("/limits").json()["fetches_urls"] is False
    assert room.is_untouched


def test_the_limits_say_that_pictures_are_fetched(world: Make) -> None:
    assert world(picture()).client.get("/limits").json()["fetches_urls"] is True


def test_nobody_waits_for_a_place_to_fetch_and_a_fetch_takes_none_from_others(world: Make) -> None:
    arrived = threading.Semaphore(0)

    def held(connection: Any, request: bytes, home: threading.Event) -> None:
        arrived.release()
        home.wait(60)
        picture()(connection, request, home)

    made = world(held, fetch=Fetch(enabled=True, at_once=1, seconds=60))
    slow = threading.Thread(target=made.ask)
    slow.start()
    assert arrived.acquire(timeout=60)
    answer = made.ask()
    refused(answer, 503, "overloaded")
    assert int(answer.headers["retry-after"]) >= 1
    assert made.client.post("/uploads", files={"file": ("a.jpg", JPEG)}).status_code == 202
    made.receiver.close()
    slow.join()


def test_no_word_of_the_address_is_kept_or_logged(world: Make) -> None:
    made = world(picture())
    with capture_logs() as lines:
        assert made.ask("https://shop.example/a.jpg?signature=s3cret").status_code == 202
    [job] = made.room.ledger.jobs()
    kept = repr(job) + "".join(made.room.messages)
    assert "a.jpg" in kept
    assert "s3cret" not in kept
    assert "shop.example" not in kept
    assert "upload.fetched" in [line["event"] for line in lines]
    assert "s3cret" not in repr(lines)
    assert "shop.example" not in repr(lines)


def digest_of(content: bytes) -> str:
    return digest_field(hashlib.sha256(content).hexdigest())


def once(op: str) -> Callable[[str], None]:
    left = [op]

    def before(called: str) -> None:
        if called in left:
            left.remove(called)
            raise Unavailable("it did not answer")

    return before
