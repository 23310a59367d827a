"""The files of a minimal Debian, taken from this machine's own packages: nothing is fetched, so no mirror can fail.

    packages (and all that they need) ──▶ the files that dpkg knows of them ──▶ a folder to import as an image

What packages make when they are configured is not there, but for accounts and certificates, which are written anew: no
account of this machine's and no authority that it alone trusts comes along.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

LIBRARIES: Final = (
    "ca-certificates",
    "libbz2-1.0",
    "libffi8",
    "liblzma5",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libstdc++6",
    "zlib1g",
)
"""What a Python beside the system's own, and wheels, are linked to."""

_FIELDS: Final = ("Package", "Essential", "Pre-Depends", "Depends", "Provides")
_LEFT_OUT: Final = re.compile(r"/usr/share/(?:doc|man|locale|info|lintian)(?:/|$)")
_MERGED: Final = ("bin", "lib", "lib64", "sbin")
_AUTHORITIES: Final = Path("usr/share/ca-certificates/mozilla")
_BUNDLE: Final = Path("etc/ssl/certs/ca-certificates.crt")


class _Package(Struct, frozen=True):
    name: str
    essential: bool
    needs: tuple[tuple[str, ...], ...]
    """One of each is enough."""
    provides: tuple[str, ...]


def absent(packages: Iterable[str]) -> list[str]:
    """Those of the packages that this machine does not have."""
    installed = _installed()
    return [name for name in packages if name not in installed]


def make(root: Path, packages: Iterable[str]) -> None:
    """Lay a root folder out, anew, with the packages and everything essential. As root, where dpkg is."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    (root / "usr/local/bin").mkdir(parents=True)
    names = "\0".join(sorted(set(_files(_closure(packages)))))
    packed = ["tar", "--directory", "/", "--create", "--no-recursion", "--null", "--files-from", "-"]
    archive = subprocess.run(packed, input=names.encode(), capture_output=True, check=True).stdout
    subprocess.run(
        ["tar", "--directory", str(root), "--extract", "--keep-directory-symlink"], input=archive, check=True
    )
    for name in ("passwd", "group"):
        shutil.copyfile(root / f"usr/share/base-passwd/{name}.master", root / "etc" / name)
    authorities = sorted((root / _AUTHORITIES).glob("*.crt"))
    (root / _BUNDLE).parent.mkdir(parents=True, exist_ok=True)
    (root / _BUNDLE).write_text("".join(authority.read_text() for authority in authorities))
    subprocess.run(["ldconfig", "-r", str(root)], check=True)


def _files(packages: Iterable[str]) -> Iterator[str]:
    """Paths without their leading slash, as they truly lie where /bin and its like are links."""
    listed = subprocess.run(["dpkg-query", "--listfiles", *packages], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        path = Path(line)
        if not line.startswith("/") or line == "/." or _LEFT_OUT.match(line):
            continue
        real = path.parent.resolve() / path.name
        merged = real.parent == Path("/") and real.name in _MERGED
        if not merged and (real.is_symlink() or real.exists()):
            yield str(real).removeprefix("/")


def _closure(wanted: Iterable[str]) -> list[str]:
    installed = _installed()
    by_role = {role: package for package in installed.values() for role in package.provides}
    waiting = [*wanted, *(package.name for package in installed.values() if package.essential)]
    found: dict[str, _Package] = {}
    while waiting:
        name = waiting.pop()
        package = installed.get(name) or by_role.get(name)
        if package is None or package.name in found:
            continue
        found[package.name] = package
        for alternatives in package.needs:
            here = [other for other in alternatives if other in installed or other in by_role]
            waiting += here[:1]
    return sorted(found)


def _installed() -> dict[str, _Package]:
    form = "${db:Status-Status}\t" + "\t".join(f"${{{field}}}" for field in _FIELDS) + "\n"
    listed = subprocess.run(["dpkg-query", "--show", "--showformat", form], capture_output=True, text=True, check=True)
    packages = {}
    for line in listed.stdout.splitlines():
        status, name, essential, before, depends, provides = line.split("\t")
        if status == "installed":
            needs = tuple(tuple(_names(one, "|")) for one in f"{before},{depends}".split(",") if one.strip())
            packages[name] = _Package(name, essential == "yes", needs, tuple(_names(provides, ",")))
    return packages


def _names(text: str, separator: str) -> Iterator[str]:
    """Names of packages, without their versions and architectures."""
    for one in text.split(separator):
        if one.strip():
            yield one.split("(")[0].strip().split(":")[0]
