"""compose.yaml as it stands, run by podman-compose in a network of its own: `make run`, in containers."""

import re
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.sample import plain_photo
from tests.support import images
from tests.support.enclosure import Enclosure, until

pytestmark = [pytest.mark.xdist_group("images"), pytest.mark.slow]

SERVICES = ("cloud", "upload", "processing")
PAGE = "The page is at http://127.0.0.1:8000/"
COMPOSE = (str(Path(sys.executable).with_name("podman-compose")), "--in-pod", "0", "--project-name", "tried")


class Composed:
    """The composed system in an enclosure."""

    def __init__(self, enclosure: Enclosure) -> None:
        self.enclosure = enclosure

    def up(self) -> None:
        """Return when the cloud has put its own sample through and says where the page is."""
        images.tell("compose: up")
        self.enclosure.out(*COMPOSE, "up", "--detach", "--no-build", cwd=images.ROOT)
        until(lambda: PAGE in self.log("cloud") or self.failed(), self.story)
        assert not self.failed(), self.story()

    def down(self, *options: str) -> None:
        images.tell("compose: down")
        self.enclosure.out(*COMPOSE, "down", *options, cwd=images.ROOT)

    def log(self, service: str) -> str:
        ended = self.enclosure.run("podman", "logs", f"tried_{service}_1")
        return ended.stdout + ended.stderr

    def failed(self) -> list[str]:
        """Containers that ended, or said so."""
        running = self.enclosure.out("podman", "ps", "--format", "{{.Names}}").split()
        ended = [service for service in SERVICES if f"tried_{service}_1" not in running]
        return ended + [service for service in SERVICES if "Traceback" in self.log(service)]

    def story(self) -> str:
        return "\n".join(f"{service}:\n{self.log(service)[-2_000:]}" for service in SERVICES)


@pytest.fixture
def composed(enclosure: Enclosure) -> Composed:
    made = Composed(enclosure)
    made.up()
    return made


def test_a_picture_goes_through_the_composed_system(composed: Composed, tmp_path: Path) -> None:
    """Through published ports on loopback, hardened, kept over a restart, and ended in good order."""
    enclosure = composed.enclosure
    page = enclosure.fetch("http://127.0.0.1:8000/")
    assert page is not None
    assert (page.status, page.headers["content-type"].partition(";")[0]) == (200, "text/html")

    picture = tmp_path / "picture.jpg"
    picture.write_bytes(plain_photo(3000, 2000))
    assert images.made_of(enclosure, picture) == images.WEB

    for service in SERVICES:
        images.healthy(enclosure, f"tried_{service}_1")
        state = msgspec.json.decode(enclosure.out("podman", "inspect", f"tried_{service}_1"))[0]
        host = state["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["Memory"] > 0
        assert host["PidsLimit"] > 0
        published = [place for places in host["PortBindings"].values() for place in places or ()]
        assert {place["HostIp"] for place in published} == ({"127.0.0.1"} if service == "cloud" else set())
        status = enclosure.out("podman", "exec", f"tried_{service}_1", "cat", "/proc/1/status")
        lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert lines["Uid"].split() == ["10001"] * 4
        assert (int(lines["CapEff"], 16), int(lines["CapBnd"], 16), lines["NoNewPrivs"]) == (0, 0, "1")

    stopping = ("podman", "stop", "--time", "60")
    for service in reversed(SERVICES):
        enclosure.out(*stopping, f"tried_{service}_1")
        ended = msgspec.json.decode(enclosure.out("podman", "inspect", f"tried_{service}_1"))[0]["State"]
        assert (service, ended["ExitCode"]) == (service, 0), composed.story()

    composed.down()
    composed.up()
    assert re.search(r"program applied: \d+ unchanged$", composed.log("cloud"), re.MULTILINE), composed.log("cloud")
    assert "tried_data" in enclosure.out("podman", "volume", "ls", "--quiet").split()
    composed.down("--volumes")
    assert "tried_data" not in enclosure.out("podman", "volume", "ls", "--quiet").split()
