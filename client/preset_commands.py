"""`darkroom presets`: named sets of variants, of the service and of your own. Joined to others by `command`."""

import sys
from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from client.asking import DEFAULT_ADDRESS
from client.drivers import Darkroom
from client.given import given_variants
from client.outcome import OK, ApiKey, Json, Url, print_json, say

app: Final = App(name="presets", help="List, show, keep and delete named sets of variants.", help_epilogue="")

Name = Annotated[str, Parameter(name="NAME", help="Name and version, such as product@1.")]


@app.command(
    name="list",
    help_epilogue="""Examples:

  darkroom presets list
  darkroom presets list --json | jq -r .name""",
)
def list_(*, json: Json = False, url: Url = DEFAULT_ADDRESS, api_key: ApiKey = None) -> int:
    """List the presets that may be named: the service's own and, with a key, yours."""
    with Darkroom(url, api_key) as darkroom:
        for preset in darkroom.presets():
            if json:
                print_json(preset)
            else:
                say(sys.stdout, _line(preset))
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom presets show web@1"""
)
def show(name: Name, /, *, url: Url = DEFAULT_ADDRESS, api_key: ApiKey = None) -> int:
    """Print a preset as JSON: its variants can be edited and put under a new version."""
    with Darkroom(url, api_key) as darkroom:
        print_json(darkroom.preset(name))
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom presets put product@1 '[{"name":"hero","resize":{"width":1200}}]'
  darkroom presets put product@2 @product.json"""
)
def put(name: Name, variants: str, /, *, json: Json = False, url: Url = DEFAULT_ADDRESS, api_key: ApiKey = None) -> int:
    """Keep variants under a name. Once a job has used it, it stays as it is: put a change under a new version.

    Parameters
    ----------
    variants
        A JSON list, or @FILE to read it (or a preset as `show` prints it) from.
    """
    with Darkroom(url, api_key) as darkroom:
        kept = darkroom.put_preset(name, given_variants(variants))
    if json:
        print_json(kept)
    else:
        say(sys.stdout, _line(kept))
    return OK


@app.command(
    help_epilogue="""Examples:

  darkroom presets delete product@1"""
)
def delete(name: Name, /, *, url: Url = DEFAULT_ADDRESS, api_key: ApiKey = None) -> int:
    """Delete a preset. Jobs that were made with it stay as they are, and its name is never given again."""
    with Darkroom(url, api_key) as darkroom:
        darkroom.delete_preset(name)
    say(sys.stdout, f"{name} is deleted")
    return OK


def _line(preset: dict[str, Any]) -> str:
    names = ", ".join(variant["name"] for variant in preset["variants"])
    kind = "built in" if preset.get("built_in") else "used" if preset.get("used") else "not used yet"
    return f"{preset['name']}  {kind}  {names}"
