"""`darkroom doctor`: does everything hold that is promised of a stack? And what is owed, sent."""

import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from client.outcome import OK, Json, say

PROBLEMS: Final = 1
"""Exit code: something is not as it is promised."""

app: Final = App(name="darkroom")


@app.command(
    help_epilogue="""Examples:

  darkroom doctor                   what `make run` has up here
  darkroom doctor --stack prod
  darkroom doctor --stack prod --json | jq '.findings[] | select(.level != "ok")'
  darkroom doctor --stack prod --repair

Exit codes: 0 everything holds, 1 something does not, 2 something given was
wrong, 3 the stack could not be asked."""
)
def doctor(
    *,
    stack: Annotated[str, Parameter(name=["--stack", "-s"])] = "local",
    json: Json = False,
    repair: Annotated[bool, Parameter(negative="")] = False,
    bytes_: Annotated[bool, Parameter(name="--bytes", negative="")] = False,
    at_rest: Annotated[bool, Parameter(negative="")] = False,
    patience: float | None = None,
    data: Path = Path(".data"),
    endpoint: str | None = None,
) -> int:
    """Look at every row, object and queue of a stack at work, and say what is not as it is promised. Changes nothing.

    Parameters
    ----------
    stack
        Name of a stack, as in Pulumi.<stack>.yaml.
    repair
        Send what is owed, file what is found wrongly, have erased what was left.
    bytes_
        Read every output and hash it, instead of asking S3 for the checksum that it took it with.
    at_rest
        Find fault with work that is under way, too: for a stack that should have nothing to do.
    patience
        Seconds that something may be due before it counts as missed; without it a minute and twelve sweeps.
    data
        Folder of the local run, where the stack stands on this machine.
    endpoint
        Address of the embedded cloud, where it is not the run's in that folder.
    """
    import json as encoder

    from adapters.clock import SystemClock
    from operations import findings
    from operations.doctor import Doctor
    from operations.repair import repair as repaired
    from operations.standing import standing

    def progress(said: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{said}\033[K")
            sys.stderr.flush()

    clock = SystemClock()
    with standing(Path(), stack, data=data, endpoint=endpoint) as found:
        now = clock.now
        looks = {"read": bytes_, "at_rest": at_rest, "patience_seconds": patience, "progress": progress}
        report = Doctor(found, now, **looks).look()
        done = list(repaired(found, report.symptoms, now)) if repair else []
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    seen = report.findings()
    if json:
        say(sys.stdout, encoder.dumps({"stack": stack, **report.document(), "repaired": done}, indent=2))
    else:
        findings.show(seen, sys.stdout)
        looked_at = ", ".join(f"{count} {what}" for what, count in report.looked_at.items())
        for line in done:
            say(sys.stdout, line)
        say(sys.stderr, f"looked at {looked_at or 'nothing'}: {findings.summary(seen)}")
        if done:
            say(sys.stderr, "look again in a minute: darkroom doctor")
    return PROBLEMS if findings.worst(seen) == "problem" else OK
