"""The function's zip: our code and its libraries, the same bytes for the same input.

The libraries are what `make artifact` installed, by hash, for the function's own Python and processor; here they are
checked against the lock, pruned of what a function never opens, compiled (`bytecode`), and packed. A zip is named by
the digest of its bytes, so a program that changes nothing writes nothing.
"""

import base64
import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Mapping
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from components.bytecode import bytecode
from components.config import BadConfiguration
from components.interpreters import interpreter
from components.settings import Transform
from contracts.environment import Formats

NO_PLUGINS: Final = Formats()
MAX_ZIP_BYTES: Final = 48_000_000
"""Below the 50 MB that Lambda takes directly, with room for every plug-in at once."""

CODE: Final = ("contracts", "adapters", "functions/transform")
"""Rooms that the function is made of."""

KEPT_SERVICES: Final = frozenset({"s3", "sqs", "sts"})
"""Of botocore's descriptions of services: the function calls two, and its credentials may be renewed by the third."""

ENDPOINTS: Final = "botocore/data/endpoints.json"

NEVER_OPENED: Final = {
    "boto3/*": "the adapters call botocore itself",
    "s3transfer/*": "as above",
    "botocore/data/*/examples-1.json": "for the documentation",
    "dateutil/zoneinfo/*": "botocore asks for UTC alone",
    "cffi/*": "compiles declarations; of a binding that is compiled its compiled half is all that is loaded",
    "PIL/_imagingmorph.*": "grows and shrinks shapes",
    "PIL/_imagingtk.*": "shows pictures in windows",
}
"""What a whole life of the function (every format in and out, every step, all calls to AWS) never opened, by name, and
why. The test that runs the zip fails if one of them is needed after all."""

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_DROPPED_FOLDERS: Final = frozenset({"__pycache__", "tests", "bin", "examples"})
_DROPPED_SUFFIXES: Final = (".pyi", ".pyc", ".pxd", ".pyx", ".h", ".c", ".rst")
_DROPPED_RECORDS: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "uv_cache.json"})
_PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_BINARY: Final = re.compile(r"\.cpython-(\d)(\d+)-(x86_64|aarch64)-")


class Artifact(Struct, frozen=True, kw_only=True):
    """A zip on this machine. `sha256` is of its bytes, in base64 as Lambda writes it.

    `without` is the Python that its libraries should have been compiled by, had there been one here.
    """

    path: str
    sha256: str
    without: str | None = None


def transform_artifact(root: Path, settings: Transform, formats: Formats = NO_PLUGINS) -> Artifact:
    """The zip of the function and of the plug-ins that are chosen, written now if it is not there yet.

    Raises BadConfiguration if the libraries are missing, or others than the lock and the configuration ask for.
    """
    files = code_files(root)
    without = None
    if settings.bundle_libraries:
        files |= library_files(root, settings)
        for plugin in formats.plugins:
            files |= plugin_files(root, settings, plugin)
        python = interpreter(settings.python)
        files |= {} if python is None else bytecode(files, python)
        without = settings.python if python is None else None
    data = zip_bytes(files)
    if len(data) > MAX_ZIP_BYTES:
        raise BadConfiguration(
            f"the function's zip has {len(data)} bytes; at most {MAX_ZIP_BYTES} are meant to be deployed"
        )
    digest = hashlib.sha256(data)
    path = root / "build" / f"transform-{digest.hexdigest()[:16]}.zip"
    # one that is there may have been cut short, or touched
    if not path.exists() or path.read_bytes() != data:
        _write(path, data)
    return Artifact(path=str(path), sha256=base64.b64encode(digest.digest()).decode(), without=without)


LICENCES: Final = "functions/transform/licences"
"""A folder for each plug-in, with the terms of its libraries: goes along where the plug-in does."""
CARRIED: Final = frozenset({"fonts", "profiles"})
"""Folders whose files go along as they are: a font, a colour profile, and their licences."""


def code_files(root: Path) -> dict[str, bytes]:
    """The modules of the function's rooms, and what they write and see colours with, by their place in the zip."""
    found = {}
    for room in CODE:
        for path in sorted((root / room).rglob("*")):
            if path.suffix == ".py" or path.parent.name in CARRIED:
                found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def library_files(root: Path, settings: Transform) -> dict[str, bytes]:
    """What a function opens of the installed libraries, by its place in the zip."""
    files = _installed(root, settings, "requirements.txt")
    if ENDPOINTS in files:
        files[ENDPOINTS] = kept_endpoints(files[ENDPOINTS])
    return files


def plugin_files(root: Path, settings: Transform, plugin: str) -> dict[str, bytes]:
    """What a function opens of a plug-in's libraries, and the terms that they come under, by its place in the zip."""
    files = _installed(root, settings, f"requirements-{plugin}.txt", f"-{plugin}", f" PLUGINS={plugin}")
    terms = root / LICENCES / plugin
    return files | {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(terms.iterdir())}


def _installed(root: Path, settings: Transform, lock: str, suffix: str = "", option: str = "") -> dict[str, bytes]:
    """The libraries of one lock, from the folder that `make artifact` (with this option) installs them in."""
    folder = root / "build" / "function" / f"{settings.python}-{settings.architecture}{suffix}"
    pins = root / "functions" / "transform" / lock
    remedy = f"run: make artifact{option}"
    if not folder.is_dir() or not pins.is_file():
        raise BadConfiguration(f"the function's libraries for {folder.name} are not installed; {remedy}")
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    mistake = mismatch(names, pins.read_text(), settings, lock)
    if mistake is not None:
        raise BadConfiguration(f"the function's libraries in build/function/{folder.name} {mistake}; {remedy}")
    return {name: (folder / name).read_bytes() for name in sorted(names) if is_packed(name)}


def kept_endpoints(table: bytes) -> bytes:
    """botocore's table of addresses, of the kept services alone: it is read whole before the first client is made."""
    content = json.loads(table)
    for partition in content["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in sorted(KEPT_SERVICES & services.keys())}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def mismatch(names: list[str], pins: str, settings: Transform, lock: str = "requirements.txt") -> str | None:
    """What is wrong with installed libraries, given the pins of their lock and the function's Python and processor; or
    None."""
    distributions = (name.partition("/")[0] for name in names)
    installed = {_normal(name.removesuffix(".dist-info")) for name in distributions if name.endswith(".dist-info")}
    pinned = {f"{_normal(name)}-{version}" for name, version in _PIN.findall(pins)}
    if installed != {_normal(pin) for pin in pinned}:
        return f"are not those of functions/transform/{lock}"
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[settings.architecture]
    for name in names:
        binary = _BINARY.search(name)
        if binary and (f"{binary[1]}.{binary[2]}", binary[3]) != (settings.python, machine):
            return f"are for Python {binary[1]}.{binary[2]} on {binary[3]}"
    return None


def is_packed(name: str) -> bool:
    """Whether a function may open this file of a library. Licences stay: they travel with the code."""
    path = PurePosixPath(name)
    folders = path.parts[:-1]
    if _DROPPED_FOLDERS.intersection(folders) or (not folders and name.startswith(".")):
        return False
    if folders[:1] and folders[0].endswith(".dist-info"):
        return path.name not in _DROPPED_RECORDS
    if folders[:2] == ("botocore", "data") and len(folders) > 2 and folders[2] not in KEPT_SERVICES:
        return False
    return not name.endswith(_DROPPED_SUFFIXES) and not any(fnmatchcase(name, pattern) for pattern in NEVER_OPENED)


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """A zip that depends on names and contents alone: sorted, of one date, all entries with the same permissions.

    Nothing is compressed: what deflate makes of the same bytes differs between versions of zlib, and two machines would
    each find the other's zip changed. It is 31 MB to upload instead of 9 (2026-11), and the same once it is unpacked.
    """
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _normal(name: str) -> str:
    """As PEP 503 compares names, so that `cykooz.resizer` and `cykooz_resizer` are one."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _write(path: Path, data: bytes) -> None:
    """All or nothing: a program that is stopped half-way leaves no zip to be taken for a whole one."""
    path.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    os.replace(file.name, path)
