"""What a stack's file says, decoded as the program decodes it, without running the program."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from ruamel.yaml import YAML

from client.errors import BadInput
from components.foundation_settings import FoundationConfig
from components.settings import PipelineConfig
from operations.stacks import StackFile

_KINDS: Final[dict[str, type[PipelineConfig] | type[FoundationConfig]]] = {
    "darkroom:pipeline": PipelineConfig,
    "darkroom:foundation": FoundationConfig,
}


class Configuration(Struct, frozen=True, kw_only=True):
    """Of one stack."""

    stack: str
    region: str
    settings: PipelineConfig | FoundationConfig


def configuration(folder: Path, stack: str) -> Configuration:
    """Raises BadInput if there is no such file, or the program would refuse what it says."""
    file = StackFile(folder, stack)
    config = YAML(typ="safe").load(file.path.read_text("utf-8")).get("config", {})
    given = [(key, kind) for key, kind in _KINDS.items() if config.get(key)]
    if len(given) != 1:
        what = "both a pipeline and the foundation" if given else "neither a pipeline nor the foundation"
        raise BadInput(f"{file.path.name} is {what}", "write one of darkroom:pipeline and darkroom:foundation")
    ((key, kind),) = given
    try:
        settings = msgspec.convert(config[key], kind)
    except msgspec.ValidationError as error:
        raise BadInput(
            f"{file.path.name}, {key}: {' '.join(str(error).split())}",
            "components/settings.py and components/site.py describe every field",
        ) from error
    return Configuration(stack=stack, region=file.region, settings=settings)


def pipeline_configuration(folder: Path, stack: str) -> tuple[Configuration, PipelineConfig]:
    """Of a stack that is a pipeline; raises BadInput for the foundation."""
    found = configuration(folder, stack)
    if not isinstance(found.settings, PipelineConfig):
        raise BadInput(f"Pulumi.{stack}.yaml is the foundation's", "name a stack that is a pipeline")
    return found, found.settings
