"""A stack that asks for keys, whole: two tenants, who are refused each other's jobs everywhere; keys that end."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.pepper import pepper
from client import Darkroom, Refused
from contracts.formats import ImageFormat
from contracts.identifiers import derived_job_id
from contracts.keys import CACHE_SECONDS, Scope
from local.supervisor import Supervisor
from local.temporary import temporary
from operations.keys import KeyRing, Made
from services.upload.application import application
from services.upload.auth import scopes_of
from tests.support import patient, pictures
from tests.support.stack import until
from tests.support.upload_room import UploadRoom

PICTURE = pictures.encoded(pictures.photo(400, 300), ImageFormat.JPEG)
ALL = set(Scope)
UNKNOWN = "0192f0c4-7d1e-7c3a-9a55-3f1f0c9d2b77"


@pytest.fixture(scope="module")
def stack() -> Iterator[Supervisor]:
    with temporary({"auth": "required"}) as supervisor:
        yield supervisor


@pytest.fixture(scope="module")
def ring(stack: Supervisor) -> KeyRing:
    assert stack.keys is not None
    return stack.keys


@pytest.fixture(scope="module")
def alice(ring: KeyRing) -> Made:
    return ring.create("alice", ALL, None)


@pytest.fixture(scope="module")
def bob(ring: KeyRing) -> Made:
    return ring.create("bob", ALL, None)


def sent(stack: Supervisor, key: str, idempotency_key: str | None = None) -> str:
    """Id of a job that has come to its end."""
    named: Any = {} if idempotency_key is None else {"idempotency_key": idempotency_key}
    with Darkroom(stack.url, key) as darkroom:
        accepted = darkroom.upload(PICTURE, filename="a.jpg", **named)
        assert darkroom.wait(accepted.id).state == "completed"
    return accepted.id


def ask(stack: Supervisor, method: str, path: str, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    body: Any = {"json": {"revision": 1}} if method == "POST" else {}
    return patient.request(method, stack.url + path, headers=headers, **body)


def is_taken(stack: Supervisor, key: str) -> bool:
    return ask(stack, "GET", f"/status/{UNKNOWN}", key).status_code == 404


def routes_of_a_job() -> list[tuple[str, str]]:
    """(method, path) of every route that names a job, from the service itself."""
    room = UploadRoom()
    found = [(method.upper(), path) for path, method in scopes_of(application(room.desk)) if "{job_id}" in path]
    room.threads.close()
    return found


def test_each_tenant_is_refused_the_others_jobs_on_every_route(stack: Supervisor, alice: Made, bob: Made) -> None:
    jobs = {"alice": sent(stack, alice.key), "bob": sent(stack, bob.key)}
    keys = {"alice": alice.key, "bob": bob.key}
    routes = routes_of_a_job()
    assert ("GET", "/status/{job_id}") in routes
    for asking, other in (("alice", "bob"), ("bob", "alice")):
        for method, path in routes:
            filled = path.replace("{name}", "thumb")
            foreign, unknown = (
                ask(stack, method, filled.replace("{job_id}", one), keys[asking]) for one in (jobs[other], UNKNOWN)
            )
            assert foreign.status_code == unknown.status_code == 404, (method, path)
            assert {**foreign.json(), "request_id": "", "instance": ""} == {
                **unknown.json(),
                "request_id": "",
                "instance": "",
            }
    for tenant, job_id in jobs.items():
        with Darkroom(stack.url, keys[tenant]) as darkroom:
            status = darkroom.status(job_id)
            assert status is not None
            assert status.state == "completed"
            assert {job.id for job in darkroom.jobs()} == {job_id}


def test_what_is_stored_is_the_tenants(stack: Supervisor, alice: Made, bob: Made) -> None:
    first, second = sent(stack, alice.key, "order-1"), sent(stack, bob.key, "order-1")
    assert (first, second) == (derived_job_id("alice", "order-1"), derived_job_id("bob", "order-1"))
    for tenant, job_id in (("alice", first), ("bob", second)):
        for bucket in stack.exports["buckets"].values():
            stored = stack.clients["s3"].list_objects_v2(Bucket=bucket)["Contents"]
            mine = [one["Key"] for one in stored if job_id in one["Key"]]
            assert mine
            assert all(f"{tenant}/{job_id}/" in key for key in mine)


def test_without_a_key_nothing_is_taken_and_nothing_is_left(stack: Supervisor, alice: Made) -> None:
    before = stack.clients["dynamodb"].scan(TableName=stack.exports["tables"]["jobs"])["Count"]
    for key in (None, alice.key.lower(), alice.key[:-1] + "0", "dk_"):
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        answer = patient.post(f"{stack.url}/uploads", files={"file": ("a.jpg", PICTURE)}, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="darkroom"')
    assert stack.clients["dynamodb"].scan(TableName=stack.exports["tables"]["jobs"])["Count"] == before
    for path in ("/healthz", "/readyz", "/", "/limits"):
        assert ask(stack, "GET", path, None).status_code == 200


def test_a_scope_that_a_key_lacks_is_named(stack: Supervisor, ring: KeyRing) -> None:
    reader = ring.create("alice", [Scope.JOBS_READ], None)
    with Darkroom(stack.url, reader.key) as darkroom, pytest.raises(Refused, match="has no scope uploads:write"):
        darkroom.upload(PICTURE)


@pytest.mark.slow
def test_two_keys_live_while_one_takes_over_and_a_revoked_one_dies(stack: Supervisor, ring: KeyRing) -> None:
    """The only wait of the suite for what a host remembers: it ends, at the latest, after the time that is promised."""
    old = ring.create("alice", ALL, None)
    assert is_taken(stack, old.key)
    new, ending = ring.rotate(old.record.prefix, 3_600)
    assert ending.is_live(ending.created_at)
    assert is_taken(stack, old.key)
    assert is_taken(stack, new.key)
    ring.revoke(old.record.prefix)
    promised = time.monotonic() + CACHE_SECONDS

    def is_refused() -> bool:
        asked = time.monotonic()
        refused = not is_taken(stack, old.key)
        assert refused or asked < promised, "a key was taken that had been revoked for too long"
        return refused

    until(is_refused, "the revoked key to be refused")
    assert is_taken(stack, new.key)
    assert {one.prefix for one in ring.all("alice")} >= {old.record.prefix, new.record.prefix}


def test_no_log_and_no_table_holds_a_key_or_the_pepper(stack: Supervisor, alice: Made, bob: Made) -> None:
    """What every process printed, what the cloud recorded of requests and decisions, and every row."""
    jobs = [sent(stack, made.key) for made in (alice, bob)]
    # an answer comes before the line that tells of it
    until(lambda: b"http.answered" in stack.folder.log("upload").read_bytes(), "the answers to be told of")
    logs = [path for path in stack.folder.path.rglob("*") if path.suffix in (".log", ".jsonl")]
    assert {"upload.log", "processing.log"} <= {path.name for path in logs}
    text = "\n".join(path.read_text(errors="replace") for path in logs)
    assert all(job_id in text for job_id in jobs)
    rows = [stack.clients["dynamodb"].scan(TableName=table)["Items"] for table in stack.exports["tables"].values()]
    assert alice.record.digest in str(rows)
    secret = stack.exports["services"]["upload"]["environment"]["DARKROOM_PEPPER_SECRET_NAME"]
    salt = pepper(stack.clients["secretsmanager"], secret, "local")
    for held in (alice.key, bob.key, alice.key.rpartition("_")[2], bob.key.rpartition("_")[2], salt.hex()):
        assert held not in text
        assert held not in str(rows)
    assert re.search(r"dk_[a-z2-7]{12}_", text) is None


def test_nothing_but_loopback_is_listened_on_whether_keys_are_asked_for_or_not(stack: Supervisor) -> None:
    assert stack.url.startswith("http://127.0.0.1:")
    assert stack.internal_url.startswith("http://127.0.0.1:")
    assert patient.get(f"{stack.internal_url}/api/queues").status_code == 200


def test_the_operators_command_reaches_a_local_stack_by_its_address(
    stack: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on AWS, with the address that AWS's own tools take from the environment."""
    from client import command

    for name, value in {
        "AWS_ENDPOINT_URL": stack.cloud.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    given = ["--stack", "local"]
    assert command.run(["keys", "init", *given]) == 0
    assert command.run(["keys", "create", *given, "--tenant", "carol", "--scope", "jobs:read", "--expires", "1h"]) == 0
    said = capsys.readouterr()
    assert "had its pepper already" in said.err
    assert is_taken(stack, said.out.strip())
    assert said.out.strip() not in said.err
