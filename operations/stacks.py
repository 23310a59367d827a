"""The file of a stack, `Pulumi.<stack>.yaml`: read, changed in one place without touching the rest, and a new one made.

Comments, order and quotes stay as they were; what the program makes of the fields is in components/settings.py.
"""

import io
import os
import re
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from client.errors import BadInput
from components.naming import MAX_LABEL_CHARS, is_region, stack_label

RESERVED: Final = frozenset({"local", "dev", "prod", "foundation"})
"""Stacks that every checkout has, also while their files are not there."""

MODEL: Final = "dev"
"""The stack whose region and machine images a new one takes over."""

SMALLEST: Final = {"arm64": "t4g.micro", "x86_64": "t3.micro"}
"""A gigabyte of memory: enough for one service at a developer's pace."""

_STACK: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
"""What Pulumi takes for the name of a stack."""

_NEW: Final = """\
# The stack of {name}: the whole pipeline, small. One host of each service with a public address and no open
# port, no NAT gateway, no balancer: `make tunnel STACK={name}` reaches it.
config:
  aws:region: {region}
  darkroom:pipeline:
    network:
      egress: public # an address on each host, instead of a NAT gateway
    hosts:
      architecture: {architecture}
      amis: {{}}
      upload: # image: written by `make images STACK={name}`
        instance_type: {instance_type}
        min_hosts: 1
        max_hosts: 1
      processing:
        instance_type: {instance_type}
        min_hosts: 1
        max_hosts: 1
    log_retention_days: 3
    deletion_protection: false
    force_destroy: true # what is in the buckets goes with the stack
    tags:
      environment: {name}
"""


class StackFile:
    """One stack's file. Raises BadInput if there is none, or none that can be read."""

    def __init__(self, folder: Path, stack: str) -> None:
        self.path = folder / f"Pulumi.{stack}.yaml"
        if _STACK.fullmatch(stack) is None:
            raise BadInput(f"{stack!r} is not the name of a stack", "name one as in Pulumi.<stack>.yaml")
        try:
            self._document = _yaml().load(self.path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise BadInput(
                f"there is no {self.path.name} here", f"go to the checkout, or make one: make stack NAME={stack}"
            ) from error
        except (OSError, UnicodeDecodeError, YAMLError) as error:
            raise BadInput(f"{self.path.name} cannot be read: {' '.join(str(error).split())}") from error
        config = self._document.get("config") if isinstance(self._document, dict) else None
        self._config: dict[str, Any] = config if isinstance(config, dict) else {}

    @property
    def region(self) -> str:
        """Raises BadInput if the file names none."""
        region = self._config.get("aws:region")
        if not isinstance(region, str) or not is_region(region):
            raise BadInput(f"{self.path.name} names no region", "write aws:region: eu-west-1, or another, under config")
        return region

    @property
    def pipeline(self) -> dict[str, Any]:
        """The `pipeline` object; raises BadInput if there is none."""
        pipeline = self._config.get("darkroom:pipeline")
        if not isinstance(pipeline, dict):
            raise BadInput(f"{self.path.name} has no darkroom:pipeline", "name a stack that is a pipeline")
        return pipeline

    @property
    def hosts(self) -> dict[str, Any]:
        """The `hosts` object; raises BadInput if there is none."""
        hosts = self.pipeline.get("hosts")
        if not isinstance(hosts, dict):
            raise BadInput(f"{self.path.name} has no hosts", "name a stack that has some, or write hosts: {} there")
        return hosts

    @property
    def architecture(self) -> str:
        """Of the hosts; raises BadInput if there are none, or none of an architecture that there is."""
        architecture = self.hosts.get("architecture", "arm64")
        if architecture not in SMALLEST:
            raise BadInput(f"{self.path.name}: hosts.architecture is {architecture!r}", f"one of {', '.join(SMALLEST)}")
        return architecture

    def save(self) -> None:
        """Write it; whoever reads meanwhile has the old one or the new one, whole."""
        text = io.StringIO()
        _yaml().dump(self._document, text)
        _replace(self.path, text.getvalue())


def create(folder: Path, name: str) -> Path:
    """Make a developer's own stack: its file. Raises BadInput for a name that cannot be one, or is one already."""
    _check(folder, name)
    model = StackFile(folder, MODEL)
    document = _yaml().load(
        _NEW.format(
            name=name,
            region=model.region,
            architecture=model.architecture,
            instance_type=SMALLEST[model.architecture],
        )
    )
    pipeline = document["config"]["darkroom:pipeline"]
    pipeline["hosts"]["amis"] = model.hosts.get("amis") or CommentedMap()
    if "permissions_boundary" in model.pipeline:
        # a workflow that may deploy only within it deploys this stack too
        pipeline["permissions_boundary"] = model.pipeline["permissions_boundary"]
    text = io.StringIO()
    _yaml().dump(document, text)
    path = folder / f"Pulumi.{name}.yaml"
    _replace(path, text.getvalue())
    return path


def _check(folder: Path, name: str) -> None:
    if stack_label(name) != name:
        raise BadInput(
            f"{name!r} is not a name for a stack",
            f"at most {MAX_LABEL_CHARS} lower-case letters, digits and single hyphens, and a letter first",
        )
    if name in RESERVED:
        raise BadInput(f"{name} is a stack that everybody has", "choose a name of your own")
    if not (folder / "Pulumi.yaml").is_file():
        raise BadInput("there is no Pulumi.yaml here", "go to the root of the checkout")
    for path in sorted(folder.glob("Pulumi.*.yaml")):
        taken = path.name.removeprefix("Pulumi.").removesuffix(".yaml")
        # two spellings that end up in the same names of resources would be two stacks over one
        if stack_label(taken) == name:
            raise BadInput(f"{path.name} is there already", "choose another name, or use that stack")
        # who deploys a stack may change what begins with its name and a hyphen
        if name.startswith(f"{taken}-") or taken.startswith(f"{name}-"):
            raise BadInput(f"{name} and the stack {taken} share a beginning", "choose a name that no other begins with")


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4_096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _replace(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, "utf-8")
    os.replace(new, path)
