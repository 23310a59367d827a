"""What a handler of a type of resource is, and the words that all of them share."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import pulumi
from botocore.exceptions import ClientError

from local.aws import Clients
from local.problems import CannotRun

Inputs = dict[str, Any]
Outputs = dict[str, Any]


class KeepsData(Exception):
    """The resource is not deleted: it holds data, and the program did not say that these may go."""


class Handler(ABC):
    """Creates, reads, updates and deletes resources of one type, by boto3.

    Inputs and outputs have the provider's names (camelCase), as the engine passes them. `create` and `update` may be
    called on what is there already: they make it what the inputs say. An input outside `known` is refused, so that
    nothing is declared that would silently not hold here.
    """

    known: ClassVar[frozenset[str]]
    replaced_by: ClassVar[Mapping[str, str]] = {}
    """Inputs whose change takes a new resource, each with the page of AWS that says so."""
    unseeable: ClassVar[frozenset[str]] = frozenset()
    """Inputs that cannot be read back, or that have no effect here (a key or a network that is only recorded): what
    was applied last is taken to hold."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients

    @abstractmethod
    def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Make it; its id and outputs."""

    @abstractmethod
    def read(self, identity: str, inputs: Inputs) -> Outputs | None:
        """Outputs, or None if it is not there."""

    @abstractmethod
    def seen(self, identity: str, inputs: Inputs) -> Inputs:
        """What is there now, as inputs; at least those of `inputs` that are set and can be seen.

        Called on what `read` has found. More than a second look costs is asked, so only a refresh asks it.
        """

    def update(self, identity: str, old: Inputs, new: Inputs) -> Outputs:
        """Make it what `new` says; `old` is what was applied last. By default what `create` does."""
        return self.create(new)[1]

    @abstractmethod
    def delete(self, identity: str, inputs: Inputs) -> None:
        """Remove it; gone already is success. Raises KeepsData."""


def plain(value: Any) -> Any:
    """A value as JSON can hold it: whole numbers as integers, a file by its path and digest, no empty fields."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items() if one is not None and not name.startswith("__")}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, pulumi.FileArchive | pulumi.FileAsset):
        path = Path(value.path)
        return {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise CannotRun(f"the local cloud cannot apply a {type(value).__name__} as an input")


def pascal(value: Any) -> Any:
    """The same value with field names as boto3 writes them."""
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: pascal(one) for name, one in value.items()}
    if isinstance(value, list):
        return [pascal(one) for one in value]
    return value


def camel(value: Any) -> Any:
    """Inverse of `pascal`; what boto3 adds about the answer is left out."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: camel(one) for name, one in value.items() if name != "ResponseMetadata"}
    if isinstance(value, list):
        return [camel(one) for one in value]
    return value


def tag_list(inputs: Inputs, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in sorted(inputs.get("tags", {}).items())]


def tags_of(listed: list[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Inverse of `tag_list`."""
    return {one[key]: one[value] for one in listed}


def no_longer(old: Inputs, new: Inputs) -> list[str]:
    """Keys of tags that are to go."""
    return sorted(old.get("tags", {}).keys() - new.get("tags", {}).keys())


CLOUDFORMATION: Final = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide"
"""Its page of a type says of each property whether an update needs a replacement."""


def found(call: Callable[[], Any], *missing: str) -> Any | None:
    """What the call answers, or None if it fails with one of these error codes."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in missing:
            return None
        raise
