"""What was applied: urn -> type, id, inputs and outputs, in one JSON file that is replaced whole."""

import os
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from local.problems import CannotRun


class Resource(Struct, frozen=True, kw_only=True):
    """One resource as it was applied last."""

    type: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


def load(path: Path) -> dict[str, Resource]:
    """Resources in the order in which they were applied; none if there is no file."""
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Resource])
    except msgspec.DecodeError:
        raise CannotRun(f"{path} cannot be read; delete it, and what it lists is found again by its name") from None


def save(path: Path, resources: dict[str, Resource]) -> None:
    write_whole(path, msgspec.json.format(msgspec.json.encode(resources)))


def write_whole(path: Path, data: bytes) -> None:
    """All or nothing, even if the process ends half-way."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(path)
