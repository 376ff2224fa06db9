"""Settings and what is shown: the page decodes what is chosen, or says that it has not."""

import pytest

from tests.e2e.actions import choose_preset, decoded, encode, set_auto, unfold

OUTDATED = "#compress-outdated:has-text('other settings')"


@pytest.fixture
def page(visit, photos):
    """A page with a decoded photograph, and all settings in sight."""
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    unfold(page, "#decoding", "#more", "#compress-advanced")
    page.wait_for_selector("#compress-advanced [data-testid='range-input']")
    return page


def number(page, label):
    return page.get_by_label(f"number input for {label}", exact=True).first


def handle(page, label):
    return page.get_by_label(f"range slider for {label}", exact=True).first


def test_a_number_that_is_confirmed_by_enter_decodes(page):
    number(page, "Steps").fill("4")
    number(page, "Steps").press("Enter")
    page.wait_for_selector("#status:has-text('4 steps')")
    assert number(page, "Steps").evaluate("field => field === document.activeElement")
    assert not page.is_visible(OUTDATED)


@pytest.mark.parametrize(("key", "steps"), [("ArrowRight", 3), ("ArrowLeft", 1), ("Home", 1)])
def test_a_slider_that_is_moved_by_a_key_decodes(page, key, steps):
    handle(page, "Steps").press(key)
    page.wait_for_selector(f"#status:has-text('{steps} step')")
    assert not page.is_visible(OUTDATED)


@pytest.mark.parametrize("label", ["Guidance", "Starting noise", "Realism", "Control"])
def test_every_slider_decodes_or_says_that_the_image_is_of_other_settings(page, label):
    set_auto(page, on=False)
    number(page, label).fill("0.5" if label != "Guidance" else "3")
    page.wait_for_selector(OUTDATED)


def test_an_image_of_other_settings_says_so_until_it_is_decoded_again(page):
    set_auto(page, on=False)
    choose_preset(page, "compress", "Instant")
    page.wait_for_selector(OUTDATED)
    page.fill("#compress-advanced input[type=text], #compress-advanced textarea", "7")
    choose_preset(page, "compress", "Fast")
    page.wait_for_selector(OUTDATED)  # of another seed
    page.click("#compress-decode")
    page.wait_for_selector(OUTDATED, state="hidden")


def test_settings_that_change_while_an_image_is_decoded_are_not_those_of_the_image(page, gate):
    set_auto(page, on=False)
    gate.close_after(1)
    choose_preset(page, "compress", "Paper")
    page.click("#compress-decode")
    page.wait_for_selector("#compress-progress:has-text('Step 1')")
    choose_preset(page, "compress", "Instant")
    gate.open()
    page.wait_for_selector("#status:has-text('50 steps')")
    page.wait_for_selector(OUTDATED)


def test_a_file_that_could_not_be_made_leaves_the_one_of_other_settings_and_says_so(page):
    before = page.inner_text("#facts .size strong")
    page.click("#mode label:has-text('File size')")
    page.wait_for_selector("#facts .size:not(:has-text('BEFORE'))".replace("BEFORE", before))
    decoded(page)
    was = page.inner_text("#facts .size")
    page.fill("#target input", "1")
    page.press("#target input", "Enter")
    assert "No quality fits" in page.wait_for_selector(".toast-body").inner_text()
    page.wait_for_selector(OUTDATED)
    assert page.inner_text("#facts .size") == was
    page.click("#mode label:has-text('Quality')")
    page.wait_for_selector(OUTDATED, state="hidden")


def test_the_preset_shown_is_the_preset_used_whatever_a_reset_arrow_does(page):
    set_auto(page, on=False)
    fast = settings_of(page)
    arrows = page.locator("#compress-advanced .reset-button")
    for chosen, reset in (("Instant", "Fast"), ("Paper", "Custom")):  # paper has another sampler
        choose_preset(page, "compress", chosen)
        for index in range(arrows.count()):
            arrows.nth(index).click()
        page.wait_for_selector(f"#compress-preset label.selected:has-text('{reset}')")
        assert settings_of(page) == fast
    choose_preset(page, "compress", "Paper")
    arrows.first.click()
    page.wait_for_selector("#compress-preset label.selected:has-text('Custom')")
    number(page, "Steps").fill("50")
    page.wait_for_selector("#compress-preset label.selected:has-text('Paper')")


def settings_of(page):
    fields = page.locator("#compress-advanced [data-testid='number-input']")
    return [fields.nth(index).input_value() for index in range(fields.count())]


def test_a_reset_arrow_decodes_again(page):
    choose_preset(page, "compress", "Instant")
    page.wait_for_selector("#status:has-text('1 step')")
    page.locator("#compress-advanced .reset-button").first.click()
    page.wait_for_selector("#status:has-text('2 steps')")


def test_the_decode_tab_says_so_too(visit, codec, picture, tmp_path):
    path = tmp_path / "a.dicmh"
    path.write_bytes(codec.encode(picture, tags=["dog"]).data)
    page = visit()
    page.get_by_role("tab", name="Decode a file").click()
    page.set_input_files("#file input[type=file]", path)
    decoded(page, "decode-file", "#file-status")
    set_auto(page, on=False, prefix="decode-file")
    choose_preset(page, "decode-file", "Instant")
    page.wait_for_selector("#decode-file-outdated:has-text('other settings')")
    page.click("#decode-file-decode")
    page.wait_for_selector("#file-status:has-text('1 step')")
    page.wait_for_selector("#decode-file-outdated", state="hidden")
