"""The page for everyone: axe finds no fault, nothing is cut, the keyboard is enough and seen."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.e2e.actions import decoded, encode, open_tab

TABS = ("Compress", "Compare", "Study", "Decode a file", "About")
FOCUS_PX = 6
"""So far beyond a control its focus may be drawn."""
FOCUSED = """() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  if (!focused || focused === document.body || window.reached.has(focused)) return null;
  window.reached.add(focused);
  const seen = focused.closest("label") ?? focused;
  focused.scrollIntoView({ block: "center", behavior: "instant" });
  const box = seen.getBoundingClientRect();
  const name = focused.id || focused.getAttribute("aria-label") || focused.textContent.trim();
  return { box: [box.x, box.y, box.width, box.height], name: `${focused.localName} ${name}` };
}"""
BLUR = """() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  window.left = focused;
  focused.blur();
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_axe_finds_no_fault_and_nothing_is_cut(visit, page_url, photos, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(width=width, url=page_url + ("?__theme=dark" if scheme == "dark" else ""))
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no color in transition
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    encode(page, photos["wide"])
    decoded(page)
    faults = {}
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_function("document.getAnimations().every(a => a.playState !== 'running')")
        for fault in Axe().run(page).response["violations"]:
            faults[tab, fault["id"]] = [node["html"][:160] for node in fault["nodes"]]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults == {}


def test_the_keyboard_is_enough(visit, photos):
    page = visit()
    _tab_to(page, "#photo button")
    _choose_with_enter(page, photos["wide"])
    page.wait_for_selector("#status .result")
    _tab_to(page, "#tags label:has-text('person') input")
    page.keyboard.press("Space")
    page.wait_for_selector("#tags label:has-text('person'):not(:has-text('bits'))")
    page.wait_for_selector("#status .result")
    _tab_to(page, "#compress-preset label:has-text('Instant') input")
    page.keyboard.press("Space")
    page.wait_for_selector("#status:has-text('1 step')")
    _tab_to(page, "#picture-file, #picture-file button, #picture-file a")
    with page.expect_download():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_is_seen_on_every_control(visit, page_url, photos, scheme):
    page = visit(url=page_url + ("?__theme=dark" if scheme == "dark" else ""))
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    encode(page, photos["wide"])
    decoded(page)
    unseen, n_controls = [], 0
    for tab in TABS:
        open_tab(page, tab)
        _unfold_all(page)
        page.evaluate("() => { document.activeElement.blur(); window.reached = new WeakSet(); }")
        for _ in range(120):
            page.keyboard.press("Tab")
            control = page.evaluate(FOCUSED)
            if control is None:
                break
            n_controls += 1
            x, y, width, height = control["box"]
            if min(width, height) < 1:
                unseen.append((tab, control["name"], "has no size"))
                continue
            clip = {
                "x": max(0, x - FOCUS_PX),
                "y": max(0, y - FOCUS_PX),
                "width": width + 2 * FOCUS_PX,
                "height": height + 2 * FOCUS_PX,
            }
            focused = _pixels(page, clip)
            page.evaluate(BLUR)
            left = _pixels(page, clip)
            page.evaluate("window.left.focus({ preventScroll: true, focusVisible: true })")
            if (np.abs(focused - left).max(axis=-1) > 60).sum() < 40:
                unseen.append((tab, control["name"], "looks the same"))
    assert unseen == []
    assert n_controls > 60


def test_no_list_stays_open_over_the_page(visit, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    _unfold_all(page)
    field = page.locator("#add-tag input")
    options = page.locator("ul[role=listbox]")
    for leave in (
        lambda: page.keyboard.press("Tab"),
        lambda: page.keyboard.press("Shift+Tab"),
        lambda: page.keyboard.press("Escape"),
        lambda: page.locator("#header h1").click(),
    ):
        field.click()
        page.keyboard.type("do")
        options.wait_for(state="visible")
        leave()
        page.wait_for_timeout(300)
        options.wait_for(state="detached")
        page.evaluate("document.activeElement.blur()")


def _unfold_all(page):
    """Open everything that is folded, from the outside in."""
    folded = page.locator("button.label-wrap:not(.open):visible")
    while folded.count():
        folded.first.click()


def _pixels(page, clip):
    page.wait_for_timeout(60)
    image = Image.open(io.BytesIO(page.screenshot(clip=clip, animations="disabled")))
    return np.asarray(image.convert("RGB"), dtype=int)


def _choose_with_enter(page, path, most=20):
    """Press Enter until the field answers: Gradio draws it before it answers to keys."""
    late = pytest.importorskip("playwright.sync_api").TimeoutError
    for _ in range(most):
        try:
            with page.expect_file_chooser(timeout=5_000) as chooser:
                page.keyboard.press("Enter")
        except late:
            continue
        chooser.value.set_files(path)
        return
    pytest.fail("The field does not answer to the Enter key.")


def _tab_to(page, selector, most=120):
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.locator(selector).evaluate_all("all => all.includes(document.activeElement)"):
            return
    pytest.fail(f"The Tab key does not reach {selector}.")
