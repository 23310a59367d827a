"""What every command has: two options, words on standard output and error, an exit code."""

import json
import re
import sys
from dataclasses import dataclass
from typing import Annotated, Any, Final, TextIO

from cyclopts import Parameter

from client import table
from client.answers import Status
from client.conversation import DEFAULT_ADDRESS, JobOptions
from client.drivers import Darkroom
from client.errors import BadInput, DarkroomError, Refused
from client.progress import Reporter

OK: Final = 0
JOB_FAILED: Final = 1
WRONG_INPUT: Final = 2
SERVER_FAILED: Final = 3
STOPPED: Final = 130

_ADDRESS: Final = re.compile(r"https?://", re.IGNORECASE)
"""How an argument begins that is no file."""


Url = Annotated[str, Parameter(env_var="DARKROOM_URL", help="Address of the Darkroom.")]
ApiKey = Annotated[
    str | None,
    Parameter(
        name="--key", env_var="DARKROOM_KEY", help="API key, where one is asked for; others may see what is typed."
    ),
]
Json = Annotated[bool, Parameter(negative="", help="JSON on standard output, and nothing else there.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Server:
    """The options of every command that asks a Darkroom: how to answer, whom to ask, as whom."""

    json: Json = False
    url: Url = DEFAULT_ADDRESS
    api_key: ApiKey = None

    def client(self) -> Darkroom:
        """Use it with `with`. Raises BadInput for an address or a key that is none."""
        return Darkroom(self.url, self.api_key)


THE_USUAL: Final = Server()
"""Where no option says otherwise."""


class Batch:
    """Files of one `put`: what became of each, in the order given; the worst of it is the exit code."""

    def __init__(self, darkroom: Darkroom, progress: Reporter, *, as_json: bool) -> None:
        self._darkroom = darkroom
        self._progress = progress
        self._as_json = as_json
        self._jobs: dict[int, str] = {}
        self._names: list[str] = []
        self._ends: dict[int, Status | DarkroomError | dict[str, Any]] = {}

    def send(self, file: str, options: JobOptions) -> None:
        """A file, or an https address that the server fetches from."""
        place, name = len(self._names), file
        self._names.append(name)
        try:
            if _ADDRESS.match(file):
                accepted = self._darkroom.upload_url(file, **options)
            else:
                accepted = self._darkroom.upload(
                    file, **options, on_progress=lambda sent, total: self._progress.sending(name, sent, total)
                )
        except DarkroomError as error:
            self._give_up(place, error)
        else:
            self._jobs[place] = accepted.id
            self._ends[place] = accepted.as_sent

    def wait(self, timeout: float | None) -> None:
        for place, job_id in self._jobs.items():
            name = self._names[place]
            try:
                self._ends[place] = self._darkroom.wait(
                    job_id, timeout, on_change=lambda news, name=name: self._progress.seen(name, news)
                )
            except DarkroomError as error:
                self._give_up(place, error)

    def finish(self) -> int:
        """Print it all; the exit code."""
        codes = [OK]
        for place, name in enumerate(self._names):
            end = self._ends[place]
            if isinstance(end, DarkroomError):
                codes.append(explain(end, "" if name in str(end) else f"{name}: "))
                if self._as_json:
                    print_json({"file": name, **error_document(end, self._jobs.get(place))})
            elif isinstance(end, Status):
                codes.append(code_of(end))
                if self._as_json:
                    print_json({"file": name, **end.as_sent})
                else:
                    table.show(end, sys.stdout)
            elif self._as_json:
                print_json({"file": name, **end})
            else:
                job_id = self._jobs[place]
                say(sys.stdout, f"{name}: accepted as job {job_id}; follow it with: darkroom status {job_id} --watch")
        return max(codes)

    def _give_up(self, place: int, error: DarkroomError) -> None:
        self._ends[place] = error
        self._progress.failed(self._names[place])


def code_of(seen: Status) -> int:
    return JOB_FAILED if seen.is_final and not seen.is_success else OK


def error_document(error: DarkroomError, job_id: str | None) -> dict[str, Any]:
    document = getattr(error, "document", None) or {"title": str(error)}
    return {**({"id": job_id} if job_id else {}), "error": document}


def print_json(document: Any) -> None:
    say(sys.stdout, json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def say(stream: TextIO, line: str) -> None:
    stream.write(f"{line}\n")
    stream.flush()


def explain(error: DarkroomError, prefix: str = "") -> int:
    """One line that says what is wrong and what to do; the exit code."""
    advice = f"; {error.advice}" if error.advice else ""
    say(sys.stderr, table.clean(f"darkroom: {prefix}{error}{advice}"))
    return WRONG_INPUT if isinstance(error, BadInput | Refused) else SERVER_FAILED
