"""`python -m benchmarks SUITE [options]`."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final

SUITES: Final = {"pictures": "pictures", "import": "importing", "analysis": "analysis"}
"""Suite -> its module here, which has a `main`: none is loaded for another's sake."""


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in SUITES:
        sys.stderr.write(f"usage: python -m benchmarks {{{','.join(SUITES)}}} [options]\n")
        return 2
    suite: Callable[[list[str]], int] = import_module(f"benchmarks.{SUITES[arguments[0]]}").main
    return suite(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
