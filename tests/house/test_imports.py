"""Who may import whom: the table of rooms as data, checked against every import in the tree."""

import sys
from pathlib import Path

import pytest
from msgspec import Struct

from tests.support.tree import ROOT, Import, files, imports, python_files, requirements


class Room(Struct, frozen=True, kw_only=True):
    """One row of the table. `may` names rooms and libraries beside the room's own requirements file; `never` wins.

    `composition` adds what only the named files may import: there the parts are put together.
    """

    may: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    composition: dict[str, frozenset[str]] = {}
    requirements: str = ""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOBODYS = _names("local benchmarks tests")
"""They may import everything, each other too; no room of the product imports them, and nothing imports the tests."""
CLOUD = _names("boto3 botocore")

TABLE = {
    "contracts": Room(may=_names("contracts msgspec"), never=NOBODYS),
    "adapters": Room(
        # structlog stands with the services, which alone configure it; so do the other two, which no function carries
        may=_names("adapters contracts structlog cryptography h11"),
        never=_names("pulumi litestar PIL") | NOBODYS,
        requirements="adapters",
    ),
    "components": Room(
        may=_names("components contracts pulumi pulumi_aws"),
        never=_names("adapters services functions") | CLOUD | NOBODYS,
        requirements="components",
    ),
    "services/edge": Room(
        may=_names("contracts services.edge litestar"),
        never=_names("pulumi PIL adapters functions services.upload services.processing") | CLOUD | NOBODYS,
        requirements="services",
    ),
    "services/upload": Room(
        may=_names("contracts services.edge services.upload litestar"),
        never=_names("pulumi PIL functions services.processing") | CLOUD | NOBODYS,
        composition={"services/upload/__main__.py": _names("adapters")},
        requirements="services",
    ),
    "services/processing": Room(
        may=_names("contracts services.edge services.processing litestar"),
        never=_names("pulumi PIL functions services.upload") | CLOUD | NOBODYS,
        composition={"services/processing/__main__.py": _names("adapters")},
        requirements="services",
    ),
    # the standard library alone: it is started every few seconds beside a service
    "services/health": Room(
        may=_names("services.health"), never=_names("services.upload services.processing") | NOBODYS
    ),
    "services": Room(never=_names("services.upload services.processing") | NOBODYS),
    "functions/transform": Room(
        may=_names("contracts functions.transform PIL"),
        never=_names("pulumi litestar services") | CLOUD | NOBODYS,
        composition={"functions/transform/handler.py": _names("adapters")},
        requirements="functions/transform",
    ),
    "functions": Room(never=NOBODYS),
    "client": Room(
        may=_names("client contracts httpx"),
        never=_names("pulumi services") | CLOUD | NOBODYS,
        requirements="client",
    ),
    "operations": Room(
        # of the components the pure words that a stack's file is written in, and what is reckoned from them
        may=_names(
            "operations contracts adapters client functions.transform boto3 botocore cyclopts httpx msgspec rich yaml"
        )
        | _names("components.naming components.settings components.site components.words components.alarms")
        | _names("components.cost components.quotas components.price_file components.watched")
        | _names("components.machines components.needs")
        | _names("components.foundation_settings"),
        never=_names("pulumi services") | NOBODYS,
        # a program of its own, run by an interpreter that has these (`make score`)
        composition={"operations/scorer.py": _names("PIL ssimulacra2")},
        requirements="operations",
    ),
    "__main__.py": Room(may=_names("components pulumi"), never=_names("contracts") | NOBODYS),
    "local": Room(never=_names("tests")),
    "benchmarks": Room(never=_names("tests")),
    "tests": Room(),
}
"""By path. The longest path that a file lies under is its room."""

MODULE_OF = {
    "cykooz.resizer": "cykooz_resizer",
    "pi-heif-decoder": "pi_heif",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "pulumi-aws": "pulumi_aws",
    "ruamel.yaml": "ruamel",
}
"""Libraries whose distribution has another name than their module."""


def room_of(path: Path) -> str:
    return max((room for room in TABLE if path.is_relative_to(room)), key=len)


def refused(found: Import) -> bool:
    name = room_of(found.path)
    room = TABLE[name]
    extra = room.composition.get(str(found.path), frozenset())
    if _under(found.module, extra):
        return False
    if _under(found.module, room.never) or (name.startswith("services") and _under(found.module, _names("adapters"))):
        return True
    libraries = {
        MODULE_OF.get(library, library)
        for path in sorted((ROOT / room.requirements).glob("requirements*.in"))
        for library in requirements(path.relative_to(ROOT))
    }
    return not (
        name in NOBODYS
        or found.module.partition(".")[0] in sys.stdlib_module_names
        or _under(found.module, room.may)
        or _under(found.module, libraries if room.requirements else set())
    )


def _under(module: str, packages: frozenset[str] | set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_no_room_imports_what_it_may_not() -> None:
    found = [found for path in files() if path.suffix == ".py" for found in imports(path) if refused(found)]
    assert not found, "imports against the table:\n" + "\n".join(map(str, found))


def test_every_python_file_lies_in_a_room() -> None:
    homeless = [
        path for path in files() if path.suffix == ".py" and not any(path.is_relative_to(room) for room in TABLE)
    ]
    assert not homeless


def test_every_room_of_the_table_that_is_built_holds_something() -> None:
    built = [room for room in TABLE if (ROOT / room).exists()]
    assert {"contracts", "adapters", "components"} <= set(built)
    assert all(python_files(room) for room in built)


@pytest.mark.parametrize(
    ("path", "source", "line"),
    [
        ("contracts/job.py", "import boto3", 1),
        ("contracts/job.py", "def f():\n    from adapters import objects", 2),
        ("contracts/job.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import httpx", 3),
        ("contracts/job.py", "import importlib\nimportlib.import_module('pulumi')", 2),
        ("adapters/objects.py", "from PIL import Image", 1),
        ("adapters/objects.py", "from services.edge import serve", 1),
        ("components/storage.py", "import boto3.session", 1),
        ("services/upload/intake.py", "from adapters.objects import S3Originals", 1),
        ("services/upload/intake.py", "from services import processing", 1),
        ("services/upload/intake.py", "from .. import processing", 1),
        ("services/upload/intake.py", "from ..processing import planning", 1),
        ("services/upload/__main__.py", "import boto3", 1),
        ("services/edge/serving.py", "from adapters import telemetry", 1),
        ("services/upload/routes.py", "from PIL import Image", 1),
        ("functions/transform/work.py", "from adapters.objects import S3Originals", 1),
        ("functions/transform/work.py", "import numpy", 1),
        ("client/drivers.py", "import boto3", 1),
        ("operations/command.py", "import local", 1),
        ("__main__.py", "from contracts import limits", 1),
        ("local/program.py", "from tests.support import plan", 1),
        ("benchmarks/pictures.py", "from tests.support import pictures", 1),
    ],
)
def test_the_table_refuses_what_it_says(path: str, source: str, line: int) -> None:
    assert [found.line for found in imports(Path(path), source) if refused(found)] == [line]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("contracts/job.py", "import msgspec, json\nfrom contracts import limits\nfrom . import variants"),
        ("adapters/objects.py", "import boto3\nfrom botocore.config import Config\nfrom contracts.ports import Head"),
        ("services/upload/__main__.py", "from adapters import objects\nfrom services.upload.routes import routes"),
        ("services/processing/readers.py", "from services import edge\nimport litestar"),
        ("functions/transform/handler.py", "from adapters.objects import S3Originals\nimport cykooz_resizer"),
        ("functions/transform/steps/decode.py", "from PIL import Image"),
        ("__main__.py", "import pulumi\nfrom components.pipeline import ImagePipeline"),
        ("local/program.py", "import boto3, pulumi, components.pipeline, services.upload"),
        ("tests/house/test_imports.py", "import local.cloud, benchmarks.pictures, boto3"),
    ],
)
def test_the_table_allows_what_it_says(path: str, source: str) -> None:
    assert not [found for found in imports(Path(path), source) if refused(found)]
