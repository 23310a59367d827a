"""The page in a real browser: a picture goes in, its variants come back, and every failure says what to do next."""

import base64
import io
import json

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from contracts.formats import ImageFormat
from tests.support.page_stack import Stack
from tests.support.pictures import encoded, photo, png_header, truncated

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

PHOTO = encoded(photo(1800, 1200), ImageFormat.JPEG, quality=92)
WEB = ("large", "medium", "small", "thumb")


def offer(page: Page, content: bytes, name: str = "harbour.jpg", media_type: str = "image/jpeg") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": media_type, "buffer": content})


def hand_over(page: Page, way: str, content: bytes, name: str, padding: int = 0) -> None:
    """Drop or paste a file; `padding` zero bytes are added to it in the browser."""
    page.evaluate(
        """([way, text, name, padding]) => {
            const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes, new Uint8Array(padding)], name, { type: "image/jpeg" }));
            const event = way === "drop"
                ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true })
                : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
            document.getElementById("drop").dispatchEvent(event);
        }""",
        [way, base64.b64encode(content).decode(), name, padding],
    )


def developed(page: Page) -> None:
    """Wait until the job has come to its end."""
    expect(page.locator("#steps [data-step=done]")).to_have_attribute("aria-current", "step")


def test_a_picture_comes_back_in_every_size(page: Page) -> None:
    offer(page, PHOTO)
    developed(page)
    expect(page.locator("#result-title")).to_have_text("harbour.jpg")
    expect(page.locator("#result-facts")).to_contain_text("1800×1200")
    expect(page.locator("#live")).to_have_text("All 4 variants are done")
    for name, size in zip(WEB, ("1600×1067", "800×533", "400×267", "150×150"), strict=True):
        card = page.locator(f"#variant-{name}")
        expect(card.locator("h2 span")).to_have_text(size)
        expect(card.locator(".saving")).to_contain_text("−")
        # the picture itself is shown, not only a frame for it
        width, height = (int(side) for side in size.split("×"))
        expect(card.locator("img")).to_have_js_property("naturalWidth", width)
        expect(card.locator("img")).to_have_js_property("naturalHeight", height)


def test_a_link_opens_exactly_what_the_card_promises(page: Page) -> None:
    offer(page, PHOTO)
    developed(page)
    card = page.locator("#variant-medium")
    answer = page.request.get(card.get_by_role("link", name="Open medium").get_attribute("href") or "")
    picture = Image.open(io.BytesIO(answer.body()))
    assert (answer.headers["content-type"], picture.format, picture.size) == ("image/webp", "WEBP", (800, 533))


def test_a_copied_link_leads_to_the_same_bytes(page: Page) -> None:
    offer(page, PHOTO)
    developed(page)
    page.locator("#variant-thumb").get_by_role("button", name="Copy link to thumb").click()
    expect(page.locator("#live")).to_have_text("Link to thumb copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith("/variants/thumb")
    assert Image.open(io.BytesIO(page.request.get(copied).body())).size == (150, 150)


def test_a_picture_can_be_dropped(page: Page) -> None:
    hand_over(page, "drop", PHOTO, "dropped.jpg")
    developed(page)
    expect(page.locator("#result-title")).to_have_text("dropped.jpg")


def test_a_picture_can_be_pasted(page: Page) -> None:
    hand_over(page, "paste", PHOTO, "pasted.jpg")
    developed(page)
    expect(page.locator("#result-title")).to_have_text("pasted.jpg")


def test_variants_of_ones_own_are_made(page: Page) -> None:
    page.locator("#editor summary").click()
    page.locator("#variants").fill(json.dumps([{"name": "tiny", "resize": {"width": 64}, "output": {"format": "png"}}]))
    expect(page.locator("#asked")).to_have_text("tiny 64 wide · PNG")
    offer(page, PHOTO)
    developed(page)
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator("#variant-tiny .badge")).to_have_text("PNG")


def test_options_that_are_no_list_are_said_beside_the_editor(page: Page) -> None:
    page.locator("#editor summary").click()
    page.locator("#variants").fill("[{")
    expect(page.locator("#variants-error")).to_contain_text("Not ready")
    offer(page, PHOTO)
    expect(page.locator("#result")).to_be_hidden()


def test_the_services_own_complaint_points_at_the_field(page: Page) -> None:
    page.locator("#editor summary").click()
    page.locator("#variants").fill('[{"name": "a", "resize": {"width": 0}}]')
    offer(page, PHOTO)
    problem = page.locator("#problem")
    expect(problem.locator("h2")).to_have_text("The options are not valid")
    expect(problem.locator("li code")).to_have_text("#/variants/0/resize/width")
    expect(problem.locator(".next")).to_contain_text("pointed at")
    page.locator("#variants").fill('[{"name": "a", "resize": {"width": 10}}]')
    page.get_by_role("button", name="Develop again").click()
    developed(page)
    expect(problem).to_be_empty()


@pytest.mark.parametrize(
    ("content", "name", "media_type", "title"),
    [
        (b"no picture at all, only words", "a.jpg", "image/jpeg", "This kind of file is not read here"),
        (png_header(50_000, 50_000), "bomb.png", "image/png", "The image has too many pixels"),
        (encoded(photo(64, 64), ImageFormat.PNG), "a.jpg", "image/jpeg", "The file is not what it was declared to be"),
        (b"", "empty.jpg", "image/jpeg", "The request cannot be read"),
    ],
    ids=["text", "bomb", "PNG named jpg", "empty"],
)
def test_a_bad_picture_is_explained(content: bytes, name: str, media_type: str, title: str, page: Page) -> None:
    offer(page, content, name, media_type)
    expect(page.locator("#problem h2")).to_have_text(title)
    expect(page.locator("#problem .next")).not_to_be_empty()
    expect(page.locator("#steps .bad")).to_have_text("Sent")


def test_a_picture_that_only_decoding_finds_out_is_explained_too(page: Page) -> None:
    offer(page, truncated(encoded(photo(64, 64), ImageFormat.PNG)), "torn.png", "image/png")
    expect(page.locator("#problem h2")).to_have_text("The image cannot be decoded")
    expect(page.locator("#steps .bad")).to_have_text("Done")


def test_one_variant_may_fail_alone(page: Page, stack: Stack, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["stack"] != "memory":
        pytest.skip("only the developer in memory knows the impossible")
    page.locator("#editor summary").click()
    page.locator("#variants").fill('[{"name":"impossible"},{"name":"fine","resize":{"width":50}}]')
    offer(page, PHOTO)
    developed(page)
    expect(page.locator("#variant-impossible")).to_contain_text("more than the function has")
    expect(page.locator("#variant-fine img")).to_be_visible()


def test_a_file_that_is_too_large_is_not_even_sent(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    hand_over(page, "drop", PHOTO, "huge.jpg", padding=26_300_000)
    expect(page.locator("#problem h2")).to_have_text("The picture is too large")
    assert sent == []


def test_the_address_of_a_job_shows_it_again(page: Page) -> None:
    offer(page, PHOTO)
    developed(page)
    page.reload()
    developed(page)
    expect(page.locator(".card")).to_have_count(4)
    expect(page.locator("#result-title")).to_have_text("harbour.jpg")


def test_an_address_of_no_job_says_so(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/#01900000-0000-7000-8000-000000000000")
    page.reload()
    expect(page.locator("#problem h2")).to_have_text("There is nothing here")


def test_a_job_that_is_over_can_be_deleted(page: Page, stack: Stack) -> None:
    offer(page, PHOTO)
    developed(page)
    expect(page.locator("#cancel")).to_be_hidden()
    job = page.evaluate("location.hash.slice(1)")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#variant-large")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#live")).to_have_text("The job is deleted")
    expect(page.locator("#cards .card")).to_have_count(0)
    expect(page.locator("#delete")).to_be_hidden()
    assert page.evaluate("location.hash") == ""
    assert page.request.get(f"{stack.url}/status/{job}").status == 410


def test_a_job_under_way_can_be_cancelled(page: Page, stack: Stack) -> None:
    """A slow service, so far as the page can tell."""
    offer(page, PHOTO)
    developed(page)
    job = page.evaluate("location.hash.slice(1)")
    document = page.request.get(f"{stack.url}/status/{job}").json()
    told: list[str | None] = []
    states = ["processing"]

    def status(route: Route) -> None:
        links = {**document["links"], "cancel": f"/jobs/{job}/cancel" if states[-1] == "processing" else None}
        said = {**document, "state": states[-1], "links": links, "variants": []}
        route.fulfill(json=said, headers={"ETag": f'"{len(states)}"'})

    def cancel(route: Route) -> None:
        told.append(route.request.headers.get("idempotency-key"))
        states.append("cancelled")
        route.fulfill(json={})

    page.route("**/status/**", status)
    page.route("**/cancel", cancel)
    page.reload()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#live")).to_have_text("The job is cancelled")
    expect(page.locator("#cancel")).to_be_hidden()
    expect(page.locator("#delete")).to_be_visible()
    assert len(told) == 1
    assert told[0]


def test_original_and_variant_are_laid_over_each_other(page: Page) -> None:
    offer(page, PHOTO)
    developed(page)
    page.locator("#variant-large button.frame").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("slider").fill("80")
    assert "20%" in page.locator("#compare-before").evaluate("image => image.style.clipPath")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_everything_can_be_reached_by_keyboard(page: Page) -> None:
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert reached[:5] == ["Skip to the result", "API", "Presets", "Limits", "file"]
    assert {"preset", "Edit the variants"} <= set(reached)


def test_every_control_has_a_name(page: Page) -> None:
    offer(page, PHOTO)
    developed(page)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input, select, textarea, progress, img")]
            .filter((one) => !one.closest("dialog") && !one.matches("[alt='']"))
            .filter((one) => !(one.ariaLabel || one.labels?.length || one.alt || one.title || one.textContent.trim()))
            .map((one) => one.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(width: int, page: Page) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    offer(page, PHOTO, "a-very-long-name-" * 9 + ".jpg")
    developed(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_policy_of_the_page_lets_nothing_else_run(page: Page, stack: Stack, faults: list[str]) -> None:
    policy = page.request.get(stack.url).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    # what the browser has to say of it comes beside the answer, not in it
    with page.expect_console_message(lambda line: "Content Security Policy" in line.text):
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.ran = 1";
                document.body.append(script);
            }"""
        )
    assert page.evaluate("window.ran") is None
    assert "inline script" in faults.pop()
