"""One spelling for equal values: what was said, without defaults that were written out.

msgspec's `omit_defaults` leaves a default out only where it is the very same object: 1.0 that was read from a request
is another than the 1.0 of the type. Used for fingerprints, and for the compact form of variants.
"""

from enum import Enum
from typing import Any

from msgspec import NODEFAULT, Struct, structs


def said(value: object) -> Any:
    """The value as JSON's own types; fields that equal their defaults are left out, and -0.0 is 0.0."""
    if isinstance(value, Struct):
        return {
            field.encode_name: said(inner)
            for field in structs.fields(value)
            if not _is_default(inner := getattr(value, field.name), field)
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: said(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [said(inner) for inner in value]
    return value + 0.0 if isinstance(value, float) else value


def _is_default(value: object, field: structs.FieldInfo) -> bool:
    if field.default_factory is not NODEFAULT:
        return value == field.default_factory()
    return field.default is not NODEFAULT and value == field.default
