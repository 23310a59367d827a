"""Hypothesis strategies made from the contracts' own types, so that a range is written once: on the type.

    values_of(Transform)                 any value that its decoder accepts
    values_of(Job, {Facts: st.none()})   the same, with one type replaced

`variants()` and `options()` add what a type alone cannot say: that names are unique.
"""

from collections.abc import Mapping
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st
from msgspec import inspect
from msgspec.structs import replace

from contracts.framing import Resize
from contracts.identifiers import (
    JOB_ID_PATTERN,
    TENANT_PATTERN,
    VARIANT_NAME_PATTERN,
    derived_job_id,
    new_job_id,
)
from contracts.limits import MAX_META_PAIRS
from contracts.options import Options
from contracts.outputs import Output
from contracts.presets import PRESETS
from contracts.variants import Variant, objections

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
"""What JSON can carry: lone surrogates are no text."""

_PLAIN = Variant(name="plain")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_PATTERNS = {
    JOB_ID_PATTERN: st.builds(new_job_id, st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
    | st.builds(derived_job_id, st.just("default"), st.text("ab", max_size=5)),
    TENANT_PATTERN: st.builds("{}{}".format, st.sampled_from(_LETTERS), st.text(_LETTERS + "-", max_size=39)),
    VARIANT_NAME_PATTERN: st.text(_LETTERS + "_-", min_size=1, max_size=40),
}
"""Texts of the patterns that are everywhere: several times as fast as from the patterns themselves."""

Replaced = Mapping[Any, st.SearchStrategy[Any]]


def values_of(kind: Any, replaced: Replaced | None = None) -> st.SearchStrategy[Any]:
    """Values of a type as msgspec understands it. `replaced` maps Struct classes to strategies of their own."""
    return _values(inspect.type_info(kind), replaced or {})


def variants(count: st.SearchStrategy[int] | None = None, *, taken: set[str] | None = None) -> st.SearchStrategy[Any]:
    """Tuples of variants with names that are unique, and none of `taken`; one to six of them unless counted."""
    free = values_of(Variant).map(sensible).filter(lambda variant: variant.name not in (taken or set()))
    return (count or st.integers(1, 6)).flatmap(
        lambda size: st.lists(free, min_size=size, max_size=size, unique_by=lambda variant: variant.name).map(tuple)
    )


def sensible(variant: Variant) -> Variant:
    """The variant without what contradicts the rest of it."""
    while pointer := next((pointer for pointer, _ in objections(variant)), None):
        name, *inner = pointer.split("/")[1:]
        value = getattr(variant, name)
        if name in ("resize", "output"):
            plain = Resize(width=1) if name == "resize" else Output()
            value = replace(value, **{inner[0]: getattr(plain, inner[0])})
        else:
            value = getattr(_PLAIN, name)
        variant = replace(variant, **{name: value})
    return variant


@st.composite
def options(draw: st.DrawFn) -> Options:
    """Options that a request may have."""
    drawn = draw(values_of(Options, {Variant: st.builds(Variant, name=st.just("replaced"))}))
    preset = draw(st.sampled_from([None, *PRESETS]))
    taken = {variant.name for variant in PRESETS.get(preset or "", ())}
    return replace(
        drawn,
        preset=preset,
        variants=draw(st.just(()) | variants(taken=taken)),
        meta=draw(st.dictionaries(st.text("abcé", max_size=8), TEXT, max_size=min(6, MAX_META_PAIRS))),
    )


def _values(info: inspect.Type, replaced: Replaced) -> st.SearchStrategy[Any]:
    match info:
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            lowest = next((bound for bound in (info.ge, _moved(info.gt, 1)) if bound is not None), -(2**53))
            highest = next((bound for bound in (info.le, _moved(info.lt, -1)) if bound is not None), 2**53)
            return st.integers(lowest, highest)
        case inspect.FloatType():
            lowest = info.ge if info.ge is not None else info.gt
            return st.floats(
                lowest, info.le, exclude_min=info.gt is not None, allow_nan=False, allow_infinity=False, width=64
            )
        case inspect.StrType() if info.pattern in _PATTERNS:
            return _PATTERNS[info.pattern]
        case inspect.StrType() if info.pattern:
            return st.from_regex(info.pattern, fullmatch=True)
        case inspect.StrType():
            letters = st.characters(exclude_categories=["Cs"])
            lowest = info.min_length or 0
            return st.text(letters, min_size=lowest, max_size=min(info.max_length or 40, lowest + 39))
        case inspect.EnumType():
            return st.sampled_from(list(info.cls))
        case inspect.LiteralType():
            return st.sampled_from(list(info.values))
        case inspect.UnionType():
            return st.one_of([_values(part, replaced) for part in info.types])
        case inspect.VarTupleType():
            return _lists(info, replaced).map(tuple)
        case inspect.ListType():
            return _lists(info, replaced)
        case inspect.DictType():
            return st.dictionaries(_values(info.key_type, replaced), _values(info.value_type, replaced), max_size=4)
        case inspect.StructType():
            return replaced[info.cls] if info.cls in replaced else _structs(info, replaced)
        case inspect.Metadata():
            return _values(info.type, replaced)
    raise TypeError(f"no strategy for {info}")


def _moved(bound: int | None, by: int) -> int | None:
    return None if bound is None else bound + by


def _lists(info: inspect.VarTupleType | inspect.ListType, replaced: Replaced) -> st.SearchStrategy[list[Any]]:
    lowest = info.min_length or 0
    return st.lists(_values(info.item_type, replaced), min_size=lowest, max_size=min(info.max_length or 4, lowest + 3))


def _structs(info: inspect.StructType, replaced: Replaced) -> st.SearchStrategy[Any]:
    """A field with a default is left out half of the time."""
    fields = {field.name: _values(field.type, replaced) for field in info.fields}
    optional = {field.name: fields.pop(field.name) for field in info.fields if not field.required}
    return st.fixed_dictionaries(fields, optional=optional).map(lambda given: _made(info.cls, given))


def _made(kind: type[Any], given: dict[str, Any]) -> Any:
    try:
        return kind(**given)
    except ValueError:
        # what a `__post_init__` refuses is no value of the type
        reject()
