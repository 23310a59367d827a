"""Who is let in: keys, scopes and tenants, over every route that the service has."""

import asyncio
import json
import re
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from contracts.errors import Unavailable
from contracts.formats import ImageFormat
from contracts.identifiers import OPEN_TENANT, derived_job_id
from contracts.keys import CACHE_SECONDS, Scope, revoked
from contracts.messages import Facts
from services.upload.application import application
from services.upload.auth import ASKED, MOST_REMEMBERED, KeyDoor, OpenDoor
from services.upload.desk import Desk
from tests.support.keys import PEPPER, MemoryKeys
from tests.support.pictures import sample
from tests.support.upload_room import UploadRoom, file_part, multipart

Client = TestClient[Litestar]
JPEG = sample(ImageFormat.JPEG)
UNKNOWN = "0192f0c4-7d1e-7c3a-9a55-3f1f0c9d2b77"


@pytest.fixture
def desk(keyed_desk: Desk) -> Desk:
    return keyed_desk


def bearing(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def uploaded(client: Client, key: str, idempotency_key: str | None = None) -> str:
    body, headers = multipart([file_part(JPEG)])
    named = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    answer = client.post("/uploads", content=body, headers={**headers, **bearing(key), **named})
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def routes(app: Litestar) -> list[tuple[str, str, Scope | None]]:
    """(method, path, scope that is asked for) of every route."""
    found = []
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path_format or route.path)
                found += [(m, path, handler.opt.get(ASKED, "unsaid")) for m in handler.http_methods if m != "OPTIONS"]
    return found


def closed(app: Litestar) -> list[tuple[str, str, Scope]]:
    return [(method, path, scope) for method, path, scope in routes(app) if isinstance(scope, Scope)]


def asked(client: Client, method: str, path: str, job_id: str, headers: dict[str, str]) -> Any:
    """The route asked as its owner would ask it."""
    address = path.replace("{job_id}", job_id).replace("{name}", "thumb")
    body = {"json": {"revision": 2}} if method in ("POST", "PUT") else {}
    return client.request(method, address, headers=headers, follow_redirects=False, **body)


def document(answer: Any) -> dict[str, Any]:
    """A problem without what every reply has of its own."""
    return {name: value for name, value in answer.json().items() if name not in ("request_id", "instance")}


OURS = {"/healthz", "/readyz", "/problems/{code}"}
"""The edge's own: they stand beside the guarded ones, and answer anybody."""

OPEN = {
    *("/", "/app.js", "/api.js", "/view.js", "/app.css", "/favicon.svg"),
    *("/limits", "/presets", "/presets/{name}", "/openapi.json"),
}
"""What says nothing of any tenant: the page, and what the service says of itself."""
STABLE = "/i/{job_id}/{name}"
"""Answers anybody about public jobs alone; `test_addresses` says who sees what."""


def test_every_route_says_what_it_asks_for(desk: Any) -> None:
    found = routes(application(desk))
    assert {path for _, path, scope in found if scope == "unsaid"} == OURS
    assert {path for _, path, scope in found if scope is None} == {*OPEN, STABLE}
    assert {scope for _, _, scope in found if isinstance(scope, Scope)} <= set(Scope)
    assert ("POST", "/uploads", Scope.UPLOADS_WRITE) in found


def test_a_route_that_says_nothing_asks_for_admin(desk: Any, keys: MemoryKeys, room: UploadRoom) -> None:
    from litestar import get

    from services import edge
    from services.upload.auth import guard

    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> str:
        return "here"

    app = edge.app(
        [forgotten],
        process="upload",
        readiness=room.readiness,
        guards=[guard(desk.door, desk.meter, behind_balancer=False)],
    )
    with TestClient[Any](app) as client:
        all_but = keys.made("shop", *(scope for scope in Scope if scope is not Scope.ADMIN), now=room.clock.now())
        admin = keys.made("shop", Scope.ADMIN, now=room.clock.now())
        assert client.get("/forgotten").status_code == 401
        assert client.get("/forgotten", headers=bearing(all_but)).status_code == 403
        assert client.get("/forgotten", headers=bearing(admin)).text == "here"


def test_what_answers_anybody_answers_without_a_key(client: Client, desk: Any) -> None:
    for method, path, scope in routes(application(desk)):
        if scope is None:
            answer = client.request(method, path.replace("{name}", "web@1"))
            assert answer.status_code == (404 if path == STABLE else 200), path
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/problems/unauthenticated").status_code == 200


def test_every_way_of_having_no_valid_key_is_answered_alike_on_every_route(
    client: Client, desk: Any, keys: MemoryKeys, room: UploadRoom
) -> None:
    """B23: no key, a wrong one, an expired, a revoked, a lower-cased one; and what is no key at all."""
    now = room.clock.now()
    good = keys.made("shop", now=now)
    expired = keys.made("shop", now=now - 10_000, life_seconds=10)
    ended = keys.made("shop", now=now)
    record = keys.key(ended.split("_")[1])
    assert record is not None
    keys.keep(revoked(record, now))
    job_id = uploaded(client, good)
    wrong = good[:-1] + ("a" if good[-1] != "a" else "b")
    refused: list[list[tuple[str, str]]] = [
        [],
        [("Authorization", "")],
        [("Authorization", good)],
        [("Authorization", "Bearer")],
        [("Authorization", f"Basic {good}")],
        [("Authorization", f"Bearer {good}, Bearer {good}")],
        [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")],
        [("X-Api-Key", good)],
        [("Cookie", f"key={good}")],
        *([("Authorization", f"Bearer {key}")] for key in (wrong, expired, ended, good.lower(), good.upper())),
        *(
            [("Authorization", f"Bearer {key}")]
            for key in (good + "x", good[:-1], "dk_", "x" * 8_000, "dk_aaaaaaaaaaaa_")
        ),
    ]
    shown = []
    for method, path, _ in closed(application(desk)):
        for headers in refused:
            address = path.replace("{job_id}", job_id).replace("{name}", "thumb")
            answer = client.request(method, address, headers=headers, follow_redirects=False)
            assert answer.status_code == 401, (path, headers)
            assert answer.headers["www-authenticate"] == 'Bearer realm="darkroom"'
            shown.append(document(answer))
    assert len(shown) > 30
    assert all(one == shown[0] for one in shown)
    assert shown[0]["code"] == "unauthenticated"
    assert asked(client, "GET", "/status/{job_id}", job_id, bearing(good)).status_code == 200


def test_a_key_is_taken_by_the_scheme_in_any_case(client: Client, keys: MemoryKeys, room: UploadRoom) -> None:
    key = keys.made("shop", now=room.clock.now())
    job_id = uploaded(client, key)
    for scheme in ("Bearer", "bearer", "BEARER  "):
        answer = client.get(f"/status/{job_id}", headers={"Authorization": f"{scheme} {key}"})
        assert answer.status_code == 200, scheme


def test_a_key_without_the_scope_is_told_which_on_every_route(
    client: Client, desk: Any, keys: MemoryKeys, room: UploadRoom
) -> None:
    now = room.clock.now()
    job_id = uploaded(client, keys.made("shop", now=now))
    before = room.ledger.jobs()
    for method, path, scope in closed(application(desk)):
        key = keys.made("shop", *(other for other in Scope if other is not scope), now=now)
        answer = asked(client, method, path, job_id, bearing(key))
        assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing"), path
        assert answer.json()["scope"] == scope
        assert "www-authenticate" not in answer.headers
    assert room.ledger.jobs() == before


def test_another_tenants_job_is_an_unknown_one_on_every_route(
    client: Client, desk: Any, keys: MemoryKeys, room: UploadRoom
) -> None:
    """B27: the same status, the same body; and nothing of the job is changed."""
    now = room.clock.now()
    mine, theirs = keys.made("alice", now=now), keys.made("bob", now=now)
    job_id = uploaded(client, mine)
    before = room.ledger.jobs()
    found = [route for route in closed(application(desk)) if "{job_id}" in route[1]]
    assert ("GET", "/status/{job_id}", Scope.JOBS_READ) in found
    for method, path, _ in found:
        foreign, unknown = (asked(client, method, path, one, bearing(theirs)) for one in (job_id, UNKNOWN))
        assert (foreign.status_code, document(foreign)) == (unknown.status_code, document(unknown)), path
        assert foreign.status_code == 404, path
    assert room.ledger.jobs() == before
    assert client.get(f"/status/{job_id}", headers=bearing(mine)).status_code == 200


@pytest.mark.parametrize(
    "strange",
    [
        "%2e%2e",
        "a" * 10_000,
        "' OR 1=1 --",
        "%00",
        "٣" * 8,
        UNKNOWN.upper(),
        UNKNOWN + "%0a",
        "{" + UNKNOWN + "}",
    ],
)
def test_what_is_no_job_id_is_found_nowhere(
    client: Client, desk: Any, keys: MemoryKeys, room: UploadRoom, strange: str
) -> None:
    """B27."""
    key = keys.made("shop", now=room.clock.now())
    for method, path, _ in closed(application(desk)):
        if "{job_id}" in path:
            answer = asked(client, method, path, strange, bearing(key))
            assert answer.status_code in (404, 405), path


def test_the_keys_of_two_tenants_make_two_jobs_of_one_idempotency_key(
    client: Client, keys: MemoryKeys, room: UploadRoom
) -> None:
    """B29."""
    now = room.clock.now()
    mine, theirs = keys.made("alice", now=now), keys.made("bob", now=now)
    first, second = uploaded(client, mine, "order-1"), uploaded(client, theirs, "order-1")
    assert (first, second) == (derived_job_id("alice", "order-1"), derived_job_id("bob", "order-1"))
    assert first != second
    assert uploaded(client, mine, "order-1") == first
    assert {job.tenant: job.key.split("/")[1] for job in room.ledger.jobs()} == {"alice": "alice", "bob": "bob"}


def test_nothing_in_a_request_but_its_key_says_whose_it_is(client: Client, keys: MemoryKeys, room: UploadRoom) -> None:
    key = keys.made("alice", now=room.clock.now())
    body, headers = multipart([file_part(JPEG)])
    answer = client.post(
        "/uploads?tenant=bob", content=body, headers={**headers, **bearing(key), "X-Tenant": "bob", "Tenant": "bob"}
    )
    assert answer.status_code == 202
    assert {job.tenant for job in room.ledger.jobs()} == {"alice"}


def test_a_refused_upload_leaves_nothing_behind(client: Client, keys: MemoryKeys, room: UploadRoom) -> None:
    reader = keys.made("shop", Scope.JOBS_READ, now=room.clock.now())
    body, headers = multipart([file_part(JPEG)])
    for given in ({}, bearing(reader)):
        assert client.post("/uploads", content=body, headers={**headers, **given}).status_code in (401, 403)
    assert room.is_untouched


def test_a_revoked_key_dies_on_every_host_within_thirty_seconds(
    client: Client, keys: MemoryKeys, room: UploadRoom
) -> None:
    key = keys.made("shop", now=room.clock.now())
    job_id = uploaded(client, key)
    record = keys.key(key.split("_")[1])
    assert record is not None
    keys.keep(revoked(record, room.clock.now()))
    room.clock.advance(CACHE_SECONDS - 1)
    assert client.get(f"/status/{job_id}", headers=bearing(key)).status_code == 200
    room.clock.advance(1)
    assert client.get(f"/status/{job_id}", headers=bearing(key)).status_code == 401


def test_an_expiry_holds_to_the_millisecond_whatever_is_remembered(
    client: Client, keys: MemoryKeys, room: UploadRoom
) -> None:
    key = keys.made("shop", now=room.clock.now(), life_seconds=5)
    job_id = uploaded(client, key)
    room.clock.advance(4.999)
    assert client.get(f"/status/{job_id}", headers=bearing(key)).status_code == 200
    room.clock.advance(0.001)
    assert client.get(f"/status/{job_id}", headers=bearing(key)).status_code == 401


def test_a_key_is_read_once_in_thirty_seconds_known_or_not(client: Client, keys: MemoryKeys, room: UploadRoom) -> None:
    key = keys.made("shop", now=room.clock.now())
    stranger = MemoryKeys(7).made("shop", now=room.clock.now())
    for _ in range(5):
        client.get(f"/status/{UNKNOWN}", headers=bearing(key))
        client.get(f"/status/{UNKNOWN}", headers=bearing(stranger))
    assert keys.reads == 2
    room.clock.advance(CACHE_SECONDS)
    client.get(f"/status/{UNKNOWN}", headers=bearing(key))
    assert keys.reads == 3


def test_what_is_no_key_by_its_form_is_never_looked_up(client: Client, keys: MemoryKeys) -> None:
    for text in ("", "dk_x_y", "a" * 59, "dk_nobodyskey22_" + "a" * 42):
        client.get(f"/status/{UNKNOWN}", headers=bearing(text))
    assert keys.reads == 0


def test_made_up_keys_do_not_fill_the_memory(keys: MemoryKeys, room: UploadRoom) -> None:
    door = KeyDoor(keys, PEPPER, room.clock, room.threads)
    record = keys.key(keys.made("shop", now=room.clock.now()).split("_")[1])
    for number in range(MOST_REMEMBERED + 50):
        door._remembered[f"{number:012}"] = (room.clock.now(), record)
    asyncio.run(door._record("nobodyskey22", ""))
    assert len(door._remembered) == MOST_REMEMBERED


def test_while_the_registry_does_not_answer_nobody_is_refused_for_good(
    desk: Any, keys: MemoryKeys, room: UploadRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.made("shop", now=room.clock.now())

    def silent(prefix: str) -> None:
        raise Unavailable("no answer")

    monkeypatch.setattr(keys, "key", silent)
    with TestClient[Any](application(desk)) as client:
        answer = client.get(f"/status/{UNKNOWN}", headers=bearing(key))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_no_line_and_no_answer_holds_a_key(
    client: Client, keys: MemoryKeys, room: UploadRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    now = room.clock.now()
    live, dead = keys.made("shop", now=now), keys.made("shop", now=now - 60_000, life_seconds=1)
    answers = [client.get("/status/x", headers=bearing(key)).text for key in (live, dead, "dk_half")]
    uploaded(client, live)
    told = capsys.readouterr().out + json.dumps(answers)
    assert "http.answered" in told or "unauthenticated" in told
    assert "dk_" not in told.replace("dk_...", "")


def test_without_keys_everybody_is_the_open_tenant(room: UploadRoom) -> None:
    assert isinstance(room.desk.door, OpenDoor)
    room.readiness.begin()
    with TestClient[Any](application(room.desk)) as client:
        body, headers = multipart([file_part(JPEG)])
        answer = client.post("/uploads", content=body, headers={**headers, "Authorization": "Bearer of good news"})
        assert answer.status_code == 202
        assert client.get(answer.json()["status_url"]).status_code == 200
    assert {job.tenant for job in room.ledger.jobs()} == {OPEN_TENANT}


def test_where_a_picture_was_taken_is_shown_to_a_key_with_its_scope_alone(
    client: Client, keys: MemoryKeys, room: UploadRoom
) -> None:
    now = room.clock.now()
    sees = keys.made("shop", Scope.UPLOADS_WRITE, Scope.JOBS_READ, Scope.META_PRIVATE, now=now)
    does_not = keys.made("shop", Scope.JOBS_READ, now=now)
    job_id = uploaded(client, sees)
    [job] = room.ledger.jobs()
    facts = Facts(width=9, height=9, metadata={"iso": 100}, private={"latitude": 48.1})
    room.ledger.replace(msgspec.structs.replace(job, revision=job.revision + 1, facts=facts), job.revision)
    shown = client.get(f"/status/{job_id}", headers=bearing(sees)).json()
    assert shown["metadata"] == {"iso": 100, "private": {"latitude": 48.1}}
    answer = client.get(f"/status/{job_id}", headers=bearing(does_not))
    assert answer.json()["metadata"] == {"iso": 100}
    assert "48.1" not in answer.text
