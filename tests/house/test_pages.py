"""The pages describe this house: paths, modules, links and commands that they mention exist."""

from pathlib import Path

import pytest

from tests.support.pages import make_targets, missing_commands, missing_links, missing_paths, pages

PAGES = pages()


def test_there_is_a_readme() -> None:
    assert Path("README.md") in PAGES


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_mentions_exists(page: Path) -> None:
    missing = missing_paths(page) + missing_links(page) + (missing_commands(page) if make_targets() else [])
    assert not missing, "mentioned, but not there:\n" + "\n".join(map(str, missing))


HERE = Path("docs/page.md")


@pytest.mark.parametrize(
    "text",
    [
        "`contracts/nothing.py`",
        "`contracts/nothing`",
        "`tests/house/*.rs`",
        "`contracts.nothing`",
        "`contracts.limits.MAX_NOTHING`",
        "`nothing_at_all.py`",
        "`../nothing.md`",
        "```\ncontracts/nothing.py\n```",
    ],
)
def test_a_path_that_is_not_there_is_seen(text: str) -> None:
    assert len(missing_paths(HERE, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "`contracts/limits.py`, `contracts/limits`, `contracts/`, `contracts/limits.py:10`, `./README.md`",
        "`tests/house/*.py`, `tests/contracts/golden/*.json`",
        "`contracts.limits`, `contracts.limits.MAX_PIXELS`, `limits.py`, `pyproject.toml`",
        "`/uploads`, `/status/{id}`, `direct/<tenant>/original`, `image/jpeg`, `web@1`, `run.json`, `$DATA/run.json`",
        "`.data/run.json`, `width/height`, `a b/c.py`, `https://example.com/a.py`, `step()`, `Pulumi.<stack>.yaml`",
        "contracts/nothing.py in prose is prose",
    ],
)
def test_what_exists_or_is_no_path_is_passed_over(text: str) -> None:
    assert missing_paths(HERE, text) == []


def test_links_are_followed_from_their_page() -> None:
    good = "[a](../README.md) ![b](../contracts/limits.py#L3) [c](https://example.com) [d](#here) [e](/README.md)"
    assert missing_links(HERE, good) == []
    assert [mention.text for mention in missing_links(HERE, "[a](README.md)\n\n[b](../no.md#x)")] == [
        "README.md",
        "../no.md#x",
    ]


def test_commands_are_looked_up() -> None:
    good = "`make run IMAGE=a.jpg`, make sure, `make PORT=80 test`, `python -m services.upload`, `python -m venv x`"
    assert missing_commands(HERE, good) == []
    assert missing_commands(HERE, "```\nmake run # make it so\nmake test    make whole\n```") == []
    bad = "`make nothing`\n```\ncd x && make PORT=1 run nothing\npython -m local.nothing\n```"
    assert [mention.text for mention in missing_commands(HERE, bad)] == [
        "make nothing",
        "make nothing",
        "python -m local.nothing",
    ]
