"""A server that is gone: the page says so, and shows no work as if it went on."""

import signal

import pytest
from PIL import Image

from tests.e2e.actions import choose_preset, decoded, encode, unfold
from tests.e2e.program import running_program

PACE_S = 1.0


@pytest.fixture
def program(tmp_path):
    words = ("-m", "tests.e2e.service.tiny_program", str(PACE_S), "540")
    with running_program(tmp_path, words) as program:
        yield program


def test_a_lost_server_is_told_in_words_and_nothing_looks_alive(browser, program, tmp_path):
    photo = tmp_path / "noise.png"
    Image.effect_noise((150, 100), 50).convert("RGB").save(photo)
    context = browser.new_context()
    page = context.new_page()
    page.goto(program.url)
    page.wait_for_selector("#photo input[type=file]", state="attached")
    encode(page, photo)
    page.wait_for_selector("#status .result")
    decoded(page)
    unfold(page, "#decoding")
    choose_preset(page, "compress", "Paper")
    page.wait_for_selector("#compress-progress:has-text('of 50')")
    assert not page.is_visible("#connection-lost")

    program.process.send_signal(signal.SIGKILL)
    page.wait_for_selector("#connection-lost:has-text('lost')")
    assert page.get_attribute("#connection-lost", "role") == "alert"
    assert not page.is_visible("#compress-progress")
    assert page.evaluate("document.querySelector('#compress-stop').closest('[inert]') !== null")
    with page.expect_event("framenavigated"):
        page.click("#connection-lost button")
    context.close()
