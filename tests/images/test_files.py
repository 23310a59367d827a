"""What Dockerfiles and compose.yaml say, read: what no run of them would show, and that they say it to each other."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.user_data import SPOOL
from local import composed, handed
from tests.support.images import ROOT, bases

DOCKERFILES = [ROOT / "services" / "Dockerfile", ROOT / "local" / "Dockerfile"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
PORTS = re.compile(r"127\.0\.0\.1:\$\{[A-Z_]+:-(\d+)\}:(\d+)")


def _steps(dockerfile: Path) -> list[tuple[str, str]]:
    """Instructions and what follows them; continued lines are one."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines()) if word
    ]


def test_every_image_begins_with_one_base_by_digest() -> None:
    found = {base for dockerfile in DOCKERFILES for base in bases(dockerfile)}
    assert len(found) == 1, "renew the digest in every Dockerfile at once"
    assert re.fullmatch(r"python:3\.13-slim-bookworm@sha256:[0-9a-f]{64}", found.pop())


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=str)
def test_every_library_is_installed_by_hash_and_without_building(dockerfile: Path) -> None:
    commands = [part for word, rest in _steps(dockerfile) if word == "RUN" for part in rest.split("&&")]
    installs = [command for command in commands if re.search(r"\bpip install\b", command)]
    assert len(installs) == 2
    for install in installs:
        assert {"--require-hashes", "--only-binary"} <= set(install.split())
    assert not [command for command in commands if re.search(r"\b(apt-get|curl|wget|ADD)\b", command)]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=str)
def test_nothing_runs_in_a_final_stage(dockerfile: Path) -> None:
    """So an image for another processor needs no emulator, and no layer holds a tool or its cache."""
    stages: list[tuple[str, list[str]]] = []
    for word, rest in _steps(dockerfile):
        if word == "FROM":
            stages.append((rest, []))
        else:
            stages[-1][1].append(word)
    final = [words for name, words in stages if "ENTRYPOINT" in words or name.endswith(" AS service")]
    assert len(final) == (3 if "services" in str(dockerfile) else 1)
    assert not [words for words in final if {"RUN", "ADD"} & set(words)]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=str)
def test_a_container_is_nobodys_and_is_told_to_end_in_a_word(dockerfile: Path) -> None:
    steps = _steps(dockerfile)
    assert [rest for word, rest in steps if word == "USER"] == ["10001:10001"]
    assert [rest for word, rest in steps if word == "STOPSIGNAL"] == ["SIGTERM"]
    (check,) = (rest for word, rest in steps if word == "HEALTHCHECK")
    assert check.partition(" CMD ")[2].endswith('"-m", "services.health"]')
    # a shell in front would take the signal and keep it
    assert all(rest.startswith("[") for word, rest in steps if word == "ENTRYPOINT")


def test_what_is_sent_to_a_build_is_named_and_holds_no_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "nothing is sent but what is named"
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source.partition("/")[0]
        for dockerfile in DOCKERFILES
        for word, rest in _steps(dockerfile)
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert copied == sent
    assert all((ROOT / place).exists() for place in sent)


def test_every_container_is_hardened() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"mem_limit", "pids_limit", "stop_grace_period"} <= set(service), name
        assert "privileged" not in service, name
        assert all("noexec" in place for place in service["tmpfs"]), name


def test_only_the_machines_loopback_is_published_and_each_port_has_its_gate() -> None:
    published = [PORTS.fullmatch(port) for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert {(match[1], int(match[2])) for match in published if match} == {
        ("8000", composed.PAGE_GATE),
        ("4566", composed.CLOUD_GATE),
    }
    assert None not in published


def test_services_run_the_images_of_production_on_the_clouds_loopback() -> None:
    for name in composed.SERVICES:
        service = COMPOSE["services"][name]
        assert service["build"] == {"context": ".", "dockerfile": "services/Dockerfile", "target": name}
        assert service["network_mode"] == "service:cloud"
        assert service["entrypoint"] == ["python3", "/handed.py", name]
        assert service["volumes"] == ["./local/handed.py:/handed.py:ro,z"]


def test_ports_are_the_same_wherever_they_are_written() -> None:
    ports = [rest for word, rest in _steps(DOCKERFILES[0]) if word == "EXPOSE"]
    assert sorted(map(int, ports)) == sorted(composed.SERVICES.values())
    assert ("ENV", f"DARKROOM_PORT={handed.PORT}") in _steps(DOCKERFILES[1])


def test_what_stands_before_a_service_needs_nothing_that_its_image_has_not() -> None:
    tree = ast.parse((ROOT / "local" / "handed.py").read_text())
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_uploads_wait_where_hosts_mount_their_disk() -> None:
    steps = _steps(DOCKERFILES[0])
    assert ("VOLUME", SPOOL) in steps
    assert any(word == "ENV" and f"DARKROOM_SPOOL_DIRECTORY={SPOOL}" in rest.split() for word, rest in steps)
