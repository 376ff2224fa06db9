"""The page in a real browser: what a visitor sees and does."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difficmh_core.presets import preset_of

TIMEOUT_MS = 30_000


@pytest.fixture(scope="module")
def window(browser):
    """One window for all tests, so that the page's scripts are loaded once."""
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def visit(window, page_url):
    """Return a function that opens the page; at the end, the console must be free of errors."""
    pages, complaints = [], []

    def open_page(width=1280, height=900):
        page = window.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.on("console", lambda message: _note(complaints, message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(page_url)
        page.wait_for_selector("#photo input[type=file]", state="attached")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


def _note(complaints, message):
    if message.type == "error":
        complaints.append(message.text)


def encode(page, photo):
    page.set_input_files("#photo input[type=file]", photo)
    page.wait_for_selector("#facts .file")
    page.wait_for_selector("#compress-decode:not([disabled])")


def file_size(page) -> str:
    return page.inner_text("#facts .size strong")


def decode(page, prefix="compress", status="#status"):
    page.click(f"#{prefix}-decode")
    page.wait_for_selector(f"{status} .result")
    page.wait_for_selector(f"#{prefix}-decode:not([disabled])")


def download(page, selector) -> Path:
    with page.expect_download() as started:
        page.click(selector)
    return started.value.path()


def choose_preset(page, prefix, name):
    page.click(f"#{prefix}-preset label:has-text('{name}')")


def test_from_upload_to_decoded_picture(visit, codec, photos):
    page = visit()
    encode(page, photos["wide"])
    choose_preset(page, "compress", "Instant")
    decode(page)

    assert "PSNR" in page.inner_text("#status")
    assert page.is_visible("#comparison img")
    data = download(page, "#dicmh-file").read_bytes()
    picture = Image.open(download(page, "#picture-file"))
    assert file_size(page) == f"{len(data):,} bytes"
    assert picture.format == "PNG"
    # The seed field is empty, so anyone who decodes the file gets the same picture.
    assert np.array_equal(picture, codec.decode_image(data, preset_of("nano", "instant")))
    sources = page.eval_on_selector_all("#comparison img", "images => images.map(i => i.src)")
    assert all(".png" in source for source in sources)


def test_a_preset_fills_the_controls_and_a_change_makes_it_custom(visit, codec, photos):
    page = visit()
    encode(page, photos["wide"])
    page.click("#compress-advanced button")
    steps = page.get_by_label("number input for Steps").first
    choose_preset(page, "compress", "Paper")
    page.wait_for_function("field => field.value === '50'", arg=steps.element_handle())
    steps.fill("7")
    steps.press("Enter")
    page.wait_for_selector("#compress-preset label.selected:has-text('Custom')")
    decode(page)
    assert "7 steps" in page.inner_text("#status")


def test_removing_a_tag_changes_file_and_picture(visit, photos):
    page = visit()
    encode(page, photos["wide"])
    decode(page)
    before = np.asarray(Image.open(download(page, "#picture-file")))
    data = download(page, "#dicmh-file").read_bytes()

    page.click("#tags .token:has-text('dog') .token-remove")
    page.wait_for_selector("#status .message")
    page.wait_for_selector("#compress-decode:not([disabled])")
    assert "%" in page.inner_text("#tags .token")
    decode(page)

    assert download(page, "#dicmh-file").read_bytes() != data
    after = np.asarray(Image.open(download(page, "#picture-file")))
    assert not np.array_equal(before, after)


def test_quality_changes_the_file(visit, photos):
    page = visit()
    encode(page, photos["wide"])
    data = download(page, "#dicmh-file").read_bytes()
    number = page.locator("#quality input[type=number]")
    number.fill("90")
    number.press("Enter")
    page.wait_for_function(
        "text => document.querySelector('#facts .size strong').innerText !== text",
        arg=file_size(page),
    )
    page.wait_for_selector("#compress-decode:not([disabled])")
    assert download(page, "#dicmh-file").read_bytes() != data


def test_stop_ends_decoding_within_a_step_and_frees_the_model(visit, paced, photos):
    page = visit()
    encode(page, photos["wide"])
    choose_preset(page, "compress", "Paper")
    page.click("#compress-decode")
    page.wait_for_selector("#progress:has-text('Step 2')")
    assert page.is_visible("#preview img")
    page.click("#compress-stop")
    page.wait_for_selector("#status:has-text('Stopped')")
    n_steps = paced.n_steps
    page.wait_for_timeout(1000 * 4 * paced.pace_s)
    assert paced.n_steps <= n_steps + 1
    assert "Stopped" in page.inner_text("#status")

    choose_preset(page, "compress", "Instant")
    decode(page)
    assert "1 step" in page.inner_text("#status")


def test_a_file_that_is_no_picture_is_a_toast(visit, photos, tmp_path):
    page = visit()
    text = tmp_path / "words.jpg"
    text.write_text("not a picture")
    page.set_input_files("#photo input[type=file]", text)
    toast = page.wait_for_selector(".toast-body")
    assert "words.jpg" in toast.inner_text()
    page.wait_for_selector("#facts .how")

    encode(page, photos["wide"])


def test_the_second_tab_decodes_good_files_and_refuses_damaged_ones(
    visit, codec, photos, tmp_path
):
    data = codec.encode(Image.open(photos["wide"]).convert("RGB"), tags=["dog"]).data
    good, damaged = tmp_path / "good.dicmh", tmp_path / "damaged.dicmh"
    good.write_bytes(data)
    damaged.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    page = visit()
    page.get_by_role("tab", name=re.compile("Decode a file")).click()

    page.set_input_files("#file input[type=file]", damaged)
    toast = page.wait_for_selector(".toast-body").inner_text()
    with pytest.raises(Exception) as refusal:  # noqa: PT011 (whichever of ours it is)
        codec.parse(damaged.read_bytes())
    assert str(refusal.value) in toast
    assert page.is_disabled("#decode-file-decode")

    page.click("#file button[aria-label='Clear']")
    page.set_input_files("#file input[type=file]", good)
    page.wait_for_selector("#file-facts .facts")
    assert "dog" in page.inner_text("#file-facts")
    page.wait_for_selector("#decode-file-decode:not([disabled])")
    choose_preset(page, "decode-file", "Instant")
    decode(page, "decode-file", "#file-status")
    assert page.is_visible("#file-picture img")
    assert Image.open(download(page, "#file-picture-file")).size == (150, 100)


def test_a_phone_needs_no_horizontal_scrolling(visit, photos):
    page = visit(width=360, height=740)
    encode(page, photos["wide"])
    page.click("#compress-advanced button")
    choose_preset(page, "compress", "Instant")
    decode(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    page.get_by_role("tab", name=re.compile("Decode a file")).click()
    assert max(width, page.evaluate("document.documentElement.scrollWidth")) <= 360
