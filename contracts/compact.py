"""Variants in one line, for URLs, shells and logs: `hero=rs:cover:1600:900/g:fp:0.42:0.3/f:avif;thumb=rs::200:200`.

    variants = variant *( ";" variant )     variant = name [ "=" op *( "/" op ) ]     op = key *( ":" arg )

It says what the JSON of a variant says and nothing else: `OPS` maps every key to fields, reading makes the very
document that JSON would have been, and the types judge it. Laws: parse(spelled(v)) == v, and what is written is
canonical (defaults left out, keys in the order of the stages). In texts `;/:=%` are written as in a URL, `%3A` say.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from contracts.canonical import said
from contracts.errors import SpecInvalid
from contracts.limits import MAX_OPTIONS_BYTES, MAX_VARIANTS
from contracts.variants import Variant
from contracts.wording import complaint

_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:e-?[0-9]{1,3})?", re.ASCII)
_PLACE: Final = "#/t"
_UNQUOTED: Final = " ,@+!()*'$&~#?[]|{}<>\"\\^`"
_MAX_SHOWN: Final = 40

Document = dict[str, Any]


class Op(Struct, frozen=True):
    """One key: the paths that its arguments go to, in their order, and for each a letter that says how it is spelled.

    `n` a number, `w` a word or text, `c` a colour without its `#`, `e` a number or a word. Arguments at the end may be
    left out, one in the middle may be empty: the field has its default then.
    """

    key: str
    fields: tuple[str, ...]
    kinds: str = ""
    """Empty: the key has no argument, and says that its one field is true."""
    first: str = ""
    """What the first argument is where its field has the default; else it would be empty."""
    item_of: str = ""
    """Path of a list: the key adds an item to it, and may stand again."""
    only: tuple[str, str, str] | None = None
    """Path, value and default: of keys that share fields each is for one value of another field."""


def _op(text: str, kinds: str = "", **more: Any) -> Op:
    key, *fields = text.split()
    return Op(key, tuple(fields), kinds, **more)


_OVERLAY: Final = "anchor opacity scale x y unit colour tile"

OPS: Final[tuple[Op, ...]] = (
    _op("fl flip", "w"),
    _op("ro rotate", "n"),
    _op("cr crop.x crop.y crop.width crop.height", "nnnn", only=("crop.unit", "px", "px")),
    _op("cf crop.x crop.y crop.width crop.height", "nnnn", only=("crop.unit", "fraction", "px")),
    _op("tr trim.tolerance trim.colour trim.most", "ncn"),
    _op("rs resize.fit resize.width resize.height", "wnn", first="inside"),
    _op("up resize.enlarge"),
    _op("dpr resize.dpr", "n"),
    _op("k resize.filter", "w"),
    _op("lin resize.linear"),
    _op("g gravity", "w"),
    _op("g:fp focal.x focal.y", "nn"),
    _op("of offset.x offset.y", "nn", only=("offset.unit", "px", "px")),
    _op("off offset.x offset.y", "nn", only=("offset.unit", "fraction", "px")),
    _op("pd pad.top pad.right pad.bottom pad.left", "nnnn"),
    _op("bg background", "c"),
    _op("br adjust.brightness", "n"),
    _op("co adjust.contrast", "n"),
    _op("sa adjust.saturation", "n"),
    _op("ga adjust.gamma", "n"),
    _op("bl filters.blur", "n"),
    _op("px filters.pixelate", "n"),
    _op("sh filters.sharpen.radius filters.sharpen.percent filters.sharpen.threshold", "nnn"),
    _op("gray filters.greyscale"),
    _op("sepia filters.sepia"),
    _op("tint filters.tint", "c"),
    _op("duo filters.duotone.shadow filters.duotone.highlight", "cc"),
    _op("ra mask.radius", "e"),
    _op(f"wm asset {_OVERLAY}", "wwnnnnwcn", item_of="overlays"),
    _op(f"tx text {_OVERLAY}", "wwnnnnwcn", item_of="overlays"),
    _op("f output.format", "w"),
    _op("q output.quality", "e"),
    _op("mb output.max_bytes", "n"),
    _op("ll output.lossless"),
    _op("pr output.progressive"),
    _op("pal output.colors", "n"),
    _op("ef output.effort", "n"),
    _op("p output.profile", "w"),
    _op("md output.metadata", "w"),
    _op("cs output.color", "w"),
    _op("fr output.frames", "e"),
)
"""Every key, in the order of the stages. A new field of a variant has its key here, or a test fails."""

_BY_KEY: Final = {op.key: op for op in OPS}


def parse(text: str) -> tuple[Variant, ...]:
    """The variants that a line stands for. Raises SpecInvalid, for what breaks the grammar or a type alike."""
    said = documents(text)
    try:
        return msgspec.convert(said, tuple[Variant, ...])
    except msgspec.ValidationError as error:
        pointer, detail = complaint(str(error), tuple[Variant, ...])
        number, *way = pointer.removeprefix("#/").split("/")
        raise _wrong(": ".join(filter(None, (_shown(said[int(number)]["name"]), ".".join(way), detail)))) from error


def spelled(variants: Sequence[Variant]) -> str:
    """Inverse of `parse`, canonical."""
    return ";".join(_variant(variant) for variant in variants)


def documents(text: str) -> list[Document]:
    """What a line says, as the documents that JSON would have been: values are not judged yet.

    Raises SpecInvalid with the variant and the key that cannot be read.
    """
    if len(text) > MAX_OPTIONS_BYTES:
        raise _wrong(f"longer than {MAX_OPTIONS_BYTES} characters")
    parts = text.split(";")
    if len(parts) > MAX_VARIANTS:
        raise _wrong(f"{len(parts)} variants; a job has at most {MAX_VARIANTS}")
    return [_document(part) for part in parts]


def _document(text: str) -> Document:
    name, equals, ops = text.partition("=")
    document: Document = {"name": name}
    for part in ops.split("/") if equals else ():
        try:
            _read(part, document)
        except ValueError as error:
            raise _wrong(f"{_shown(name)}: {_shown(part)}: {error}") from error
    return document


def _read(part: str, document: Document) -> None:
    """Raises ValueError for what cannot be read."""
    key, *arguments = part.split(":")
    if arguments and f"{key}:{arguments[0]}" in _BY_KEY:
        key = f"{key}:{arguments.pop(0)}"
    op = _BY_KEY.get(key)
    if op is None:
        raise ValueError("there is no such key; there are " + " ".join(_BY_KEY))
    if len(arguments) > len(op.kinds):
        raise ValueError(f"{len(op.kinds) or 'no'} argument{'' if len(op.kinds) == 1 else 's'} at most")
    if op.kinds and not any(arguments):
        raise ValueError("an argument is missing")
    target: Document = {}
    if op.item_of:
        document.setdefault(op.item_of, []).append(target)
    else:
        target = document
    for path, kind, argument in zip(op.fields, op.kinds, arguments, strict=False):
        if argument:
            _set(target, path, _value(kind, argument))
    if not op.kinds:
        _set(target, op.fields[0], True)
    if op.only is not None:
        _set(target, op.only[0], op.only[1])


def _set(document: Document, path: str, value: object) -> None:
    *way, last = path.split(".")
    for name in way:
        document = document.setdefault(name, {})
    if last in document:
        raise ValueError("this was said before")
    document[last] = value


def _value(kind: str, text: str) -> object:
    is_number = _NUMBER.fullmatch(text) is not None
    if kind == "n" and not is_number:
        raise ValueError(f"{_shown(text)} is no number")
    if kind == "n" or (kind == "e" and is_number):
        return int(text) if text.removeprefix("-").isdecimal() else float(text) + 0.0
    word = unquote(text, errors="strict")
    is_hex = kind == "c" and all(char in "0123456789abcdef" for char in word)
    return f"#{word}" if is_hex else word


def _variant(variant: Variant) -> str:
    document = said(variant)
    ops = [text for op in OPS for text in _written(op, document)]
    return variant.name + ("=" + "/".join(ops) if ops else "")


def _written(op: Op, document: Document) -> Iterator[str]:
    """The key with its arguments, as often as it stands."""
    if op.item_of:
        # keys that share a list are written by the first of them, so that its order is kept
        ours = [other for other in OPS if other.item_of == op.item_of]
        if op is ours[0]:
            for item in document.get(op.item_of, ()):
                yield from (text for other in ours if other.fields[0] in item for text in _one(other, item))
        return
    if op.only is None or _at(document, op.only[0], op.only[2]) == op.only[1]:
        yield from _one(op, document)


def _one(op: Op, document: Document) -> Iterator[str]:
    values = [_at(document, path, None) for path in op.fields]
    if all(value is None for value in values):
        if op.only is None or op.only[1] == op.only[2] or _at(document, op.only[0], None) is None:
            return
        values[0] = 0  # nothing but a unit was said
    texts = ["" if value is None else _spelled(kind, value) for kind, value in zip(op.kinds, values, strict=False)]
    while texts and not texts[-1]:
        texts.pop()
    if op.first and not texts[0]:
        texts[0] = op.first
    yield ":".join([op.key, *texts])


def _at(document: Document, path: str, default: object) -> Any:
    found: Any = document
    for name in path.split("."):
        if name not in found:
            return default
        found = found[name]
    return found


def _spelled(kind: str, value: Any) -> str:
    if isinstance(value, str):
        return value.removeprefix("#") if kind == "c" else quote(value, safe=_UNQUOTED)
    return str(int(value)) if float(value).is_integer() else repr(value)


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)[:_MAX_SHOWN]


def _wrong(detail: str) -> SpecInvalid:
    return SpecInvalid(detail, errors=[(_PLACE, detail)])
