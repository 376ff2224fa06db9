"""The page for everyone: axe finds no serious fault, nothing is cut, the keyboard is enough."""

import pytest

from tests.e2e.actions import decoded, encode, open_tab

AXE_RULES = "wcag2a", "wcag2aa", "wcag21a", "wcag21aa"
SERIOUS = {"serious", "critical"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_axe_finds_no_serious_fault_and_nothing_is_cut(visit, page_url, photos, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(width=width, url=page_url + ("?__theme=dark" if scheme == "dark" else ""))
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no color in transition
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    encode(page, photos["wide"])
    decoded(page)
    faults = {}
    for tab in ("Compress", "Compare", "Study", "Decode a file", "About"):
        open_tab(page, tab)
        page.wait_for_function("document.getAnimations().every(a => a.playState !== 'running')")
        found = Axe().run(page, options={"runOnly": AXE_RULES})
        for fault in found.response["violations"]:
            if fault["impact"] in SERIOUS:
                nodes = [node["html"][:160] for node in fault["nodes"]]
                faults[tab, fault["id"]] = nodes
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
