"""The page of a service that asks for keys: a field for one, kept in this tab, and sent to the service alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from contracts.formats import ImageFormat
from contracts.keys import Scope, revoked
from tests.support.keys import MemoryKeys
from tests.support.page_stack import Stack, SystemClock, memory_stack
from tests.support.pictures import encoded, photo

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

PHOTO = {"name": "harbour.jpg", "mimeType": "image/jpeg", "buffer": encoded(photo(600, 400), ImageFormat.JPEG)}
NOW = SystemClock().now()
KEYS = MemoryKeys()
GOOD = KEYS.made("shop", Scope.UPLOADS_WRITE, Scope.JOBS_READ, Scope.JOBS_WRITE, now=NOW)
READER = KEYS.made("shop", Scope.JOBS_READ, now=NOW)
ENDED = KEYS.made("shop", now=NOW)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    record = KEYS.key(ENDED.split("_")[1])
    assert record is not None
    KEYS.keep(revoked(record, NOW))
    with memory_stack(KEYS) as made:
        yield made


def give(page: Page, key: str) -> None:
    page.fill("#key", key)
    page.get_by_role("button", name="Use it").click()


def developed(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("All 4 variants are done")


def test_with_a_key_the_page_does_all_that_it_does_without(page: Page) -> None:
    expect(page.locator("#entry")).to_be_visible()
    expect(page.locator("#key")).to_be_focused()
    give(page, f" {GOOD} ")
    expect(page.locator("#key-state")).to_contain_text(f"In use: {GOOD[:15]}…")
    expect(page.locator("#key")).to_have_value("")
    page.set_input_files("#file", PHOTO)
    developed(page)
    expect(page.locator("#variant-thumb img")).to_have_js_property("naturalWidth", 150)
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#delete").click()
    expect(page.locator("#live")).to_have_text("The job is deleted")


def test_a_key_is_kept_for_this_tab_and_for_no_other(page: Page, stack: Stack) -> None:
    give(page, GOOD)
    page.set_input_files("#file", PHOTO)
    developed(page)
    page.reload()
    developed(page)
    assert page.evaluate("Object.values(localStorage).length + document.cookie.length") == 0
    assert page.evaluate("Object.values(sessionStorage)") == [GOOD]
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("#key-state")).to_contain_text("Paste one")
    expect(other.locator("#result")).to_be_hidden()
    other.close()


def test_forgetting_a_key_is_at_hand(page: Page) -> None:
    give(page, GOOD)
    page.get_by_role("button", name="Forget it").click()
    assert page.evaluate("sessionStorage.length") == 0
    page.set_input_files("#file", PHOTO)
    expect(page.locator("#problem h2")).to_have_text("A valid API key is needed")


@pytest.mark.parametrize("key", [ENDED, MemoryKeys(9).made("shop", now=NOW)])
def test_a_key_that_is_refused_is_dropped_and_another_goes_on_with_the_picture(page: Page, key: str) -> None:
    give(page, key)
    page.set_input_files("#file", PHOTO)
    expect(page.locator("#problem h2")).to_have_text("A valid API key is needed")
    expect(page.locator("#key")).to_be_focused()
    give(page, GOOD)
    developed(page)
    expect(page.locator("#problem")).to_be_empty()


def test_what_is_no_key_is_not_sent(page: Page) -> None:
    give(page, "dk_mistyped")
    expect(page.locator("#key-state")).to_contain_text("This is no API key")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_without_the_scope_is_kept_and_the_scope_is_named(page: Page) -> None:
    give(page, READER)
    page.set_input_files("#file", PHOTO)
    expect(page.locator("#problem")).to_contain_text("the key has no scope uploads:write")
    expect(page.locator("#key-state")).to_contain_text("In use")


def test_the_copied_link_opens_for_whoever_has_no_key_and_the_key_goes_nowhere_else(page: Page) -> None:
    carried: list[str] = []
    page.on("request", lambda sent: carried.append(sent.url) if "authorization" in sent.headers else None)
    give(page, GOOD)
    page.set_input_files("#file", PHOTO)
    developed(page)
    page.locator("#variant-thumb").get_by_role("button", name="Copy link to thumb").click()
    expect(page.locator("#live")).to_have_text("Link to thumb copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert page.request.get(copied).status == 200
    home = page.url.partition("#")[0]
    assert carried
    assert not copied.startswith(home)
    assert all(url.startswith(home) for url in carried)
    assert not any("dk_" in url for url in [*carried, copied])
