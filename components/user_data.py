"""What a new host is told to do at its first boot, as text: components/host.py puts it into the launch template. Pure.

cloud-init runs it once, as root. It writes a handful of files and starts two units, and every file can be read on the
host as it stands here:

    /etc/darkroom/environment              settings of the process, one a line
    /etc/darkroom/host                     what the units and scripts below are told
    /usr/local/lib/darkroom/pull           fetches the image
    /usr/local/lib/darkroom/lifecycle      tells the group when the host is ready; drains it when the group lets it go
    /etc/systemd/system/darkroom*.service  the container, and the lifecycle

Nothing is upgraded at boot: Amazon Linux 2023 is locked to the release of its image, so a host is exactly its AMI and
one docker package of that same release, and going back to an older AMI really goes back. Newer packages come with a
newer AMI: https://docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades.html
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from components.host_files import HEAD, LIFECYCLE, LIFECYCLE_UNIT, PULL, SERVICE, TAIL
from components.host_rights import REGISTRY

MAX_BYTES: Final = 16 * 1_024
"""Of user data, before it is encoded for the request.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""

USER: Final = 10_001
"""Number of the user and group that the container runs as; nobody on the host."""

SPOOL: Final = "/spool"
"""Where the container finds the spool: a folder on the host's disk."""

DRAIN_SECONDS: Final = 10
"""A service's from SIGTERM to its end, at most."""

STOP_SECONDS: Final = DRAIN_SECONDS + 5
"""Then docker kills the container; systemd gives the whole stop ten more."""

LAUNCH_SECONDS: Final = 240
"""From the start of the units until a host that is still not ready is given up: image and start take about a minute."""

_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:/@-]+")
"""What neither systemd nor bash reads as anything but itself."""

_END: Final = "END_OF_FILE"


class HostText(Struct, frozen=True, kw_only=True):
    """What one group's hosts are told."""

    service: str
    image: str
    """In ECR, by its digest."""
    port: int
    """That the process listens on."""
    reached: bool
    """Whether anything on the network calls it; else it listens on loopback, where a session of SSM comes out."""
    region: str
    group: str
    """Name of the auto scaling group."""
    launching_hook: str
    terminating_hook: str
    pause_seconds: int
    """Between the group's word that the host goes and the drain; a balancer needs some."""
    log_group: str
    environment: Mapping[str, str]
    """Settings of the process, as contracts/environment.py writes them. Nothing secret: whoever may describe a launch
    template reads them."""


def user_data(host: HostText) -> str:
    """The script. Raises ValueError for a value that would not arrive as it is, and for a text too long for EC2."""
    files = (
        ("0600", "/etc/darkroom/environment", environment_file(_environment(host))),
        ("0644", "/etc/darkroom/host", _host_file(host)),
        ("0755", "/usr/local/lib/darkroom/pull", PULL),
        ("0755", "/usr/local/lib/darkroom/lifecycle", LIFECYCLE),
        ("0644", "/etc/systemd/system/darkroom.service", _filled(SERVICE, host)),
        ("0644", "/etc/systemd/system/darkroom-lifecycle.service", LIFECYCLE_UNIT),
    )
    written = "\n".join(
        f"install -D -m {mode} /dev/stdin {path} <<'{_END}'\n{text}{_END}\n" for mode, path, text in files
    )
    text = _filled(HEAD, host) + written + _filled(TAIL, host)
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"the user data of {host.group} has {len(text.encode())} bytes; EC2 takes {MAX_BYTES}")
    return text


def environment_file(variables: Mapping[str, str]) -> str:
    """Variables as `docker run --env-file` reads them: `NAME=value`, one a line, with no quoting of any kind.

    So a value arrives as it is, whatever quotes, dollars and spaces it has, and one that has a line's end in it can't:
    that, and every other control character, raises ValueError.
    """
    for name, value in variables.items():
        if _VARIABLE.fullmatch(name) is None:
            raise ValueError(f"{name!r} is not the name of a variable")
        # controls, lone surrogates, and the two separators that some readers of lines stop at
        if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
            raise ValueError(f"{name} has a character in it that a line of text cannot carry")
    return "".join(f"{name}={variables[name]}\n" for name in sorted(variables))


def _environment(host: HostText) -> dict[str, str]:
    address = "0.0.0.0" if host.reached else "127.0.0.1"  # noqa: S104 - the security group says who comes in
    where = {"DARKROOM_HOST": address, "DARKROOM_PORT": str(host.port), "DARKROOM_SPOOL_DIRECTORY": SPOOL}
    return {**where, **host.environment}


def _host_file(host: HostText) -> str:
    image = REGISTRY.fullmatch(host.image)
    if image is None:
        raise ValueError(f"{host.image!r} is not an image in ECR by its digest")
    told = {
        "IMAGE": host.image,
        "REGISTRY": image["registry"],
        "REGISTRY_REGION": image["region"],
        "REGION": host.region,
        "GROUP": host.group,
        "PORT": str(host.port),
        "LOG_GROUP": host.log_group,
        "LAUNCHING_HOOK": host.launching_hook,
        "TERMINATING_HOOK": host.terminating_hook,
        "PAUSE_SECONDS": str(host.pause_seconds),
        "LAUNCH_SECONDS": str(LAUNCH_SECONDS),
        "IMDS": "http://169.254.169.254",
    }
    for name, value in told.items():
        if _PLAIN.fullmatch(value) is None:
            raise ValueError(f"{name} is {value!r}, which systemd may read as something else")
    return "".join(f"{name}={value}\n" for name, value in told.items())


def _filled(text: str, host: HostText) -> str:
    if _PLAIN.fullmatch(host.service) is None:
        raise ValueError(f"{host.service!r} is not the name of a service")
    values = {
        "SERVICE": host.service,
        "USER": str(USER),
        "SPOOL": SPOOL,
        "STOP_SECONDS": str(STOP_SECONDS),
        "KILL_SECONDS": str(STOP_SECONDS + 10),
    }
    return re.sub("__([A-Z_]+)__", lambda found: values[found[1]], text)
