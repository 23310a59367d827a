"""What is wrong with a value, in words for whoever sent it: where it stands, and what may stand there.

msgspec says the place and the fault in the terms of Python; the types know the rest, so that no list of values or
ranges is written down twice. Called by whoever decodes what a request asks for.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import quote

from msgspec import inspect

from contracts.digests import SHA256_FIELD
from contracts.framing import BACKGROUND_PATTERN, COLOUR_PATTERN
from contracts.identifiers import VARIANT_NAME_PATTERN
from contracts.looks import ASSET_PATTERN
from contracts.webhooks import WEBHOOK_ID_PATTERN

PATTERNS: Final = {
    VARIANT_NAME_PATTERN: "a name of 1 to 40 of a-z, 0-9, _ and -",
    COLOUR_PATTERN: "a colour as #rrggbb, in lower case",
    BACKGROUND_PATTERN: "a colour as #rrggbb or #rrggbbaa, in lower case, dominant, or blur",
    ASSET_PATTERN: "<job id>.<variant>, of a completed variant of yours",
    SHA256_FIELD: "sha-256=:<base64>: as RFC 9530 has it",
    WEBHOOK_ID_PATTERN: "the id of an endpoint, wh_...",
}
"""What a text looks like that has a pattern."""

_KINDS: Final = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_MOST_CHARS: Final = 300
_LOCATED: Final = re.compile(r"(?P<detail>.*) - at `(?P<key>key in `)?\$(?P<path>[\w.\[\]]*)`", re.DOTALL)
"""A message of msgspec that says where."""
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")
_UNKNOWN_FIELD: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING_FIELD: Final = re.compile(r"Object missing required field `(?P<name>\w+)`")
_NO_SUCH_VALUE: Final = re.compile(r"Invalid enum value (?P<value>.*)", re.DOTALL)
_EXPECTED: Final = re.compile(
    r"Expected `(?P<kinds>[^`]*)`(?P<length> of length)?(?: (?P<sign>[<>]=?) (?P<bound>\S+))?"
    r"(?:.*, got `(?P<got>\w+)`|.*)",
    re.DOTALL,
)
_SIGNS: Final = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}

Steps = list[tuple[str, str]]


def complaint(message: str, kind: Any) -> tuple[str, str]:
    """JSON Pointer (RFC 6901, as a URI fragment) and words of what msgspec says of a value of this type."""
    located = _LOCATED.fullmatch(message)
    detail, path = (located["detail"], located["path"]) if located else (message, "")
    steps: Steps = _STEP.findall(path)
    pointer = "#" + "".join(f"/{key or index}" for key, index in steps)
    # what is in a mapping, or is a key of it, has no type of its own here
    places = [] if "[...]" in path or (located and located["key"]) else list(_places(kind, steps))
    unknown, missing = _UNKNOWN_FIELD.fullmatch(detail), _MISSING_FIELD.fullmatch(detail)
    if unknown is not None:
        name = quote(unknown["name"][:_MOST_CHARS].replace("~", "~0").replace("/", "~1"), safe="~")
        there = ", ".join(field.encode_name for place in places for field in getattr(place, "fields", ()))
        return f"{pointer}/{name}", "there is no such option" + (f"; there are {there}" if there else "")
    if missing is not None:
        return pointer, f"{missing['name']} is missing"
    words = " or ".join(dict.fromkeys(filter(None, map(_words, places))))
    value, expected = _NO_SUCH_VALUE.fullmatch(detail), _EXPECTED.fullmatch(detail)
    if words and value is not None:
        return pointer, f"{value['value']} is not {words}"
    if words and expected is not None:
        got = _KINDS.get(expected["got"] or "")
        return pointer, f"it must be {words}" + (f", and is {got}" if got else "")
    return pointer, plainly(detail)


def plainly(detail: str) -> str:
    """What msgspec says of a value, in words, where nobody knows its type any more; other words stay as they are."""
    expected = _EXPECTED.fullmatch(detail)
    if expected is None or "matching regex" in detail:
        return detail
    kinds = " or ".join(_KINDS.get(kind, kind) for kind in expected["kinds"].split(" | ") if kind != "null")
    bound = f" {_SIGNS[expected['sign']]} {expected['bound']}" if expected["sign"] else ""
    if expected["length"]:
        bound = f" of{bound} {'items' if expected['kinds'] == 'array' else 'characters'}"
    got = f", and is {_KINDS.get(expected['got'], expected['got'])}" if expected["got"] else ""
    return f"it must be {kinds or 'null'}{bound}{got}"


def _places(kind: Any, steps: Steps) -> Iterator[Any]:
    """The types that may stand at the end of these steps, `None` apart."""
    found = list(_each(_whole(kind)))
    for key, _index in steps:
        inner = (
            [field.type for place in found for field in getattr(place, "fields", ()) if field.encode_name == key]
            if key
            else [place.item_type for place in found if hasattr(place, "item_type")]
        )
        found = [place for one in inner for place in _each(one)]
    yield from found


@cache
def _whole(kind: Any) -> Any:
    """The whole type: reading it takes longer than the request that was wrong, so that it is read once."""
    return inspect.type_info(kind)


def _each(place: Any) -> Iterator[Any]:
    """The alternatives of a union, and what an annotation is about."""
    if isinstance(place, inspect.Metadata):
        yield from _each(place.type)
    elif isinstance(place, inspect.UnionType):
        for one in place.types:
            yield from _each(one)
    elif not isinstance(place, inspect.NoneType):
        yield place


def _words(place: Any) -> str:
    """What may stand there; empty if it has no words."""
    match place:
        case inspect.EnumType():
            return _one_of([str(one.value) for one in place.cls])
        case inspect.LiteralType():
            return _one_of([str(value) for value in place.values])
        case inspect.IntType() | inspect.FloatType():
            return _number(place, "whole number" if isinstance(place, inspect.IntType) else "number")
        case inspect.StrType() if place.pattern is not None:
            return PATTERNS.get(place.pattern, "")
        case inspect.StrType():
            return "a text" + _length(place, "characters")
        case inspect.BoolType():
            return "true or false"
        case inspect.ListType() | inspect.VarTupleType():
            return "a list" + _length(place, "items")
        case inspect.StructType() | inspect.DictType():
            return "an object"
        case _:
            return ""


def _one_of(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"one of {', '.join(values)}"


def _number(place: Any, name: str) -> str:
    if place.ge is not None and place.le is not None:
        return f"a {name} from {place.ge:.15g} to {place.le:.15g}"
    bounds = [("above", place.gt), ("at least", place.ge), ("below", place.lt), ("at most", place.le)]
    said = " and ".join(f"{word} {bound:.15g}" for word, bound in bounds if bound is not None)
    return f"a {name} {said}".rstrip()


def _length(place: Any, what: str) -> str:
    if place.max_length is None:
        return ""
    return f" of {place.min_length or 0} to {place.max_length} {what}"
