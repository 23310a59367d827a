"""The Pulumi CLI and its AWS provider for the pipelines, downloaded by version and checked by digest.

`make pulumi` installs them under `build/pulumi` and refuses an archive without a recorded digest or with another one.
`make pulumi-pin` fetches both once, writes their digests and the day into `.github/pulumi.json`, and asks a person to
compare them with what the release page says: whoever pins, looks.
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import httpx
import msgspec
from msgspec import Meta, Struct

PINS: Final = Path(".github/pulumi.json")
HOME: Final = Path("build/pulumi")
CLI: Final = "cli"
PROVIDER: Final = "aws"
RELEASES: Final = {
    CLI: "https://github.com/pulumi/pulumi/releases/tag/v{version}",
    PROVIDER: "https://github.com/pulumi/pulumi-aws/releases/tag/v{version}",
}


class Mistake(Exception):
    """One line for the person who asked."""


class Pin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An archive: what it is, where it comes from, and what its bytes are. Without a digest it is never unpacked."""

    name: str
    version: str
    url: Annotated[str, Meta(pattern=r"^https://")]
    sha256: Annotated[str, Meta(pattern=r"^(?:[0-9a-f]{64})?\Z")] = ""
    date: str = ""
    """The day on which somebody fetched it and compared its digest."""


Fetch = Callable[[str, Path], None]
"""Writes what is at an address into a file."""


def read_pins(path: Path) -> dict[str, Pin]:
    pins = msgspec.json.decode(path.read_bytes(), type=list[Pin])
    return {pin.name: pin for pin in pins}


def checked(pin: Pin, archive: Path) -> Path:
    """The archive, if it is what the pin says; raises Mistake."""
    if not pin.sha256:
        raise Mistake(f"{PINS} has no digest of {pin.name} {pin.version}; fill it in with: make pulumi-pin")
    found = _sha256(archive)
    if found != pin.sha256:
        raise Mistake(f"{pin.url} has digest {found}, and {PINS} says {pin.sha256}; do not use it")
    return archive


def install(pins: dict[str, Pin], home: Path, fetch: Fetch) -> None:
    """Both archives, checked before anything of them is unpacked or run."""
    for pin in pins.values():
        if not pin.sha256:
            checked(pin, Path())
    with tempfile.TemporaryDirectory() as folder:
        archives = {name: Path(folder) / name for name in pins}
        for name, pin in pins.items():
            fetch(pin.url, archives[name])
            checked(pin, archives[name])
        home.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archives[CLI]) as archive:
            # the archive has one folder, `pulumi`, with the CLI and its language hosts
            archive.extractall(home.parent, filter="data")
        command = [home / "pulumi", "plugin", "install", "resource", PROVIDER, pins[PROVIDER].version]
        subprocess.run([*command, "--file", archives[PROVIDER], "--reinstall"], check=True)  # noqa: S603 - the CLI just checked


def pinned(pins: dict[str, Pin], fetch: Fetch, today: str) -> list[Pin]:
    """The same archives with the digests that they have today."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, pin in pins.items():
            fetch(pin.url, Path(folder, name))
            found.append(msgspec.structs.replace(pin, sha256=_sha256(Path(folder, name)), date=today))
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(url: str, to: Path) -> None:
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=60) as answer, to.open("wb") as file:
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                file.write(chunk)
    except httpx.HTTPError as error:
        raise Mistake(f"{url}: {error or type(error).__name__}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m operations.toolchain install|pin`."""
    parser = argparse.ArgumentParser(prog="toolchain", description=__doc__)
    parser.add_argument("verb", choices=["install", "pin"])
    verb = parser.parse_args(arguments).verb
    try:
        pins = read_pins(PINS)
        if verb == "install":
            install(pins, HOME, _fetch)
            return 0
        found = pinned(pins, _fetch, datetime.now(UTC).date().isoformat())
    except Mistake as mistake:
        sys.stderr.write(f"{mistake}\n")
        return 1
    text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    PINS.write_text(text)
    for pin in found:
        sys.stdout.write(f"{pin.name} {pin.version} {pin.sha256}\n")
        sys.stdout.write(f"  compare with {RELEASES[pin.name].format(version=pin.version)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
