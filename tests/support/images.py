"""Builds the images of this checkout without a registry: the base that they name is answered for by a stand-in.

The stand-in is Debian with a Python in it, both this machine's own, made once and kept in build/images with everything
that the engines store. It shows that the files build and how the images behave, not what the published base weighs or
holds.
"""

import base64
import hashlib
import json
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from tests.support import base_image
from tests.support.enclosure import PATIENCE_SECONDS, Enclosure, plain_environment, until

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "build" / "images"
PACKAGES: Final = ROOT / "tests" / "images" / "packages.txt"
TOOLS: Final = ("buildah", "podman", "runc", "iptables", "dpkg-query", "unshare", "nsenter")
SERVICES: Final = "services/Dockerfile"
IMAGES: Final = {
    "upload": (SERVICES, "upload"),
    "processing": (SERVICES, "processing"),
    "cloud": ("local/Dockerfile", ""),
}
"""Of compose.yaml: the Dockerfile of each, and the stage of it, or none for the last."""

WEB: Final = {
    "large": ("JPEG", 1600, 1067),
    "medium": ("WEBP", 800, 533),
    "small": ("WEBP", 400, 267),
    "thumb": ("JPEG", 150, 150),
}
"""What the preset web@1 makes of a picture of 3000 x 2000."""

_SYSTEM_PYTHON: Final = ("python3", "python3-pip", "python3-venv")
"""What is taken where no Python is installed beside the system's own."""
_BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"
_SEARCH: Final = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
_LEFT_OUT: Final = ("*/test", "*/tests", "__pycache__", "*.a", "./include", "./share", "*/idlelib", "*/tkinter")


def missing() -> str | None:
    """Why no image can be built on this machine; None if one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "images are built and run by root on Linux"
    lacking = [tool for tool in TOOLS if shutil.which(tool, path=plain_environment()["PATH"]) is None]
    if lacking:
        return f"without {', '.join(lacking)}: apt-get install $(cat {PACKAGES.relative_to(ROOT)})"
    absent = base_image.absent(_packages(_python()))
    if absent:
        return f"without {', '.join(absent)}: apt-get install {' '.join(absent)}"
    return None


def tell(text: str) -> None:
    """Say what is being done: it takes minutes when nothing is there yet."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} images: {text}\n")
    sys.stderr.flush()


def environment() -> dict[str, str]:
    """For engines that keep all they have in our folder, and know of no system that manages services."""
    return {
        **plain_environment(),
        "CONTAINERS_CONF": str(FOLDER / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(FOLDER / "storage.conf"),
        "DISABLE_HC_SYSTEMD": "true",
        "TMPDIR": str(FOLDER / "temporary"),
    }


def prepare() -> None:
    """The folder as after a reboot: what is stored stays, what ran is forgotten."""
    for name in ("run", "state", "temporary"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
    for name in ("run", "state", "temporary", "volumes", "networks"):
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
    (FOLDER / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{FOLDER}/storage"\nrunroot = "{FOLDER}/run"\n'
    )
    # runc, because crun refuses machines with both generations of cgroups; limits, because some machines allow few
    (FOLDER / "containers.conf").write_text(
        f'[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        f'tmp_dir = "{FOLDER}/state"\nvolume_path = "{FOLDER}/volumes"\n'
        f'[containers]\nlog_driver = "k8s-file"\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
        f'[network]\nnetwork_config_dir = "{FOLDER}/networks"\n'
    )


class Workshop:
    """Builds images in an enclosure. `base` is the stand-in's name."""

    def __init__(self, enclosure: Enclosure) -> None:
        self._enclosure = enclosure
        # what an interrupted run left behind
        enclosure.run("podman", "rm", "--all", "--force", "--time", "0")
        enclosure.run("podman", "volume", "rm", "--all", "--force")
        enclosure.run("buildah", "rm", "--all")
        # layers of today's builds are what makes the next one fast
        enclosure.run("podman", "image", "prune", "--force", "--filter", "until=24h")
        self.base = self._base()

    def build(self, dockerfile: str, stage: str, tag: str, *more: str) -> None:
        """Build from the checkout as it is; without a stage the last one."""
        tell(f"building {tag}")
        self._enclosure.out(
            *("buildah", "bud", "--isolation", "chroot", "--network", "host", "--pull-never", "--format", "docker"),
            *("--layers", "--volume", f"{_bundle()}:{_BUNDLE}:ro", "--file", dockerfile, "--tag", tag),
            *(f"--build-context={name}=container-image://{self.base}" for name in bases(ROOT / dockerfile)),
            *(("--target", stage) if stage else ()),
            *(*more, "."),
            cwd=ROOT,
        )

    def _base(self) -> str:
        python = _python()
        packages = _packages(python)
        recipe = repr((packages, _LEFT_OUT, _SEARCH, str(python), platform.machine()))
        name = f"localhost/stand-in:{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
        if self._enclosure.run("podman", "image", "exists", name).returncode != 0:
            tell(f"making the stand-in for the base: this machine's Debian with {python or 'its own Python'}")
            root = FOLDER / "root"
            base_image.make(root, packages)
            if python is None:
                (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
            else:
                left_out = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
                _piped(
                    ["tar", "--directory", str(python), "--create", *left_out, "."],
                    ["tar", "--directory", str(root / "usr/local"), "--extract", "--no-same-owner"],
                )
                self._enclosure.out("chroot", str(root), "ldconfig")
            archive = FOLDER / "temporary" / "root.tar"
            self._enclosure.out("tar", "--directory", str(root), "--create", "--file", str(archive), ".")
            changes = ["--change", f"ENV {_SEARCH}", "--change", 'CMD ["python3"]']
            self._enclosure.out("podman", "import", "--quiet", *changes, str(archive), name)
            archive.unlink()
            shutil.rmtree(root)
        return name


def made_of(enclosure: Enclosure, picture: Path) -> dict[str, tuple[str, int, int]]:
    """Format and size of each variant, as the command line and the links in its answer give them to somebody inside."""
    put = (sys.executable, "-m", "client", "put", str(picture), "--json", "--timeout", str(PATIENCE_SECONDS))
    job = json.loads(enclosure.out(*put, cwd=ROOT))
    assert job["state"] == "completed", job
    made = {}
    for variant in job["variants"]:
        reply = enclosure.fetch(variant["url"])
        assert reply is not None
        digest = base64.b64encode(hashlib.sha256(reply.body).digest()).decode()
        assert (reply.status, variant["digest"]) == (200, f"sha-256=:{digest}:")
        with Image.open(BytesIO(reply.body)) as opened:
            made[variant["name"]] = (str(opened.format), *opened.size)
    return made


def healthy(enclosure: Enclosure, container: str) -> None:
    """Return once the image's own check finds the container well: on a busy day one look may take too long."""
    until(
        lambda: enclosure.run("podman", "healthcheck", "run", container).returncode == 0,
        lambda: f"{container} is not healthy:\n{enclosure.run('podman', 'logs', container).stderr[-2_000:]}",
    )


def bases(dockerfile: Path) -> set[str]:
    """Images of others that a Dockerfile begins with, as it writes them."""
    froms = re.findall(r"^FROM (?:--\S+ )?(\S+)(?: AS (\S+))?$", dockerfile.read_text(), re.MULTILINE)
    return {base for base, _ in froms} - {stage for _, stage in froms}


def _python() -> Path | None:
    """Where a Python is installed on this machine, apart from the system's own: the images' version if there is one,
    else the one that runs here; None if there is neither."""
    places = [Path(sys.base_prefix), *sorted(Path.home().glob(".pyenv/versions/3.13.*"))]
    found = shutil.which("python3.13")
    if found is not None:
        places.append(Path(found).resolve().parents[1])
    apart = [place for place in places if place != Path("/usr") and (place / "bin/python3").exists()]
    return next((place for place in apart if (place / "bin/python3.13").exists()), next(iter(apart), None))


def _packages(python: Path | None) -> tuple[str, ...]:
    """Debian's, that the stand-in is made of."""
    return base_image.LIBRARIES if python else base_image.LIBRARIES + _SYSTEM_PYTHON


def _bundle() -> str:
    """Certificates that this machine trusts: a build may have to pass through a proxy of its house."""
    trusted = ssl.get_default_verify_paths()
    return next(path for path in (_BUNDLE, trusted.cafile, trusted.openssl_cafile) if path and Path(path).exists())


def _piped(first: list[str], second: list[str]) -> None:
    with subprocess.Popen(first, stdout=subprocess.PIPE) as source:
        subprocess.run(second, stdin=source.stdout, check=True)
    assert source.returncode == 0, first
