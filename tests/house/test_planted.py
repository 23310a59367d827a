"""Each planted mistake is noticed, and by its name."""

from pathlib import Path

import pytest

from tests.support.planted import LAWS, PATCHES, PLANTED, TYPES, Planted, apply, copy_of_the_tree, verdict

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_tree(tmp_path_factory.mktemp("clean"))


def test_the_table_and_the_patches_are_the_same() -> None:
    assert sorted(one.patch for one in PLANTED) == sorted(path.stem for path in PATCHES.glob("*.patch"))


@pytest.mark.parametrize("check", [LAWS, TYPES], ids=["laws", "types"])
def test_the_tree_without_a_mistake_passes(clean: Path, check: tuple[str, ...]) -> None:
    code, said = verdict(Planted(patch="", seen_by=check, words=()), clean)
    assert code == 0, said[-2_000:]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.patch)
def test_a_planted_mistake_is_named(planted: Planted, tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "tree")
    apply(planted.patch, tree)
    code, said = verdict(planted, tree)
    assert code != 0
    for words in planted.words:
        assert words in said, said[-2_000:]
