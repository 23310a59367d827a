"""A list is complete, newest first, of one tenant; its pages do bounded work, and its cursors lead back only there."""

import base64
import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from contracts.errors import Malformed, Unavailable
from contracts.job import SCHEMA, Fault, Job, JobState, VariantRecord, VariantState
from contracts.ports import Entry
from contracts.variants import Variant
from services.upload.document import rfc3339
from services.upload.listing import LOOKS, SHOWN, Listing, Wanted, cursor_of, place_of
from tests.services.upload.test_status import uploaded
from tests.support.memory import MemoryCatalogue, MemoryLedger, VirtualClock
from tests.support.upload_room import UploadRoom

Client = TestClient[Litestar]
DAY: Final = 86_400_000
NOW: Final = VirtualClock().now()
MIDNIGHT: Final = NOW - NOW % DAY

made_at = st.sampled_from([NOW, NOW - 1, MIDNIGHT, MIDNIGHT - 1, MIDNIGHT - DAY, NOW - 40 * DAY, NOW - 364 * DAY])
filters = st.builds(
    Wanted,
    states=st.frozensets(st.sampled_from(sorted(SHOWN)), max_size=3),
    preset=st.none() | st.sampled_from(["web@1", "none@1"]),
    error=st.none() | st.sampled_from(["image-corrupt", "resource-limit"]),
    tag=st.none() | st.sampled_from([("sku", None), ("sku", "A-17"), ("sku", "B"), ("other", None)]),
    since=st.none() | made_at,
    until=st.none() | made_at,
)


def a_job(number: int, **details: Any) -> Job:
    known = {
        "schema": SCHEMA,
        "id": f"01932c00-0000-7000-8000-{number:012x}",
        "tenant": "default",
        "state": JobState.QUEUED,
        "created_at": NOW,
        "updated_at": NOW,
        "expires_at": NOW + DAY,
        "key": "k",
        "upload_until": NOW,
        "fingerprint": "f",
    }
    return Job(**{**known, **details})


FAILED_VARIANT: Final = VariantRecord(
    spec=Variant(name="a"), state=VariantState.FAILED, error=Fault(code="resource-limit")
)


@st.composite
def many_jobs(draw: st.DrawFn) -> list[Job]:
    return [
        a_job(
            number,
            tenant=draw(st.sampled_from(["default", "default", "another"])),
            state=draw(st.sampled_from(JobState)),
            created_at=draw(made_at),
            preset=draw(st.none() | st.just("web@1")),
            meta=draw(st.sampled_from([{}, {"sku": "A-17"}])),
            error=draw(st.none() | st.just(Fault(code="image-corrupt"))),
            variants=draw(st.sampled_from([(), (FAILED_VARIANT,)])),
        )
        for number in range(draw(st.integers(0, 12)))
    ]


def listing_of(jobs: list[Job]) -> tuple[Listing, MemoryLedger]:
    ledger = MemoryLedger()
    for job in jobs:
        ledger.create(job)
    return Listing(catalogue=MemoryCatalogue(ledger), ledger=ledger, clock=VirtualClock()), ledger


def all_pages(listing: Listing, wanted: Wanted, most: int) -> list[Job]:
    found: list[Job] = []
    after: Entry | None = None
    while True:
        page = listing.page("default", wanted, most, after)
        assert len(page.jobs) <= most
        found += page.jobs
        if page.go_on is None:
            return found
        # as a client does it: by the text
        after = place_of(cursor_of(page.go_on, "default", wanted), "default", wanted)


@given(many_jobs(), filters, st.integers(1, 5))
def test_the_pages_are_the_whole_list_newest_first(jobs: list[Job], wanted: Wanted, most: int) -> None:
    listing, _ = listing_of(jobs)
    fitting = [
        job
        for job in jobs
        if job.tenant == "default"
        and job.state in (wanted.states or SHOWN)
        and wanted.preset in (None, job.preset)
        and (wanted.since is None or job.created_at >= wanted.since)
        and (wanted.until is None or job.created_at < wanted.until)
        and wanted.fits(job)
    ]
    expected = sorted(fitting, key=lambda job: (job.created_at, job.id), reverse=True)
    assert all_pages(listing, wanted, most) == expected


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), {0, 1, 2, 3}),
        (Wanted(error="image-corrupt"), {1}),
        (Wanted(error="resource-limit"), {2}),
        (Wanted(error="resource-limit", states=frozenset({JobState.COMPLETED})), set()),
        (Wanted(tag=("sku", None)), {3}),
        (Wanted(tag=("sku", "A-17")), {3}),
        (Wanted(tag=("sku", "A-18")), set()),
        (Wanted(states=frozenset({JobState.REJECTED, JobState.QUEUED})), {0, 1, 3}),
    ],
)
def test_each_filter_leaves_out_what_does_not_fit(wanted: Wanted, numbers: set[int]) -> None:
    jobs = [
        a_job(0),
        a_job(1, state=JobState.REJECTED, error=Fault(code="image-corrupt")),
        a_job(2, state=JobState.PARTIALLY_COMPLETED, variants=(FAILED_VARIANT,)),
        a_job(3, meta={"sku": "A-17"}),
        a_job(4, state=JobState.DELETED),
        a_job(5, state=JobState.DELETING),
    ]
    listing, _ = listing_of(jobs)
    assert {job.id for job in all_pages(listing, wanted, 100)} == {jobs[number].id for number in numbers}


def test_a_row_that_moved_on_after_the_index_saw_it_is_judged_as_it_is() -> None:
    job = a_job(0)
    listing, ledger = listing_of([job])

    class Behind(MemoryCatalogue):
        def made(self, *asked: Any, **more: Any) -> Any:
            glance = super().made(*asked, **more)
            if ledger.read([job.id])[job.id].revision == 1:
                ledger.replace(a_job(0, state=JobState.DELETED, revision=2), 1)
            return glance

    behind = Listing(catalogue=Behind(ledger), ledger=ledger, clock=VirtualClock())
    assert behind.page("default", Wanted(), 10, None).jobs == ()
    assert listing.page("default", Wanted(), 10, None).jobs == ()


def test_a_page_does_a_bounded_amount_of_work() -> None:
    """A year without a job is twelve empty pages, not one of three hundred queries."""
    ledger, looks = MemoryLedger(), []

    class Counted(MemoryCatalogue):
        def made(self, *asked: Any, **more: Any) -> Any:
            looks.append(asked)
            return super().made(*asked, **more)

    ledger.create(a_job(0, created_at=NOW - 360 * DAY))
    listing = Listing(catalogue=Counted(ledger), ledger=ledger, clock=VirtualClock())
    page = listing.page("default", Wanted(), 10, None)
    assert (page.jobs, len(looks)) == ((), LOOKS)
    assert page.go_on is not None
    assert [job.id for job in all_pages(listing, Wanted(), 10)] == [a_job(0).id]
    assert 366 < len(looks) - LOOKS < 372


def test_no_look_is_over_more_than_a_day() -> None:
    class Strict(MemoryCatalogue):
        def made(self, tenant: str, since: int, until: int, **more: Any) -> Any:
            assert since // DAY == (until - 1) // DAY
            return super().made(tenant, since, until, **more)

    listing = Listing(catalogue=Strict(MemoryLedger()), ledger=MemoryLedger(), clock=VirtualClock())
    assert all_pages(listing, Wanted(since=NOW - 3 * DAY), 10) == []


places = st.builds(Entry, st.integers(0, 2**45), st.sampled_from(["", a_job(1).id, a_job(2).id]))


@given(places, filters)
def test_a_cursor_leads_back_to_its_place(place: Entry, wanted: Wanted) -> None:
    assert place_of(cursor_of(place, "default", wanted), "default", wanted) == place


@given(places, filters, filters, st.sampled_from(["default", "another"]))
def test_a_cursor_is_of_one_tenant_and_one_question(place: Entry, wanted: Wanted, other: Wanted, tenant: str) -> None:
    cursor = cursor_of(place, "default", wanted)
    if (tenant, other) != ("default", wanted):
        with pytest.raises(Malformed):
            place_of(cursor, tenant, other)


@given(places, st.integers(0, 200), st.integers(1, 255))
def test_a_cursor_that_was_changed_is_refused(place: Entry, at: int, by: int) -> None:
    cursor = cursor_of(place, "default", Wanted())
    at %= len(cursor)
    changed = cursor[:at] + chr((ord(cursor[at]) ^ by) & 0x7F or 1) + cursor[at + 1 :]
    if changed != cursor:
        with pytest.raises(Malformed):
            place_of(changed, "default", Wanted())


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(Malformed):
        place_of(text, "default", Wanted())


def test_the_newest_come_first_and_the_next_page_is_linked(client: Client, room: UploadRoom) -> None:
    jobs = []
    for number in range(5):
        jobs.append(uploaded(client, json.dumps({"meta": {"n": str(number)}})))
        room.clock.advance(1)
    seen: list[str] = []
    address = "/jobs?limit=2&state=queued"
    pages = 0
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        seen += [job["id"] for job in document["jobs"]]
        pages += 1
        link = answer.headers.get("link", "")
        assert bool(link) == (document["next"] is not None)
        address = link.removeprefix("<").partition(">")[0]
    assert seen == jobs[::-1]
    assert pages >= 3


def test_a_line_says_what_a_job_is(client: Client, room: UploadRoom) -> None:
    job_id = uploaded(client)
    [line] = client.get("/jobs").json()["jobs"]
    assert line == {
        "id": job_id,
        "run": 1,
        "revision": 2,
        "state": "queued",
        "created_at": rfc3339(NOW),
        "finished_at": None,
        "expires_at": "2027-02-14T08:00:00.000Z",
        "preset": "web@1",
        "meta": {"sku": "A-17"},
        "filename": "chair.jpg",
        "progress": {"done": 0, "total": 4},
        "errors": [],
        "status_url": f"/status/{job_id}",
    }


def test_another_tenants_jobs_are_not_listed(client: Client, room: UploadRoom) -> None:
    room.ledger.create(a_job(1, tenant="another"))
    room.ledger.create(a_job(2))
    assert [job["id"] for job in client.get("/jobs").json()["jobs"]] == [a_job(2).id]


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("", 1),
        (f"?created_after={rfc3339(NOW)}", 1),
        (f"?created_after={rfc3339(NOW + 1)}", 0),
        (f"?created_before={rfc3339(NOW)}", 0),
        (f"?created_before={rfc3339(NOW + 1)}&created_after=2027-01-15T09:00:00%2B01:00", 1),
        ("?state=queued&state=failed&preset=web@1&tag=sku:A-17", 1),
        ("?preset=web@2", 0),
        ("?error=image-corrupt", 0),
        ("?state=completed", 0),
    ],
)
def test_filters_are_read_from_the_address(client: Client, room: UploadRoom, question: str, count: int) -> None:
    uploaded(client)
    assert len(client.get(f"/jobs{question}").json()["jobs"]) == count


@pytest.mark.parametrize(
    "question",
    [
        "limit=0",
        "limit=101",
        "limit=ten",
        "state=done",
        "state=deleted",
        "state=",
        "created_after=yesterday",
        "created_after=2027-01-15T08:00:00",
        "created_before=0001-01-01T00:00:00%2B23:59&created_after=x",
        "tag=",
        "tag=:A-17",
        "cursor=",
        "cursor=AAAA",
        "cursor=" + "A" * 10_000,
        "sort=size",
        "State=queued",
    ],
)
def test_a_question_that_cannot_be_read_is_refused(client: Client, question: str) -> None:
    answer = client.get(f"/jobs?{question}")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    ("question", "detail"),
    [
        ("limit=0", "limit: it must be a whole number at least 1"),
        ("limit=ten", "limit: it must be a whole number, and is a text"),
    ],
)
def test_a_refused_parameter_is_named_with_what_it_must_be(client: Client, question: str, detail: str) -> None:
    answer = client.get(f"/jobs?{question}").json()
    assert answer["detail"] == detail
    assert answer["errors"] == [{"pointer": "#/limit", "detail": detail.removeprefix("limit: ")}]


def test_a_catalogue_that_does_not_answer_is_a_503(client: Client, room: UploadRoom) -> None:
    uploaded(client)

    def fails(op: str) -> None:
        raise Unavailable("planted")

    room.before = fails
    assert client.get("/jobs").status_code == 503
