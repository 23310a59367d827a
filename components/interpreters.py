"""The function's own Python on this machine: what writes its bytecode, and what its zip is tried with."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path


@cache
def interpreter(version: str) -> Path | None:
    """A Python of this version ("3.13"): this very one, on PATH, or among those that pyenv keeps beside its shim.

    None if there is none.
    """
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    name = f"python{version}"
    found = shutil.which(name)
    shims = [Path(found)] if found else []
    kept = [path for shim in shims for path in sorted(shim.parent.parent.glob(f"versions/{version}.*/bin/{name}"))]
    return next((path for path in [*shims, *kept] if _runs(path)), None)


def _runs(path: Path) -> bool:
    return subprocess.run([path, "-c", ""], capture_output=True).returncode == 0  # noqa: S603 - found on PATH
