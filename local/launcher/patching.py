"""The one way in which the launcher replaces a function of somebody else's module."""

from types import ModuleType
from typing import Any


def put_over(module: ModuleType, name: str, replacement: Any) -> Any:
    """Replace what the module calls `name`; gives what was there. It must be there."""
    before = getattr(module, name)
    setattr(module, name, replacement)
    return before
