"""What is in an image is told by the image itself, and nothing critical is deployed."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from operations.rollout import Images
from operations.supply import LOOK_INSIDE, bill, gate, refused

REFERENCE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/darkroom/upload@sha256:{'a' * 64}"
IMAGES = Images(upload=REFERENCE, processing=REFERENCE.replace("upload", "processing"))
INSIDE = {
    "system": ["debian", "12"],
    "debian": [["libc6", "2.36-9+deb12u9", "arm64"]],
    "python": [["Pillow", "13.0.0"], ["cykooz.resizer", "4.0.1"]],
}


def test_a_bill_names_the_image_and_everything_in_it() -> None:
    document = bill(REFERENCE, INSIDE, datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["timestamp"] == "2026-11-23T12:00:00Z"
    assert document["metadata"]["component"]["version"] == f"sha256:{'a' * 64}"
    assert [one["purl"] for one in document["components"]] == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=arm64&distro=debian-12",
        "pkg:pypi/pillow@13.0.0",
        "pkg:pypi/cykooz-resizer@4.0.1",
    ]


def test_what_looks_inside_sees_what_is_installed() -> None:
    """The very script that the image's Python runs, run by this one."""
    done = subprocess.run([sys.executable, "-c", LOOK_INSIDE], capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert {"msgspec", "pytest"} <= {name for name, _ in seen["python"]}
    assert all(len(one) == 3 for one in seen["debian"])
    assert len(seen["system"]) == 2
    bill(REFERENCE, seen, datetime.now(UTC))


@pytest.mark.parametrize(
    ("found", "ok"),
    [
        ({"status": "COMPLETE", "counts": {}}, True),
        ({"status": "ACTIVE", "counts": {"HIGH": 3, "MEDIUM": 9}}, True),
        ({"status": "COMPLETE", "counts": {"CRITICAL": 1}}, False),
        ({"status": "FAILED", "counts": {}}, False),
        ({"status": "UNSUPPORTED_IMAGE", "counts": {}}, False),
        ({"status": "IN_PROGRESS", "counts": {}}, False),
    ],
)
def test_what_is_critical_or_unknown_is_refused(found: dict[str, Any], ok: bool) -> None:
    assert (refused(REFERENCE, found) is None) == ok


def test_the_gate_waits_for_both_scans() -> None:
    answers = {
        IMAGES.upload: iter(["SCAN_NOT_FOUND", "PENDING", "COMPLETE"]),
        IMAGES.processing: iter(["IN_PROGRESS", "FAILED"]),
    }
    paused: list[float] = []
    failures = gate(IMAGES, lambda one: {"status": next(answers[one]), "counts": {}}, paused.append)
    assert len(failures) == 1
    assert failures[0].startswith(f"{IMAGES.processing}: its scan is FAILED")
    assert len(paused) == 3


def test_a_scan_that_never_ends_is_no_leave() -> None:
    assert len(gate(IMAGES, lambda one: {"status": "IN_PROGRESS", "counts": {}}, lambda seconds: None)) == 2
