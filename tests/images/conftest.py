"""The images of this checkout, built once, and an enclosure with a network of its own to run them in."""

import shutil
import sys
from collections.abc import Iterator

import msgspec
import pytest

from local import composed, handed
from tests.support import images
from tests.support.enclosure import Enclosure, until

CLOUD_PORT, PAGE_PORT = 4566, 8000


@pytest.fixture(scope="session")
def workshop() -> Iterator[images.Workshop]:
    """Where images are built, all three of them already."""
    reason = images.missing()
    if reason is not None:
        pytest.skip(reason)
    images.prepare()
    with Enclosure(images.environment(), own_network=False) as enclosure:
        workshop = images.Workshop(enclosure)
        for name, (dockerfile, stage) in images.IMAGES.items():
            tag = f"localhost/darkroom-{name}:local"
            workshop.build(dockerfile, stage, tag, "--build-arg", "REVISION=0123abc")
        yield workshop


@pytest.fixture
def enclosure(workshop: images.Workshop) -> Iterator[Enclosure]:
    """A machine of its own, as far as processes, mounts and the network go; with the images in store."""
    with Enclosure(images.environment(), own_network=True) as made:
        yield made
        made.run("podman", "rm", "--all", "--force", "--time", "0")
        made.run("podman", "volume", "rm", "--all", "--force")


@pytest.fixture
def environments(enclosure: Enclosure) -> dict[str, dict[str, str]]:
    """What each service is started with, on an embedded cloud in the enclosure that the program was applied to."""
    images.tell("applying the program to an embedded cloud")
    data, log = images.FOLDER / "temporary" / "data", images.FOLDER / "cloud.log"
    shutil.rmtree(data, ignore_errors=True)
    cloud = enclosure.start(
        *(sys.executable, "-m", "local.composed", "--data", str(data)),
        *("--port", str(PAGE_PORT), "--cloud-port", str(CLOUD_PORT)),
        cwd=images.ROOT,
        log=log,
    )
    until(
        lambda: enclosure.answers(f"http://127.0.0.1:{handed.PORT}/healthz") or cloud.poll() is not None,
        lambda: f"the cloud did not start:\n{log.read_text()}",
    )
    assert cloud.poll() is None, log.read_text()
    made = {}
    for service in composed.SERVICES:
        reply = enclosure.fetch(f"http://127.0.0.1:{handed.PORT}/environment/{service}")
        assert reply is not None
        made[service] = msgspec.json.decode(reply.body, type=dict[str, str])
    return made
