"""Side by side, slider, blink, difference; boxes and loupe."""

from dataclasses import replace

from difficmh_core.ui.viewer.markup import Figure
from tests.e2e.viewer.drawn import (
    HEIGHT,
    SVG,
    WIDTH,
    choose_mode,
    markup,
    middle,
    on_top,
    png,
    press,
    ramp,
    some_figures,
    transforms,
)


def test_figures_are_chosen_and_the_last_one_stays(visit):
    page = visit(markup())
    for key in ("original", "ours"):
        page.locator(f"#a #shown-{key}").uncheck(force=True)
    assert page.locator("#a .frame").count() == 1
    page.locator("#a #shown-copy").click(force=True)
    assert page.locator("#a .frame").count() == 1
    assert page.locator("#a #shown-copy").is_checked()
    assert (
        page.evaluate("document.querySelector('#a').shadowRoot.activeElement.id") == "shown-copy"
    )


def test_the_divider_follows_keys_and_pointer(visit):
    page = visit(markup())
    choose_mode(page, "slider")
    divider = page.locator("#a #divider")
    divider.focus()
    assert divider.get_attribute("aria-valuenow") == "50"
    for key in ("ArrowLeft", "PageDown"):
        page.keyboard.press(key)
    assert divider.get_attribute("aria-valuenow") == "39"
    assert "39" in divider.get_attribute("aria-valuetext")
    page.keyboard.press("Home")
    assert "inset(0px 100% 0px 0px)" in page.locator("#a .clip").evaluate("e => e.style.clipPath")

    box = page.locator("#a .frame").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 20, steps=3)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "75"
    assert len(set(transforms(page))) == 1


def test_choosing_the_same_picture_on_both_sides_swaps_them(visit):
    page = visit(markup())
    choose_mode(page, "slider")
    page.locator("#a #left").select_option("ours")
    assert page.locator("#a #right").input_value() == "original"


def test_blink_shows_one_picture_and_space_goes_back(visit):
    page = visit(markup())
    choose_mode(page, "blink")
    assert on_top(page) == ["Original"]
    press(page, "3")
    assert on_top(page) == ["Copy"]
    press(page, " ")
    assert on_top(page) == ["Original"]
    press(page, " ")
    assert on_top(page) == ["Copy"]
    assert page.locator("#a #current-copy").is_checked()
    press(page, "2", " ", "9")
    assert on_top(page) == ["Copy"]
    page.locator("#a .frame").click()
    assert on_top(page) == ["Diff-ICMH"]
    assert "Diff-ICMH" in page.locator("#a .stage figcaption").inner_text()


def levels(page, gain):
    """Show a difference; return the colors of two pixels, one in each half, and the words."""
    page.locator("#a #gain").select_option(str(gain))
    page.wait_for_selector("#a .scale [role=status]")
    pick = "(c, x) => [...c.getContext('2d').getImageData(x, 30, 1, 1).data].slice(0, 3)"
    canvas = page.locator("#a .stage canvas.picture")
    return canvas.evaluate(pick, 5), canvas.evaluate(pick, 80), page.inner_text("#a .scale p")


def test_the_difference_map_shows_the_levels_times_the_gain(visit):
    page = visit(markup())
    choose_mode(page, "difference")

    left, right, words = levels(page, 8)
    assert left == [255, 252, 210], "40 times 8 is beyond the scale's end"
    assert right == [0, 0, 0]
    assert words == "largest 40, mean 20.00, 50% of the pixels equal"
    ticks = page.locator("#a .ticks span").all_inner_texts()
    assert (ticks[0], ticks[-1]) == ("0", "\u2265\u200932")

    left, _, _ = levels(page, 1)
    share = 40 / 51  # the scale's first color is reached at 255 / 5 levels
    assert left == [round(share * channel) for channel in (66, 20, 110)]


def test_equal_pictures_have_no_difference(visit):
    page = visit(markup())
    choose_mode(page, "difference")
    page.locator("#a #right").select_option("copy")
    left, right, words = levels(page, 32)
    assert left == right == [0, 0, 0]
    assert words == "largest 0, mean 0.00, 100% of the pixels equal"


def test_pictures_of_unequal_size_are_not_subtracted(visit):
    figures = [*some_figures()[:1], Figure(key="small", label="Small", source=png(ramp(30, 45)))]
    page = visit(markup(figures))
    choose_mode(page, "difference")
    page.wait_for_selector("#a .scale [role=alert]:has-text('same size')")


def test_one_kind_of_boxes_is_shown_at_a_time(visit):
    first, *others = some_figures()
    page = visit(markup([replace(first, text_overlay=SVG), *others]))
    boxes, text = (page.locator(f"#a .stage .overlay.{kind}") for kind in ("objects", "text"))

    def shown():
        return boxes.first.is_visible(), text.first.is_visible()

    assert text.count() == 1
    assert shown() == (False, False)
    page.locator("#a #text").click()
    assert shown() == (False, True)
    assert page.locator("#a #text").get_attribute("aria-pressed") == "true"
    assert page.inner_text("#a .notes .boxes.text").startswith("kept")
    assert not page.locator("#a .notes .boxes.objects").is_visible()
    press(page, "b")
    assert shown() == (True, False)
    assert page.locator("#a #text").get_attribute("aria-pressed") == "false"
    press(page, "t", "t")
    assert shown() == (False, False)


def test_boxes_and_loupe_can_be_shown(visit):
    page = visit(markup())
    overlays = page.locator("#a .stage .overlay")
    assert overlays.count() == 2
    assert not overlays.first.is_visible()
    assert page.locator("#a #text").count() == 0
    press(page, "t")
    assert not overlays.first.is_visible()
    page.locator("#a #boxes").click()
    assert overlays.first.is_visible()
    assert page.locator("#a .notes .boxes").is_visible()
    press(page, "b")
    assert not overlays.first.is_visible()

    press(page, "l")
    x, y = middle(page)
    page.mouse.move(x, y)
    readout = page.locator("#a .loupe span").all_inner_texts()
    assert len(readout) == 3
    assert readout[0] == readout[2]
    row, column = HEIGHT // 2, WIDTH // 2
    assert readout[0] == f"{column}, {row}: " + " ".join(f"{v:.0f}" for v in ramp()[row, column])
