"""What images are made of, and whether it may be deployed: their bill of materials and ECR's findings.

`python -m operations.supply bill|gate IMAGES`, where IMAGES is the file that `make images` writes. The bill (CycloneDX)
is read inside the image itself: its Debian packages and its Python distributions, so nothing that was meant to be there
stands in it, only what is. The gate waits for ECR's scan and refuses what is critical.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from adapters import clients
from operations.rollout import SERVICES, Images, Mistake, read_images

CYCLONEDX: Final = "1.6"
"""https://cyclonedx.org/docs/1.6/json/"""

REFUSED: Final = "CRITICAL"
"""Severity that no image is deployed with."""
PATIENCE_SECONDS: Final = 600
BETWEEN_LOOKS_SECONDS: Final = 10

_REFERENCE: Final = re.compile(
    r"(?P<account>\d+)\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[^/]+/(?P<name>[^@]+)@(?P<digest>.+)"
)

LOOK_INSIDE: Final = """
import json, re
from importlib.metadata import distributions
from pathlib import Path
status = Path("/var/lib/dpkg/status")
packages = status.read_text().split("\\n\\n") if status.exists() else []
fields = [dict(re.findall(r"^(Package|Version|Architecture): (.*)$", one, re.M)) for one in packages]
release = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\\n]*)', Path("/etc/os-release").read_text(), re.M))
print(json.dumps({
    "debian": sorted([one["Package"], one["Version"], one["Architecture"]] for one in fields if len(one) == 3),
    "python": sorted({(one.name, one.version) for one in distributions()}),
    "system": [release.get("ID", ""), release.get("VERSION_ID", "")],
}))
"""
"""Run by the image's own Python: prints what is installed beside it."""

Inside = Callable[[str], dict[str, Any]]
"""Answers for an image what LOOK_INSIDE prints there."""
Findings = Callable[[str], dict[str, Any]]
"""Answers for an image what ECR says of its scan: `status`, and `counts` by severity."""


def bill(reference: str, inside: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A CycloneDX document about one image."""
    system, release = inside["system"]
    debian = [
        _component(
            name, version, f"pkg:deb/{system}/{quote(name)}@{quote(version)}?arch={arch}&distro={system}-{release}"
        )
        for name, version, arch in inside["debian"]
    ]
    python = [
        _component(name, version, f"pkg:pypi/{quote(re.sub('[-_.]+', '-', name).lower())}@{quote(version)}")
        for name, version in inside["python"]
    ]
    name, _, digest = reference.partition("@")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": CYCLONEDX,
        "version": 1,
        "metadata": {
            "timestamp": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "component": {"type": "container", "bom-ref": reference, "name": name, "version": digest},
        },
        "components": debian + python,
    }


def refused(reference: str, found: dict[str, Any]) -> str | None:
    """Why an image may not be deployed, given the end of its scan; None if it may."""
    if found["status"] not in {"COMPLETE", "ACTIVE"}:
        return f"{reference}: its scan is {found['status']}, so nobody knows what is in it"
    critical = found["counts"].get(REFUSED, 0)
    return (
        f"{reference}: {critical} critical findings; make the image anew, or mend what is found" if critical else None
    )


def gate(images: Images, findings: Findings, pause: Callable[[float], object] = time.sleep) -> list[str]:
    """A line for each image that may not be deployed, once both are scanned."""
    failures = []
    for service in SERVICES:
        reference = getattr(images, service)
        found = findings(reference)
        for _ in range(PATIENCE_SECONDS // BETWEEN_LOOKS_SECONDS):
            if found["status"] not in {"IN_PROGRESS", "PENDING", "SCAN_NOT_FOUND"}:
                break
            pause(BETWEEN_LOOKS_SECONDS)
            found = findings(reference)
        failure = refused(reference, found)
        failures += [failure] if failure else []
    return failures


def _component(name: str, version: str, purl: str) -> dict[str, str]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _inside(reference: str) -> dict[str, Any]:
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python", reference, "-c", LOOK_INSIDE]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our image, our script
    if done.returncode:
        raise Mistake(f"{reference} could not be looked into; docker's own words are above")
    return json.loads(done.stdout)


def _findings(reference: str) -> dict[str, Any]:
    parts = _REFERENCE.fullmatch(reference)
    if parts is None:
        raise Mistake(f"{reference} is no image in ECR")
    registry = clients.make("ecr", region=parts["region"])
    try:
        answer = registry.describe_image_scan_findings(
            registryId=parts["account"], repositoryName=parts["name"], imageId={"imageDigest": parts["digest"]}
        )
    except registry.exceptions.ScanNotFoundException:
        return {"status": "SCAN_NOT_FOUND", "counts": {}}
    counts = answer.get("imageScanFindings", {}).get("findingSeverityCounts", {})
    return {"status": answer["imageScanStatus"]["status"], "counts": counts}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="supply", description=__doc__)
    parser.add_argument("verb", choices=["bill", "gate"])
    parser.add_argument("images")
    given = parser.parse_args(arguments)
    try:
        images = read_images(given.images)
        if given.verb == "gate":
            failures = gate(images, _findings)
            if failures:
                raise Mistake("\n".join(failures))
            return 0
        for service in SERVICES:
            reference = getattr(images, service)
            document = bill(reference, _inside(reference), datetime.now(UTC))
            path = Path("build", f"{service}.cdx.json")
            path.write_text(json.dumps(document, indent=1) + "\n")
            sys.stdout.write(f"{path}: {len(document['components'])} components\n")
    except Mistake as mistake:
        sys.stderr.write(f"{mistake}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
