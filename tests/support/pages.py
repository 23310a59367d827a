"""What the repository's Markdown pages mention: paths, modules, commands and links, each with its line.

Only code (in backticks or fences) and links are believed to name things of the repository. Addresses of the API, places
in buckets, files that a run makes and names with blanks or placeholders in them are not.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

from tests.support.tree import ROOMS, ROOT, files, read

_CODE: Final = re.compile(r"`([^`\n]+)`")
_REMARK: Final = re.compile(r"((^|\s)#|\s{2,}).*")
"""Beside a command: behind a hash, or in a column of its own."""
_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_LINK: Final = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
_PATH: Final = re.compile(r"\.{0,2}/?[\w@-][\w@.*-]*(/[\w@.*-]+)*/?")
_MAKE: Final = re.compile(r"(?:^|[;&|(]\s*|\s)make((?:\s+[A-Z_]+=\S+)*)((?:\s+[a-z][a-z-]*)+)")
_MODULE: Final = re.compile(r"python3?\s+-m\s+([\w.]+)")
_SUFFIXES: Final = {".py", ".md", ".toml", ".yaml", ".yml", ".in", ".cfg"}
"""Bare file names with these must exist somewhere; others (`run.json`) may be made by a run."""


class Mention(NamedTuple):
    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def pages() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def code(page: Path, source: str | None = None) -> list[Mention]:
    """Everything in backticks, and the lines of fenced blocks."""
    found, fenced = [], False
    for number, line in enumerate((read(page) if source is None else source).splitlines(), start=1):
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced:
            found.append(Mention(page, number, _REMARK.sub("", line.strip())))
        else:
            found += [Mention(page, number, text) for text in _CODE.findall(line)]
    return found


def missing_paths(page: Path, source: str | None = None) -> list[Mention]:
    """Code that looks like a path or a module of the repository, of which there is none."""
    return [mention for mention in code(page, source) if not _exists(mention.text.split(":")[0], page.parent)]


def missing_links(page: Path, source: str | None = None) -> list[Mention]:
    """Relative links that lead nowhere."""
    text = read(page) if source is None else source
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        for target in _LINK.findall(line):
            path = unquote(target.partition("#")[0])
            if path and "://" not in path and not path.startswith("mailto:"):
                there = ROOT / path.lstrip("/") if path.startswith("/") else ROOT / page.parent / path
                found += [] if there.exists() else [Mention(page, number, target)]
    return found


def missing_commands(page: Path, source: str | None = None) -> list[Mention]:
    """`make` targets and `python -m` modules that are not there; nothing where there is no Makefile yet."""
    found = []
    for mention in code(page, source):
        for _settings, targets in _MAKE.findall(mention.text):
            found += [
                mention._replace(text=f"make {target}") for target in targets.split() if target not in make_targets()
            ]
        for module in _MODULE.findall(mention.text):
            if module.partition(".")[0] in (*ROOMS, "tests") and not _is_module(module):
                found.append(mention._replace(text=f"python -m {module}"))
    return found


@cache
def make_targets() -> frozenset[str]:
    makefile = ROOT / "Makefile"
    text = makefile.read_text() if makefile.exists() else ""
    return frozenset(
        name for line in re.findall(r"^([a-zA-Z][\w /.-]*):(?!=)", text, re.MULTILINE) for name in line.split()
    )


def _exists(text: str, folder: Path) -> bool:
    if not _PATH.fullmatch(text) or text.startswith("/"):
        return True
    first = text.removeprefix("./").partition("/")[0]
    if "/" in text.rstrip("/"):
        known = (ROOT / first).exists() or first in ("..", *ROOMS)
        ours = known and first not in _ignored()
        return not ours or _found(text, ROOT) or _found(text, ROOT / folder)
    if text.partition(".")[0] in ROOMS and Path(text).suffix not in _SUFFIXES and "." in text:
        return _is_module(text)
    if Path(text).suffix in _SUFFIXES and "*" not in text:
        return any(path.name == text for path in files())
    return True


def _found(text: str, folder: Path) -> bool:
    plain = text.rstrip("/")
    if "*" in plain:
        return any(folder.glob(plain))
    # `contracts/limits` is how prose names a module
    return (folder / plain).exists() or (folder / f"{plain}.py").exists()


def _is_module(name: str) -> bool:
    """Whether a dotted name is a module of ours, or something that is written in one."""
    place, rest = ROOT, name.split(".")
    while rest and (place / rest[0]).is_dir():
        place, rest = place / rest.pop(0), rest
    file = place / f"{rest[0]}.py" if rest else place
    if rest and file.is_file():
        return set(rest[1:]) <= _names_in(file.read_text())
    package = place / "__init__.py"
    return set(rest) <= (_names_in(package.read_text()) if package.is_file() else set())


def _names_in(source: str) -> set[str]:
    """Every name that a module makes, of whatever depth: functions, classes, variables, fields, imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


@cache
def _ignored() -> frozenset[str]:
    return frozenset(line.rstrip("/") for line in read(Path(".gitignore")).splitlines() if line.endswith("/"))
