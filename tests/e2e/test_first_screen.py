"""The compress tab shows its result first: what a visitor sees and compares without scrolling."""

import re

import pytest
from PIL import Image

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.ui.page import build_page
from tests.e2e.actions import (
    choose_preset,
    decoded,
    encode,
    figures,
    set_auto,
    sources,
    until_measured,
    until_told,
)
from tests.first_example import write
from tests.page_fixtures import MAX_PIXELS

SCREENS = {"desk": (1440, 900), "tablet": (768, 1024), "phone": (360, 740)}
HIDDEN = "#more #mode, #decoding #compress-preset, #linking #link-button"


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A photo of the usual size of an example."""
    path = tmp_path_factory.mktemp("example") / "hills.png"
    ramp = Image.linear_gradient("L").resize((512, 512))
    Image.merge("RGB", (ramp, ramp.rotate(90), ramp.rotate(180))).save(path)
    return path


@pytest.fixture(scope="module")
def shown_url(codec, cache_dir, pictures, example, tmp_path_factory):
    """The address of a page that begins with an example."""
    folder = tmp_path_factory.mktemp("first")
    write(codec, example, folder, cache_folder())
    page = build_page(
        codec,
        read=pictures.read,
        max_pixels=MAX_PIXELS,
        examples=[example],
        first_example=folder,
    )
    page.launch(prevent_thread_lock=True, quiet=True)
    yield page.demo.local_url
    page.demo.close()


def is_in_sight(page, selector) -> bool:
    """Tell whether all of an element is on the screen without scrolling."""
    box = page.locator(selector).first.bounding_box()
    size = page.viewport_size
    return (
        box is not None
        and min(box["x"], box["y"]) >= 0
        and box["x"] + box["width"] <= size["width"]
        and box["y"] + box["height"] <= size["height"]
    )


@pytest.mark.parametrize("screen", SCREENS)
def test_the_first_screen_has_a_decoded_picture_beside_its_original(
    visit, shown_url, codec, screen
):
    n_steps = codec.gate.n_steps
    width, height = SCREENS[screen]
    page = visit(width, height, shown_url, is_folded=True)
    page.wait_for_selector("#compress-viewer .divider")
    names = figures(page)
    assert names[0] == "Original"
    assert re.fullmatch(r"Decoded from [\d,]+ bytes", names[1])
    for selector in ("#compress-viewer .frame", "#compress-viewer .divider", "#facts .sample"):
        assert is_in_sight(page, selector), selector
    assert is_in_sight(page, "#status .measures")
    words = page.inner_text("#facts") + page.inner_text("#status")
    for word in ("bytes", "bpp", "smaller than the raw pixels", "PSNR", "LPIPS", "DISTS", "dB"):
        assert word in words, word
    assert not page.locator(HIDDEN).evaluate_all("all => all.some(e => e.checkVisibility())")
    assert codec.gate.n_steps == n_steps, "the model was asked"

    viewer, photo = (page.locator(each).bounding_box() for each in ("#pictures", "#photo"))
    if screen == "desk":
        assert photo["x"] >= viewer["x"] + viewer["width"]
        assert abs(photo["y"] - viewer["y"]) < 10
    else:
        assert photo["y"] >= viewer["y"] + viewer["height"]
        assert photo["y"] + 40 < height
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_example_is_dragged_zoomed_and_blinked(visit, shown_url):
    page = visit(*SCREENS["desk"], shown_url, is_folded=True)
    divider = page.locator("#compress-viewer #divider")
    divider.focus()
    page.keyboard.press("ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "49"
    box = page.locator("#compress-viewer .frame").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.49, box["y"] + box["height"] / 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 3, steps=4)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "80"
    page.keyboard.press("+")
    assert page.locator("#compress-viewer").evaluate("viewer => viewer.view.scale") > 1
    page.locator("#compress-viewer #mode-blink").check(force=True)
    page.locator("#compress-viewer .stage").focus()
    page.keyboard.press("2")
    top = page.locator("#compress-viewer .layer.top .picture")
    assert top.get_attribute("alt").startswith("Decoded")
    page.keyboard.press("Space")
    assert top.get_attribute("alt") == "Original"


def test_on_a_phone_nobody_scrolls_from_upload_to_decoded_picture(visit, shown_url, photos):
    page = visit(*SCREENS["phone"], shown_url, is_folded=True)
    assert page.locator("#photo").bounding_box()["y"] < SCREENS["phone"][1] - 40
    encode(page, photos["wide"])
    decoded(page)
    assert page.evaluate("window.scrollY") == 0
    for selector in ("#compress-viewer .frame", "#facts .file", "#status .measures"):
        assert is_in_sight(page, selector), selector
    assert figures(page)[1].startswith("Decoded from")


def test_every_result_is_measured_once_its_picture_is_shown(visit, page_url, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    assert "PSNR" in page.inner_text("#status")
    until_measured(page)
    words = page.inner_text("#status")
    assert re.search(r"PSNR ↑\s+[\d.]+ dB", words)
    assert re.search(r"LPIPS ↓\s+(0\.\d{3}|\N{EN DASH})", words)
    assert re.search(r"DISTS ↓\s+(0\.\d{3}|\N{EN DASH})", words)
    for direction in ("higher", "lower"):
        assert page.locator(f"#status [aria-label='({direction} is better)']").count()


@pytest.fixture
def two_results(visit, photos):
    """A page on which a picture was decoded, and another after a setting was changed."""
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    until_measured(page)
    choose_preset(page, "compress", "Instant")
    page.wait_for_selector("#history button")
    until_measured(page)
    until_told(page)
    return page


def tags(page) -> list[str]:
    return page.locator("#compress-viewer .stage .tag").all_inner_texts()


def until_drawn(page, expected):
    """Wait for the tags: the viewer draws a frame later than the page is told."""
    for _ in range(100):
        if tags(page) == expected:
            return
        page.wait_for_timeout(50)
    assert tags(page) == expected


def test_after_a_change_the_picture_before_and_the_numbers_are_compared(two_results):
    page = two_results
    names = figures(page)
    assert [name.split()[0] for name in names] == ["Original", "Decoded", "Earlier:"]
    assert len(set(sources(page))) == 3
    changes = page.locator("#status .change").all_inner_texts()
    assert len(changes) >= 1
    assert all(re.search("better|worse|unchanged", change) for change in changes)
    assert "the earlier result" in page.inner_text("#status")
    until_drawn(page, ["Original", names[1]])
    page.locator("#history button").nth(1).click()
    page.wait_for_selector("#history button[aria-pressed=true] >> text=Fast")
    until_drawn(page, [names[2], names[1]])
    page.locator("#history button").nth(0).click()
    page.wait_for_selector("#history button[aria-pressed=true] >> text=Newest")
    until_drawn(page, ["Original", names[1]])


def test_earlier_results_are_chosen_by_keyboard(two_results):
    page = two_results
    button = page.locator("#history button").nth(1)
    page.locator("#history button").nth(0).focus()
    page.keyboard.press("Tab")
    assert button.evaluate("button => button === document.activeElement")
    assert button.evaluate("button => getComputedStyle(button).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("#history button[aria-pressed=true] >> text=Fast")
    until_drawn(page, [figures(page)[2], figures(page)[1]])


def test_earlier_results_come_back_with_their_photo(two_results, photos):
    page = two_results
    page.set_input_files("#photo input[type=file]", photos["turned"])
    page.wait_for_selector("#history button", state="detached")
    decoded(page)
    page.wait_for_selector("#compress-viewer > figure >> nth=1", state="attached")
    assert len(figures(page)) == 2
    assert page.locator("#history button").count() == 0
    until_told(page)
    page.set_input_files("#photo input[type=file]", photos["wide"])
    page.wait_for_selector("#history button >> nth=1")
    assert len(figures(page)) == 3


def test_the_picture_before_stays_while_another_is_decoded(visit, photos, gate):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    before = sources(page)
    set_auto(page, on=False)
    page.locator("#quality input[type=number]").fill("90")
    page.locator("#quality input[type=number]").press("Enter")
    page.wait_for_selector("#status:has-text('The file has changed')")
    assert sources(page) == before
    gate.open()
