"""What a request may ask for, beside its file: the public options, their decoder and their fingerprint.

    {"preset": "web@1", "variants": [...], "priority": "normal", "expires_in": 604800, "meta": {"sku": "A-17"}}

Everything is optional. The upload service decodes them from the `options` part of a form; the client encodes them.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from contracts.analysis import Trait
from contracts.canonical import said
from contracts.compact import documents
from contracts.digests import SHA256_FIELD, sha256_named
from contracts.errors import Malformed, SpecInvalid
from contracts.job import Lane
from contracts.limits import (
    MAX_LIFE_SECONDS,
    MAX_META_BYTES,
    MAX_META_PAIRS,
    MAX_OPTIONS_BYTES,
    MAX_SPEC_BYTES,
    MAX_VARIANTS,
    MIN_LIFE_SECONDS,
)
from contracts.presets import DEFAULT_PRESET, PRESETS, is_preset_name, preset
from contracts.variants import Variant, objections
from contracts.webhooks import WebhookId
from contracts.wording import complaint

LINE: Final = "t"
"""Name of the option that gives the variants in their compact form (`contracts.compact`) instead."""

_MAX_DEPTH: Final = 16
"""Of arrays and objects in one another. Options need four; fixed, because Python's own limit depends on the caller."""
_MAX_DETAIL_CHARS: Final = 300

_BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|([\[{])|([\]}])', re.DOTALL)
"""Strings, closed or not, so that brackets in them are not counted; opening; closing. Matches in linear time."""


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The options of one job. Neither `preset` nor `variants` stands for the default preset; both add up."""

    preset: str | None = None
    variants: Annotated[tuple[Variant, ...], Meta(min_length=1, max_length=MAX_VARIANTS)] = ()
    priority: Lane = Lane.NORMAL
    expires_in: Annotated[int, Meta(ge=MIN_LIFE_SECONDS, le=MAX_LIFE_SECONDS)] | None = None
    """Seconds from the request to the job's deletion; the deployment's default if absent."""
    analyse: Annotated[tuple[Trait, ...], Meta(max_length=len(Trait))] | None = None
    """What to find out about the picture: the usual traits if absent, nothing for an empty list."""
    meta: dict[str, str] = {}
    """The sender's own words, given back with every status."""
    webhook: WebhookId | None = None
    """Of the endpoint that is told when the job is over."""
    public: bool = False
    """Whether its variants are shown at their stable addresses to who brings no key."""
    digest: Annotated[str, Meta(pattern=SHA256_FIELD)] | None = None
    """Of the file, as RFC 9530 writes it: `sha-256=:<base64>:`. Other bytes are refused."""

    @property
    def effective_preset(self) -> str | None:
        """The preset that is used; None for a job of its own variants alone."""
        return self.preset if self.preset is not None or self.variants else DEFAULT_PRESET

    def content_sha256(self) -> str | None:
        """What `digest` names, in hex; None without one."""
        return None if self.digest is None else sha256_named(self.digest)

    def resolved(self, shelved: tuple[Variant, ...] = ()) -> tuple[Variant, ...]:
        """The variants to make: the preset's, then the job's own. `shelved` are those of a preset of the tenant's own.

        Raises SpecInvalid for a preset that does not exist, a name given twice, and too many variants.
        """
        name = self.effective_preset
        first = shelved or (() if name is None else preset(name))
        own_from = len(first)
        variants = first + self.variants
        if len(variants) > MAX_VARIANTS:
            raise invalid("#/variants", f"{len(variants)} variants in all; a job has at most {MAX_VARIANTS}")
        seen: set[str] = set()
        for number, variant in enumerate(variants, start=-own_from):
            if variant.name in seen:
                raise invalid(f"#/variants/{number}/name", f"there are two variants named {variant.name}")
            seen.add(variant.name)
        return variants


Wanted = TypeVar("Wanted", bound=Options)


def decode_options(raw: bytes) -> Options:
    """Options from the JSON of a request.

    Raises Malformed for what is not one JSON text in UTF-8 (or is too large, too deep, or gives a key twice), and
    SpecInvalid, with its errors located by JSON Pointers (RFC 6901, as URI fragments), for what may not be asked for.
    """
    return decode_as(Options, raw)


def decode_as(kind: type[Wanted], raw: bytes) -> Wanted:
    """What `decode_options` does, for options that say more."""
    document = parsed(raw)
    if isinstance(document, dict) and LINE in document:
        document = _spread(document)
    try:
        options = msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise invalid(*complaint(str(error), kind)) from error
    if len(options.meta) > MAX_META_PAIRS:
        raise invalid("#/meta", f"{len(options.meta)} pairs; there may be {MAX_META_PAIRS}")
    meta_bytes = sum(len(key.encode()) + len(value.encode()) for key, value in options.meta.items())
    if meta_bytes > MAX_META_BYTES:
        raise invalid("#/meta", f"{meta_bytes} bytes of keys and values; there may be {MAX_META_BYTES}")
    for number, variant in enumerate(options.variants):
        for pointer, detail in objections(variant):
            raise invalid(f"#/variants/{number}{pointer}", detail)
    name = options.effective_preset
    # of a tenant's own preset only its tenant's shelf knows what it is
    is_shelved = name is not None and name not in PRESETS and is_preset_name(name)
    checked_size(options.variants if is_shelved else options.resolved())
    return options


def checked_size(variants: tuple[Variant, ...]) -> None:
    """Raises SpecInvalid for variants that a job has no room to remember."""
    spec_bytes = len(msgspec.json.encode(said(variants)))
    if spec_bytes > MAX_SPEC_BYTES:
        raise invalid("#/variants", f"{spec_bytes} bytes of variants, as JSON without defaults; limit {MAX_SPEC_BYTES}")


def encode_options(options: Options) -> bytes:
    """Inverse of `decode_options`, and the same bytes for equal options: keys sorted, defaults left out."""
    return msgspec.json.encode(said(options), order="sorted")


def fingerprint(options: Options) -> str:
    """SHA-256 in hex of what the options mean: spelling, order of keys and defaults written out do not count.

    Nor does `digest`: it is about the bytes, whose own SHA-256 is compared.
    """
    canonical = msgspec.structs.replace(options, preset=options.effective_preset, digest=None)
    return hashlib.sha256(encode_options(canonical)).hexdigest()


def _spread(document: dict[str, Any]) -> dict[str, Any]:
    """Options whose variants stand in a line, as if they had been JSON."""
    line = document[LINE]
    if not isinstance(line, str):
        raise invalid(f"#/{LINE}", "the compact form of variants is a text")
    if "variants" in document:
        raise invalid(f"#/{LINE}", f"say variants, or {LINE} for their compact form")
    return {name: value for name, value in document.items() if name != LINE} | {"variants": documents(line)}


def parsed(raw: bytes) -> Any:
    """The JSON of a request, if it is one text of a fair size and depth that says nothing twice. Raises Malformed."""
    if len(raw) > MAX_OPTIONS_BYTES:
        raise Malformed(f"the options are longer than {MAX_OPTIONS_BYTES} bytes", limit=MAX_OPTIONS_BYTES)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed("the options are not UTF-8") from error
    if any(depth > _MAX_DEPTH for depth in _depths(text)):
        raise Malformed(f"the options are nested deeper than {_MAX_DEPTH}")
    try:
        document = json.loads(text, object_pairs_hook=_object)
        # an escape can spell half a surrogate pair, which is no text and could never be given back
        json.dumps(document, ensure_ascii=False).encode()
    except ValueError as error:
        raise Malformed("the options are not JSON") from error
    return document


def _depths(text: str) -> Iterator[int]:
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += (match[1] is not None) - (match[2] is not None)
        yield depth


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("an object of the options gives the same key twice")
    return found


def invalid(pointer: str, detail: str) -> SpecInvalid:
    """The refusal of one field."""
    detail = detail[:_MAX_DETAIL_CHARS]
    return SpecInvalid(f"{detail} (at {pointer})", errors=[(pointer, detail)])
