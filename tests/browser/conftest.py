"""A real Chromium on the page, with nothing of the person's in it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.support.page_stack import Stack, memory_stack

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

PATIENCE_MS: Final = 60_000
"""No test asserts a time; this ends one that waits for what will not come."""
expect.set_options(timeout=PATIENCE_MS)

STACKS: Final[dict[str, Callable[[], AbstractContextManager[Stack]]]] = {"memory": memory_stack}
"""What the page is opened on. Every test here runs on each of them."""


@pytest.fixture(scope="module", params=sorted(STACKS))
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with STACKS[request.param]() as made:
        yield made


# not longer than the module: while it is open an event loop runs in this thread, and others could not start theirs
@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    if not Path(CHROMIUM).exists():
        pytest.fail("there is no Chromium: apt-get install chromium", pytrace=False)
    folder = tmp_path_factory.mktemp("chromium")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder,
            executable_path=CHROMIUM,
            args=FLAGS,
            headless=True,
            viewport={"width": 1280, "height": 900},
            permissions=["clipboard-read", "clipboard-write"],
            timeout=3 * PATIENCE_MS,
        )
        context.set_default_timeout(PATIENCE_MS)
        yield context
        context.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def faults() -> list[str]:
    """Script errors, policy violations and requests to anywhere else; none may be left at the end."""
    return []


@pytest.fixture
def page(browser: BrowserContext, stack: Stack, faults: list[str]) -> Iterator[Page]:
    """The page, opened."""
    opened = browser.new_page()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    opened.on("request", lambda sent: faults.append(sent.url) if not _stays_here(sent.url) else None)
    opened.goto(stack.url)
    expect(opened.locator("#preset option")).not_to_have_count(0)
    yield opened
    opened.close()
    assert faults == []


def _stays_here(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "blob:", "data:"))
