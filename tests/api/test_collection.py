"""The published API collection: it asks for every route there is, and everything it expects comes true."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from contracts.errors import PipelineError, Superseded
from services import edge
from services.processing.letter_routes import letter_routes
from services.processing.letters import DeadLetters
from services.processing.routes import routes
from services.upload.application import application
from tests.api.conftest import Addresses
from tests.support.upload_room import UploadRoom

HERE = Path(__file__).parent
COLLECTION = HERE.parents[1] / "docs" / "api" / "darkroom.postman_collection.json"
NEWMAN = HERE / "node_modules" / ".bin" / "newman"


def requests() -> Iterator[tuple[str, str, str]]:
    """(service, method, path) of each request of the collection; service is the name of its base address."""
    for folder in json.loads(COLLECTION.read_text())["item"]:
        for item in folder["item"]:
            raw = item["request"]["url"]["raw"].partition("?")[0]
            if match := re.fullmatch(r"\{\{(base_url|internal_url)\}\}(/.*)", raw):
                yield match[1], item["request"]["method"], match[2]


def routes_of(app: Litestar) -> Iterator[tuple[str, str]]:
    """(method, path with its parameters as {name}) of each route of a service, those outside its schema too."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method in route.methods - {"OPTIONS"}:
                yield method, re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path_format or route.path)


def is_asked(service: str, method: str, path: str) -> bool:
    shape = re.compile(re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(path)))
    return any((service, method) == (whom, how) and shape.fullmatch(where) for whom, how, where in requests())


def test_every_route_of_both_services_is_asked_for() -> None:
    room = UploadRoom()
    upload = application(room.desk)
    letters = DeadLetters(
        queues=room.queues, ledger=room.ledger, clock=room.clock, timing=room.timing, originals_bucket="originals"
    )
    handlers = [*routes(room.ledger, room.queues), *letter_routes(letters, room.queues)]
    processing = edge.app(handlers, process="processing", readiness=edge.Readiness())
    services = {"base_url": upload, "internal_url": processing}
    found = [(service, *route) for service, app in services.items() for route in routes_of(app)]
    room.threads.close()
    assert ("base_url", "POST", "/uploads") in found
    assert ("internal_url", "GET", "/api/status/{job_id}") in found
    assert [route for route in found if not is_asked(*route)] == []


def test_every_route_of_the_description_is_asked_for() -> None:
    room = UploadRoom()
    described = application(room.desk).openapi_schema.to_schema()["paths"]
    room.threads.close()
    assert "/status/{job_id}" in described
    missing = [
        (method, path)
        for path, item in described.items()
        for method in item
        if not is_asked("base_url", method.upper(), path)
    ]
    assert missing == []


def test_every_request_says_what_it_expects() -> None:
    silent = [
        item["name"]
        for folder in json.loads(COLLECTION.read_text())["item"]
        for item in folder["item"]
        if not any("pm.test(" in line for event in item["event"] for line in event["script"]["exec"])
    ]
    assert silent == []


def test_the_key_goes_to_the_upload_service_alone() -> None:
    collection = json.loads(COLLECTION.read_text())
    assert collection["auth"] == {
        "type": "bearer",
        "bearer": [{"key": "token", "value": "{{api_key}}", "type": "string"}],
    }
    assert {"key": "api_key", "value": ""} in collection["variable"]
    asked = [item["request"] for folder in collection["item"] for item in folder["item"]]
    elsewhere = [request for request in asked if not request["url"]["raw"].startswith("{{base_url}}")]
    assert elsewhere
    assert all(request["auth"] == {"type": "noauth"} for request in elsewhere)
    assert not any("auth" in request for request in asked if request not in elsewhere)


def test_every_problem_code_that_the_collection_expects_exists() -> None:
    expected = set(re.findall(r"with the problem ([a-z-]+)", COLLECTION.read_text()))
    assert {"type-mismatch", "spec-invalid", "payload-too-large"} <= expected
    known = {code for code, kind in edge.error_types().items() if not issubclass(kind, Superseded)}
    assert expected <= known
    assert issubclass(edge.error_types()["type-mismatch"], PipelineError)


@pytest.mark.slow
def test_everything_the_collection_expects_comes_true(
    addresses: Addresses, picture_folder: Path, tmp_path: Path
) -> None:
    if not NEWMAN.exists():
        pytest.fail("newman is not installed; run: make build/tools")
    report = tmp_path / "report.json"
    ran = subprocess.run(
        [
            *(NEWMAN, "run", COLLECTION, "--working-dir", picture_folder, "--color", "off"),
            *("--env-var", f"base_url={addresses.public}", "--env-var", f"internal_url={addresses.internal}"),
            *("--env-var", f"api_key={addresses.key}"),
            *("--reporters", "cli,json", "--reporter-json-export", report, "--timeout-request", "60000"),
        ],
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-8_000:] + ran.stderr[-2_000:]
    run: dict[str, Any] = json.loads(report.read_text())["run"]
    assert run["failures"] == []
    asked = {execution["item"]["name"] for execution in run["executions"]}
    named = {item["name"] for folder in json.loads(COLLECTION.read_text())["item"] for item in folder["item"]}
    assert asked == named
    assert run["stats"]["assertions"]["total"] > 100


def test_no_registry_is_named_in_the_lock_file() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert "omit-lockfile-registry-resolved=true" in (HERE / ".npmrc").read_text().splitlines()
