"""A reload, Back, and a second tab show what was there; a link shows an example, never a photo."""

import json
import re

import httpx
import pytest

from tests.e2e.actions import (
    choose_preset,
    decoded,
    download,
    encode,
    open_tab,
    unfold,
    until_measured,
)
from tests.e2e.conftest import TIMEOUT_MS

STORED = "localStorage.getItem('difficmh-visit')"


@pytest.fixture
def visit(browser, page_url):
    """Return a function that opens the page in one browser of a visitor who was never here.

    A page that is left complains of its streams, which end: the console is not looked at.
    """
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)

    def open_page(url=page_url):
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("#photo input[type=file]", state="attached")
        return page

    yield open_page
    context.close()


@pytest.fixture
def page(visit, photos):
    """A page with a decoded photograph, and settings that are not the first."""
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    page.locator("#quality input[type=number]").fill("31")
    page.locator("#quality input[type=number]").press("Enter")
    unfold(page, "#decoding")
    choose_preset(page, "compress", "Instant")
    page.wait_for_selector("#status:has-text('1 step')")
    page.uncheck("#tags label:has-text('person') input")
    page.wait_for_selector("#tags label:has-text('person'):not(:has-text('bits'))")
    decoded(page)
    return page


def shown(page):
    """What a visitor sees, and could download."""
    page.wait_for_selector("#dicmh-file", state="visible")
    page.wait_for_selector("#compress-decode:not([disabled])")
    until_measured(page)
    return {
        "facts": page.inner_text("#facts"),
        "status": page.inner_text("#status"),
        "quality": page.input_value("#quality input[type=number]"),
        "preset": page.evaluate(
            "document.querySelector('#compress-preset label.selected').textContent"
        ),
        "tags": page.eval_on_selector_all(
            "#tags label", "all => all.map(l => [l.innerText, l.querySelector('input').checked])"
        ),
        "files": [download(page, name).read_bytes() for name in ("#dicmh-file", "#picture-file")],
        "pictures": page.eval_on_selector_all(
            "#pictures figure img.picture", "images => images.map(image => image.src)"
        ),
    }


def come_back_to(page):
    page.wait_for_selector("#photo img")
    unfold(page, "#decoding")
    page.wait_for_selector("#compress-preset")
    return shown(page)


def test_a_reload_shows_what_was_there_and_decodes_nothing(page, gate):
    was = shown(page)
    gate.close_after(100)  # counts
    page.reload()
    assert come_back_to(page) == was
    assert gate.n_steps == 0
    choose_preset(page, "compress", "Fast")
    page.wait_for_selector("#status:has-text('2 steps')")


def test_back_and_a_second_tab_show_what_was_there(page, visit, page_url):
    was = shown(page)
    page.goto("about:blank")
    page.go_back()
    assert come_back_to(page) == was
    other = visit()
    assert come_back_to(other) == was


def test_two_tabs_keep_their_own(page, visit, photos):
    was = shown(page)
    other = visit()
    come_back_to(other)
    other.set_input_files("#photo input[type=file]", photos["turned"])
    other.wait_for_function(
        "was => document.querySelector('#facts').innerText !== was", arg=was["facts"]
    )
    decoded(other)
    theirs = shown(other)
    assert theirs != was
    page.reload()
    assert come_back_to(page) == was
    other.reload()
    assert come_back_to(other) == theirs


def test_a_comparison_and_a_decoded_file_come_back(page, tmp_path):
    open_tab(page, "Compare")
    for name in ("VVC", "ELIC", "AVIF", "JPEG XL"):
        page.uncheck(f"#compare-codecs label:has(span:text-is('{name}')) input")
    page.click("#compare-start")
    page.wait_for_selector("#compare-progress .message")
    table = page.inner_text("#compare-table")
    open_tab(page, "Compress")
    file = tmp_path / "a.dicmh"
    file.write_bytes(download(page, "#dicmh-file").read_bytes())
    open_tab(page, "Decode a file")
    page.set_input_files("#file input[type=file]", file)
    decoded(page, "decode-file", "#file-status")
    facts = page.inner_text("#file-facts")

    page.reload()
    come_back_to(page)
    open_tab(page, "Compare")
    assert page.inner_text("#compare-table") == table
    assert page.locator("#compare-pictures figure").count() > 1
    open_tab(page, "Decode a file")
    assert page.inner_text("#file-facts") == facts
    assert page.is_visible("#file-picture img")
    assert page.is_enabled("#decode-file-decode")


def test_work_that_a_reload_ended_goes_on(page, gate):
    gate.close_after(2)
    choose_preset(page, "compress", "Paper")
    page.wait_for_selector("#compress-progress:has-text('Step 2')")
    page.reload()
    gate.open()
    page.wait_for_selector("#status:has-text('50 steps')", timeout=60_000)


def test_a_photograph_that_was_taken_away_does_not_come_back(page):
    page.click("#photo button[aria-label*='lear'], #photo button[aria-label*='emove']")
    page.wait_for_selector("#dicmh-file", state="hidden")
    page.reload()
    page.wait_for_selector("#photo input[type=file]", state="attached")
    page.wait_for_timeout(1500)
    assert not page.is_visible("#photo img")
    assert not page.is_visible("#dicmh-file")


def test_another_browser_sees_nothing_of_it_and_no_address_holds_the_key(page, browser, page_url):
    key = page.evaluate(STORED)
    assert key
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    come_back_to(page)
    other = browser.new_context().new_page()
    other.goto(page_url)
    other.wait_for_selector("#photo input[type=file]", state="attached")
    other.wait_for_timeout(1500)
    assert not other.is_visible("#photo img")
    assert other.evaluate(STORED) != key
    other.context.close()
    for url in asked:
        assert key not in url
        assert "difficmh-visit" not in url


def test_a_guess_at_a_key_gets_nothing(page, page_url):
    """All that a program can send to the event by which a page begins."""
    with httpx.Client(base_url=page_url, timeout=20) as client:
        config = client.get("config").json()
        (arrive,) = (each for each in config["dependencies"] if each["api_name"] == "arrive")
        for guess in (None, "", "0", "A" * 43, "../", {"path": "/etc/passwd"}, ["a"]):
            body = {
                "data": [guess, "reload", "tab"],
                "fn_index": arrive["id"],
                "session_hash": f"guess{abs(hash(str(guess)))}",
            }
            answer = client.post("gradio_api/run/predict", json=body)
            assert not re.search(r"\.png|\.dicmh", answer.text)
            assert "wide" not in json.dumps(answer.text)


def test_a_link_restores_an_example_and_never_a_photo(visit, page):
    unfold(page, "#linking")
    page.click("#link-button")
    page.wait_for_selector("#link", state="visible")
    own = page.input_value("#link textarea, #link input")
    assert "example" not in own
    assert "wide" not in own
    page.click("#examples button.gallery-item >> nth=0")
    page.wait_for_function(
        "was => !document.querySelector('#facts').innerText.includes(was)",
        arg="smaller than your JPEG 9",
    )
    decoded(page)
    page.wait_for_timeout(500)
    was = shown(page)
    page.click("#link-button")
    page.wait_for_function(
        "document.querySelector('#link textarea, #link input').value.includes('example=turned')"
    )
    link = page.input_value("#link textarea, #link input")

    other = visit(url=link)
    decoded(other)
    theirs = come_back_to(other)
    assert theirs["quality"] == was["quality"] == "31"
    assert theirs["facts"] == was["facts"]
    assert theirs["files"] == was["files"]


def test_a_link_to_an_example_that_is_gone_says_so(visit, page_url):
    page = visit(url=f"{page_url}?example=unicorn")
    assert "unicorn" in page.wait_for_selector(".toast-body").inner_text()


def test_a_page_that_nobody_used_asks_the_model_for_nothing(visit, caplog):
    caplog.set_level("INFO")
    page = visit()
    page.wait_for_timeout(1500)
    assert not [line for line in caplog.messages if re.match("Tag|Encod|Decod|Measur", line)]
    assert not page.is_visible("#compress-progress")
