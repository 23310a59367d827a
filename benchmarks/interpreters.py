"""The function's own Python on this machine, where there is one beside the one that runs the tests."""

import shutil
import subprocess
from functools import cache
from pathlib import Path


@cache
def interpreter(version: str) -> Path | None:
    """A Python of this version: on PATH, or among those that pyenv keeps beside its shim; None if there is none."""
    name = f"python{version}"
    found = shutil.which(name)
    shims = [Path(found)] if found else []
    kept = [path for shim in shims for path in sorted(shim.parent.parent.glob(f"versions/{version}.*/bin/{name}"))]
    return next((path for path in [*shims, *kept] if _runs(path)), None)


def _runs(path: Path) -> bool:
    return subprocess.run([path, "-c", ""], capture_output=True).returncode == 0
