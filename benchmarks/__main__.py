"""`python -m benchmarks SUITE [options]`."""

import sys

from benchmarks import pictures

SUITES = {"pictures": pictures.main}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in SUITES:
        sys.stderr.write(f"usage: python -m benchmarks {{{','.join(SUITES)}}} [options]\n")
        return 2
    return SUITES[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
