"""One case of the kit."""

from typing import Any

from msgspec import Struct

from benchmarks.conformance.checks import Check
from contracts.formats import ImageFormat


class Case(Struct, frozen=True, kw_only=True):
    """A picture, what is asked of it, and what must hold of the answer.

    `name` is unique in the kit, `[a-z0-9-]+`. `promise` is the sentence that fails when the case does. `request` is a
    variant in the words of the API, without its name. `assets` are the pictures that it lays over, by the names that
    its overlays call them.
    """

    name: str
    group: str
    promise: str
    source: bytes
    format: ImageFormat
    request: dict[str, Any]
    checks: tuple[Check, ...]
    assets: dict[str, bytes] = {}
