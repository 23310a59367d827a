"""No byte of an archive is unpacked or run before its digest was compared with the one that a person wrote down."""

import hashlib
import io
import tarfile
from pathlib import Path

import msgspec
import pytest

from operations.toolchain import CLI, PINS, PROVIDER, Mistake, Pin, checked, install, pinned, read_pins
from tests.support.tree import ROOT

RECORDER = b'#!/bin/sh\necho "$@" > "$(dirname "$0")/told"\n'


def archive(folder: Path, name: str, content: bytes = RECORDER) -> Path:
    path = folder / "archive"
    with tarfile.open(path, "w:gz") as made:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o755
        made.addfile(entry, io.BytesIO(content))
    return path


def pin(name: str, path: Path | None = None) -> Pin:
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
    return Pin(name=name, version="1.2.3", url=f"https://example.org/{name}", sha256=digest)


def test_what_is_checked_is_installed(tmp_path: Path) -> None:
    path = archive(tmp_path, "pulumi/pulumi")
    pins = {CLI: pin(CLI, path), PROVIDER: pin(PROVIDER, path)}
    home = tmp_path / "build" / "pulumi"
    install(pins, home, lambda url, to: to.write_bytes(path.read_bytes()))
    told = (home / "told").read_text().split()
    assert told[:5] == ["plugin", "install", "resource", "aws", "1.2.3"]
    assert told[5] == "--file"


@pytest.mark.parametrize("name", [CLI, PROVIDER])
def test_other_bytes_are_refused_before_anything_is_unpacked(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path, "pulumi/pulumi")
    pins = {CLI: pin(CLI, path), PROVIDER: pin(PROVIDER, path)}

    def fetch(url: str, to: Path) -> None:
        to.write_bytes(path.read_bytes() + (b"x" if url.endswith(name) else b""))

    with pytest.raises(Mistake, match="do not use it"):
        install(pins, tmp_path / "build" / "pulumi", fetch)
    assert not (tmp_path / "build").exists()


def test_without_a_digest_nothing_is_even_fetched(tmp_path: Path) -> None:
    pins = {CLI: pin(CLI, archive(tmp_path, "pulumi/pulumi")), PROVIDER: pin(PROVIDER)}
    with pytest.raises(Mistake, match="fill it in with: make pulumi-pin"):
        install(pins, tmp_path / "build", lambda url, to: pytest.fail("fetched"))


def test_an_archive_cannot_write_beside_its_folder(tmp_path: Path) -> None:
    path = archive(tmp_path, "../outside")
    pins = {CLI: pin(CLI, path), PROVIDER: pin(PROVIDER, path)}
    with pytest.raises(tarfile.OutsideDestinationError):
        install(pins, tmp_path / "a" / "b" / "pulumi", lambda url, to: to.write_bytes(path.read_bytes()))
    assert not (tmp_path / "a" / "outside").exists()


def test_a_pin_takes_what_is_there_today(tmp_path: Path) -> None:
    path = archive(tmp_path, "pulumi/pulumi")
    (found,) = pinned({CLI: pin(CLI)}, lambda url, to: to.write_bytes(path.read_bytes()), "2026-11-23")
    assert found.date == "2026-11-23"
    assert checked(found, path) == path


def test_the_pins_are_of_the_versions_that_the_project_is_tried_with() -> None:
    pins = read_pins(ROOT / PINS)
    assert f"github.com/pulumi/pulumi/pkg/v3 v{pins[CLI].version}" in (ROOT / "local" / "engine" / "go.mod").read_text()
    requirements = (ROOT / "components" / "requirements.in").read_text()
    assert f"pulumi-aws=={pins[PROVIDER].version}" in requirements
    for one in pins.values():
        assert one.version in one.url
        assert bool(one.sha256) == bool(one.date)


@pytest.mark.parametrize("change", [{"url": "http://example.org"}, {"sha256": "abc"}, {"checksum": ""}])
def test_a_pin_that_says_something_else_is_refused(change: dict[str, str]) -> None:
    good = msgspec.to_builtins(pin(CLI))
    assert msgspec.convert(good, Pin)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**good, **change}, Pin)
