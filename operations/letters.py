"""Dead letters of a stack, through the processing service's internal API: the one place that knows what they mean.

The API is never public. `make tunnel STACK=... SERVICE=processing` brings it to this machine; a local run has it here.
"""

import sys
from typing import Annotated, Any, Final

import httpx
from cyclopts import App, Parameter

from client.errors import StrangeAnswer, Unreachable, problem
from client.outcome import OK, Json, print_json, say
from client.table import clean

INTERNAL_ADDRESS: Final = "http://127.0.0.1:8001"
TIMEOUT_SECONDS: Final = 60
"""A call of the service ends within half a minute."""
_ADVICE: Final = "reach it with: make tunnel STACK=<stack> SERVICE=processing; or name its address with --url"

Url = Annotated[str, Parameter(env_var="DARKROOM_INTERNAL_URL", help="Address of the processing service.")]

app: Final = App(name="darkroom")


@app.command(
    name="dead-letters",
    help_epilogue="""Examples:

  darkroom dead-letters
  darkroom dead-letters --queue jobs --json | jq '.queues[].letters[]'""",
)
def dead_letters(*, queue: str | None = None, most: int = 100, json: Json = False, url: Url = INTERNAL_ADDRESS) -> int:
    """List dead letters, why they died and what a redrive would do. Changes nothing.

    Parameters
    ----------
    queue
        Of this queue alone.
    most
        Letters to look at, 1 to 1000.
    """
    asked: dict[str, Any] = {"limit": most} if queue is None else {"limit": most, "queue": queue}
    seen = _asked("GET", f"{url}/api/dlq", params=asked)
    if json:
        print_json(seen)
        return OK
    for one in seen["queues"]:
        for letter in one["letters"]:
            say(sys.stdout, _line(letter))
        hidden = one["total"] - len(one["letters"])
        if hidden > 0:
            say(sys.stderr, f"{one['name']}: {hidden} more, in the hands of a reader or beyond --most")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom redrive --dry-run        say what would become of each
  darkroom redrive --queue completions --rate 10
  darkroom redrive --discard        also delete what nobody can read"""
)
def redrive(
    *,
    queue: str | None = None,
    job: str | None = None,
    reason: str | None = None,
    rate: float = 50,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    discard: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
    url: Url = INTERNAL_ADDRESS,
) -> int:
    """Send dead letters to their queues again. Letters of jobs that need them no more are deleted.

    Parameters
    ----------
    queue
        Of this queue alone.
    job
        Of this job alone.
    reason
        Those with this text in the reason that they were parked with.
    rate
        Letters a second.
    dry_run
        Only say what would be done.
    discard
        Delete what nobody can read, too.
    """
    given = {"queue": queue, "job": job, "reason": reason}
    wish = {name: value for name, value in given.items() if value is not None}
    wish |= {"rate": rate, "dry_run": dry_run, "discard": discard}
    totals = {"sent": 0, "dropped": 0, "left": 0}
    while True:
        done = _asked("POST", f"{url}/api/dlq/redrive", json=wish)
        for name in totals:
            totals[name] += done[name]
        for letter in done["letters"]:
            if json:
                print_json(letter)
            else:
                say(sys.stdout, _line(letter))
        # what is only looked at, or left, is there the next time too
        if not done["more"] or dry_run or not done["sent"] + done["dropped"]:
            break
    would = "would be " if dry_run else ""
    say(sys.stderr, f"{would}sent again: {totals['sent']}, {would}dropped: {totals['dropped']}, left: {totals['left']}")
    return OK


def _line(letter: dict[str, Any]) -> str:
    words = [letter["sent_at"], letter["queue"], letter["job_id"] or "no job", f"{letter['fate']}: {letter['why']}"]
    return clean("  ".join([*words, *([f"(parked: {letter['reason']})"] if letter["reason"] else [])]))


def _asked(method: str, url: str, **more: Any) -> dict[str, Any]:
    """The answer's document; raises DarkroomError for every other end."""
    address = url.partition("/api/")[0]
    # never through a proxy: it is on this machine
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as http:
            answer = http.request(method, url, **more)
    except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Unreachable(address, str(error) or type(error).__name__, _ADVICE) from error
    try:
        document = answer.json()
    except ValueError as error:
        raise StrangeAnswer(address, answer.status_code, "no JSON") from error
    if answer.is_error:
        raise problem(answer.status_code, document if isinstance(document, dict) else {})
    return document
