"""Every bad request of the catalogue, spoken to the service with no HTTP parser between: refused by its own problem.

The same requests are sent to running services in tests/journeys; there a job's end is looked at too.
"""

from collections.abc import Iterator

import pytest

from contracts.environment import Fetch
from services.upload.application import application
from tests.support.bad_inputs import TABLE, expected, requests, senders
from tests.support.bad_inputs.asked import spoken_here
from tests.support.upload_room import UploadRoom

REQUESTS = {f"{entry} {case}": (entry, case, make) for (entry, case), make in requests().items()}


@pytest.fixture
def room() -> Iterator[UploadRoom]:
    """One that fetches pictures, so that their addresses are looked at."""
    made = UploadRoom(fetch=Fetch(enabled=True))
    yield made
    made.threads.close()


def test_the_catalogue_and_what_makes_it_have_the_same_cases() -> None:
    listed = {(entry.id, case) for entry in TABLE.values() for case in entry.cases}
    assert set(senders()) == listed
    assert list(TABLE) == [f"B{number}" for number in range(1, len(TABLE) + 1)]
    assert all(entry.what and entry.how for entry in TABLE.values())


@pytest.mark.parametrize("name", REQUESTS)
def test_a_bad_request_is_answered_by_name_and_leaves_nothing_behind(name: str, room: UploadRoom) -> None:
    entry, case, make = REQUESTS[name]
    asked, due = make(), expected(entry, case)
    answer = spoken_here(application(room.desk), asked)
    assert (answer.status or None, answer.code) == (due.status, due.code), answer.body[:500]
    if due.code is not None:
        refused = answer.document
        assert answer.headers["content-type"] == "application/problem+json"
        assert (refused["status"], refused["request_id"]) == (due.status, answer.headers["x-request-id"])
        assert refused["type"].endswith(f"/problems/{due.code}")
        assert {"title", "detail", "instance", "retryable"} <= set(refused)
    assert room.is_untouched is (due.status != 202)
    assert room.desk.room.inside == 0
    if asked.names:
        [job] = room.ledger.jobs()
        assert job.source.filename == due.filename
        assert job.key == f"inline/default/{job.id}/original"
