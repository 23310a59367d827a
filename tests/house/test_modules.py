"""What may not stand in any file, and how a module of the product looks."""

import ast
import re
from pathlib import Path

import pytest

from contracts import errors
from tests.support.tree import ROOMS, ROOT, files, python_files, read

MAX_LINES = 300
DRAWERS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "lib"}
"""Names that hide a name not yet found."""

MODULES = python_files(*ROOMS, "__main__.py")
SUFFIXES = [".py", ".md", ".toml", ".yaml", ".yml", ".json", ".in", ".txt", ".html", ".js", ".css", ".sh", ".mod"]
NAMES = ("Makefile", "Dockerfile", ".npmrc", "run")
TEXTS = [path for path in files() if path.suffix in SUFFIXES or path.name in NAMES]

# in two parts, so that this file is not among the finds
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
UNMADE = re.compile(r"\bNotImplementedError\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}/-])/(home|root|Users)/[a-z]")
SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|pyrefly:\s*ignore|pragma)(.*)", re.IGNORECASE)
NAMED = re.compile(r":\s*[A-Z]+\d+|\[[\w-]+\]")
REGISTRY = re.compile(r'--(extra-)?index-url|--trusted-host|^\s*registry\s*=|"resolved"\s*:|\w+://[^\s"]*(/simple\b|@)')
LOCK = re.compile(r"(.*requirements.*|bootstrap.*)\.(in|txt)|package.*\.json|\.npmrc|uv\.toml")


def _refuse(finds: list[str], why: str) -> None:
    if finds:
        pytest.fail(f"{why}:\n" + "\n".join(finds), pytrace=False)


def _lines(paths: list[Path], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in paths
        for number, line in enumerate(read(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def test_a_module_can_be_read_over_a_coffee() -> None:
    sources = {path: read(path) for path in MODULES}
    long = [f"{path}: {source.count(chr(10))}" for path, source in sources.items() if source.count("\n") > MAX_LINES]
    _refuse(long, f"more than {MAX_LINES} lines; look for the second idea")
    _refuse([str(path) for path in MODULES if path.stem in DRAWERS], "a drawer; name what it knows")
    silent = [str(path) for path, source in sources.items() if source and not ast.get_docstring(ast.parse(source))]
    _refuse(silent, "does not say what lives in it")


def test_nothing_is_left_unfinished() -> None:
    _refuse(_lines(python_files(*ROOMS, "tests", "__main__.py"), UNFINISHED), "unfinished")
    _refuse(_lines(MODULES, UNMADE), "promised, but not made")


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """The address of this very checkout counts too, unless it is too short to be anybody's own."""
    own = rf"|{re.escape(str(ROOT))}(?![\w-])" if len(ROOT.parts) > 2 else ""
    _refuse(_lines(TEXTS, re.compile(MACHINE_PATH.pattern + own)), "a path of one machine")


def test_no_lock_file_names_a_registry() -> None:
    locks = [path for path in TEXTS if LOCK.fullmatch(path.name)]
    assert locks
    _refuse(_lines(locks, REGISTRY), "a registry is named")


def test_every_suppression_of_the_product_names_what_it_suppresses() -> None:
    blanket = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in MODULES
        for number, line in enumerate(read(path).splitlines(), start=1)
        if (found := SUPPRESSION.search(line)) and not NAMED.match(found[2])
    ]
    _refuse(blanket, "blanket suppressions")


ENVIRONMENT = re.compile(r"\bos\.(environ\b|getenv\b|environb\b)")
READERS = re.compile(r"(.*/)?__main__\.py|functions/transform/handler\.py|operations/smoke\.py|(local|benchmarks)/.*")
"""Composition roots; the rooms that start others make environments."""


def test_only_composition_roots_look_into_the_environment() -> None:
    elsewhere = [path for path in MODULES if not READERS.fullmatch(str(path))]
    _refuse(_lines(elsewhere, ENVIRONMENT), "only a composition root reads the environment")
    assert _lines([path for path in MODULES if READERS.fullmatch(str(path))], ENVIRONMENT)


def test_every_problem_has_a_status_of_its_family() -> None:
    from services.edge import STATUS_OF

    kinds = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    public = {code: kind for code, kind in kinds.items() if not issubclass(kind, errors.Superseded)}
    assert set(STATUS_OF) == set(public)
    for code, kind in public.items():
        assert STATUS_OF[code] // 100 == (4 if issubclass(kind, errors.Rejected) else 5), code


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (UNFINISHED, "# TO" + "DO: later"),
        (MACHINE_PATH, "open('/home" + "/ann/x')"),
        (MACHINE_PATH, "see /Users" + "/ann"),
        (REGISTRY, "--index-url https://mirror"),
        (REGISTRY, "registry=https://mirror"),
        (REGISTRY, '      "resolved": "https://mirror/a.tgz",'),
        (ENVIRONMENT, "os.environ['A']"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)
