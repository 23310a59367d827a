"""Compiled modules for the function's zip, by the function's own Python: a cold start that compiles nothing.

The form is that of PEP 552 with an unchecked hash: neither time nor place is in it, and the function's Python takes it
without looking at the source. The source stays beside it, for tracebacks and for a Python that wants another form.
"""

import marshal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from components.config import BadConfiguration

_MARSHAL_VERSION: Final = 2
"""Of what passes between the two Pythons: bytes, names and a dictionary, which every version reads and writes alike."""

_COMPILE: Final = """
import importlib.util, marshal, os, py_compile, sys, tempfile
sources = marshal.load(sys.stdin.buffer)
compiled = {}
with tempfile.TemporaryDirectory() as folder:
    source, target = os.path.join(folder, "source.py"), os.path.join(folder, "compiled")
    for name in sorted(sources):
        with open(source, "wb") as file:
            file.write(sources[name])
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(source, target, dfile=name, doraise=True, optimize=0, invalidation_mode=mode)
        with open(target, "rb") as file:
            compiled[importlib.util.cache_from_source(name, optimization="")] = file.read()
marshal.dump(compiled, sys.stdout.buffer, 2)
"""


def bytecode(files: Mapping[str, bytes], python: Path) -> dict[str, bytes]:
    """What this Python compiles the modules among the files to, by its place beside them (`__pycache__`).

    The same for the same files, whatever their order, by any Python of the same release. Raises BadConfiguration for a
    module that does not compile.
    """
    sources = {name: data for name, data in files.items() if name.endswith(".py")}
    done = subprocess.run(  # noqa: S603 - an interpreter of this machine, and code of this file
        [python, "-s", "-S", "-P", "-B", "-W", "ignore", "-c", _COMPILE],
        input=marshal.dumps(sources, _MARSHAL_VERSION),
        capture_output=True,
        # sets of constants are written in the order of their hashes
        env={"PYTHONHASHSEED": "0"},
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise BadConfiguration(f"the function's code does not compile for its Python: {last}")
    return marshal.loads(done.stdout)  # noqa: S302 - of our own child
