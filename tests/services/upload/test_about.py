"""What the service says of itself is true: limits, presets, the OpenAPI description, and the files of the page."""

from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from contracts import limits
from contracts.presets import DEFAULT_PRESET, PRESETS
from contracts.variants import Variant
from services.upload.application import application
from services.upload.auth import KeyDoor
from services.upload.command_routes import Retry
from services.upload.web import page_policy, page_routes
from tests.support.keys import PEPPER, MemoryKeys
from tests.support.upload_room import UploadRoom

Client = TestClient[Litestar]


@pytest.fixture
def description(client: Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def test_limits_are_those_that_are_kept(client: Client) -> None:
    told = client.get("/limits").json()
    assert told["max_file_bytes"] == limits.MAX_BODY_BYTES
    assert told["max_pixels"] == limits.MAX_PIXELS
    assert told["default_life_seconds"] == limits.RELAXED.default_life_seconds
    assert "image/avif" in told["formats_in"]
    assert told["formats_out"] == ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "image/tiff"]


def test_presets_are_those_that_are_used(client: Client) -> None:
    told = client.get("/presets").json()
    assert told["default"] == DEFAULT_PRESET
    kinds = {one["name"]: msgspec.convert(one["variants"], tuple[Variant, ...]) for one in told["presets"]}
    assert kinds == PRESETS
    assert client.get(f"/presets/{DEFAULT_PRESET}").json() in told["presets"]


def test_every_public_address_is_described(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1.")
    assert {path: sorted(item) for path, item in description["paths"].items()} == {
        "/uploads": ["post"],
        "/uploads/presign": ["post"],
        "/uploads/{job_id}/complete": ["post"],
        "/status/{job_id}": ["get"],
        "/i/{job_id}/{name}": ["get"],
        "/jobs/{job_id}/variants/{name}": ["get"],
        "/jobs": ["get"],
        "/jobs/{job_id}": ["delete"],
        "/jobs/{job_id}/cancel": ["post"],
        "/jobs/{job_id}/retry": ["post"],
        "/usage": ["get"],
        "/status/{job_id}/events": ["get"],
        "/webhooks": ["get", "post"],
        "/webhooks/{webhook_id}": ["delete", "get"],
        "/webhooks/{webhook_id}/secret": ["post"],
        "/webhooks/{webhook_id}/enable": ["post"],
        "/webhooks/{webhook_id}/deliveries": ["get"],
        "/webhooks/{webhook_id}/deliveries/{event}/redeliver": ["post"],
        "/limits": ["get"],
        "/presets": ["get"],
        "/presets/{name}": ["delete", "get", "put"],
        "/problems/{code}": ["get"],
    }


def test_every_reference_of_the_description_leads_somewhere(description: dict[str, Any]) -> None:
    references = set(_references(description))
    assert len(references) > 10
    for reference in references:
        place: Any = description
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert isinstance(place, dict)


def test_every_operation_has_a_name_an_answer_and_a_problem(description: dict[str, Any]) -> None:
    operations = [operation for item in description["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert set(operation["responses"]["default"]["content"]) == {"application/problem+json"}
        assert any(status in operation["responses"] for status in ("200", "201", "202", "204", "302", "307"))


def test_an_upload_is_described_as_the_form_that_is_read(description: dict[str, Any]) -> None:
    form = description["paths"]["/uploads"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["required"] == ["file"]
    assert list(form["schema"]["properties"]) == ["options", "t", "file"]
    options = description["components"]["schemas"]["Options"]
    assert {"preset", "variants", "t", "priority", "expires_in", "meta"} <= set(options["properties"])
    assert options["additionalProperties"] is False


def test_a_retry_is_described_with_the_revision_that_it_brings(description: dict[str, Any]) -> None:
    operation = description["paths"]["/jobs/{job_id}/retry"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == set(schema["required"]) == set(Retry.__struct_fields__)
    assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}
    assert set(description["paths"]["/jobs/{job_id}"]["delete"]["responses"]) == {"202", "204", "default"}


def test_every_operation_says_which_scope_its_key_needs(description: dict[str, Any], room: UploadRoom) -> None:
    """The room is open: a key may come, and need not; behind a door that asks for one it must."""
    assert description["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    wanted = {
        (method, path): operation["security"]
        for path, item in description["paths"].items()
        for method, operation in item.items()
    }
    assert wanted["post", "/uploads"] == [{}, {"key": ["uploads:write"]}]
    assert wanted["get", "/status/{job_id}"] == [{}, {"key": ["jobs:read"]}]
    assert wanted["get", "/limits"] == wanted["get", "/problems/{code}"] == []
    door = KeyDoor(MemoryKeys(), PEPPER, room.clock, room.threads)
    with TestClient[Any](application(msgspec.structs.replace(room.desk, door=door))) as closed:
        paths = closed.get("/openapi.json").json()["paths"]
    assert paths["/uploads"]["post"]["security"] == [{"key": ["uploads:write"]}]


def test_the_description_has_one_address(client: Client) -> None:
    for path in ("/schema", "/openapi", "/schema/openapi.json", "/swagger"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/app.js", "/api.js", "/view.js", "/app.css", "/favicon.svg"])
def test_the_page_is_served_under_its_policy_and_checked_for_news(path: str, client: Client) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == page_policy(())
    assert answer.headers["cache-control"] == "no-cache"
    assert "charset=utf-8; charset" not in answer.headers["content-type"]
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/").text
    assert 'src="/app.js"' in page
    for foreign in ("http://", "https://", "style=", "onclick", "<style", "{{"):
        assert foreign not in page


def test_pictures_may_come_from_where_results_are_and_from_nowhere_else() -> None:
    policy = page_policy(("https://results.s3.eu-west-1.amazonaws.com",))
    assert "img-src 'self' blob: https://results.s3.eu-west-1.amazonaws.com;" in policy
    assert policy.startswith("default-src 'none';")


def test_the_name_of_the_stack_is_text() -> None:
    [index, *_] = page_routes('<b a="1">&', (), asks_for_key=False)
    with TestClient(Litestar([index], openapi_config=None, logging_config=None)) as client:
        assert "&lt;b a=&quot;1&quot;>&amp;" in client.get("/").text


def test_the_page_is_told_whether_a_key_is_asked_for() -> None:
    for asks, said in ((True, "required"), (False, "open")):
        [index, *_] = page_routes("dev", (), asks_for_key=asks)
        with TestClient(Litestar([index], openapi_config=None, logging_config=None)) as client:
            page = client.get("/").text
        assert f'<body data-auth="{said}">' in page
        assert 'id="entry" class="entry" autocomplete="off" aria-label="API key" hidden' in page


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []
