"""A real picture goes through the stack that the engine made, every process on the role that the engine gave it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from client import Darkroom
from contracts.formats import ImageFormat
from tests.support import pictures
from tests.support.engine import EngineMade, engine_made, touched
from tests.support.stack import PATIENCE_SECONDS

# a package of resources is imported at the first look, and then warns of its own deprecated ones, none of them ours
pytestmark = [
    pytest.mark.xdist_group("engine-picture"),
    pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning"),
]


SHORTENED = {
    "timing": {
        "function_timeout_seconds": 10,
        "transforms_visibility_seconds": 10,
        "queue_visibility_seconds": 3,
        "sweep_seconds": 1,
        "first_gap_seconds": 4,
    }
}
"""The embedded cloud ends a function's work when its settings change, as AWS does not: it comes back after these."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineMade]:
    with engine_made(tmp_path_factory.mktemp("run"), SHORTENED) as run:
        yield run


def test_a_picture_goes_through(made: EngineMade, tmp_path: Path) -> None:
    original = pictures.encoded(pictures.photo(1800, 1200), ImageFormat.JPEG)
    with Darkroom(made.url) as darkroom:
        done = darkroom.wait(darkroom.upload(original, filename="photo.jpg").id)
        assert done.state == "completed"
        for variant in done.variants:
            assert variant.url is not None
            assert len(httpx.get(variant.url, timeout=PATIENCE_SECONDS).content) == variant.bytes


def test_the_engine_has_nothing_to_do_after_it(made: EngineMade) -> None:
    assert touched(made.deployment.up(refresh=True)) == {}


def test_a_setting_arrives_while_pictures_are_under_way(made: EngineMade) -> None:
    """The function's memory, in one `up`; no job is lost over it."""
    original = pictures.encoded(pictures.photo(800, 600), ImageFormat.JPEG)
    with Darkroom(made.url) as darkroom:
        jobs = [darkroom.upload(original, filename="photo.jpg").id for _ in range(12)]
        made.configure({"transform": {"memory_mb": 2048}})
        outcome = made.deployment.up()
        assert [(step.op, step.name) for step in outcome.changes] == [("update", "transform")]
        assert [darkroom.wait(job).state for job in jobs] == ["completed"] * 12
