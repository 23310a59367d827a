"""How a job is shown: whole texts compared, on a terminal and anywhere else."""

import io

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from client.answers import Status, read_status
from client.progress import Lines, human_bytes
from client.table import clean, headline, saving, show, variants_table
from tests.support.imitation import JOB, status_reply, variant

PENDING = {"name": "later", "state": "pending"}
FAILED = {
    "name": "mark",
    "state": "failed",
    "error": {"code": "resource-limit", "title": "Too much", "detail": "it died\x1b[31m twice", "status": 422},
}


def status(state: str = "partially_completed", **more: object) -> Status:
    body = status_reply(
        state,
        variant("large", b"x" * 250, url="http://s3/large?sign=1", width=1600, height=1200),
        variant("thumb", b"x" * 1100, url="http://s3/thumb?sign=2", width=150, height=150),
        FAILED,
        PENDING,
        **more,
    ).body
    return read_status(body, etag="")


def test_off_a_terminal_there_are_plain_columns_and_whole_links() -> None:
    stream = io.StringIO()
    show(status(), stream)
    assert stream.getvalue().splitlines() == [
        f"chair.jpg: partially completed, 3 of 4 variants, 491 ms, job {JOB}",
        "name   size       bytes  saving  ms  link",
        "large  1600×1200    250     75%  12  http://s3/large?sign=1",
        "thumb  150×150     1100    -10%  12  http://s3/thumb?sign=2",
        "mark   failed                        resource-limit: it died�[31m twice",
        "later  pending",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_links_follow_the_table_unbroken() -> None:
    stream = Terminal()
    show(status(), stream)
    written = stream.getvalue()
    assert written.endswith("large  http://s3/large?sign=1\nthumb  http://s3/thumb?sign=2\n")
    assert "\x1b[31m twice" not in written


def test_the_terminal_table_has_the_same_cells() -> None:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(variants_table(status()))
    assert isinstance(console.file, io.StringIO)
    assert [line.split() for line in console.file.getvalue().splitlines()] == [
        ["name", "size", "bytes", "saving", "ms", "link"],
        ["large", "1600×1200", "250", "75%", "12", "open"],
        ["thumb", "150×150", "1,100", "-10%", "12", "open"],
        ["mark", "failed", "resource-limit:", "it", "died�[31m", "twice"],
        ["later", "pending"],
    ]


def test_a_job_without_variants_is_a_headline_and_a_reason() -> None:
    stream = io.StringIO()
    rejected = read_status(
        status_reply("rejected", error={"code": "image-corrupt", "title": "The image cannot be decoded"}).body, etag=""
    )
    show(rejected, stream)
    assert stream.getvalue().splitlines() == [
        f"chair.jpg: rejected, 491 ms, job {JOB}",
        "image-corrupt: The image cannot be decoded",
    ]


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_saving_has_the_sign_of_what_was_saved(source: int, made: int) -> None:
    said = saving(source, made)
    exact = 100 * (source - made) / source
    if said == ">99%":
        assert exact >= 99.5
    else:
        assert abs(int(said.removesuffix("%")) - exact) <= 0.5
    assert saving(None, made) == saving(0, made) == saving(source, None) == ""


@given(st.text())
def test_nothing_that_came_over_the_network_can_steer_a_terminal(text: str) -> None:
    document = msgspec.json.decode(status_reply("completed", variant("a", b"x", url="http://s3/a")).body)
    document["source"]["filename"] = text.encode("utf-8", "replace").decode()
    shown = headline(read_status(msgspec.json.encode(document), etag=""))
    assert shown.isprintable()
    assert len(clean(text)) == len(text)


def test_progress_off_a_terminal_is_a_line_for_a_change_and_no_more() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    with lines:
        for sent in (0, 500, 1000):
            lines.sending("a.jpg", sent, 829_000)
        queued = read_status(status_reply("queued").body, etag="")
        processing = read_status(status_reply("processing", PENDING, FAILED).body, etag="")
        for seen in (queued, queued, processing, processing, status()):
            lines.seen("a.jpg", seen)
    assert stream.getvalue().splitlines() == [
        "a.jpg: sending 829 kB",
        "a.jpg: queued",
        "a.jpg: processing, 1 of 2 variants",
        "a.jpg: partially completed",
    ]


def test_sizes_are_said_in_decimal_units() -> None:
    assert [human_bytes(count) for count in (0, 999, 1_000, 829_400, 999_499, 3_440_000)] == [
        "0 B",
        "999 B",
        "1 kB",
        "829 kB",
        "999 kB",
        "3.4 MB",
    ]
