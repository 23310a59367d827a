"""Both clients over real sockets, against a Darkroom that answers by script: whatever one does, the other does too."""

import asyncio
import inspect
import io
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client import AsyncDarkroom, BadInput, Damaged, Darkroom, Refused, StrangeAnswer, Unreachable
from client.asking import TRIES
from tests.support.imitation import (
    HANG_UP,
    JOB,
    Imitation,
    Reply,
    accepted_reply,
    json_reply,
    problem_reply,
    status_reply,
    variant,
)

Call = Callable[..., Any]
LARGE = bytes(range(256)) * 4_000


def blocking(address: str, verb: str, *values: Any, **options: Any) -> Any:
    with Darkroom(address) as darkroom:
        return getattr(darkroom, verb)(*values, **options)


def awaiting(address: str, verb: str, *values: Any, **options: Any) -> Any:
    async def call() -> Any:
        async with AsyncDarkroom(address) as darkroom:
            return await getattr(darkroom, verb)(*values, **options)

    return asyncio.run(call())


@pytest.fixture(params=[blocking, awaiting])
def call(request: pytest.FixtureRequest, imitation: Imitation) -> Call:
    return lambda *values, **options: request.param(imitation.address, *values, **options)


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.asking.FIRST_BACK_OFF_SECONDS", 0.001)


def test_both_clients_have_the_same_verbs_with_the_same_options() -> None:
    def surface(kind: type) -> dict[str, str]:
        return {
            name: str(inspect.signature(member)).replace("AsyncIterator", "Iterator")
            for name, member in vars(kind).items()
            if not name.startswith("_") and callable(member)
        }

    assert surface(Darkroom) == surface(AsyncDarkroom)
    assert set(surface(Darkroom)) == {
        *("upload", "upload_url", "status", "wait", "download", "close"),
        *("cancel", "retry", "delete", "page", "jobs"),
        *("presets", "preset", "put_preset", "delete_preset"),
        *("create_webhook", "webhooks", "webhook", "rotate_webhook", "enable_webhook", "delete_webhook"),
        *("deliveries", "redeliver"),
    }


@pytest.mark.parametrize("given", ["path", "text", "bytes", "file", "pipe"])
def test_a_picture_goes_out_whole_after_its_options(
    call: Call, imitation: Imitation, tmp_path: Path, given: str
) -> None:
    path = tmp_path / "chair.jpg"
    path.write_bytes(LARGE)
    imitation.will(accepted_reply())
    with path.open("rb") as file:
        file.seek(17)
        sources = {"path": path, "text": str(path), "bytes": LARGE, "file": file, "pipe": Pipe(LARGE)}
        job = call("upload", sources[given], preset="web@1")
    [heard] = imitation.heard
    name, media_type = ("chair.jpg", "image/jpeg")
    if given in ("bytes", "pipe"):
        name, media_type = ("picture", "application/octet-stream")
    assert heard.parts == [
        ("options", None, "application/json", b'{"preset":"web@1"}'),
        ("file", name, media_type, LARGE),
    ]
    assert int(heard.headers["content-length"]) == len(heard.body)
    assert (heard.method, heard.path, job.id, job.state) == ("POST", "/uploads", JOB, "queued")


class Pipe(io.RawIOBase):
    """Bytes that come once: no seeking, no length."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        return self._data.readinto(buffer)


def test_progress_tells_bytes_from_none_to_all_and_again_when_sent_again(call: Call, imitation: Imitation) -> None:
    told: list[tuple[int, int]] = []
    imitation.will(problem_reply(503, "overloaded"), accepted_reply())
    call("upload", LARGE, on_progress=lambda sent, total: told.append((sent, total)))
    assert {total for _, total in told} == {len(LARGE)}
    first_end = told.index((len(LARGE), len(LARGE)))
    assert [sent for sent, _ in told[: first_end + 1]] == sorted(sent for sent, _ in told[: first_end + 1])
    assert told[-1] == (len(LARGE), len(LARGE))
    assert min(sent for sent, _ in told[first_end + 2 :]) < len(LARGE)


@pytest.mark.parametrize("trouble", [HANG_UP, Reply(202, b'{"id": "abc"', {}, break_after=5)])
def test_an_upload_whose_answer_was_lost_is_sent_again_under_the_same_key(
    call: Call, imitation: Imitation, trouble: Reply
) -> None:
    imitation.will(trouble, accepted_reply())
    assert call("upload", b"picture").id == JOB
    keys = [heard.headers["idempotency-key"] for heard in imitation.heard]
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert [heard.parts[1][3] for heard in imitation.heard] == [b"picture"] * 2


def test_a_replayed_answer_says_so(call: Call, imitation: Imitation) -> None:
    imitation.will(json_reply(202, {"id": JOB, "state": "completed"}, **{"Idempotency-Replayed": "?1"}))
    job = call("upload", b"picture", idempotency_key="mine")
    assert (job.replayed, job.state) == (True, "completed")


def test_a_status_that_did_not_change_is_none(call: Call, imitation: Imitation) -> None:
    imitation.will(Reply(304, b"", {"ETag": '"7-1"'}))
    assert call("status", JOB, wait=3, etag='"7-1"') is None
    assert imitation.heard[0].path == f"/status/{JOB}?wait=3"
    assert imitation.heard[0].headers["if-none-match"] == '"7-1"'


def test_a_refusal_is_told_and_not_repeated(call: Call, imitation: Imitation) -> None:
    imitation.will(problem_reply(422, "type-mismatch", "the bytes are PNG"))
    with pytest.raises(Refused, match="Type mismatch: the bytes are PNG"):
        call("upload", b"picture")
    assert len(imitation.heard) == 1


@pytest.fixture
def job() -> dict[str, bytes]:
    """The variants of a job, by name."""
    return {"large": LARGE, "thumb": b"small picture"}


def linked(imitation: Imitation, data: dict[str, bytes], **links: str) -> Reply:
    return status_reply(
        "completed",
        *(
            variant(name, content, url=f"{imitation.address}/{links.get(name, name)}?signed")
            for name, content in data.items()
        ),
    )


def test_variants_are_fetched_checked_and_named(
    call: Call, imitation: Imitation, job: dict[str, bytes], tmp_path: Path
) -> None:
    imitation.will(linked(imitation, job), Reply(200, LARGE), Reply(200, b"small picture"))
    fetched = call("download", JOB, tmp_path / "new" / "folder")
    assert [(file.name, file.bytes) for file in fetched] == [("large", len(LARGE)), ("thumb", 13)]
    assert {path.name: path.read_bytes() for path in (tmp_path / "new" / "folder").iterdir()} == {
        "large.jpg": LARGE,
        "thumb.jpg": b"small picture",
    }


def test_only_the_variants_that_were_named_are_fetched(
    call: Call, imitation: Imitation, job: dict[str, bytes], tmp_path: Path
) -> None:
    imitation.will(linked(imitation, job), Reply(200, b"small picture"))
    [file] = call("download", JOB, str(tmp_path), variants=["thumb", "thumb"])
    assert file.path == tmp_path / "thumb.jpg"
    imitation.will(linked(imitation, job))
    with pytest.raises(BadInput, match="no variant 'hero' to fetch; there are: large, thumb"):
        call("download", JOB, tmp_path, variants=["hero"])


@pytest.mark.parametrize(("state", "advice"), [("processing", "wait for it with: "), ("failed", "see why with: ")])
def test_a_job_without_variants_is_told_with_the_next_step(
    call: Call, imitation: Imitation, tmp_path: Path, state: str, advice: str
) -> None:
    imitation.will(status_reply(state))
    with pytest.raises(BadInput, match=f"is {state} and has no variant to fetch") as raised:
        call("download", JOB, tmp_path)
    assert raised.value.advice.startswith(f"{advice}darkroom status {JOB}")


@pytest.mark.parametrize("wrong", [b"", b"small pictur", b"small picturE", b"small picture and more"])
def test_bytes_that_are_not_the_ones_of_the_digest_leave_nothing(
    call: Call, imitation: Imitation, job: dict[str, bytes], tmp_path: Path, wrong: bytes
) -> None:
    (tmp_path / "thumb.jpg").write_bytes(b"an earlier one")
    imitation.will(linked(imitation, job), Reply(200, wrong))
    with pytest.raises(Damaged):
        call("download", JOB, tmp_path, variants=["thumb"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"thumb.jpg": b"an earlier one"}


def test_a_download_that_broke_begins_again(
    call: Call, imitation: Imitation, job: dict[str, bytes], tmp_path: Path
) -> None:
    imitation.will(linked(imitation, job), Reply(200, LARGE, break_after=70_000), Reply(200, LARGE))
    [file] = call("download", JOB, tmp_path, variants=["large"])
    assert file.path.read_bytes() == LARGE


def test_a_link_whose_time_is_over_is_asked_for_anew(
    call: Call, imitation: Imitation, job: dict[str, bytes], tmp_path: Path
) -> None:
    imitation.will(
        linked(imitation, job, thumb="old"),
        Reply(403, b"<Error/>", {"Content-Type": "application/xml"}),
        linked(imitation, job, thumb="new"),
        Reply(200, b"small picture"),
    )
    [file] = call("download", JOB, tmp_path, variants=["thumb"])
    assert file.path.read_bytes() == b"small picture"
    assert [heard.path for heard in imitation.heard] == [
        f"/status/{JOB}",
        "/old?signed",
        f"/status/{JOB}",
        "/new?signed",
    ]


def test_where_a_link_leads_nowhere_its_own_host_is_named(call: Call, imitation: Imitation, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        elsewhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        imitation.will(status_reply("completed", variant("thumb", b"x", url=f"{elsewhere}/thumb")))
        with pytest.raises(Unreachable) as caught:
            call("download", JOB, tmp_path)
    assert caught.value.address == elsewhere
    assert caught.value.advice == "the links lead there; make it reachable from here and try again"


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "A", "x" * 41, "."])
def test_a_variant_cannot_be_written_outside_the_folder(
    call: Call, imitation: Imitation, tmp_path: Path, name: str
) -> None:
    imitation.will(status_reply("completed", variant(name, b"x", url=f"{imitation.address}/x")), Reply(200, b"x"))
    with pytest.raises(Damaged):
        call("download", JOB, tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(
    call: Call, imitation: Imitation, job: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    imitation.will(linked(imitation, job))
    with pytest.raises(BadInput, match="cannot be written"):
        call("download", JOB, tmp_path / "file")


def test_a_page_of_somebody_else_is_not_taken_for_an_answer(call: Call, imitation: Imitation) -> None:
    imitation.will(Reply(200, b"<html>Hello", {"Content-Type": "text/html; charset=utf-8"}))
    with pytest.raises(StrangeAnswer, match=r"answered 200 with text/html, which is not an answer of Darkroom"):
        call("status", JOB)


def test_a_picture_that_cannot_be_read_is_named_before_anything_is_sent(
    call: Call, imitation: Imitation, tmp_path: Path
) -> None:
    for path in (tmp_path / "missing.jpg", tmp_path):
        with pytest.raises(BadInput, match="cannot be read"):
            call("upload", path)
    assert imitation.heard == []


@pytest.mark.parametrize("call_to", [blocking, awaiting])
def test_where_nothing_listens_the_address_is_named(call_to: Call) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unreachable) as caught:
            call_to(address, "upload", b"picture")
    assert str(caught.value) == f"no answer from {address} (nothing listens there)"
    assert caught.value.advice == "start Darkroom there, or name its address with --url or DARKROOM_URL"


def test_a_server_that_only_hangs_up_is_given_up_after_some_tries(call: Call, imitation: Imitation) -> None:
    imitation.will(*[HANG_UP] * TRIES)
    with pytest.raises(Unreachable, match="the connection broke"):
        call("status", JOB)
    assert imitation.is_done


@pytest.mark.parametrize("call_to", [blocking, awaiting])
def test_loopback_is_never_asked_through_a_proxy(
    call_to: Call, imitation: Imitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    imitation.will(status_reply("queued"))
    assert call_to(imitation.address, "status", JOB).state == "queued"


def test_a_long_name_or_one_that_is_not_utf8_still_goes_out(call: Call, imitation: Imitation, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9 "\\.jpg'))
    path.write_bytes(b"x")
    imitation.will(accepted_reply())
    call("upload", path)
    [_, (_, filename, media_type, _)] = imitation.heard[0].parts
    assert filename is not None
    assert filename.startswith("caf? ")
    assert media_type == "image/jpeg"
