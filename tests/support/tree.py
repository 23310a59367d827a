"""The repository as the house tests read it: its rooms, their Python files and what these import.

Reads files only; imports none of them.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]

ROOMS: Final = (
    "contracts",
    "adapters",
    "components",
    "services",
    "functions",
    "client",
    "operations",
    "local",
    "benchmarks",
)
"""Folders of Python that is run; tests apart."""

_NEVER_READ: Final = {".git"} | {
    line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line.endswith("/")
}


@cache
def files(under: str = ".") -> tuple[Path, ...]:
    """Every file of the repository below a folder of it, ignored ones apart; paths are relative to the root."""
    return tuple(sorted(_walk(ROOT / under)))


def python_files(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in files(room) if path.suffix == ".py"]


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def module_name(path: Path) -> str:
    """The name a file is imported by."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class Import(NamedTuple):
    path: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: imports {self.module}"


def imports(path: Path, source: str | None = None) -> list[Import]:
    """Every import of a file: in functions and under TYPE_CHECKING too, relative ones resolved, and by constant name.

    `from a import b` counts as `a.b`, since `b` may be a module.
    """
    found = []
    package = module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    for node in ast.walk(ast.parse(read(path) if source is None else source, str(path))):
        if isinstance(node, ast.Import):
            found += [Import(path, node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found += [Import(path, node.lineno, f"{module}.{alias.name}".strip(".")) for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and _called(node) in ("import_module", "__import__"):
            name = node.args[0]
            found += [Import(path, node.lineno, name.value)] if isinstance(name, ast.Constant) else []
    return found


@cache
def requirements(path: Path) -> frozenset[str]:
    """Distributions that a requirements.in names, and those of the files it includes; none if there is no such file."""
    if not (ROOT / path).is_file():
        return frozenset()
    names: set[str] = set()
    for line in read(path).splitlines():
        included = re.match(r"-r\s+(\S+)", line)
        if included:
            names |= requirements(Path((ROOT / path.parent / included[1]).resolve().relative_to(ROOT)))
        elif re.match(r"\w", line):
            names.add(re.split(r"[=<>~!\[; ]", line, maxsplit=1)[0].lower())
    return frozenset(names)


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _walk(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder.relative_to(ROOT)
    elif folder.is_dir():
        for path in folder.iterdir():
            if path.name not in _NEVER_READ and not path.name.endswith(".egg-info") and not path.is_symlink():
                yield from _walk(path)
