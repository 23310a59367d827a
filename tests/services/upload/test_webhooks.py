"""The routes of webhook endpoints: what each answers, what is shown once, and what is never shown."""

import json
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec.structs import replace

from contracts.deliveries import Attempt, Delivery, DeliveryState, attempted, emptied, encode_delivery
from contracts.formats import ImageFormat
from contracts.job import JobState
from contracts.limits import MAX_WEBHOOKS
from contracts.messages import Notify, Queue, decode
from contracts.webhooks import disabled
from tests.contracts.test_deliveries import a_delivery
from tests.contracts.test_targets import REFUSED
from tests.support.pictures import sample
from tests.support.upload_room import UploadRoom, file_part, multipart, options_part

Client = TestClient[Litestar]
URL = "https://hooks.example/in"
UNKNOWN = "wh_" + "z" * 16
EVENT = "5f2c" * 8


def made(client: Client, url: str = URL) -> dict[str, Any]:
    answer = client.post("/webhooks", json={"url": url})
    assert answer.status_code == 201, answer.text
    return answer.json()


def told(room: UploadRoom, webhook: str, **fields: Any) -> Delivery:
    """A delivery in the table."""
    delivery = a_delivery(event=EVENT, webhook=webhook, created_at=room.clock.now(), due_at=room.clock.now(), **fields)
    room.ledger.deliveries[delivery.key] = encode_delivery(delivery)
    return delivery


def test_an_endpoint_is_made_and_its_secret_is_shown_once(client: Client, room: UploadRoom) -> None:
    answer = client.post("/webhooks", json={"url": URL})
    document = answer.json()
    assert answer.headers["Location"] == f"/webhooks/{document['id']}"
    secret = document.pop("secret")
    assert secret.startswith("whsec_")
    assert document == {
        "id": document["id"],
        "url": URL,
        "state": "enabled",
        "created_at": document["created_at"],
    }
    for path in (f"/webhooks/{document['id']}", "/webhooks", f"/webhooks/{document['id']}/deliveries"):
        assert secret not in client.get(path).text
    assert client.get(f"/webhooks/{document['id']}").json() == document
    assert client.get("/webhooks").json() == {"webhooks": [document]}
    [kept] = room.webhooks.webhooks("default")
    assert kept.secrets[-1].value == secret


@pytest.mark.parametrize("url", [urls[0] for urls in REFUSED.values()])
def test_an_address_that_is_not_called_from_here_makes_no_endpoint(client: Client, room: UploadRoom, url: str) -> None:
    """B73 to B91."""
    answer = client.post("/webhooks", json={"url": url})
    assert answer.status_code == 422
    assert answer.json()["code"] in ("source-forbidden", "spec-invalid")
    assert room.webhooks.webhooks("default") == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"not JSON", "malformed"),
        (b'{"url": "\xff"}', "malformed"),
        (b"[" * 10_000, "spec-invalid"),
        (b"[]", "spec-invalid"),
        (b"{}", "spec-invalid"),
        (b'{"url": 7}', "spec-invalid"),
        (b'{"url": ""}', "spec-invalid"),
        (json.dumps({"url": URL, "secret": "mine"}).encode(), "spec-invalid"),
        (json.dumps({"url": "https://a.example/" + "a" * 3_000}).encode(), "spec-invalid"),
        (b'{"url": "' + b"a" * 100_000 + b'"}', "payload-too-large"),
    ],
)
def test_what_says_no_address_is_refused(client: Client, room: UploadRoom, body: bytes, code: str) -> None:
    answer = client.post("/webhooks", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["code"] == code
    assert 400 <= answer.status_code < 500
    assert room.webhooks.webhooks("default") == []


def test_there_are_so_many_endpoints_and_no_more(client: Client) -> None:
    ids = [made(client)["id"] for _ in range(MAX_WEBHOOKS)]
    answer = client.post("/webhooks", json={"url": URL})
    assert (answer.status_code, answer.json()["code"]) == (409, "state-conflict")
    assert client.delete(f"/webhooks/{ids[0]}").status_code == 204
    made(client)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/webhooks/{id}"),
        ("DELETE", "/webhooks/{id}"),
        ("POST", "/webhooks/{id}/secret"),
        ("POST", "/webhooks/{id}/enable"),
        ("GET", "/webhooks/{id}/deliveries"),
        ("POST", "/webhooks/{id}/deliveries/" + EVENT + "/redeliver"),
    ],
)
@pytest.mark.parametrize("name", [UNKNOWN, "wh_1", "%00", "..%2f..", "wh_" + "a" * 10_000, "é", "' OR 1"])
def test_an_endpoint_that_there_is_not_is_an_address_of_nothing(
    client: Client, method: str, path: str, name: str
) -> None:
    answer = client.request(method, path.replace("{id}", name))
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_deleted_endpoint_is_gone_and_deleting_it_again_is_no_error(client: Client, room: UploadRoom) -> None:
    webhook = made(client)
    path = f"/webhooks/{webhook['id']}"
    assert [client.delete(path).status_code for _ in range(2)] == [204, 204]
    assert client.get(path).status_code == 404
    assert client.get("/webhooks").json() == {"webhooks": []}
    [kept] = room.webhooks.webhooks("default")
    assert (kept.url, kept.secrets) == ("", ())


def test_a_new_secret_stands_beside_the_one_before(client: Client, room: UploadRoom) -> None:
    webhook = made(client)
    answer = client.post(f"/webhooks/{webhook['id']}/secret")
    assert answer.status_code == 201
    new = answer.json()["secret"]
    [kept] = room.webhooks.webhooks("default")
    assert kept.signing(room.clock.now()) == (new, webhook["secret"])


def test_an_endpoint_that_was_disabled_can_be_enabled(client: Client, room: UploadRoom) -> None:
    path = f"/webhooks/{made(client)['id']}"
    [kept] = room.webhooks.webhooks("default")
    room.webhooks.keep(disabled(kept, room.clock.now(), "it answered 410"), kept.revision)
    document = client.get(path).json()
    assert (document["state"], document["disabled_why"]) == ("disabled", "it answered 410")
    assert "disabled_at" in document
    for _ in range(2):
        assert client.post(f"{path}/enable").json()["state"] == "enabled"


def test_what_was_sent_is_listed_with_every_try(client: Client, room: UploadRoom) -> None:
    webhook = made(client)["id"]
    delivery = told(room, webhook)
    now = room.clock.now()
    after = attempted(delivery, Attempt(at=now, elapsed_ms=12, status=503), None, now, room.timing)
    room.deliveries.replace(after, delivery.revision)
    [shown] = client.get(f"/webhooks/{webhook}/deliveries").json()["deliveries"]
    [attempt] = shown.pop("attempts")
    assert (attempt["status"], attempt["error"], attempt["elapsed_ms"]) == (503, None, 12)
    assert shown.pop("due_at") > shown.pop("created_at")
    assert shown == {
        "event": EVENT,
        "type": "job.completed",
        "job_id": delivery.job_id,
        "run": 1,
        "state": "pending",
        "ended_at": None,
        "reason": None,
    }
    for limit in ("0", "101", "x"):
        assert client.get(f"/webhooks/{webhook}/deliveries?limit={limit}").status_code == 400


def test_an_event_is_sent_again_when_somebody_asks(client: Client, room: UploadRoom) -> None:
    webhook = made(client)["id"]
    told(room, webhook, state=DeliveryState.EXHAUSTED, reason="tries-spent", tries=9)
    room.clock.advance(60)
    path = f"/webhooks/{webhook}/deliveries/{EVENT}/redeliver"
    answer = client.post(path)
    assert (answer.status_code, answer.json()["state"], answer.json()["reason"]) == (202, "pending", None)
    [delivery] = room.deliveries.all()
    assert (delivery.tries, delivery.due_at) == (0, room.clock.now())
    for event in ("0" * 32, "x", "a" * 5_000, "%23", EVENT.upper()):
        assert client.post(f"/webhooks/{webhook}/deliveries/{event}/redeliver").status_code == 404
    room.deliveries.replace(emptied(delivery, room.clock.now()), delivery.revision)
    gone = client.post(path)
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")


def sent(client: Client, options: dict[str, Any]) -> Any:
    body, headers = multipart([options_part(json.dumps(options)), file_part(sample(ImageFormat.JPEG))])
    return client.post("/uploads", content=body, headers=headers)


def test_a_job_names_the_endpoint_that_is_told(client: Client, room: UploadRoom) -> None:
    webhook = made(client)["id"]
    answer = sent(client, {"webhook": webhook})
    assert answer.status_code == 202
    [job] = room.ledger.jobs()
    assert job.webhook == webhook
    assert client.post(f"/jobs/{job.id}/cancel").status_code == 200
    [message] = [decode(body) for body in room.queues.bodies(Queue.NOTIFICATIONS)]
    assert isinstance(message, Notify)
    assert room.ledger.jobs()[0].state is JobState.CANCELLED


def test_a_bare_picture_and_a_direct_upload_name_it_too(client: Client, room: UploadRoom) -> None:
    webhook = made(client)["id"]
    raw = client.post(
        f"/uploads?webhook={webhook}", content=sample(ImageFormat.JPEG), headers={"Content-Type": "image/jpeg"}
    )
    direct = client.post("/uploads/presign", json={"content_type": "image/jpeg", "bytes": 100, "webhook": webhook})
    assert (raw.status_code, direct.status_code) == (202, 201)
    assert [job.webhook for job in room.ledger.jobs()] == [webhook] * 2


@pytest.mark.parametrize("name", [UNKNOWN, "wh_1", "", "../x", 7, ["wh_"]])
def test_an_endpoint_that_there_is_not_makes_no_job(client: Client, room: UploadRoom, name: Any) -> None:
    """25: a refused request leaves nothing."""
    answers = [
        sent(client, {"webhook": name}),
        client.post("/uploads/presign", json={"content_type": "image/jpeg", "bytes": 100, "webhook": name}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "spec-invalid")
        assert answer.json()["errors"][0]["pointer"] == "#/webhook"
    assert room.is_untouched


def test_an_endpoint_of_another_tenant_is_none(client: Client, room: UploadRoom) -> None:
    """16."""
    webhook = made(client)["id"]
    [kept] = room.webhooks.webhooks("default")
    others = replace(kept, id=UNKNOWN, tenant="other")
    room.webhooks.keep(others, 0)
    assert client.get(f"/webhooks/{UNKNOWN}").status_code == 404
    assert [one["id"] for one in client.get("/webhooks").json()["webhooks"]] == [webhook]
    assert sent(client, {"webhook": UNKNOWN}).status_code == 422
