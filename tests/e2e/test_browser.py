"""The page in a real browser: what a visitor sees and does."""

import re

import numpy as np
import pytest
from PIL import Image

from difficmh_core.config.profiles import preset_of
from tests.e2e.actions import (
    choose_preset,
    decoded,
    download,
    encode,
    file_size,
    set_auto,
    until_told,
)


@pytest.fixture
def long_decoding(visit, gate, photos):
    """A page on which the second of fifty steps has been made; the others wait."""
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    gate.close_after(2)
    choose_preset(page, "compress", "Paper")
    page.wait_for_selector("#compress-progress:has-text('Step 2')")
    return page


def test_from_upload_to_decoded_picture(visit, codec, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)

    assert "PSNR" in page.inner_text("#status")
    assert "smaller than your JPEG" in page.inner_text("#facts")
    assert page.is_visible("#comparison img")
    data = download(page, "#dicmh-file").read_bytes()
    picture = Image.open(download(page, "#picture-file"))
    assert file_size(page) == f"{len(data):,} bytes"
    assert picture.format == "PNG"
    # The seed field is empty, so anyone who decodes the file gets the same picture.
    assert np.array_equal(picture, codec.decode_image(data, preset_of("nano", "fast")))
    sources = page.eval_on_selector_all("#comparison img", "images => images.map(i => i.src)")
    assert all(".png" in source for source in sources)


def test_a_photograph_is_pasted(visit, window, page_url):
    window.grant_permissions(["clipboard-read", "clipboard-write"], origin=page_url.rstrip("/"))
    page = visit()
    page.evaluate(
        """async () => {
          const canvas = Object.assign(document.createElement("canvas"), {width: 90, height: 60});
          canvas.getContext("2d").fillRect(0, 0, 45, 60);
          const png = await new Promise(done => canvas.toBlob(done, "image/png"));
          await navigator.clipboard.write([new ClipboardItem({"image/png": png})]);
        }"""
    )
    page.click("#photo button[aria-label*='lipboard'], #photo button[aria-label*='aste']")
    page.wait_for_selector("#facts .file")
    decoded(page)
    assert Image.open(download(page, "#picture-file")).size == (90, 60)


def test_a_preset_fills_the_controls_and_a_change_makes_it_custom(visit, codec, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    page.click("#compress-advanced button")
    steps = page.get_by_label("number input for Steps").first
    set_auto(page, on=False)
    choose_preset(page, "compress", "Paper")
    page.wait_for_function("field => field.value === '50'", arg=steps.element_handle())
    steps.fill("7")
    steps.press("Enter")
    page.wait_for_selector("#compress-preset label.selected:has-text('Custom')")
    page.click("#compress-decode")
    page.wait_for_selector("#status:has-text('7 steps')")


def test_choosing_a_preset_decodes_again(visit, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    choose_preset(page, "compress", "Instant")
    page.wait_for_selector("#status:has-text('1 step')")


def test_removing_and_adding_a_tag_changes_file_and_picture(visit, codec, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    before = np.asarray(Image.open(download(page, "#picture-file")))
    data = download(page, "#dicmh-file").read_bytes()
    chip = page.inner_text("#tags label:has-text('dog')")
    assert re.search(r"dog · 90% · \d+ bits", chip)

    page.uncheck("#tags label:has-text('dog') input")
    page.wait_for_function("status => !document.querySelector('#status').innerText.match('PSNR')")
    decoded(page)
    without = download(page, "#dicmh-file").read_bytes()
    names = [codec.vocabulary.name_of(tag) for tag in codec.parse(without).tag_ids]
    assert "dog" in [codec.vocabulary.name_of(tag) for tag in codec.parse(data).tag_ids]
    assert "dog" not in names
    after = np.asarray(Image.open(download(page, "#picture-file")))
    assert not np.array_equal(before, after)

    page.fill("#add-tag input", "zebra")
    page.press("#add-tag input", "Enter")
    page.wait_for_selector("#tags label:has-text('zebra'):has-text('bits')")
    added = codec.parse(download(page, "#dicmh-file").read_bytes())
    assert codec.vocabulary.index_of("zebra") in added.tag_ids
    decoded(page)


def test_tags_can_be_turned_off_and_on(visit, codec, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    with_tags = download(page, "#dicmh-file").read_bytes()
    page.uncheck("#send-tags input")
    page.wait_for_selector("#tags label:has-text('dog'):not(:has-text('bits'))")
    assert codec.parse(download(page, "#dicmh-file").read_bytes()).tag_ids == ()
    page.check("#send-tags input")
    page.wait_for_selector("#tags label:has-text('dog'):has-text('bits')")
    assert download(page, "#dicmh-file").read_bytes() == with_tags


def test_quality_and_size_change_the_file(visit, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    data = download(page, "#dicmh-file").read_bytes()
    number = page.locator("#quality input[type=number]")
    before = file_size(page)
    number.fill("90")
    number.press("Enter")
    page.wait_for_function(
        "text => document.querySelector('#facts .size strong').innerText !== text", arg=before
    )
    better = download(page, "#dicmh-file").read_bytes()
    assert better != data
    decoded(page)
    page.click(
        "#mode label:has-text('File size')"
    )  # makes a file at once, of the size in the field
    page.fill("#target input", str(len(better) - 10))
    page.press("#target input", "Enter")
    page.wait_for_function(
        "most => most >= document.querySelector('#facts .size strong')"
        ".innerText.replace(/\\D/g, '')",
        arg=len(better) - 10,
    )
    assert len(download(page, "#dicmh-file").read_bytes()) <= len(better) - 10


def test_stop_ends_decoding_within_a_step_and_frees_the_model(long_decoding, gate, until_idle):
    page = long_decoding
    assert page.is_visible("#preview img")
    assert "s left" in page.inner_text("#compress-progress")
    assert "steps per second" in page.inner_text("#compress-progress")
    page.click("#compress-stop")
    page.wait_for_selector("#status:has-text('Stopped')")
    gate.open()
    until_idle()
    assert gate.n_steps <= 3
    assert "Stopped" in page.inner_text("#status")

    choose_preset(page, "compress", "Instant")
    page.wait_for_selector("#status:has-text('1 step')")


def test_another_choice_ends_the_running_decoding(long_decoding, gate, until_idle):
    page = long_decoding
    choose_preset(page, "compress", "Instant")
    page.wait_for_selector("#compress-progress:has-text('Step 2')", state="hidden")
    gate.open()
    page.wait_for_selector("#status:has-text('1 step')")
    until_idle()
    assert gate.n_steps <= 4  # one that was under way, and the new one


def test_clearing_the_photograph_ends_its_decoding(long_decoding, gate, until_idle):
    page = long_decoding
    page.click("#photo button[aria-label*='lear'], #photo button[aria-label*='emove']")
    page.wait_for_selector("#facts .how")
    gate.open()
    until_idle()
    assert gate.n_steps <= 3
    until_told(page)
    assert page.is_visible("#facts .how")
    assert not page.is_visible("#compress-progress")
    assert not page.is_visible("#preview")


def test_a_waiting_visitor_sees_the_place_in_the_queue(visit, gate, photos):
    first, second = visit(), visit()
    for page, photo in ((first, "wide"), (second, "turned")):
        encode(page, photos[photo])
        decoded(page)
    gate.close_after(2)
    choose_preset(first, "compress", "Paper")
    first.wait_for_selector("#compress-progress:has-text('Step 2')")
    choose_preset(second, "compress", "Paper")
    second.wait_for_selector("#compress-progress:has-text('queue: 1/1')")
    first.click("#compress-stop")
    first.wait_for_selector("#status:has-text('Stopped')")
    gate.let_one_go()
    second.wait_for_selector("#compress-progress:has-text('Step 2')")
    second.click("#compress-stop")
    second.wait_for_selector("#status:has-text('Stopped')")


def test_two_visitors_do_not_see_each_others(visit, photos):
    first, second = visit(), visit()
    encode(first, photos["wide"])
    decoded(first)
    assert second.is_visible("#facts .how")
    assert not second.is_visible("#comparison")

    encode(second, photos["turned"])
    decoded(second)
    sizes = [Image.open(download(page, "#picture-file")).size for page in (first, second)]
    assert sizes == [(150, 100), (120, 90)]


def test_a_link_restores_settings_and_never_the_picture(visit, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    number = page.locator("#quality input[type=number]")
    number.fill("31")
    number.press("Enter")
    choose_preset(page, "compress", "Instant")
    page.uncheck("#send-tags input")
    page.click("#link-button")
    page.wait_for_selector("#link", state="visible")
    link = page.input_value("#link textarea, #link input")
    assert "quality=31" in link
    assert "wide" not in link
    assert "dog" not in link

    other = visit(url=link)
    other.wait_for_selector("#send-tags input:not(:checked)")
    assert other.input_value("#quality input[type=number]") == "31"
    assert other.is_visible("#facts .how")
    encode(other, photos["wide"])  # there are no presets before there is a file
    assert other.is_visible("#compress-preset label.selected:has-text('Instant')")
    other.wait_for_selector("#status:has-text('1 step')")


def test_a_link_with_a_wrong_setting_is_an_error(visit, page_url):
    page = visit(url=f"{page_url}?steps=5000")
    assert "steps must lie in 1 to 1000" in page.wait_for_selector(".toast-body").inner_text()


def test_a_file_that_is_no_picture_is_an_error(visit, photos, tmp_path):
    page = visit()
    text = tmp_path / "words.jpg"
    text.write_text("not a picture")
    page.set_input_files("#photo input[type=file]", text)
    toast = page.wait_for_selector(".toast-body")
    assert "words.jpg" in toast.inner_text()
    page.wait_for_selector("#facts .how")

    encode(page, photos["wide"])
    decoded(page)


def test_the_decode_tab_decodes_good_files_and_refuses_damaged_ones(
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
    decoded(page, "decode-file", "#file-status")
    assert page.is_visible("#file-picture img")
    picture = Image.open(download(page, "#file-picture-file"))
    assert np.array_equal(picture, codec.decode_image(data, preset_of("nano", "fast")))


def test_a_phone_needs_no_horizontal_scrolling(visit, photos):
    page = visit(width=360, height=740)
    encode(page, photos["wide"])
    decoded(page)
    page.click("#compress-advanced button")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
