"""A stack's configuration, decoded strictly: one object, `pipeline` or `foundation`, tells stacks apart.

Code never looks at the name of a stack: what differs is a value, and `Pulumi.<stack>.yaml` holds those that are not the
default. The fields are described in components/settings.py, components/site.py and components/foundation_settings.py.
The region is `aws:region`, which the provider reads too. A mistake is one line: its path, what is wrong, and what would
be right.
"""

import difflib
import re
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import pulumi
from msgspec import Struct

from components.foundation_settings import FoundationConfig
from components.naming import is_region
from components.settings import PipelineConfig

Config = TypeVar("Config", bound=PipelineConfig | FoundationConfig)

KEYS: Final[dict[str, type[PipelineConfig] | type[FoundationConfig]]] = {
    "pipeline": PipelineConfig,
    "foundation": FoundationConfig,
}
"""What a stack is: its object's key, and the fields that the object has."""

_WHERE: Final = re.compile(r"(?P<what>.*) - at (?:`key` in )?`\$(?P<path>[^`]*)`", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_CONTRADICTION: Final = re.compile("[a-z0-9_.-]+: ")
_EXAMPLES: Final[dict[type[Struct], str]] = {
    PipelineConfig: "write it as in Pulumi.dev.yaml; components/settings.py describes every field",
    FoundationConfig: "write it as in Pulumi.foundation.yaml; components/foundation_settings.py describes every field",
}


class BadConfiguration(pulumi.RunError):
    """A mistake in a stack's configuration; Pulumi prints the message alone, without a traceback."""


def decode(text: str, kind: type[Config]) -> Config:
    """The configuration from its JSON; raises BadConfiguration with one line for the first mistake."""
    key = _key_of(kind)
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise BadConfiguration(_explained(str(error), key, kind)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadConfiguration(f"{key}: must be an object; {_EXAMPLES[kind]}") from None


def stack_config() -> tuple[PipelineConfig | FoundationConfig, str]:
    """The configuration of the stack that Pulumi runs now, and its region.

    Raises BadConfiguration, also if the stack says that it is both, or neither.
    """
    texts = {key: pulumi.Config().get(key) for key in KEYS}
    given = {key: text for key, text in texts.items() if text is not None and text.strip() != "{}"}
    if not given:
        stack = pulumi.get_stack()
        raise BadConfiguration(
            f"pipeline: missing or empty; write it in Pulumi.{stack}.yaml, with Pulumi.dev.yaml as the example"
        )
    if len(given) > 1:
        raise BadConfiguration("foundation: stands beside pipeline; a stack is one of the two, so remove the other")
    region = pulumi.Config("aws").get("region")
    if region is None or not is_region(region):
        raise BadConfiguration("aws:region: must be the name of a region, such as eu-west-1")
    ((key, text),) = given.items()
    return decode(text, KEYS[key]), region


def _key_of(kind: type[Struct]) -> str:
    (key,) = (key for key, known in KEYS.items() if known is kind)
    return key


def _explained(message: str, key: str, kind: type[Struct]) -> str:
    """One line from msgspec's message: path, mistake, hint."""
    if _CONTRADICTION.match(message):
        return f"{key}.{message}"
    match = _WHERE.fullmatch(message)
    what, path = (match["what"], match["path"]) if match else (message, "")
    steps = [step for step in path.replace("[...]", "").split(".") if step]
    unknown = _UNKNOWN.fullmatch(what)
    if unknown is not None:
        return _line(
            [key, *steps], f"has no field {unknown['name']!r}", _nearest(unknown["name"], _struct(kind, steps))
        )
    return _line([key, *steps], what, _allowed(kind, steps))


def _line(steps: list[str], what: str, hint: str) -> str:
    return " ".join(f"{'.'.join(steps)}: {what[:1].lower()}{what[1:]}; {hint}".split())


def _struct(kind: type[Struct], steps: list[str]) -> type[Struct]:
    """The Struct whose fields stand at a path."""
    for step in steps:
        found = _parts(get_type_hints(kind).get(step))
        kind = found[0] if found else kind
    return kind


def _parts(hint: Any) -> list[type[Struct]]:
    """The Structs in an annotation: `Hosts | None`, `dict[str, Ami]`, `Annotated[...]`."""
    if isinstance(hint, type) and issubclass(hint, Struct):
        return [hint]
    return [kind for argument in get_args(hint) for kind in _parts(argument)]


def _nearest(name: str, kind: type[Struct]) -> str:
    fields = kind.__struct_fields__
    close = difflib.get_close_matches(name, fields, n=1)
    return f"did you mean {close[0]!r}?" if close else f"its fields are {', '.join(sorted(fields))}"


def _allowed(kind: type[Struct], steps: list[str]) -> str:
    if not steps:
        return _EXAMPLES[kind]
    owner = _struct(kind, steps[:-1])
    hint = get_type_hints(owner).get(steps[-1])
    field = next((field for field in msgspec.structs.fields(owner) if field.name == steps[-1]), None)
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if field is None or field.default in (None, msgspec.NODEFAULT) or isinstance(field.default, Struct):
        return _EXAMPLES[kind]
    return f"the default is {msgspec.json.encode(field.default).decode()}"
