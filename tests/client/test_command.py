"""`darkroom` as a person or a script runs it: a process of its own, its whole output, its exit code."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from client import command
from tests.support.imitation import (
    JOB,
    Imitation,
    Reply,
    accepted_reply,
    problem_reply,
    status_reply,
    variant,
)

ROOT = Path(__file__).parents[2]


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "xterm", **more}


def darkroom(*arguments: str | Path, folder: Path, stdin: bytes = b"", **more: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "client", *map(str, arguments)],
        cwd=folder,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "chair.jpg").write_bytes(b"x" * 1000)
    (tmp_path / "table.png").write_bytes(b"y" * 2000)
    return tmp_path


def done_reply(imitation: Imitation, state: str = "completed") -> Reply:
    return status_reply(state, variant("thumb", b"small picture", url=f"{imitation.address}/thumb"))


@pytest.mark.slow
def test_put_sends_waits_and_shows_the_variants(imitation: Imitation, folder: Path) -> None:
    imitation.will(accepted_reply(), status_reply("queued", revision=2), done_reply(imitation))
    assert darkroom("put", "chair.jpg", "--url", imitation.address, folder=folder) == Ran(
        0,
        f"chair.jpg: completed, 1 of 1 variants, 491 ms, job {JOB}\n"
        "name   size     bytes  saving  ms  link\n"
        f"thumb  400×300     13     99%  12  {imitation.address}/thumb\n",
        "chair.jpg: sending 1 kB\nchair.jpg: queued\nchair.jpg: completed\n",
    )


@pytest.mark.slow
def test_put_without_waiting_says_how_to_follow(imitation: Imitation, folder: Path) -> None:
    imitation.will(accepted_reply(), accepted_reply("another"))
    ran = darkroom("put", "chair.jpg", "table.png", "--no-wait", folder=folder, DARKROOM_URL=imitation.address)
    assert ran == Ran(
        0,
        f"chair.jpg: accepted as job {JOB}; follow it with: darkroom status {JOB} --watch\n"
        "table.png: accepted as job another; follow it with: darkroom status another --watch\n",
        "chair.jpg: sending 1 kB\ntable.png: sending 2 kB\n",
    )


@pytest.mark.slow
def test_put_has_an_address_fetched(imitation: Imitation, folder: Path) -> None:
    imitation.will(accepted_reply())
    url = "https://shop.example/chair.jpg"
    ran = darkroom("put", url, "--no-wait", "--preset", "web@1", folder=folder, DARKROOM_URL=imitation.address)
    assert ran == Ran(0, f"{url}: accepted as job {JOB}; follow it with: darkroom status {JOB} --watch\n", "")
    assert json.loads(imitation.heard[0].body) == {"url": url, "preset": "web@1"}


@pytest.mark.slow
def test_put_takes_variants_from_a_file_and_a_picture_from_a_pipe(imitation: Imitation, folder: Path) -> None:
    wanted = [{"name": "s", "resize": {"width": 300}}]
    (folder / "wanted.json").write_text(json.dumps(wanted))
    imitation.will(accepted_reply())
    ran = darkroom(
        *("put", "-", "--variants", "@wanted.json", "--idempotency-key", "mine", "--no-wait", "--json"),
        *("--url", imitation.address),
        folder=folder,
        stdin=b"piped picture",
    )
    assert (ran.code, ran.err) == (0, "")
    options, file = imitation.heard[0].parts
    assert json.loads(options[3]) == {"variants": wanted}
    assert file == ("file", "stdin", "application/octet-stream", b"piped picture")
    assert imitation.heard[0].headers["idempotency-key"] == '"mine"'


@pytest.mark.slow
def test_put_takes_variants_in_a_line_each(imitation: Imitation, folder: Path) -> None:
    imitation.will(accepted_reply())
    ran = darkroom(
        *("put", "chair.jpg", "--variant", "hero=rs:cover:1600:900/f:avif", "--variant", "mini=rs::200/gray"),
        *("--no-wait", "--json", "--url", imitation.address),
        folder=folder,
    )
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(imitation.heard[0].parts[0][3]) == {
        "variants": [
            {
                "name": "hero",
                "resize": {"width": 1600, "height": 900, "fit": "cover"},
                "output": {"format": "avif"},
            },
            {"name": "mini", "resize": {"width": 200}, "filters": {"greyscale": True}},
        ]
    }


@pytest.mark.slow
def test_json_is_one_line_a_file_on_standard_output_and_nothing_else(imitation: Imitation, folder: Path) -> None:
    imitation.will(
        accepted_reply(),
        problem_reply(422, "type-mismatch", "the bytes are PNG"),
        done_reply(imitation, "partially_completed"),
    )
    ran = darkroom("put", "chair.jpg", "table.png", "missing.jpg", "--json", "--url", imitation.address, folder=folder)
    first, second, third = map(json.loads, ran.out.splitlines())
    assert (first["file"], first["id"], first["variants"][0]["name"]) == ("chair.jpg", JOB, "thumb")
    assert (second["file"], second["error"]["code"]) == ("table.png", "type-mismatch")
    assert third == {"file": "missing.jpg", "error": {"title": "missing.jpg cannot be read: No such file or directory"}}
    assert ran.err.splitlines() == [
        "darkroom: table.png: Type mismatch: the bytes are PNG; give the file the name and type of what it is",
        "darkroom: missing.jpg cannot be read: No such file or directory; correct it and try again",
    ]
    assert ran.code == 2


@pytest.mark.parametrize(
    ("state", "code"), [("completed", 0), ("queued", 0), ("partially_completed", 1), ("failed", 1), ("rejected", 1)]
)
@pytest.mark.slow
def test_the_exit_code_of_status_is_the_jobs_end(imitation: Imitation, folder: Path, state: str, code: int) -> None:
    imitation.will(status_reply(state))
    ran = darkroom("status", JOB, "--wait", "2", "--json", "--url", imitation.address, folder=folder)
    assert (ran.code, json.loads(ran.out)["state"], ran.err) == (code, state, "")
    assert imitation.heard[0].path == f"/status/{JOB}?wait=2"


@pytest.mark.slow
def test_watching_as_json_is_a_line_for_every_change(imitation: Imitation, folder: Path) -> None:
    imitation.will(status_reply("queued", revision=2), status_reply("processing", revision=3), done_reply(imitation))
    ran = darkroom("status", JOB, "--watch", "--json", "--url", imitation.address, folder=folder)
    assert [json.loads(line)["state"] for line in ran.out.splitlines()] == ["queued", "processing", "completed"]
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.slow
def test_get_fetches_into_a_folder_named_by_the_job(imitation: Imitation, folder: Path) -> None:
    imitation.will(done_reply(imitation), Reply(200, b"small picture"))
    assert darkroom("get", JOB, "--url", imitation.address, folder=folder) == Ran(0, f"{JOB}/thumb.jpg  13 bytes\n", "")
    assert (folder / JOB / "thumb.jpg").read_bytes() == b"small picture"


@pytest.mark.slow
def test_get_as_json_names_every_file_with_its_digest(imitation: Imitation, folder: Path) -> None:
    reply = done_reply(imitation)
    imitation.will(reply, Reply(200, b"small picture"))
    ran = darkroom("get", JOB, "--to", "out", "--variant", "thumb", "--json", "--url", imitation.address, folder=folder)
    digest = json.loads(reply.body)["variants"][0]["digest"]
    assert json.loads(ran.out) == {
        "id": JOB,
        "files": [{"name": "thumb", "path": "out/thumb.jpg", "bytes": 13, "digest": digest}],
    }
    assert ran.code == 0


@pytest.mark.slow
def test_damaged_bytes_are_an_error_of_the_network(imitation: Imitation, folder: Path) -> None:
    imitation.will(done_reply(imitation), Reply(200, b"other picture"))
    assert darkroom("get", JOB, "--to", "out", "--url", imitation.address, folder=folder) == Ran(
        3, "", "darkroom: thumb came with other bytes than its digest names (13 bytes); download it again\n"
    )


@pytest.mark.slow
def test_where_nothing_listens_one_line_names_the_address(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert darkroom("status", JOB, "--url", address, folder=folder) == Ran(
            3,
            "",
            f"darkroom: no answer from {address} (nothing listens there); "
            "start Darkroom there, or name its address with --url or DARKROOM_URL\n",
        )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["put"], "no file was named; darkroom put --help shows how"),
        (
            ["put", "a", "b", "--idempotency-key", "k"],
            "an Idempotency-Key names one upload; send these files one by one",
        ),
        (
            ["put", "http://shop.example/a.jpg"],
            "'http://shop.example/a.jpg' is not fetched: only https addresses are; write https://, or send the file",
        ),
        (["put", "a", "--variants", "{"], "--variants has no JSON list of variants: "),
        (["put", "a", "--variant", "a=rx:1"], "--variant: a: rx:1: there is no such key; there are fl ro "),
        (["put", "a", "--variant", "a=rs::0"], "--variant: a: resize.width: it must be a whole number from 1 to 8192"),
        (["put", "a", "--variants", "@none"], "none cannot be read: No such file or directory; "),
        (["put", "a", "--nope"], "Unknown option: --nope; darkroom --help shows how"),
        (["nope"], 'Unknown command "nope". Available commands: '),
        (["status"], 'Command "status" parameter ID requires an argument; '),
        (["status", "x", "--wait", "many"], 'Invalid value for --wait: unable to convert "many" into int; '),
        (["status", "x", "--wait", "31"], "wait is 1 to 30 seconds; "),
        (["status", "x", "--url", "nowhere"], "'nowhere' is not an address; one looks like http://127.0.0.1:8000; "),
    ],
)
def test_a_mistake_is_one_line_and_two(capsys: pytest.CaptureFixture[str], arguments: list[str], line: str) -> None:
    assert command.run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"darkroom: {line}")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["put", "--help"], ["status", "--help"], ["get", "-h"]])
def test_help_teaches_by_examples_within_eighty_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert command.run(arguments) == 0
    shown = capsys.readouterr().out
    examples = shown.partition("Examples:\n\n")[2].partition("\n\n")[0].splitlines()
    assert len(examples) >= 2
    # a wrapped example cannot be copied
    assert all(re.match(r"  \S+ *\|? ?(darkroom)?", line) for line in examples)
    assert max(map(len, shown.splitlines())) <= 80


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["--version"]) == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+|not installed .*", capsys.readouterr().out.strip())


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_failure(imitation: Imitation, folder: Path) -> None:
    imitation.will(status_reply("queued"))
    read, write = os.pipe()
    os.close(read)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "client", "status", JOB, "--url", imitation.address],
            cwd=folder,
            env=environment(),
            stdout=write,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(write)
    assert (ran.returncode, ran.stderr) == (0, b"")


INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("client", run_name="__main__", alter_sys=True)
"""
"""The command. Whoever runs the tests in the background ignores the signal, and so would what they start. Not by
`preexec_fn`, which forks: libraries of other tests have threads in this process, and complain in the child."""


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_the_job_goes_on(imitation: Imitation, folder: Path) -> None:
    imitation.will(status_reply("queued"), problem_reply(503, "overloaded", headers={"Retry-After": "30"}))
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "status", JOB, "--watch", "--url", imitation.address],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        imitation.listen(2)
        process.send_signal(signal.SIGINT)
        written = process.communicate(timeout=60)
    assert (process.returncode, *written) == (
        130,
        "",
        f"job {JOB}: queued\ndarkroom: stopped; jobs that were accepted go on\n",
    )


def on_a_terminal(*arguments: str, folder: Path) -> tuple[int, str]:
    """Run with standard output and error on a terminal of 80 columns; exit code and what was written to it."""
    control, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "client", *arguments],
        cwd=folder,
        env=environment(LINES="24"),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        written = bytearray()
        try:
            while block := os.read(control, 65_536):
                written += block
        except OSError:
            # how Linux says that the other side was closed
            pass
        finally:
            os.close(control)
    return process.returncode, written.decode()


@pytest.mark.slow
def test_on_a_terminal_there_are_bars_and_then_a_table(imitation: Imitation, folder: Path) -> None:
    imitation.will(accepted_reply(), status_reply("queued", revision=2), done_reply(imitation))
    code, written = on_a_terminal("put", "chair.jpg", "--url", imitation.address, folder=folder)
    # without colours, cursor moves and clickable links
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\]8;[^\x1b]*\x1b\\", "", written).replace("\r", "")
    assert code == 0
    assert "chair.jpg ━" in text
    table = text[text.index("chair.jpg: completed") :]
    assert [line.split() for line in table.splitlines()] == [
        ["chair.jpg:", "completed,", "1", "of", "1", "variants,", "491", "ms,", "job", JOB],
        ["name", "size", "bytes", "saving", "ms", "link"],
        ["thumb", "400×300", "13", "99%", "12", "open"],
        ["thumb", f"{imitation.address}/thumb"],
    ]
