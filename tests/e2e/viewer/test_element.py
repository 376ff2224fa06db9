"""The viewer as a part of a page: text, neighbors, updates, and use without a mouse."""

import gradio as gr
import pytest

from difficmh_core.ui.viewer.markup import Figure, viewer_head
from tests.e2e.viewer.drawn import (
    FACTS,
    MODES,
    choose_mode,
    markup,
    on_top,
    png,
    press,
    ramp,
    scale,
    some_figures,
)


def test_labels_are_text_whatever_they_hold(visit):
    evil = "<img src=x onerror=\"document.title='broken'\"> & ${1 + 1} {{value}}"
    figures = [
        Figure(key="a'b", label=evil, source=png(ramp()), note=evil, facts=FACTS),
        Figure(key="c", label=f"{evil}2", source=png(ramp())),
    ]
    page = visit(markup(figures))
    for mode in MODES:
        choose_mode(page, mode)
        assert evil in page.locator("#a .stage .label").first.inner_text()
    assert page.title() == "Viewer"


def test_two_viewers_do_not_know_each_other(visit):
    page = visit(markup(), markup(viewer_id="b"))
    choose_mode(page, "slider")
    press(page, "0")
    assert scale(page) == 1
    assert scale(page, "b") == 3
    assert page.locator("#b .frame").count() == 3
    assert page.locator("#b #mode-side").is_checked()


def test_a_viewer_that_comes_back_shows_what_was_chosen(visit):
    page = visit(markup())
    choose_mode(page, "blink")
    press(page, "2", "+")
    zoomed = scale(page)
    replace = "markup => { document.querySelector('main').innerHTML = markup }"
    page.evaluate(replace, markup())
    page.wait_for_selector("#a .layer.top")
    assert on_top(page) == ["Diff-ICMH"]
    assert scale(page) == zoomed

    other = [Figure(key="original", label="Original", source=png(ramp() + 9)), *some_figures()[1:]]
    page.evaluate(replace, markup(other))
    page.wait_for_selector("#a .layer.top")
    assert on_top(page) == ["Diff-ICMH"]
    assert scale(page) != zoomed, "another picture begins as a whole"

    page.evaluate(replace, markup(some_figures()[:1]))
    page.wait_for_selector("#a .frame")
    assert page.locator("#a .stage.side").count() == 1
    page.evaluate(replace, markup([]))
    page.wait_for_selector("#a:has-text('no images yet')")


@pytest.mark.slow
def test_gradio_updates_it_in_place(browser):
    figures = some_figures()
    with gr.Blocks() as demo:
        shown = gr.HTML(markup(figures[:2]), elem_id="shown")
        gr.Button("More", elem_id="more").click(lambda: markup(figures), outputs=shown)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, head=viewer_head())
    page = browser.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        page.goto(url, wait_until="networkidle")
        choose_mode(page, "blink")
        page.locator("#a #current-ours").check(force=True)
        page.click("#more")
        page.wait_for_selector("#a #current-copy", state="attached")
        assert on_top(page) == ["Diff-ICMH"]
        press(page, "3")
        assert on_top(page) == ["Copy"]
    finally:
        page.close()
        demo.close()
    assert errors == []


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "width"), [("light", 1000), ("dark", 360)])
def test_axe_finds_no_fault(visit, theme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # Colors halfway through a transition say nothing.
    page = visit(markup(), theme=theme, width=width, reduced_motion="reduce")
    for mode in MODES:
        choose_mode(page, mode)
        page.locator("#a .notes details").evaluate_all(
            "all => all.forEach(d => { d.open = true })"
        )
        results = axe.run(page)
        assert results.response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_can_be_reached_by_keyboard_and_shows_the_focus(visit):
    page = visit(markup())
    choose_mode(page, "slider")
    page.locator("#a #mode-slider").focus()
    reached, shown = [], []
    for _ in range(13):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => {
              const at = document.querySelector('#a').shadowRoot.activeElement;
              const rings = at ? [at, at.nextElementSibling, at.firstElementChild] : [];
              const isRing = e => e && getComputedStyle(e).outlineStyle === 'solid';
              return at && [at.id || at.tagName, rings.some(isRing)];
            }"""
        )
        if focus:
            reached.append(focus[0])
            shown.append(focus[1])
    expected = ["zoom-out", "zoom-in", "fit", "actual", "boxes", "loupe", "full"]
    assert reached == [*expected, "left", "right", "stage", "divider", "SUMMARY", "SUMMARY"]
    assert all(shown)
