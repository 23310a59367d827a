"""`python -m tests.support.cases CASE`: run one case; its figure is the last line.

Exit codes: 0 the promise held, 1 it did not, and the last line says which bar was missed; 2 there is no such case, 130
stopped. Anything else that goes wrong ends with its traceback: it is a fault of the case.
"""

import argparse
import ast
import importlib
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.support import cases

STOPPED = 130


def promises() -> dict[str, str]:
    """Every case and the first line of what it says of itself, without loading any."""
    found = {}
    for module in sorted(pkgutil.iter_modules(cases.__path__), key=lambda one: one.name):
        if module.name.startswith("_"):
            continue
        spec = module.module_finder.find_spec(module.name, None)
        said = ast.get_docstring(ast.parse(Path(spec.origin).read_text())) if spec and spec.origin else None
        found[module.name] = (said or "").partition("\n")[0]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    known = promises()
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.cases",
        description="Show a promise at full size on the embedded cloud. The last line is the figure.",
        epilog="\n".join(["cases:", *(f"  {name:<10} {said}" for name, said in known.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("case", metavar="CASE", choices=sorted(known), help=", ".join(known))
    name = parser.parse_args(arguments).case
    case = importlib.import_module(f"{cases.__name__}.{name}")
    try:
        figure = case.main()
    except cases.Broken as seen:
        sys.stdout.write(f"{name}: broken: {seen}\n")
        return 1
    except AssertionError as seen:
        # what the faults' tests assert on the way: no work done twice, no wait without end
        traceback.print_exc()
        sys.stdout.write(f"{name}: broken: {str(seen).partition(chr(10))[0] or 'an assertion on the way'}\n")
        return 1
    except KeyboardInterrupt:
        sys.stdout.write(f"{name}: stopped\n")
        return STOPPED
    sys.stdout.write(f"{name}: {figure}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
