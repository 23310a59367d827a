"""Values as they travel between the engine and a provider: protobuf Structs outside, plain Python inside.

What JSON has no word for is marked: a value that is not known yet is a string of its own, and an archive is a mapping
with a signature. https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/resource/plugin/rpc.go
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct, Value

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What a preview has for a value that only the deployment will know."""

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""Key of a mapping that stands for something else; its value says for what."""

ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"

_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a mark, not a secret)

_UNKNOWNS: Final = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # of a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # of a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # of a list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # of an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # of an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # of a mapping
    }
)


def decoded(struct: Struct) -> dict[str, Any]:
    """Plain values: whole numbers as integers, secrets without their mark, every unknown as UNKNOWN, no empty ones."""
    return {name: _plain(value) for name, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"}


def encoded(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


def is_archive(value: object) -> bool:
    return isinstance(value, dict) and value.get(SIGNATURE) == ARCHIVE


def has_unknown(value: object) -> bool:
    """Whether the value, or anything within it, is not known yet."""
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return value == UNKNOWN


def same(old: object, new: object) -> bool:
    """Whether two values mean the same: an archive is its contents, wherever it lies, and JSON has many spellings."""
    if isinstance(old, str) and isinstance(new, str) and old != new and old[:1] == new[:1] == "{":
        try:
            return json.loads(old) == json.loads(new)
        except ValueError:
            return False
    if isinstance(old, dict) and isinstance(new, dict) and is_archive(old) and is_archive(new):
        return old["hash"] == new["hash"]
    return old == new


def differences(old: object, new: object, path: str) -> Iterator[tuple[str, str]]:
    """Paths at which two values differ, as the engine writes them, each with `add`, `delete` or `update`."""
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and not is_archive(old):
        for name in sorted(old.keys() | new.keys()):
            yield from _at(old, new, name, f"{path}.{name}" if name.isidentifier() else f'{path}["{name}"]')
    elif isinstance(old, list) and isinstance(new, list):
        before, after = dict(enumerate(old)), dict(enumerate(new))
        for place in sorted(before.keys() | after.keys()):
            yield from _at(before, after, place, f"{path}[{place}]")
    else:
        yield path, "update"


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """All differences between two sets of inputs; what a provider adds for itself (`__defaults`) is none."""
    found: dict[str, str] = {}
    for name in sorted(old.keys() | new.keys()):
        if not name.startswith("__"):
            found.update(_at(old, new, name, name))
    return found


def _at(old: Mapping[Any, Any], new: Mapping[Any, Any], key: object, path: str) -> Iterator[tuple[str, str]]:
    if key not in old:
        yield path, "add"
    elif key not in new:
        yield path, "delete"
    else:
        yield from differences(old[key], new[key], path)


def _plain(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_plain(one) for one in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields and fields[SIGNATURE].string_value == _SECRET:
            return _plain(fields["value"])
        return decoded(value.struct_value)
    return None
