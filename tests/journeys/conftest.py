"""The shared stack, for every journey that kills nothing."""

from tests.support.stack import darkroom, stack

__all__ = ["darkroom", "stack"]
