"""What a planted fault is. The tables: `mutants` (the rules), `mutants_of_effects` (the order of effects)."""

from typing import Final, NamedTuple

STEP_TESTS: Final = ("tests/contracts/test_lifecycle_traces.py", "tests/contracts/test_lifecycle_walk.py")


class Mutant(NamedTuple):
    """One planted fault: `edits` are (file, text, text instead), all made together; the likeliest test comes first."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...] = STEP_TESTS


def one(name: str, file: str, text: str, instead: str, *tests: str) -> Mutant:
    """A fault of one edit."""
    return Mutant(name, ((file, text, instead),), tests or STEP_TESTS)
