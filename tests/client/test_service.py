"""The client and the real upload service, over ports in memory, understand each other."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from client import AsyncDarkroom, Attempt, Darkroom, Delivery, Endpoint, Refused, Status, answers
from contracts.deliveries import encode_delivery
from contracts.formats import ImageFormat
from contracts.job import JobState
from contracts.limits import MAX_BODY_BYTES
from services.upload import document, webhook_routes
from services.upload.application import application
from tests.contracts.test_deliveries import a_delivery
from tests.support import pictures
from tests.support.serving import serving
from tests.support.upload_room import UploadRoom

PHOTO = pictures.sample(ImageFormat.JPEG)


class Served(NamedTuple):
    room: UploadRoom
    address: str


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    room = UploadRoom()
    room.readiness.begin()
    with serving(application(room.desk)) as address:
        yield Served(room, address)


@pytest.fixture
def darkroom(served: Served) -> Iterator[Darkroom]:
    with Darkroom(served.address) as one:
        yield one


def current(darkroom: Darkroom, job_id: str) -> Status:
    status = darkroom.status(job_id)
    assert status is not None
    return status


def test_what_was_sent_is_what_the_job_knows(darkroom: Darkroom) -> None:
    job = darkroom.upload(
        PHOTO,
        filename='my chair "1".jpg',
        variants=[{"name": "s", "resize": {"width": 30}, "output": {"format": "webp"}}],
        meta={"sku": "A-17"},
        expires_in=3600,
    )
    status = current(darkroom, job.id)
    assert (status.state, status.progress, status.meta) == (
        "queued",
        answers.Progress(done=0, total=1),
        {"sku": "A-17"},
    )
    assert (status.source.media_type, status.source.bytes) == ("image/jpeg", len(PHOTO))
    assert (status.source.width, status.source.height) == (96, 64)
    assert status.source.filename is not None
    assert status.source.filename.startswith("my chair ")
    assert [(variant.name, variant.state) for variant in status.variants] == [("s", "pending")]
    assert status.expires_at is not None
    assert status.created_at is not None
    assert (status.expires_at - status.created_at).total_seconds() == 3600


def test_a_picture_on_disk_needs_no_options(darkroom: Darkroom, tmp_path: Path) -> None:
    path = tmp_path / "chair.png"
    path.write_bytes(pictures.sample(ImageFormat.PNG))
    status = current(darkroom, darkroom.upload(path).id)
    assert (status.source.filename, status.source.media_type) == ("chair.png", "image/png")
    assert [variant.name for variant in status.variants] == ["large", "medium", "small", "thumb"]


def test_the_same_key_is_the_same_job_and_another_picture_is_refused(darkroom: Darkroom) -> None:
    first = darkroom.upload(PHOTO, idempotency_key="chair 1")
    again = darkroom.upload(PHOTO, idempotency_key="chair 1")
    assert (again.id, first.replayed, again.replayed) == (first.id, False, True)
    with pytest.raises(Refused) as caught:
        darkroom.upload(pictures.sample(ImageFormat.JPEG, 40, 40), idempotency_key="chair 1")
    assert caught.value.code == "idempotency-key-reused"


@pytest.mark.parametrize(
    ("data", "name", "status", "code"),
    [
        (b"", "a.jpg", 400, "malformed"),
        (b"no picture at all", "a.jpg", 415, "unsupported-media-type"),
        (pictures.sample(ImageFormat.PNG), "a.jpg", 422, "type-mismatch"),
        (pictures.png_header(50_000, 50_000), "a.png", 422, "pixel-limit"),
        (b"no picture, and large" + bytes(MAX_BODY_BYTES), "a", 415, "unsupported-media-type"),
    ],
)
def test_a_refusal_arrives_as_the_problem_it_is(
    darkroom: Darkroom, data: bytes, name: str, status: int, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        darkroom.upload(data, filename=name)
    error = caught.value
    assert (error.status, error.code, error.retryable) == (status, code, False)
    assert error.request_id
    assert error.detail


def test_wrong_options_are_pointed_at(darkroom: Darkroom) -> None:
    with pytest.raises(Refused) as caught:
        darkroom.upload(PHOTO, variants=[{"name": "a", "resize": {"width": 0}}])
    assert [pointer for pointer, _ in caught.value.errors] == ["#/variants/0/resize/width"]


def test_commands_are_carried_out_once_and_answered_alike(darkroom: Darkroom) -> None:
    job = darkroom.upload(PHOTO)
    first = darkroom.cancel(job.id, key="stop")
    again = darkroom.cancel(job.id, key="stop")
    assert (first.state, first.replayed, again.replayed) == ("cancelled", False, True)
    assert (again.id, again.revision) == (job.id, first.revision)
    assert darkroom.delete(job.id).state == "deleting"
    assert darkroom.delete(job.id).state == "deleting"
    with pytest.raises(Refused) as caught:
        darkroom.cancel(job.id)
    assert (caught.value.code, caught.value.advice) == ("gone", "upload the picture again")


def test_a_retry_of_what_did_not_fail_is_refused(darkroom: Darkroom) -> None:
    job = darkroom.upload(PHOTO)
    with pytest.raises(Refused) as caught:
        darkroom.retry(job.id)
    assert (caught.value.code, caught.value.document["state"]) == ("state-conflict", "queued")


def test_a_list_is_read_to_its_end(darkroom: Darkroom) -> None:
    sent = {darkroom.upload(PHOTO, meta={"shelf": "9"}).id for _ in range(5)}
    listed = list(darkroom.jobs(tag="shelf:9", state=["queued", "processing"], limit=2))
    assert {job.id for job in listed} == sent
    assert [job.created_at for job in listed] == sorted((job.created_at for job in listed), reverse=True)
    assert all(job.meta == {"shelf": "9"} and job.as_sent["id"] == job.id for job in listed)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert darkroom.page(created_before=long_ago).jobs == ()


def test_the_async_client_lists_and_commands_too(served: Served) -> None:
    async def all_of_it() -> list[str]:
        async with AsyncDarkroom(served.address) as darkroom:
            job = await darkroom.upload(PHOTO, meta={"shelf": "10"})
            await darkroom.cancel(job.id)
            return [line.state async for line in darkroom.jobs(tag="shelf:10", limit=1)]

    assert asyncio.run(all_of_it()) == ["cancelled"]


def test_an_endpoint_from_its_making_to_its_end(served: Served, darkroom: Darkroom) -> None:
    made = darkroom.create_webhook("https://hooks.example/in")
    assert made.secret is not None
    assert made.secret not in repr(made)
    shown = darkroom.webhook(made.id)
    assert (shown.secret, shown.url, shown.state) == (None, "https://hooks.example/in", "enabled")
    assert shown in darkroom.webhooks()
    assert darkroom.status(darkroom.upload(PHOTO, webhook=made.id).id) is not None
    rotated = darkroom.rotate_webhook(made.id)
    assert rotated.secret not in (None, made.secret)
    assert darkroom.enable_webhook(made.id).state == "enabled"
    told = a_delivery(webhook=made.id, created_at=served.room.clock.now())
    served.room.ledger.deliveries[told.key] = encode_delivery(told)
    [sent] = darkroom.deliveries(made.id, limit=1)
    assert (sent.event, sent.job_id, sent.state) == (told.event, told.job_id, "pending")
    assert darkroom.redeliver(made.id, sent.event).event == sent.event
    darkroom.delete_webhook(made.id)
    darkroom.delete_webhook(made.id)
    assert shown not in darkroom.webhooks()


def test_a_refusal_about_endpoints_names_the_next_step(darkroom: Darkroom) -> None:
    made = darkroom.create_webhook("https://hooks.example/in")
    asked: list[tuple[Callable[[], object], str, str]] = [
        (lambda: darkroom.webhook("wh_1"), "not-found", "`darkroom webhooks list` shows those that there are"),
        (lambda: darkroom.redeliver(made.id, "0" * 32), "not-found", "`darkroom webhooks show ID` shows the latest"),
        (lambda: darkroom.create_webhook("http://127.0.0.1/"), "source-forbidden", "name an https address"),
        (lambda: darkroom.upload(PHOTO, webhook="wh_" + "z" * 16), "spec-invalid", "correct the options"),
    ]
    for ask, code, advice in asked:
        with pytest.raises(Refused) as caught:
            ask()
        assert caught.value.code == code
        assert caught.value.advice.startswith(advice)


def test_the_async_client_knows_endpoints_too(served: Served) -> None:
    async def all_of_it() -> list[object]:
        async with AsyncDarkroom(served.address) as darkroom:
            made = await darkroom.create_webhook("https://hooks.example/async")
            second = await darkroom.rotate_webhook(made.id)
            told = a_delivery(webhook=made.id, event="a0" * 16, created_at=served.room.clock.now())
            served.room.ledger.deliveries[told.key] = encode_delivery(told)
            [sent] = await darkroom.deliveries(made.id)
            again = await darkroom.redeliver(made.id, sent.event)
            seen = await darkroom.webhook((await darkroom.enable_webhook(made.id)).id)
            assert seen in await darkroom.webhooks()
            await darkroom.delete_webhook(made.id)
            return [second.secret != made.secret, again.state, seen in await darkroom.webhooks()]

    assert asyncio.run(all_of_it()) == [True, "pending", False]


def test_what_has_not_changed_is_not_sent_again(darkroom: Darkroom) -> None:
    job = darkroom.upload(PHOTO)
    status = current(darkroom, job.id)
    assert darkroom.status(job.id, etag=status.etag) is None


def test_a_job_that_is_not_there_is_refused(darkroom: Darkroom) -> None:
    with pytest.raises(Refused) as caught:
        darkroom.status("00000000-0000-7000-8000-000000000000")
    assert (caught.value.code, caught.value.advice) == ("not-found", "check the id; `darkroom put` prints it")


def test_many_at_once_from_one_async_client(served: Served) -> None:
    async def all_of_them() -> list[Status | None]:
        async with AsyncDarkroom(served.address) as darkroom:
            jobs = await asyncio.gather(*(darkroom.upload(PHOTO) for _ in range(12)))
            return await asyncio.gather(*(darkroom.status(job.id) for job in jobs))

    statuses = asyncio.run(all_of_them())
    assert len({status.id for status in statuses if status is not None}) == 12


def test_both_sides_have_the_same_states_and_fields() -> None:
    assert {str(state) for state in JobState} >= answers._FINAL
    for ours, theirs in [
        (answers.VariantStatus, document.VariantDocument),
        (answers.Source, document.SourceDocument),
        (answers.Progress, document.Progress),
        (answers.Status, document.StatusDocument),
        (answers.JobLine, document.JobSummary),
        (Endpoint, webhook_routes.WebhookDocument),
        (Delivery, webhook_routes.DeliveryDocument),
        (Attempt, webhook_routes.AttemptDocument),
    ]:
        unknown = set(ours.__struct_fields__) - set(theirs.__struct_fields__) - {"etag", "as_sent"}
        assert unknown == set()
