"""Operator subcommands of `darkroom`; `client.command` finds them by the entry point group `darkroom.commands`.

Not in the client's wheel: a person who only calls the API has no use for them.
"""

import os
import sys
from importlib import util
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from client.errors import BadInput

app: Final = App(name="darkroom")


@app.command(
    help_epilogue="""Examples:

  darkroom up                       the whole pipeline on this machine
  darkroom up chair.jpg --port 9000 and send that picture through it first"""
)
def up(
    image: Annotated[str | None, Parameter(name="IMAGE")] = None,
    /,
    *,
    port: int | None = None,
    data: Path | None = None,
) -> None:
    """Run the whole pipeline on this machine until Ctrl-C: no account, no key, nothing that listens elsewhere.

    Parameters
    ----------
    image
        A picture to send through it first; without it a sample.
    port
        Port of the API and the page on 127.0.0.1.
    data
        Folder that keeps jobs and pictures from one run to the next.
    """
    if util.find_spec("local") is None:
        raise BadInput(
            "the embedded cloud is not part of this installation",
            "run it from a checkout of the repository, with: make run",
        )
    arguments = [sys.executable, "-m", "local", "run"]
    if image is not None:
        arguments.append(image)
    if port is not None:
        arguments += ["--port", str(port)]
    if data is not None:
        arguments += ["--data", str(data)]
    # in place of this process: every signal then reaches the supervisor itself, and its exit code is ours
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, arguments)  # noqa: S606 - our own interpreter with a fixed module
