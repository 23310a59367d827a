"""The very zip that would be deployed: small, the same from every machine, and enough for the function's own Python."""

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from components import artifact
from components.interpreters import interpreter
from components.settings import Transform
from contracts.environment import Formats
from contracts.formats import READ, ImageFormat
from contracts.outputs import OutputFormat
from tests.support import bare_function, pictures
from tests.support.tree import ROOT

pytestmark = pytest.mark.xdist_group("zip")  # `make artifact` is run by one worker at a time
MAX_BYTES = 40_000_000
"""Of the zip that everybody deploys (39.8 MB in November 2026); artifact.MAX_ZIP_BYTES is what may ever be deployed."""
ROOMS = {"contracts", "adapters", "functions"}


@pytest.fixture(scope="module")
def made() -> Path:
    """The zip, of the libraries that `make artifact` installs."""
    subprocess.run(["make", "--silent", "artifact"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return Path(artifact.transform_artifact(ROOT, Transform()).path)


@pytest.fixture(scope="module")
def with_imagequant() -> Path:
    """The zip of a stack whose palettes are libimagequant's."""
    make = ["make", "--silent", "artifact", "PLUGINS=imagequant"]
    subprocess.run(make, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return Path(artifact.transform_artifact(ROOT, Transform(), Formats(imagequant=True)).path)


@pytest.fixture(scope="module")
def with_heic() -> Path:
    """The zip of a stack that reads HEIC."""
    make = ["make", "--silent", "artifact", "PLUGINS=heic"]
    subprocess.run(make, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return Path(artifact.transform_artifact(ROOT, Transform(), Formats(heic=True)).path)


@pytest.fixture(scope="module")
def life(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What `bare_function` said after a whole life on the zip's content alone."""
    return lived(made, READ, tmp_path_factory)


def lived(zip_path: Path, forms: Iterable[ImageFormat], folders: pytest.TempPathFactory) -> dict:
    python = interpreter(Transform().python)
    if python is None:
        pytest.skip(f"no Python {Transform().python} on this machine: the zip is looked at, but not run")
    folder, originals = folders.mktemp("zip"), folders.mktemp("pictures")
    with zipfile.ZipFile(zip_path) as archive:
        archive.extractall(folder)
    for form in forms:
        picture = pictures.gradient_alpha(640, 480) if form is ImageFormat.PNG else pictures.photo(640, 480)
        options = {"icc_profile": pictures.rgb_profile("Adobe RGB (1998)")} if form is ImageFormat.JPEG else {}
        (originals / form.value).write_bytes(pictures.encoded(picture, form, **options))
    command = [python, "-I", "-S", "-B", "-W", "error", bare_function.__file__, folder, originals]
    done = subprocess.run(command, capture_output=True, text=True, env={"LANG": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_is_small(made: Path) -> None:
    assert made.stat().st_size < MAX_BYTES < artifact.MAX_ZIP_BYTES


def test_it_runs_on_the_functions_python_with_nothing_beside_it(life: dict) -> None:
    assert life["version"] == [int(part) for part in Transform().python.split(".")]
    all_forms = {form.media_type for form in OutputFormat}
    assert life["made"].pop("a call") == "Unavailable"
    assert {form: set(forms) for form, forms in life["made"].items()} == {form.value: all_forms for form in READ}


def test_every_library_in_it_is_used(made: Path, life: dict) -> None:
    with zipfile.ZipFile(made) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name and "__pycache__" not in name}
    used = {name for name in life["used"] if "__pycache__" not in name}
    assert {name.partition("/")[0] for name in packed} == {name.partition("/")[0] for name in used}
    assert {name for name in packed if ".so" in name} - used == set()


def test_the_decoder_of_heic_is_added_with_its_licences_and_changes_nothing_else(made: Path, with_heic: Path) -> None:
    with zipfile.ZipFile(made) as archive:
        before = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(with_heic) as archive:
        after = {name: archive.read(name) for name in archive.namelist()}
    assert before == {name: after[name] for name in before}
    added = {name for name in after.keys() - before.keys() if "__pycache__" not in name}
    assert {name.partition("/")[0].partition(".cpython")[0] for name in added} == {
        *("_pi_heif", "pi_heif", "pi_heif_decoder.libs", "pi_heif_decoder-1.7.0.post4.dist-info", "functions"),
    }
    texts = {"HEIC.txt", "LGPL-3.0.txt", "GPL-3.0.txt"}
    assert {name for name in added if name.startswith("functions")} == {
        f"{artifact.LICENCES}/heic/{each}" for each in texts
    }
    assert not any("x265" in name for name in after)
    told = after[f"{artifact.LICENCES}/heic/HEIC.txt"].decode()
    for name in (name for name in added if ".so." in name):
        library, _, version = name.rpartition("/")[2].partition(".so.")
        # libde265's file is numbered by its interface, libheif's by its version
        assert library.partition("-")[0] in told
        assert version in told or library.startswith("libde265")
    assert with_heic.stat().st_size < artifact.MAX_ZIP_BYTES


def test_with_the_decoder_of_heic_it_reads_heic_on_the_functions_python(
    with_heic: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    life = lived(with_heic, [ImageFormat.HEIC], tmp_path_factory)
    assert set(life["made"][ImageFormat.HEIC]) == {form.media_type for form in OutputFormat}
    assert {name.partition("-")[0] for name in life["used"] if name.startswith("pi_heif_decoder.libs/")} == {
        "pi_heif_decoder.libs/libheif",
        "pi_heif_decoder.libs/libde265",
    }


def test_every_pattern_of_what_is_never_opened_still_names_something(made: Path, with_imagequant: Path) -> None:
    """Else the name has changed, and what it was is packed again."""
    folders = [ROOT / "build" / "function" / f"3.13-x86_64{suffix}" for suffix in ("", "-imagequant")]
    names = [path.relative_to(folder).as_posix() for folder in folders for path in folder.rglob("*") if path.is_file()]
    for pattern in artifact.NEVER_OPENED:
        assert any(artifact.fnmatchcase(name, pattern) for name in names), pattern


def test_with_imagequant_it_makes_palettes_by_it_on_the_functions_python(
    made: Path, with_imagequant: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(made) as without, zipfile.ZipFile(with_imagequant) as archive:
        added = {name for name in set(archive.namelist()) - set(without.namelist()) if "__pycache__" not in name}
        assert all(archive.read(name) == without.read(name) for name in without.namelist())
        archive.extractall(tmp_path)
    tops = {name.partition("/")[0].partition(".cpython")[0] for name in added}
    assert tops == {"imagequant", "imagequant-1.1.5.dist-info", "cffi-2.1.1.dist-info", "_cffi_backend", "functions"}
    assert {name for name in added if name.startswith("functions")} == {f"{artifact.LICENCES}/imagequant/COPYRIGHT"}
    assert with_imagequant.stat().st_size < artifact.MAX_ZIP_BYTES
    python = interpreter(Transform().python)
    if python is None:
        pytest.skip(f"no Python {Transform().python} on this machine: the zip is looked at, but not run")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from PIL import Image\n"
        "from functions.transform.steps.fine_palette import can_cut, finely_cut\n"
        "noise = Image.effect_noise((64, 64), 80).convert('RGB')\n"
        "assert can_cut(64 * 64) and len(finely_cut(noise, 16).getcolors()) == 16\n"
        "print(sys.modules['imagequant'].__file__)\n"
    )
    command = [python, "-I", "-S", "-B", "-W", "error", "-c", script, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, env={"LANG": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))


def test_another_machine_packs_the_same_bytes(made: Path, tmp_path: Path) -> None:
    """Other folder, other order of making, other times, another umask, bytecode lying about."""
    sources = [*(ROOT / room for room in artifact.CODE), ROOT / "build" / "function" / "3.13-x86_64"]
    found = [path for source in sources for path in source.rglob("*")]
    # what Python puts there comes and goes with every process
    files = [path for path in found if "__pycache__" not in path.parts and path.is_file() and path.suffix != ".pyc"]
    files.append(ROOT / "functions" / "transform" / "requirements.txt")
    mask = os.umask(0o077)
    try:
        for number, path in enumerate(reversed(files)):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            os.utime(copy, (number, number))
        (tmp_path / "contracts" / "__pycache__").mkdir()
        (tmp_path / "contracts" / "__pycache__" / "job.cpython-311.pyc").write_bytes(b"other")
        other = Path(artifact.transform_artifact(tmp_path, Transform()).path)
    finally:
        os.umask(mask)
    assert other.name == made.name
    assert other.read_bytes() == made.read_bytes()
