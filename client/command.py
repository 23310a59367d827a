"""The `darkroom` command: put pictures in, look at jobs, fetch variants. Other distributions add commands to it through
the entry point group `darkroom.commands` (each names a cyclopts `App` whose commands join ours).

Results go to standard output, everything said on the way to standard error. Exit codes: 0 all is well, 1 a job did not
fully succeed, 2 something given was wrong, 3 the server or the network failed or the time was over, 130 stopped by
the user.
"""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata, util
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, CycloptsError, Parameter

from client import job_commands, preset_commands, table, webhook_commands
from client.conversation import JobOptions
from client.errors import BadInput, DarkroomError
from client.given import given_variants, variants_in_lines
from client.outcome import (
    OK,
    STOPPED,
    THE_USUAL,
    WRONG_INPUT,
    Batch,
    Server,
    code_of,
    explain,
    print_json,
    say,
)
from client.progress import reporter

GROUP: Final = "darkroom.commands"

_EXIT_CODES: Final = """Exit codes: 0 all is well, 1 a job did not fully succeed,
2 something given was wrong, 3 the server or the network failed (or --timeout
was over), 130 stopped."""


def version() -> str:
    """Of the installed distribution."""
    try:
        return metadata.version("darkroom")
    except metadata.PackageNotFoundError:
        return "not installed (running from a checkout)"


app: Final = App(
    name="darkroom",
    help="Send pictures to a Darkroom and fetch their variants.",
    help_format="plaintext",
    help_epilogue=f"""Examples:

  darkroom put chair.jpg            send it, wait, show its variants
  darkroom status ID --watch        look at a job until it ends
  darkroom get ID --to out          fetch every variant into out/
  darkroom list --state failed      the newest jobs that failed

{_EXIT_CODES}""",
    version=version,
    suppress_keyboard_interrupt=False,
)


@app.command(
    help_epilogue="""Examples:

  darkroom put chair.jpg
  darkroom put *.jpg --preset web@1 --no-wait
  darkroom put chair.jpg --variants '[{"name":"s","resize":{"width":300}}]'
  darkroom put chair.jpg --variant 'hero=rs:cover:1600:900/f:avif'
  darkroom put chair.jpg --variants @variants.json --json | jq .variants
  camera | darkroom put -
  darkroom put https://shop.example/chair.jpg"""
)
def put(
    *files: str,
    preset: str | None = None,
    variant: Annotated[list[str] | None, Parameter(negative="")] = None,
    variants: str | None = None,
    analyse: Annotated[list[str] | None, Parameter(negative="")] = None,
    wait: bool = True,
    timeout: float | None = None,
    webhook: str | None = None,
    public: Annotated[bool, Parameter(negative="")] = False,
    idempotency_key: str | None = None,
    server: Server = THE_USUAL,
) -> int:
    """Send pictures, wait until their variants are made, and show them.

    Parameters
    ----------
    files
        Pictures to send; - is standard input, an https address is fetched by the server.
    preset
        Name of a set of variants, as web@1; without it and without variants the server's own.
    variant
        What to make of each picture, in the compact form of docs/api.md; as often as needed.
    variants
        What to make of each picture, as a JSON list, or @FILE to read it from.
    analyse
        What to find out about each picture, as often as needed: palette, blurhash, ..., or all.
    wait
        Wait for the variants, or only until the server has the picture.
    timeout
        Seconds to wait for each picture; without it as long as it takes.
    webhook
        Id of the endpoint that is told when each job is over; `darkroom webhooks` makes one.
    public
        Show the variants to anybody at their stable addresses, `stable_url` with --json: for pages.
    idempotency_key
        Idempotency-Key of a single file: sent again under the same key it is the same job.
    """
    if not files:
        raise BadInput("no file was named", "darkroom put --help shows how")
    if idempotency_key is not None and len(files) > 1:
        raise BadInput("an Idempotency-Key names one upload", "send these files one by one")
    options = JobOptions()
    if preset is not None:
        options["preset"] = preset
    wanted = [
        *variants_in_lines(variant or []),
        *(given_variants(variants, "--variants") if variants is not None else []),
    ]
    if variant or variants is not None:
        options["variants"] = wanted
    if analyse:
        options["analyse"] = analyse
    if webhook is not None:
        options["webhook"] = webhook
    if public:
        options["public"] = True
    if idempotency_key is not None:
        options["idempotency_key"] = idempotency_key
    with server.client() as darkroom, reporter(sys.stderr, quiet=server.json) as progress:
        batch = Batch(darkroom, progress, as_json=server.json)
        for file in files:
            batch.send(file, options)
        if wait:
            batch.wait(timeout)
    return batch.finish()


@app.command(
    help_epilogue="""Examples:

  darkroom status 0192f0c4-7d1e-7c3a-9a55-3f1f0c9d2b77
  darkroom status ID --wait 20      answer when there is news, within 20 s
  darkroom status ID --watch --json a JSON line for every change"""
)
def status(
    job_id: Annotated[str, Parameter(name="ID")],
    /,
    *,
    wait: int | None = None,
    watch: Annotated[bool, Parameter(negative="")] = False,
    server: Server = THE_USUAL,
) -> int:
    """Show a job and its variants.

    Parameters
    ----------
    job_id
        Id of the job, as `darkroom put` prints it.
    wait
        Seconds (1 to 30) that the server may hold its answer until the job ends.
    watch
        Look until the job ends.
    """
    with server.client() as darkroom:
        if watch:
            with reporter(sys.stderr, quiet=server.json) as progress:
                name = f"job {job_id}"
                seen = darkroom.wait(
                    job_id,
                    on_change=lambda news: print_json(news.as_sent) if server.json else progress.seen(name, news),
                )
        else:
            answered = darkroom.status(job_id, wait)
            if answered is None:
                raise AssertionError("without an etag there is always a status")
            seen = answered
            if server.json:
                print_json(seen.as_sent)
    if not server.json:
        table.show(seen, sys.stdout)
    return code_of(seen)


@app.command(
    help_epilogue="""Examples:

  darkroom get ID                   every variant, into a folder named ID
  darkroom get ID --to out --variant large --variant thumb"""
)
def get(
    job_id: Annotated[str, Parameter(name="ID")],
    /,
    *,
    to: Path | None = None,
    variant: Annotated[list[str] | None, Parameter(negative="")] = None,
    server: Server = THE_USUAL,
) -> int:
    """Fetch variants of a job, each checked against its digest, as NAME.EXTENSION.

    Parameters
    ----------
    job_id
        Id of the job, as `darkroom put` prints it.
    to
        Folder to put them in, made if need be; without it one named by the id.
    variant
        Name of a variant, as often as needed; without it all that there are.
    """
    with server.client() as darkroom:
        fetched = darkroom.download(job_id, to or Path(job_id), variant)
    if server.json:
        print_json({"id": job_id, "files": msgspec.to_builtins(fetched, enc_hook=str)})
    else:
        for file in fetched:
            print(f"{file.path}  {file.bytes} bytes", flush=True)  # noqa: T201 - this is the answer
    return OK


app.update(job_commands.app)
app.command(preset_commands.app)
app.command(webhook_commands.app)


def _join_others() -> None:
    """Add the commands of other distributions; one that is declared but not installed here is passed over."""
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        room = entry.module.partition(".")[0]
        if util.find_spec(room) is None:
            continue
        try:
            app.update(entry.load())
        except ImportError as error:
            say(sys.stderr, f"darkroom: the commands of {entry.module} are not available: {error}")


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line; the exit code. Never raises for anything that a user or a network can do."""
    # the parser takes a lone hyphen for an option
    arguments = ["/dev/stdin" if argument == "-" else argument for argument in arguments]
    try:
        _join_others()
        result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        return result if isinstance(result, int) else OK
    except CycloptsError as error:
        say(
            sys.stderr,
            f"darkroom: {' '.join(str(error).split()).removesuffix(', ...').rstrip('.')}; darkroom --help shows how",
        )
        return WRONG_INPUT
    except DarkroomError as error:
        return explain(error)
    except KeyboardInterrupt:
        say(sys.stderr, "darkroom: stopped; jobs that were accepted go on")
        return STOPPED
    except BrokenPipeError:
        # whoever read our output has seen enough; nothing may be flushed into the broken pipe at exit
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def main() -> None:
    """Entry point of the `darkroom` script."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character gets a question mark, not a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))
