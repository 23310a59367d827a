"""A populated stack of an earlier commit: kept as data, brought back with its own day taken for today.

    python -m tests.support.earlier <commit>     makes the data anew, from a checkout of that commit

Kept are the deployment as the engine exports it and everything that the embedded cloud stores, with jobs in every state
and messages in flight; no code is kept but the function's own zip, which is part of what was deployed.
"""

import base64
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from tests.support.plan import ROOT

FOLDER: Final = Path(__file__).parents[1] / "engine" / "earlier"
REMAINING_SECONDS: Final = 12.0
"""After its return the order that was in somebody's hand comes back: a little later than an `up` takes."""

_WORLD: Final = Path(__file__).with_name("earlier_world.py")
_LEFT_OUT: Final = ("cloud/tmp", "cloud/lock", "cloud/home", "cloud/state/sessions.json", "cloud/state/sts.json")
_NOT_WITHIN: Final = r"(?<![0-9A-Za-z.-])(1[789]\d{8})"
_SECONDS: Final = re.compile(_NOT_WITHIN + r"(\.\d+)?(?![0-9A-Za-z.-])")
_MILLISECONDS: Final = re.compile(_NOT_WITHIN + r"(\d{3})(?![0-9A-Za-z.-])")
_BINARY: Final = re.compile(r'(?<="B": ")[A-Za-z0-9+/=]+(?=")')


class Earlier(Struct, frozen=True, kw_only=True):
    """What is known of it."""

    endpoint: str
    """Address of the cloud that it stood on."""
    taken: float
    """Seconds since 1970 at which the order was taken that nobody gave back."""
    jobs: dict[str, str]
    """Id of each job, by what had become of it."""
    states: dict[str, str]
    """State of each job, by the same."""
    variants: list[int]
    """Bytes of each variant of the completed one."""


def kept() -> list[Path]:
    """Every stack that is kept, oldest commit first by the order of their names."""
    return sorted(FOLDER.glob("*.tar.xz"))


def restored(archive: Path, place: Path, endpoint: str) -> tuple[Earlier, dict[str, Any]]:
    """Lay the stack's data into a run's folder; what is known of it, and its deployment.

    Its cloud had another port, which AWS's addresses have not: the new one is written everywhere. And its day was
    another: every time is moved, so that the order in somebody's hand comes back REMAINING_SECONDS from now.
    """
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    facts = msgspec.json.decode((place / "facts.json").read_bytes(), type=Earlier)
    deployment = (place / "deployment.json").read_text()
    visibility = 90
    moved = round(time.time() - (facts.taken + visibility - REMAINING_SECONDS))
    old, new = (address.partition("//")[2] for address in (facts.endpoint, endpoint))
    for file in (place / "cloud" / "state").glob("*.json"):
        file.write_text(_moved(file.read_text(), moved).replace(old, new))
    return facts, json.loads(deployment.replace(old, new))


def _moved(text: str, seconds: int) -> str:
    """The text with every time later by so many seconds, in documents within it too."""

    def later(match: re.Match[str]) -> str:
        return f"{int(match[1]) + seconds}{match[2] or ''}"

    def document(match: re.Match[str]) -> str:
        inner = base64.b64decode(match[0]).decode()
        return base64.b64encode(_MILLISECONDS.sub(later, inner).encode()).decode()

    return _SECONDS.sub(later, _MILLISECONDS.sub(later, _BINARY.sub(document, text)))


def make(commit: str) -> Path:
    """The archive of a commit's stack, made by that commit's own code; takes half a minute."""
    with tempfile.TemporaryDirectory(prefix="darkroom-earlier-") as folder:
        tree, place, facts = Path(folder, "tree"), Path(folder, "place"), Path(folder, "facts.json")
        tree.mkdir()
        packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x"], cwd=tree, input=packed, check=True)
        (tree / "build").mkdir()
        (tree / "build" / "engine").symlink_to(ROOT / "build" / "engine")
        subprocess.run([sys.executable, _WORLD, "live", str(place), str(facts)], cwd=tree, check=True)
        shutil.copy(facts, place)
        # where the zip lay is nobody's business: the engine knows it by its digest
        deployment = (place / "deployment.json").read_text().replace(str(tree), "")
        (place / "deployment.json").write_text(deployment)
        FOLDER.mkdir(exist_ok=True)
        archive = FOLDER / f"{commit}.tar.xz"
        with tarfile.open(archive, "w:xz") as tar:
            for name in ("facts.json", "deployment.json", "cloud"):
                tar.add(place / name, name, filter=_plain)
    return archive


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without what is of this machine or of this moment only."""
    if entry.name.startswith(_LEFT_OUT):
        return None
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    made = make(sys.argv[1])
    sys.stdout.write(f"{made.relative_to(ROOT)}: {made.stat().st_size} bytes\n")
