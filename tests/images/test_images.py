"""The images as a host runs them: hardened, checked, stopped. Built from the Dockerfiles as they stand."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from benchmarks.sample import plain_photo
from tests.support import images
from tests.support.enclosure import Enclosure, until

pytestmark = [pytest.mark.xdist_group("images"), pytest.mark.slow]

HARDENED = (
    *("--user", "10001:10001", "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges"),
    *("--memory", "256m", "--pids-limit", "128", "--network", "host"),
)
PORTS = {"upload": 8000, "processing": 8001}
_LOOK = """
import json, os, pathlib
files = [str(path) for path in pathlib.Path("/app").rglob("*") if path.is_file()]
writable = [place for place in ("/", "/app", "/etc", "/usr/local") if os.access(place, os.W_OK)]
print(json.dumps({"files": files, "writable": writable, "uid": os.getuid(), "gid": os.getgid()}))
"""
_DIGESTS = """
import hashlib, json, pathlib
files = sorted(path for path in pathlib.Path("/app").rglob("*") if path.is_file())
print(json.dumps({str(p): f"{p.stat().st_mode:o} " + hashlib.sha256(p.read_bytes()).hexdigest() for p in files}))
"""
_STATUS = "print(open('/proc/1/status').read())"
_WRITE = """
import errno, sys, tempfile
for place in sys.argv[1:]:
    try:
        tempfile.TemporaryFile(dir=place).close()
        print(place, "written")
    except OSError as error:
        print(place, errno.errorcode[error.errno])
"""


class Looked(msgspec.Struct):
    files: list[str]
    writable: list[str]
    uid: int
    gid: int


def _ran(enclosure: Enclosure, service: str, environment: Mapping[str, str], *more: str) -> str:
    """A container of the service, started and ready, on its port."""
    variables = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
    container = enclosure.out(
        "podman", "run", "--detach", *HARDENED, *variables, *more, f"localhost/darkroom-{service}:local"
    )
    until(
        lambda: enclosure.answers(f"http://127.0.0.1:{PORTS[service]}/readyz"),
        lambda: enclosure.run("podman", "logs", container).stderr,
    )
    return container


def _inside(enclosure: Enclosure, container: str, code: str, *arguments: str) -> str:
    return enclosure.out("podman", "exec", container, "python3", "-c", code, *arguments)


def _status(enclosure: Enclosure, container: str) -> dict[str, str]:
    lines = _inside(enclosure, container, _STATUS).splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("service", PORTS)
def test_an_image_holds_its_rooms_and_nothing_else(
    workshop: images.Workshop, enclosure: Enclosure, service: str
) -> None:
    """Not the other service, no tests, no settings of stacks, no tools; and a name for everything it came from."""
    image = f"localhost/darkroom-{service}:local"
    quiet = ("--rm", "--network", "none", "--entrypoint", "python3")
    looked = msgspec.json.decode(enclosure.out("podman", "run", *quiet, image, "-c", _LOOK), type=Looked)
    rooms = {"/".join(Path(file).parts[2:4]) for file in looked.files if "/libraries/" not in file}
    services = {room for room in rooms if room.startswith("services/")}
    assert {room.partition("/")[0] for room in rooms} == {"contracts", "adapters", "services"}
    assert services == {"services/__init__.py", "services/__pycache__", "services/health", "services/edge"} | {
        f"services/{service}"
    }
    sources = {file for file in looked.files if file.endswith(".py")}
    compiled = {file.replace("__pycache__/", "").partition(".")[0] + ".py" for file in looked.files if ".pyc" in file}
    assert {file for file in sources if "/libraries/" not in file} <= compiled
    assert (looked.uid, looked.gid, looked.writable) == (10001, 10001, [])
    details = msgspec.json.decode(enclosure.out("podman", "image", "inspect", image))[0]["Config"]
    assert details["User"] == "10001:10001"
    assert details["StopSignal"] == "SIGTERM"
    assert details["Labels"]["org.opencontainers.image.revision"] == "0123abc"
    assert {"PORT", "SECRET", "KEY", "TOKEN"} & {line.partition("=")[0] for line in details["Env"]} == set()


def test_a_picture_goes_through_two_hardened_containers(
    enclosure: Enclosure, environments: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    """Root may not be written to, there is no capability, and all the same: the page, the checks, a job, a drain."""
    images.tell("running both services, hardened")
    containers = {service: _ran(enclosure, service, environments[service]) for service in PORTS}

    page = enclosure.fetch("http://127.0.0.1:8000/")
    assert page is not None
    assert (page.status, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert b"<title>" in page.body

    for container in containers.values():
        images.healthy(enclosure, container)
        status = _status(enclosure, container)
        assert status["Uid"].split() == status["Gid"].split() == ["10001"] * 4
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        assert _inside(enclosure, container, _WRITE, "/app", "/etc", "/usr/local").split()[1::2] == ["EROFS"] * 3
        limits = msgspec.json.decode(enclosure.out("podman", "inspect", container))[0]["HostConfig"]
        assert (limits["Memory"], limits["PidsLimit"]) == (256 * 1024 * 1024, 128)
    assert _inside(enclosure, containers["upload"], _WRITE, "/spool").endswith("written")

    # larger than what is held in memory: it takes the spool
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(plain_photo(3000, 2000))
    assert picture.stat().st_size > 1024 * 1024
    assert images.made_of(enclosure, picture) == images.WEB

    images.tell("stopping both")
    for container in containers.values():
        # one that heeds no word would be killed, and end with 137
        enclosure.out("podman", "stop", "--time", "60", container)
        ended = msgspec.json.decode(enclosure.out("podman", "inspect", container))[0]["State"]
        assert (ended["Status"], ended["ExitCode"]) == ("exited", 0)


def test_the_health_check_fails_where_nothing_answers(enclosure: Enclosure, workshop: images.Workshop) -> None:
    container = enclosure.out(
        *("podman", "run", "--detach", *HARDENED, "--entrypoint", "python3", "localhost/darkroom-processing:local"),
        *("-c", "import signal; signal.pause()"),
    )
    assert enclosure.run("podman", "healthcheck", "run", container).returncode != 0


@pytest.mark.parametrize("service", PORTS)
def test_a_container_without_settings_ends_with_a_line(enclosure: Enclosure, service: str) -> None:
    ended = enclosure.run("podman", "run", "--rm", *HARDENED, f"localhost/darkroom-{service}:local")
    assert ended.returncode == 1
    assert ended.stderr.strip().startswith(f"{service}: DARKROOM_REGION is not set;")


def test_the_same_source_gives_the_same_files(workshop: images.Workshop, enclosure: Enclosure) -> None:
    """Whoever builds a commit again gets what was deployed, byte by byte: no file holds anything of the build."""
    workshop.build(images.SERVICES, "upload", "localhost/again:local", "--no-cache")
    seen = []
    for image in ("localhost/darkroom-upload:local", "localhost/again:local"):
        look = ("podman", "run", "--rm", "--network", "none", "--entrypoint", "python3", image, "-c", _DIGESTS)
        seen.append(msgspec.json.decode(enclosure.out(*look), type=dict[str, str]))
    assert len(seen[0]) > 1_000
    assert {name for name in seen[0] | seen[1] if seen[0].get(name) != seen[1].get(name)} == set()


def test_libraries_for_the_hosts_processor_are_installed_on_any(
    workshop: images.Workshop, enclosure: Enclosure
) -> None:
    """The pipeline builds for arm64 hosts wherever it runs; nothing of that build is run."""
    for processor, machine in (("arm64", 183), ("amd64", 62)):
        tag = f"localhost/libraries:{processor}"
        workshop.build(images.SERVICES, "libraries", tag, "--build-arg", f"TARGETARCH={processor}")
        # ELF keeps the number of its machine in bytes 18 and 19
        look = (
            "import pathlib; print({p.read_bytes()[18] for p in pathlib.Path('/libraries').rglob('*.so')}"
            ", any(pathlib.Path('/libraries').rglob('*.so')))"
        )
        seen = enclosure.out("podman", "run", "--rm", "--network", "none", "--entrypoint", "python3", tag, "-c", look)
        assert seen == f"{{{machine}}} True"
