"""The local stack as it is asked for and answered: its configuration, the request to apply it, and what came of it.
And what any stack's file says.

Without Pulumi, so that the supervisor, which lives as long as the run, does not load it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct

from local.problems import CannotRun

STACK: Final = "local"


class Request(Struct, frozen=True, kw_only=True):
    """What to apply and where. `overrides` are laid over the stack's `pipeline` object, field by field."""

    root: str
    endpoint: str
    state_file: str
    overrides: dict[str, Any] = {}


class Applied(Struct, frozen=True, kw_only=True):
    """What came of it: the program's exports, how many resources were created, updated, ..., and what was kept."""

    exports: dict[str, Any]
    counts: dict[str, int]
    kept: list[str]


class Failure(Struct, frozen=True, kw_only=True):
    """Why it was not applied, in one line."""

    error: str


def project_of(root: Path) -> str:
    """Name of the program's project."""
    project = _read(root / "Pulumi.yaml").get("name")
    if not isinstance(project, str):
        raise CannotRun("Pulumi.yaml names no project; write for example name: darkroom")
    return project


def region_of(root: Path, stack: str = STACK) -> str:
    """Region of a stack."""
    region = written(root, stack).get("aws:region")
    if not isinstance(region, str):
        raise CannotRun(f"Pulumi.{stack}.yaml names no aws:region; write for example aws:region: eu-west-1")
    return region


def configuration(request: Request) -> dict[str, Any]:
    """The local stack's configuration with this run's own endpoint in it, and what the request lays over it."""
    root = Path(request.root)
    found = written(root, STACK)
    key = f"{project_of(root)}:pipeline"
    pipeline = found.get(key)
    if isinstance(pipeline, dict):
        # a wrong object is the program's to refuse: it knows what would be right
        found[key] = laid_over(pipeline, {"endpoint": request.endpoint, **request.overrides})
    return found


def written(root: Path, stack: str) -> dict[str, Any]:
    """What a stack's file holds under `config`."""
    found = _read(root / f"Pulumi.{stack}.yaml").get("config")
    if not isinstance(found, dict):
        raise CannotRun(f"Pulumi.{stack}.yaml has no config; see Pulumi.dev.yaml")
    return dict(found)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise CannotRun(
            f"{path.name} cannot be read: {error.strerror}; run this in a checkout of the project"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CannotRun(f"{path.name} is not YAML: {' '.join(str(error).split())}; correct it") from None
    if not isinstance(content, dict):
        raise CannotRun(f"{path.name} is not a mapping of names to values; see Pulumi.dev.yaml")
    return content


def laid_over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with what `above` says, field by field at any depth."""
    merged = dict(below)
    for name, value in above.items():
        inner = merged.get(name)
        merged[name] = laid_over(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return merged
