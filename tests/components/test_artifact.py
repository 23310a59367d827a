"""The function's zip: what is in it, what is not, and that the same input gives the same bytes."""

import base64
import hashlib
import importlib.util
import json
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import artifact
from components.artifact import (
    code_files,
    is_packed,
    kept_endpoints,
    library_files,
    mismatch,
    plugin_files,
    transform_artifact,
    zip_bytes,
)
from components.config import BadConfiguration
from components.settings import Transform
from contracts.environment import Formats
from tests.support.plan import ROOT, bare_root

FILES = st.dictionaries(st.from_regex(r"\A[a-z]{1,8}(/[a-z]{1,8}){0,2}\.py\Z"), st.binary(max_size=200), max_size=6)
CODE_ONLY = Transform(bundle_libraries=False)
LOCK = "cykooz-resizer==4.0.1 \\\n    --hash=sha256:00\npillow==13.0.0 ; python_version > '3'\n"
INSTALLED = ["cykooz_resizer-4.0.1.dist-info/METADATA", "pillow-13.0.0.dist-info/METADATA", "PIL/Image.py"]


@given(FILES, st.randoms(use_true_random=False))
def test_the_same_files_in_any_order_are_the_same_bytes(files: dict[str, bytes], random: object) -> None:
    shuffled = list(files.items())
    random.shuffle(shuffled)
    assert zip_bytes(dict(shuffled)) == zip_bytes(files)


@given(FILES)
def test_a_zip_holds_what_was_packed(files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(BytesIO(zip_bytes(files))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())
        assert all(entry.external_attr >> 16 == 0o100644 for entry in archive.infolist())


@given(FILES, FILES)
def test_other_content_is_other_bytes(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (zip_bytes(one) == zip_bytes(other)) == (one == other)


def test_the_code_is_that_of_the_functions_rooms_and_no_other() -> None:
    names = code_files(ROOT)
    assert "contracts/messages.py" in names
    assert {name.partition("/")[0] for name in names} == {"contracts", "adapters", "functions"}
    assert all(name.startswith("functions/transform/") for name in names if name.startswith("functions/"))
    carried = {"fonts/DejaVuSans.ttf", "fonts/LICENSE.txt", "profiles/FOGRA39L.icc", "profiles/LICENSE.txt"}
    assert {name.removeprefix("functions/transform/") for name in names if not name.endswith(".py")} == carried


def test_a_zip_is_packed_once_and_named_by_its_content(tmp_path: Path) -> None:
    root = bare_root(tmp_path)
    first = transform_artifact(root, CODE_ONLY)
    packed = Path(first.path)
    data, written = packed.read_bytes(), packed.stat().st_mtime_ns
    assert first.sha256 == base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert transform_artifact(root, CODE_ONLY) == first
    assert packed.stat().st_mtime_ns == written
    (root / "functions" / "transform" / "handler.py").write_text("changed = True\n")
    assert transform_artifact(root, CODE_ONLY).path != first.path
    assert not [path for path in packed.parent.iterdir() if path.is_file() and path.suffix != ".zip"]


def test_a_zip_that_was_cut_short_is_written_again(tmp_path: Path) -> None:
    root = bare_root(tmp_path)
    packed = Path(transform_artifact(root, CODE_ONLY).path)
    whole = packed.read_bytes()
    packed.write_bytes(whole[:-1])
    assert transform_artifact(root, CODE_ONLY).path == str(packed)
    assert packed.read_bytes() == whole


def test_two_checkouts_pack_the_same_bytes(tmp_path: Path) -> None:
    one, other = bare_root(tmp_path / "one"), bare_root(tmp_path / "other")
    assert transform_artifact(one, Transform()).sha256 == transform_artifact(other, Transform()).sha256


def test_libraries_are_bundled_only_where_the_configuration_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = bare_root(tmp_path)
    monkeypatch.setattr(artifact, "interpreter", lambda _version: None)
    with zipfile.ZipFile(transform_artifact(root, Transform()).path) as archive:
        assert archive.namelist() == ["functions/transform/handler.py", "library-1.0.dist-info/METADATA"]
    with zipfile.ZipFile(transform_artifact(root, CODE_ONLY).path) as archive:
        assert archive.namelist() == ["functions/transform/handler.py"]


def test_modules_are_compiled_where_the_functions_python_is_and_else_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = bare_root(tmp_path)
    monkeypatch.setattr(artifact, "interpreter", lambda _version: Path(sys.executable))
    compiled = transform_artifact(root, Transform())
    with zipfile.ZipFile(compiled.path) as archive:
        cached = importlib.util.cache_from_source("functions/transform/handler.py")
        assert archive.namelist() == [cached, "functions/transform/handler.py", "library-1.0.dist-info/METADATA"]
    monkeypatch.setattr(artifact, "interpreter", lambda _version: None)
    assert (compiled.without, transform_artifact(root, Transform()).without) == (None, "3.13")
    # a cloud that lends its interpreter keeps what that has compiled
    assert transform_artifact(root, CODE_ONLY).without is None


def test_of_the_table_of_addresses_the_kept_services_stay_as_they_were() -> None:
    service = {"endpoints": {"eu-central-1": {"hostname": "there"}}}
    partition = {"partition": "aws", "dnsSuffix": "amazonaws.com", "services": {"ec2": service, "s3": service}}
    kept = kept_endpoints(json.dumps({"version": 3, "partitions": [partition]}).encode())
    assert json.loads(kept) == {"version": 3, "partitions": [partition | {"services": {"s3": service}}]}


@pytest.mark.parametrize("settings", [Transform(python="3.12"), Transform(architecture="arm64")])
def test_libraries_that_are_not_there_are_named_with_their_remedy(tmp_path: Path, settings: Transform) -> None:
    with pytest.raises(BadConfiguration, match=r"for 3\.1[23]-\w+ are not installed; run: make artifact"):
        library_files(bare_root(tmp_path), settings)


def test_libraries_of_another_lock_are_refused(tmp_path: Path) -> None:
    root = bare_root(tmp_path)
    assert library_files(root, Transform())
    (root / "functions" / "transform" / "requirements.txt").write_text("library==1.1\n")
    with pytest.raises(BadConfiguration, match=r"are not those of functions/transform/requirements\.txt; run: make"):
        library_files(root, Transform())


def test_installed_libraries_are_compared_as_pip_compares_names() -> None:
    assert mismatch(INSTALLED, LOCK, Transform()) is None
    assert mismatch([name.replace("cykooz_resizer", "cykooz.resizer") for name in INSTALLED], LOCK, Transform()) is None
    assert mismatch([*INSTALLED, "extra-1.0.dist-info/METADATA"], LOCK, Transform()) is not None
    assert mismatch(INSTALLED[1:], LOCK, Transform()) is not None


def with_plugin(root: Path, name: str) -> Path:
    """The tree of `bare_root`, where this plug-in has a lock, a licence and one installed library."""
    bare_root(root)
    code = root / "functions" / "transform"
    for folder in (
        root / "build" / "function" / f"3.13-x86_64-{name}" / "codec-2.0.dist-info",
        code / "licences" / name,
    ):
        folder.mkdir(parents=True)
        (folder / "TERMS").write_text(folder.name)
    (code / f"requirements-{name}.txt").write_text("codec==2.0\n")
    return root


def test_a_plugin_is_in_the_zip_with_its_terms_and_only_where_it_is_chosen(tmp_path: Path) -> None:
    root = with_plugin(tmp_path, "imagequant")
    plain = transform_artifact(root, Transform())
    assert transform_artifact(root, Transform(), Formats()) == plain
    chosen = transform_artifact(root, Transform(), Formats(imagequant=True))
    with zipfile.ZipFile(chosen.path) as archive, zipfile.ZipFile(plain.path) as without:
        more = {name: archive.read(name) for name in archive.namelist() if name not in without.namelist()}
        assert set(without.namelist()) < set(archive.namelist())
    assert more == {
        "codec-2.0.dist-info/TERMS": b"codec-2.0.dist-info",
        "functions/transform/licences/imagequant/TERMS": b"imagequant",
    }
    # a cloud that lends its interpreter lends what that has
    assert transform_artifact(root, CODE_ONLY, Formats(imagequant=True)) == transform_artifact(root, CODE_ONLY)


def test_a_plugin_that_is_not_there_is_named_with_its_remedy(tmp_path: Path) -> None:
    root = with_plugin(tmp_path, "imagequant")
    with pytest.raises(
        BadConfiguration, match=r"3\.12-x86_64-imagequant are not .*; run: make artifact PLUGINS=imagequant"
    ):
        plugin_files(root, Transform(python="3.12"), "imagequant")
    (root / "functions" / "transform" / "requirements-imagequant.txt").write_text("codec==2.1\n")
    with pytest.raises(BadConfiguration, match=r"requirements-imagequant\.txt; run: make artifact PLUGINS=imagequant$"):
        plugin_files(root, Transform(), "imagequant")


@pytest.mark.parametrize("plugin", Formats.__struct_fields__)
def test_every_plugin_has_a_lock_and_the_terms_it_comes_under(plugin: str) -> None:
    folder = ROOT / "functions" / "transform"
    assert "--hash=sha256:" in (folder / f"requirements-{plugin}.txt").read_text()
    assert [path.name for path in (folder / "licences" / plugin).iterdir()]


@pytest.mark.parametrize(
    ("binary", "settings", "wrong"),
    [
        ("_imaging.cpython-313-x86_64-linux-gnu.so", Transform(), None),
        ("_imaging.cpython-311-x86_64-linux-gnu.so", Transform(), "are for Python 3.11 on x86_64"),
        ("_imaging.cpython-313-aarch64-linux-gnu.so", Transform(), "are for Python 3.13 on aarch64"),
        ("_imaging.cpython-313-aarch64-linux-gnu.so", Transform(architecture="arm64"), None),
        ("resizer.abi3.so", Transform(), None),
    ],
)
def test_binaries_for_another_python_or_processor_are_refused(
    binary: str, settings: Transform, wrong: str | None
) -> None:
    assert mismatch([*INSTALLED, f"PIL/{binary}"], LOCK, settings) == wrong


@pytest.mark.parametrize(
    "name",
    [
        "PIL/Image.py",
        "PIL/_imaging.cpython-313-x86_64-linux-gnu.so",
        "pillow.libs/libavif-3.so",
        "pillow-13.0.0.dist-info/METADATA",
        "pillow-13.0.0.dist-info/licenses/LICENSE",
        "botocore/data/endpoints.json",
        "botocore/data/_retry.json",
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "botocore/data/sqs/2012-11-05/service-2.json.gz",
        "botocore/cacert.pem",
        "six.py",
    ],
)
def test_what_a_function_may_open_is_packed(name: str) -> None:
    assert is_packed(name)


@pytest.mark.parametrize(
    "name",
    [
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "boto3/data/s3/2006-03-01/resources-1.json",
        "boto3/session.py",
        "botocore/data/s3/2006-03-01/examples-1.json",
        "PIL/_imagingmorph.cpython-313-x86_64-linux-gnu.so",
        "PIL/_imagingtk.cpython-313-x86_64-linux-gnu.so",
        "PIL/Image.pyi",
        "PIL/__pycache__/Image.cpython-313.pyc",
        "library/tests/test_it.py",
        "pillow-13.0.0.dist-info/RECORD",
        "pillow-13.0.0.dist-info/INSTALLER",
        "bin/jp.py",
        ".lock",
    ],
)
def test_what_it_never_opens_is_left_out(name: str) -> None:
    assert not is_packed(name)
