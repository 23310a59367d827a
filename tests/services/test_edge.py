"""The edge: every failure is a problem document, whoever raised it; ids, headers, lines and readiness."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from litestar import Litestar, Request, get, post
from litestar.exceptions import HTTPException
from litestar.testing import TestClient

from contracts import errors
from contracts.errors import PipelineError
from services import edge

Client = TestClient[Litestar]

FAILURES: dict[str, Exception] = {
    "pixels": errors.PixelLimit("too many", limit=1, actual=2, errors=[("#/file", "2 pixels")]),
    "overloaded": errors.Overloaded("full", retry_after=7),
    "unavailable": errors.Unavailable("DynamoDB said ThrottlingException"),
    "superseded": errors.RevisionMoved("nobody caught me"),
    "bug": RuntimeError("secret of the house"),
    "teapot": HTTPException("short and stout", status_code=418),
    "server": HTTPException("secret of the framework", status_code=500),
}


@get("/fails/{how:str}", sync_to_thread=False)
def fails(request: Request[Any, Any, Any]) -> None:
    raise FAILURES[request.path_params["how"]]


@post("/reads", status_code=200)
async def reads(request: Request[Any, Any, Any]) -> dict[str, int]:
    return {"bytes": len(await request.body())}


@get("/counts", sync_to_thread=False)
def counts(request: Request[Any, Any, Any]) -> dict[str, int]:
    return {"n": int(request.query_params["n"])}


@pytest.fixture
def readiness() -> edge.Readiness:
    return edge.Readiness()


@pytest.fixture
def client(readiness: edge.Readiness) -> Iterator[Client]:
    service = edge.app([fails, reads, counts], process="test", readiness=readiness)
    with TestClient(service, raise_server_exceptions=False) as made:
        yield made


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("pixels", 422, "pixel-limit"),
        ("overloaded", 503, "overloaded"),
        ("unavailable", 503, "unavailable"),
        ("superseded", 500, "internal"),
        ("bug", 500, "internal"),
        ("teapot", 400, "malformed"),
        ("server", 500, "internal"),
    ],
)
def test_every_failure_is_a_problem_of_its_code(how: str, status: int, code: str, client: Client) -> None:
    answer = client.get(f"/fails/{how}")
    document = answer.json()
    assert (answer.status_code, document["code"], document["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"] == f"http://testserver.local/problems/{code}"
    assert document["instance"] == f"/fails/{how}"
    assert document["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text
    assert "Throttling" not in answer.text


def test_facts_are_members_and_errors_are_pointers(client: Client) -> None:
    document = client.get("/fails/pixels").json()
    assert (document["limit"], document["actual"]) == (1, 2)
    assert document["errors"] == [{"pointer": "#/file", "detail": "2 pixels"}]


def test_a_reply_that_asks_for_patience_says_how_much(client: Client) -> None:
    assert client.get("/fails/overloaded").headers["retry-after"] == "7"
    assert "retry_after" not in client.get("/fails/overloaded").json()
    assert client.get("/fails/unavailable").headers["retry-after"] == "1"


def test_a_bug_is_logged_once_with_its_traceback(client: Client) -> None:
    with structlog.testing.capture_logs() as lines:
        answer = client.get("/fails/bug")
    [failed] = [line for line in lines if line["log_level"] == "error"]
    assert failed["event"] == "http.failed"
    assert isinstance(failed["exc_info"], RuntimeError)
    assert failed["request_id"] == answer.headers["x-request-id"]


def test_a_request_is_one_line_without_the_clients_words(client: Client) -> None:
    with structlog.testing.capture_logs() as lines:
        client.get("/fails/pixels?secret=1")
        client.get("/no/such/secret%0d%0aplace")
    first, second = [line for line in lines if line["event"] == "http.answered"]
    assert (first["method"], first["route"], first["status"], first["code"]) == (
        "GET",
        "/fails/{how}",
        422,
        "pixel-limit",
    )
    assert (second["route"], second["status"]) == ("-", 404)
    assert "secret" not in json.dumps(lines, default=str)


@pytest.mark.parametrize("offered", ["abc-123", "A:b.c_d", "x" * 64])
def test_a_safe_request_id_is_kept(offered: str, client: Client) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": offered}).headers["x-request-id"] == offered


@pytest.mark.parametrize("offered", ["", "x" * 65, "a b", "a\tb", '"quoted"', "<script>", "a;b"])
def test_any_other_request_id_is_replaced(offered: str, client: Client) -> None:
    answered = client.get("/healthz", headers={"X-Request-Id": offered}).headers["x-request-id"]
    assert answered != offered
    assert len(answered) == 32


def test_every_answer_has_the_headers_of_a_careful_house(client: Client) -> None:
    for path in ("/healthz", "/nothing", "/fails/bug"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"


def test_head_is_get_without_the_body(client: Client) -> None:
    asked, told = client.get("/healthz"), client.head("/healthz")
    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["content-length"] == asked.headers["content-length"]


def test_a_body_beyond_the_routes_limit_is_too_large(client: Client) -> None:
    assert client.post("/reads", content=b"x" * 100).json() == {"bytes": 100}
    answer = client.post("/reads", content=b"x" * 70_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload-too-large")


def test_a_host_that_is_no_host_is_not_repeated(client: Client) -> None:
    for host in ("evil.example/../x", "a b", "x" * 300, "<script>"):
        assert host not in client.get("/nothing", headers={"Host": host}).text


def test_readiness_goes_one_way(client: Client, readiness: edge.Readiness) -> None:
    heard: list[str] = []
    readiness.on_drain(lambda: heard.append("drain"))
    starting = client.get("/readyz")
    assert (starting.status_code, starting.json()["code"], starting.json()["stage"]) == (503, "unavailable", "starting")
    readiness.begin()
    assert client.get("/readyz").json() == {"process": "test", "stage": "ready"}
    readiness.drain()
    readiness.drain()
    readiness.begin()
    draining = client.get("/readyz")
    assert (draining.status_code, draining.json()["stage"], draining.headers["connection"]) == (
        503,
        "draining",
        "close",
    )
    assert client.get("/healthz").status_code == 200
    assert heard == ["drain"]


def test_every_code_has_a_status_a_title_and_a_next_step() -> None:
    """Codes that never reach a client (someone was quicker) have none."""
    public = {code for code, kind in edge.error_types().items() if not issubclass(kind, errors.Superseded)}
    assert set(edge.STATUS_OF) == set(edge.NEXT_STEP) == public
    for code, kind in edge.error_types().items():
        assert kind.title
        if code in public:
            error = kind("detail")
            assert edge.status_of(error) == edge.STATUS_OF[code]


def test_an_error_that_the_table_does_not_know_is_judged_by_its_family() -> None:
    families: list[tuple[type[PipelineError], int]] = [(errors.Rejected, 422), (errors.Unavailable, 503)]
    for family, status in families:
        kind = type("Newer", (family,), {"code": "newer", "title": "Newer"})
        assert edge.status_of(kind("detail")) == status


@pytest.mark.parametrize("code", sorted(edge.STATUS_OF))
def test_every_problem_type_is_served_for_people_and_programs(code: str, client: Client) -> None:
    document = client.get(f"/problems/{code}").json()
    assert (document["code"], document["status"]) == (code, edge.STATUS_OF[code])
    assert document["next_step"]
    page = client.get(f"/problems/{code}", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert document["title"].split()[0] in page.text
