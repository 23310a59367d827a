"""`python -m benchmarks SUITE [options]`."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final

SUITES: Final = {
    "pictures": ("pictures", "main"),
    "avif": ("pictures", "avif"),
    "import": ("importing", "main"),
    "analysis": ("analysis", "main"),
}
"""Suite -> its module here, and its function there: none is loaded for another's sake."""


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in SUITES:
        sys.stderr.write(f"usage: python -m benchmarks {{{','.join(SUITES)}}} [options]\n")
        return 2
    module, name = SUITES[arguments[0]]
    suite: Callable[[list[str]], int] = getattr(import_module(f"benchmarks.{module}"), name)
    return suite(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
