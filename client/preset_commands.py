"""`darkroom presets`: named sets of variants, of the service and of your own. Joined to others by `command`."""

import sys
from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from client.given import given_variants
from client.outcome import OK, THE_USUAL, Server, print_json, say

app: Final = App(name="presets", help="List, show, keep and delete named sets of variants.", help_epilogue="")

Name = Annotated[str, Parameter(name="NAME", help="Name and version, such as product@1.")]


@app.command(
    name="list",
    help_epilogue="""Examples:

  darkroom presets list
  darkroom presets list --json | jq -r .name""",
)
def list_(*, server: Server = THE_USUAL) -> int:
    """List the presets that may be named: the service's own and, with a key, yours."""
    with server.client() as darkroom:
        for preset in darkroom.presets():
            _tell(preset, server)
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom presets show web@1"""
)
def show(name: Name, /, *, server: Server = THE_USUAL) -> int:
    """Print a preset as JSON: its variants can be edited and put under a new version."""
    with server.client() as darkroom:
        print_json(darkroom.preset(name))
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom presets put product@1 '[{"name":"hero","resize":{"width":1200}}]'
  darkroom presets put product@2 @product.json"""
)
def put(name: Name, variants: str, /, *, server: Server = THE_USUAL) -> int:
    """Keep variants under a name. Once a job has used it, it stays as it is: put a change under a new version.

    Parameters
    ----------
    variants
        A JSON list, or @FILE to read it (or a preset as `show` prints it) from.
    """
    with server.client() as darkroom:
        kept = darkroom.put_preset(name, given_variants(variants))
    _tell(kept, server)
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom presets delete product@1"""
)
def delete(name: Name, /, *, server: Server = THE_USUAL) -> int:
    """Delete a preset. Jobs that were made with it stay as they are, and its name is never given again."""
    with server.client() as darkroom:
        darkroom.delete_preset(name)
    say(sys.stdout, f"{name} is deleted")
    return OK


def _tell(preset: dict[str, Any], server: Server) -> None:
    if server.json:
        print_json(preset)
    else:
        say(sys.stdout, _line(preset))


def _line(preset: dict[str, Any]) -> str:
    names = ", ".join(variant["name"] for variant in preset["variants"])
    kind = "built in" if preset.get("built_in") else "used" if preset.get("used") else "not used yet"
    return f"{preset['name']}  {kind}  {names}"
