"""Importing any module does no I/O, reads no environment and makes no client."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.tree import ROOMS, ROOT, python_files


def _imported(*rooms: str) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.support.importing", *rooms], cwd=ROOT, env={}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_every_module_imports_with_an_empty_environment_and_does_nothing() -> None:
    imported = _imported(*ROOMS)
    assert len(imported["modules"]) == len(python_files(*ROOMS)) > 40
    assert not imported["done"], "\n".join(imported["done"])


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import os\nHOME = os.environ.get('HOME')", "2: reads the environment"),
        ("import os\nHOME = os.getenv('HOME')", "2: reads the environment"),
        ("from pathlib import Path\nTEXT = Path(__file__).read_text()", "2: open"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "2: socket."),
        ("import subprocess\nsubprocess.run(['true'])", "2: subprocess.Popen"),
        ("raise RuntimeError('no')", "RuntimeError: no"),
    ],
)
def test_a_module_that_does_something_is_told_on(
    source: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "doing.py").write_text(source)
    script = (
        "import sys; from pathlib import Path; import tests.support.tree as tree; tree.ROOT = Path(sys.argv[1]); "
        "sys.path.insert(0, sys.argv[1]); sys.argv[1:] = ['.']; "
        "import tests.support.importing as it; it._OURS = [str(tree.ROOT) + '/']; it.main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, env={}, capture_output=True, text=True, check=True
    )
    assert any(told in line for line in json.loads(ran.stdout)["done"]), ran.stdout
