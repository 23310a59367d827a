"""The table of planted faults in the docs, made from what `make mutants` plants: `make docs` writes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.mutant import Mutant
from tests.support.mutants import MUTANTS

PAGE: Final = Path(__file__).parents[2] / "docs" / "mutants.md"
_HEAD: Final = """# Mutants

Each line is a fault that `make mutants` plants in a copy of the tree, one at a time: a guard of the protocol taken
away, an order of effects turned round. A test must notice every one, or the run fails. Made from
[tests/support/mutants.py](../tests/support/mutants.py) and its neighbours by `make docs`.

| what is broken | where | noticed by |
| --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for mutant in sorted(MUTANTS, key=lambda one: one.edits[0][0]):
        files = dict.fromkeys(file for file, _, _ in mutant.edits)
        yield f"| {mutant.name} | {', '.join(map(_link, files))} | {_link(_first(mutant))} |"


def _first(mutant: Mutant) -> str:
    return mutant.tests[0].partition("::")[0]


def _link(file: str) -> str:
    return f"[{file}](../{file})"


if __name__ == "__main__":
    PAGE.write_text(page())
