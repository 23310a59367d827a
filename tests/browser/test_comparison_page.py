"""The page of pictures side by side, in a real Chromium: opened from disk, in windows wide and narrow."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from client import command
from contracts.formats import ImageFormat
from tests.support import pictures

WINDOWS = {"wide": (1280, 900), "narrow": (390, 844)}
OLD = "large=rs::300;thumb=rs:cover:40:40/f:png;gone=rs::20/f:gif"
NEW = "large=rs::300/q:30;thumb=rs:cover:40:40/f:png;new=rs::64/f:tiff"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page about odd pictures: long, tiny, transparent, moving, and one that is broken."""
    folder = tmp_path_factory.mktemp("corpus")
    photo = pictures.photo(400, 300).convert("RGB")
    name = "a name without end, as cameras and people write them, " + "x" * 90
    (folder / f"{name}.jpg").write_bytes(pictures.encoded(photo, "jpeg"))
    (folder / "line.png").write_bytes(pictures.encoded(photo.resize((1_000, 6)), "png"))
    (folder / "clear.webp").write_bytes(pictures.encoded(pictures.disc(90, 90, (200, 0, 0), (0, 0, 0)), "webp"))
    (folder / "moving.gif").write_bytes(pictures.animated(ImageFormat.GIF))
    (folder / "half.jpg").write_bytes(pictures.truncated(pictures.encoded(photo, "jpeg"), 0.3))
    out = folder / "page.html"
    words = ["--corpus", str(folder), "--out", str(out), "--no-score"]
    assert command.run(["presets", "diff", OLD, NEW, *words]) == 0
    return out


@pytest.fixture(params=WINDOWS)
def opened(browser: BrowserContext, file: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    page = browser.new_page()
    faults: list[str] = []
    page.on("console", lambda line: faults.append(line.text))
    page.on("request", lambda sent: faults.append(sent.url) if not sent.url.startswith(("file:", "data:")) else None)
    width, height = WINDOWS[request.param]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(file.as_uri())
    yield page
    page.close()
    assert faults == []


def test_nothing_sticks_out_and_every_picture_is_shown_and_said(opened: Page) -> None:
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown = opened.evaluate(
        "Promise.all([...document.images].map(async one => {one.loading = 'eager'; await one.decode();"
        " return [one.naturalWidth == one.width || one.width <= innerWidth, one.alt, one.getAttribute('width')]}))"
    )
    assert len(shown) > 10
    assert all(fits and alt and width for fits, alt, width in shown), json.dumps(shown)
    opened.locator("#actual").check()
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pairs_are_put_in_order_and_left_out_by_what_is_chosen(opened: Page) -> None:
    def first(order: str) -> str:
        """Title of the uppermost pair."""
        opened.get_by_label(order).check()
        return opened.evaluate(
            "[...document.querySelectorAll('article')].filter(one => one.offsetHeight)"
            ".sort((a, b) => a.offsetTop - b.offsetTop)[0].querySelector('h3').textContent"
        )

    assert first("by picture").startswith("a name without end")
    # what is made on one side alone has grown by nothing
    assert "thumb" in first("bytes grew most")
    assert "large" in first("SSIM fell most")
    same = opened.locator("article.same")
    # a JPEG's are cut from whatever is made beside them
    assert 3 <= same.count() <= 4
    expect(same.first).to_be_visible()
    opened.get_by_label("leave out the same bytes").check()
    expect(same.first).to_be_hidden()


def test_the_table_is_one_to_a_screen_reader_in_every_window(opened: Page) -> None:
    rows = opened.get_by_role("table", name="By variant").get_by_role("row")
    expect(rows).to_have_count(1 + 4)
    expect(rows.nth(1).get_by_role("rowheader")).to_have_text("large")
    expect(rows.nth(1).get_by_role("cell")).to_have_count(6)
