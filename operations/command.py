"""Operator subcommands of `darkroom`; `client.command` finds them by the entry point group `darkroom.commands`.

Not in the client's wheel: a person who only calls the API has no use for them. What each command works with is imported
when it is called: YAML and botocore would make every other command of `darkroom` start half a second later.
"""

import os
import shlex
import sys
from importlib import util
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from client import preset_commands
from client.errors import BadInput
from client.outcome import OK, say
from operations import account_commands, comparing_commands, doctor_commands, import_commands, key_commands, letters

NEWER: Final = 1
"""Exit code of `amis --check`: there is something to fetch."""

Stack = Annotated[str, Parameter(name=["--stack", "-s"], help="Name of a stack, as in Pulumi.<stack>.yaml.")]

app: Final = App(name="darkroom")
app.update(account_commands.app)
app.update(doctor_commands.app)
app.update(import_commands.app)
app.update(letters.app)
app.update(comparing_commands.app)
preset_commands.app.update(comparing_commands.presets)
app.command(key_commands.app)


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


@app.command(
    help_epilogue="""Examples:

  darkroom stack alice              write Pulumi.alice.yaml"""
)
def stack(name: Annotated[str, Parameter(name="NAME")], /) -> int:
    """Make a developer's own stack: small, without a NAT gateway, a balancer or an open port.

    Parameters
    ----------
    name
        Of the stack: at most 16 lower-case letters, digits and single hyphens.
    """
    from operations import stacks

    path = stacks.create(Path(), name)
    say(sys.stdout, f"{path.name} is written; {stacks.MODEL}'s region and machine images are in it")
    say(sys.stderr, "next:")
    for step in (
        f"pulumi stack init {name}",
        f"pulumi up --stack {name}",
        f"darkroom keys init --stack {name}",
        f"make images STACK={name}",
        f"pulumi up --stack {name}",
        f"make tunnel STACK={name}",
    ):
        say(sys.stderr, f"  {step}")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom amis --stack dev         write the current machine image into Pulumi.dev.yaml
  darkroom amis --stack dev --check exit with 1 if there is a newer one; write nothing"""
)
def amis(*, stack: Stack, check: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Ask AWS for the current machine image of a stack's hosts, and have the stack use it from its next `up` on.

    Parameters
    ----------
    check
        Only say whether there is a newer one.
    """
    from operations import amis as images
    from operations.stacks import StackFile

    file = StackFile(Path(), stack)
    there = images.recorded(file)
    ami = images.current(file.region, file.architecture)
    if there == ami.id:
        say(sys.stdout, f"{file.region}: {ami.id} of {ami.date} is the current one")
        return OK
    say(sys.stdout, f"{file.region}: {there or 'none'} -> {ami.id} of {ami.date} ({ami.source})")
    if check:
        return NEWER
    images.record(file, ami)
    say(sys.stderr, f"{file.path.name} is written; its hosts are replaced by the next: pulumi up --stack {stack}")
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom tunnel --stack alice     http://127.0.0.1:8000 is alice's upload service
  darkroom tunnel --stack alice --service processing --port 9001"""
)
def tunnel(
    *,
    stack: Stack,
    service: Literal["upload", "processing"] = "upload",
    port: int | None = None,
    print_: Annotated[bool, Parameter(name="--print", negative="")] = False,
) -> None:
    """Reach a service of a stack that has no open port, through a session of SSM, until Ctrl-C.

    Parameters
    ----------
    service
        Which one.
    port
        Port on this machine; without it the service's own, 8000 or 8001.
    print_
        Print the command instead of running it.
    """
    from operations import tunnel as way
    from operations.stacks import StackFile

    here = way.PORTS[service] if port is None else port
    if not 1 <= here <= 65_535:
        raise BadInput(f"{here} is not a port", "one of 1 to 65535")
    if not print_:
        way.check_tools()
    region = StackFile(Path(), stack).region
    host = way.serving_host(region, stack, service)
    command = way.command(region, host, service, here)
    if print_:
        say(sys.stdout, shlex.join(command))
        return
    say(sys.stderr, f"http://127.0.0.1:{here} is {service} of {stack}, on {host}; Ctrl-C ends it")
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606 - the operator's own aws, with fixed arguments
