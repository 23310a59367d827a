"""Compiled modules for the zip: a function of their sources alone, and taken by the Python that they are for."""

import subprocess
import sys
from pathlib import Path

import pytest

from components import artifact
from components.artifact import code_files
from components.bytecode import bytecode
from components.config import BadConfiguration
from tests.support.plan import record
from tests.support.tree import ROOT

PYTHON = Path(sys.executable)


@pytest.fixture(scope="module")
def compiled() -> dict[str, bytes]:
    return bytecode(code_files(ROOT), PYTHON)


def test_every_module_is_compiled_and_nothing_else_is() -> None:
    made = bytecode({"room/one.py": b"", "two.py": b"", "room/notes.txt": b"no code"}, PYTHON)
    tag = sys.implementation.cache_tag
    assert set(made) == {f"room/__pycache__/one.{tag}.pyc", f"__pycache__/two.{tag}.pyc"}


def test_neither_order_nor_neighbours_change_a_byte(compiled: dict[str, bytes]) -> None:
    files = list(code_files(ROOT).items())
    assert bytecode(dict(reversed(files)), PYTHON) == compiled
    some = bytecode(dict(files[::3]), PYTHON)
    assert some == {name: compiled[name] for name in some}


def test_python_takes_it_without_looking_at_the_source(tmp_path: Path) -> None:
    """As on Lambda, where the clock of the unpacked files is anybody's."""
    for name, data in bytecode({"module.py": b"SAID = 'compiled'"}, PYTHON).items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(data)
    (tmp_path / "module.py").write_text("SAID = 'source'")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import module; print(module.SAID)"
    said = subprocess.run([PYTHON, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "compiled\n"


def test_a_module_that_does_not_compile_is_told_in_one_line() -> None:
    with pytest.raises(BadConfiguration, match=r"\Athe function's code does not compile for its Python: Syntax.+\Z"):
        bytecode({"broken.py": b"def ("}, PYTHON)


@pytest.mark.parametrize("python", [PYTHON, None])
def test_a_stack_without_bytecode_says_so_once(python: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", lambda text, resource=None: said.append(text))
    monkeypatch.setattr(artifact, "interpreter", lambda _version: python)
    record("prod")
    about_it = [text for text in said if "has no Python 3.13" in text]
    assert len(about_it) == (0 if python else 1)
