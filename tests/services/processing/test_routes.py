"""The internal API: the whole record, the depths, and problems like everywhere else."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from contracts.errors import Unavailable
from contracts.job import Job
from contracts.messages import Queue
from services import edge
from services.processing.records import rfc3339
from services.processing.routes import routes
from tests.support.pipeline import Pipeline, announced

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOBODY = "00000000-0000-7000-8000-00000000ffff"


@pytest.fixture
def client(pipeline: Pipeline) -> Iterator[TestClient]:
    readiness = edge.Readiness()
    handlers = routes(announced(pipeline, "ledger"), announced(pipeline, "queues"))
    with TestClient(edge.app(handlers, process="processing", readiness=readiness)) as client:
        readiness.begin()
        yield client


def test_the_record_of_a_job_holds_everything_there_is(pipeline: Pipeline, client: TestClient) -> None:
    job = pipeline.upload().job
    pipeline.settle()
    record = client.get(f"/api/status/{job.id}").json()
    assert set(record) == {*Job.__struct_fields__, "due_at"}
    assert record["state"] == "completed"
    assert record["created_at"] == rfc3339(job.created_at)
    (part,) = record["parts"]
    assert (part["token"], part["function_request_id"], part["outcome"]) == (1, "f-1", "finished")
    assert part["timings"]["total_ms"] == 212.5
    assert RFC3339.fullmatch(part["closed_at"])
    large = record["variants"][0]
    assert (large["spec"]["name"], large["tries"], large["crashes"]) == ("large", 0, 0)
    assert record["debts"] == []


def test_a_debt_is_shown_with_its_times(pipeline: Pipeline, client: TestClient) -> None:
    job = pipeline.upload().job
    record = client.get(f"/api/status/{job.id}").json()
    (debt,) = record["debts"]
    assert debt["kind"] == "process"
    assert RFC3339.fullmatch(debt["sent_at"])
    assert record["due_at"] == debt["due_at"]


@pytest.mark.parametrize("job_id", [NOBODY, "nothing", "%2e%2e", "x" * 10_000, NOBODY + "%0a"])
def test_an_id_of_no_job_is_not_found(client: TestClient, job_id: str) -> None:
    reply = client.get(f"/api/status/{job_id}")
    assert reply.status_code == 404
    assert reply.json()["code"] == "not-found"


def test_a_table_that_does_not_answer_is_a_503_with_a_request_id(pipeline: Pipeline, client: TestClient) -> None:
    def fails(op: str) -> None:
        raise Unavailable("planted")

    pipeline.before = fails
    reply = client.get(f"/api/status/{NOBODY}", headers={"X-Request-Id": "q-1"})
    assert (reply.status_code, reply.headers["X-Request-Id"]) == (503, "q-1")
    assert reply.json()["retryable"]


def test_depths_of_every_queue_and_its_dead_letters(pipeline: Pipeline, client: TestClient) -> None:
    pipeline.upload()
    pipeline.upload()
    pipeline.queues.receive(Queue.JOBS, most=1)
    pipeline.queues.put(Queue.COMPLETIONS, "bad", dead_letters=True)
    queues = {queue.pop("name"): queue for queue in client.get("/api/queues").json()["queues"]}
    none = {"visible": 0, "in_flight": 0, "delayed": 0, "total": 0}
    one = {"visible": 1, "in_flight": 0, "delayed": 0, "total": 1}
    assert queues == {
        "ingest": none | {"dead_letters": none},
        "jobs": {"visible": 1, "in_flight": 1, "delayed": 0, "total": 2, "dead_letters": none},
        "jobs-bulk": none | {"dead_letters": none},
        "transforms": none | {"dead_letters": none},
        "completions": none | {"dead_letters": one},
        "notifications": none | {"dead_letters": none},
    }


def test_health_and_readiness_are_there(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


@given(st.integers(0, 253_402_300_799_999))
def test_times_are_shown_to_the_millisecond(moment: int) -> None:
    shown = rfc3339(moment)
    assert RFC3339.fullmatch(shown)
    assert (datetime.fromisoformat(shown) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1) == moment
