"""What the service says of itself, held against it: requests made of its own OpenAPI description, right and wrong.

Whatever is sent, the answer is one that is described: its status, its type, its form; never a fault of ours.
Schemathesis makes the requests; a job's id is often put in its place, and a real picture into a form, or little would
get further than the door. `make generated` makes thousands in all.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from schemathesis.checks import CHECKS, load_all_checks

from contracts.formats import ImageFormat
from services.upload.application import application
from tests.support.pictures import sample
from tests.support.upload_room import UploadRoom, file_part, multipart, options_part

JPEG = sample(ImageFormat.JPEG)
HELD = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EXAMPLES = max(2, min(settings().max_examples // 5, 600))
MODES = {"right": schemathesis.GenerationMode.POSITIVE, "wrong": schemathesis.GenerationMode.NEGATIVE}


class World(NamedTuple):
    """A service over ports in memory, its description, and jobs that are there."""

    room: UploadRoom
    operations: dict[str, Any]
    jobs: tuple[str, ...]


class _Bare:
    """The app for a client that starts and ends it with every request, and says no `more_body` where there is none."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for word in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{word}.complete"})
            return

        async def filled() -> Any:
            message = await receive()
            return {"more_body": False, **message} if message["type"] == "http.request" else message

        await self._app(scope, filled, send)


def _operations() -> dict[str, bool]:
    """Every operation, and whether it can be asked wrongly: any text is a good header, and an id that may be there."""
    room = UploadRoom()
    document = TestClient[Any](application(room.desk)).get("/openapi.json").json()
    room.threads.close()
    return {
        f"{method.upper()} {path}": "requestBody" in made or any(one["in"] == "query" for one in made["parameters"])
        for path, item in document["paths"].items()
        for method, made in ((method, {"parameters": [], **made}) for method, made in item.items())
    }


OPERATIONS = _operations()
ASKED = [
    (label, mode) for label, can_be_wrong in OPERATIONS.items() for mode in MODES if mode == "right" or can_be_wrong
]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    load_all_checks()
    room = UploadRoom()
    room.readiness.begin()
    app = application(room.desk)
    client = TestClient[Any](app)
    jobs = tuple(_uploaded(client) for _ in range(6))
    client.post(f"/jobs/{jobs[0]}/cancel")
    client.delete(f"/jobs/{jobs[1]}")
    wish = {"content_type": "image/jpeg", "bytes": len(JPEG)}
    waiting = client.post("/uploads/presign", json=wish).json()["id"]
    described = schemathesis.openapi.from_asgi("/openapi.json", _Bare(app))
    found = {made.ok().label: made.ok() for made in described.get_all_operations()}
    yield World(room, found, (*jobs, waiting))
    room.threads.close()


def _uploaded(client: TestClient[Any]) -> str:
    body, headers = multipart([options_part('{"preset":"web@1","meta":{"a":"b"}}'), file_part(JPEG)])
    return client.post("/uploads", content=body, headers=headers).json()["id"]


def test_every_operation_of_the_description_is_asked(world: World) -> None:
    assert set(world.operations) == set(OPERATIONS)


@pytest.mark.generated
@pytest.mark.parametrize(("label", "mode"), ASKED)
def test_whatever_is_asked_is_answered_as_described(world: World, label: str, mode: str) -> None:
    operation = world.operations[label]
    checks = CHECKS.get_by_names(HELD)

    @settings(
        max_examples=EXAMPLES,
        suppress_health_check=list(HealthCheck),
        # shrinking asks the service again and again, and the first request that fails says enough
        phases=[Phase.generate],
    )
    @given(operation.as_strategy(generation_mode=MODES[mode]), st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        _made_real(case, data, world.jobs)
        answer = case.call()
        case.validate_response(answer, checks=checks)
        assert world.room.desk.room.inside == 0

    ask()


def _made_real(case: Any, data: st.DataObject, jobs: tuple[str, ...]) -> None:
    """Name a job that is there, or send a picture, half of the time."""
    if "job_id" in (case.path_parameters or {}) and data.draw(st.booleans()):
        case.path_parameters["job_id"] = data.draw(st.sampled_from(jobs))
        # a real one would be waited for
        (case.query or {}).pop("wait", None)
        (case.headers or {}).pop("Prefer", None)
    if isinstance(case.body, dict) and "file" in case.body and data.draw(st.booleans()):
        case.body["file"] = JPEG
