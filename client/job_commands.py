"""Subcommands of `darkroom` over jobs that are there: list, cancel, retry, delete. Joined to others by `command`."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from cyclopts import App, Parameter

from client import table
from client.answers import Commanded
from client.conversation import ListFilters
from client.drivers import Darkroom
from client.errors import BadInput, DarkroomError
from client.outcome import OK, THE_USUAL, Server, code_of, error_document, explain, print_json, say
from client.progress import reporter

app: Final = App(name="darkroom")

Jobs = Annotated[str, Parameter(name="ID")]


@app.command(
    name="list",
    help_epilogue="""Examples:

  darkroom list                     the newest twenty
  darkroom list --state failed --state partially_completed --all
  darkroom list --error image-corrupt --after 2026-11-01T00:00:00Z --json""",
)
def list_(
    *,
    state: Annotated[list[str] | None, Parameter(negative="")] = None,
    preset: str | None = None,
    error: str | None = None,
    tag: str | None = None,
    after: str | None = None,
    before: str | None = None,
    most: int = 20,
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    server: Server = THE_USUAL,
) -> int:
    """List jobs, newest first, a line each.

    Parameters
    ----------
    state
        A state, as often as needed.
    preset
        Name of the preset.
    error
        Code of a problem, of a job or one of its variants.
    tag
        A key of the job's meta, or KEY:VALUE.
    after
        Made then or later; RFC 3339.
    before
        Made earlier; RFC 3339.
    most
        Jobs to list.
    all_
        List all that fit, however many.
    """
    if most < 1:
        raise BadInput("a list has at least one job", "--most N, or --all")
    filters = ListFilters(limit=100 if all_ else min(most, 100))
    if state:
        filters["state"] = state
    if preset is not None:
        filters["preset"] = preset
    if error is not None:
        filters["error"] = error
    if tag is not None:
        filters["tag"] = tag
    if after is not None:
        filters["created_after"] = _moment("--after", after)
    if before is not None:
        filters["created_before"] = _moment("--before", before)
    with server.client() as darkroom:
        for number, job in enumerate(darkroom.jobs(**filters), start=1):
            if server.json:
                print_json(job.as_sent)
            else:
                say(sys.stdout, table.job_line(job))
            if number == most and not all_:
                break
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom cancel ID ID"""
)
def cancel(*job_ids: Jobs, server: Server = THE_USUAL) -> int:
    """Stop jobs. Variants that are done stay; a job that waits costs nothing any more.

    Parameters
    ----------
    job_ids
        Ids of the jobs.
    """
    return _each(job_ids, lambda darkroom, job_id: darkroom.cancel(job_id), server)


@app.command(
    help_epilogue="""Examples:

  darkroom delete ID
  darkroom list --state rejected --all --json | jq -r .id | xargs darkroom delete"""
)
def delete(*job_ids: Jobs, server: Server = THE_USUAL) -> int:
    """Erase jobs and all their bytes, for good. Deleting again is no error.

    Parameters
    ----------
    job_ids
        Ids of the jobs.
    """
    return _each(job_ids, lambda darkroom, job_id: darkroom.delete(job_id), server)


@app.command(
    help_epilogue="""Examples:

  darkroom retry ID                 try again, wait, show the variants
  darkroom retry ID --no-wait"""
)
def retry(
    job_id: Jobs,
    /,
    *,
    revision: int | None = None,
    wait: bool = True,
    timeout: float | None = None,
    server: Server = THE_USUAL,
) -> int:
    """Make the failed variants of a job again.

    Parameters
    ----------
    job_id
        Id of the job.
    revision
        Of the status that you decided by: a job that moved on is left alone. Without it, as it is now.
    wait
        Wait for the variants, or only until they are queued.
    timeout
        Seconds to wait; without it as long as it takes.
    """
    with server.client() as darkroom, reporter(sys.stderr, quiet=server.json) as progress:
        done = darkroom.retry(job_id, revision)
        if not wait:
            _tell(done, as_json=server.json)
            return OK
        seen = darkroom.wait(job_id, timeout, on_change=lambda news: progress.seen(f"job {job_id}", news))
    if server.json:
        print_json(seen.as_sent)
    else:
        table.show(seen, sys.stdout)
    return code_of(seen)


def _each(
    job_ids: tuple[str, ...],
    command: Callable[[Darkroom, str], Commanded],
    server: Server,
) -> int:
    """Carry it out on each; one that fails keeps none of the others. The worst of it is the exit code."""
    if not job_ids:
        raise BadInput("no job was named", "name ids, as `darkroom list` shows them")
    codes = [OK]
    with server.client() as darkroom:
        for job_id in job_ids:
            try:
                _tell(command(darkroom, job_id), as_json=server.json)
            except DarkroomError as error:
                codes.append(explain(error, f"job {job_id}: "))
                if server.json:
                    print_json(error_document(error, job_id))
    return max(codes)


def _tell(done: Commanded, *, as_json: bool) -> None:
    if as_json:
        print_json(done.as_sent)
    else:
        say(sys.stdout, table.clean(f"job {done.id}: {done.state.replace('_', ' ')}"))


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        raise BadInput(f"{option} {text!r} is no time with its zone", "write it as 2026-11-23T15:04:05Z") from None
    return moment
