"""One view for all figures: wheel, mouse, keys, buttons and fingers."""

import numpy as np
import pytest

from tests.e2e.viewer.drawn import WIDTH, choose_mode, markup, middle, press, scale, transforms


def test_the_wheel_zooms_all_figures_and_the_point_at_the_cursor_stays(visit):
    page = visit(markup())
    assert len(set(transforms(page))) == 1
    press(page, "+", "+", "+")
    before = transforms(page)
    x, y = middle(page)
    place = "viewer => { const box = viewer.frames[0].getBoundingClientRect(); " + (
        f"return viewer.view.pointAt({x + 30} - box.left, {y + 10} - box.top) }}"
    )
    point = page.locator("#a").evaluate(place)

    page.mouse.move(x + 30, y + 10)
    for _ in range(4):
        page.mouse.wheel(0, -100)
    page.wait_for_function("document.querySelector('#a').view.scale > 13")

    assert len(transforms(page)) == 3
    assert len(set(transforms(page))) == 1
    assert transforms(page) != before
    assert page.locator("#a").evaluate(place) == pytest.approx(point, abs=0.05)


def test_dragging_moves_all_figures(visit):
    page = visit(markup())
    press(page, "+", "+", "+", "+")
    before = page.locator("#a").evaluate("viewer => [viewer.view.x, viewer.view.y]")
    page.mouse.move(*middle(page))
    page.mouse.down()
    x, y = middle(page)
    page.mouse.move(x + 24, y + 12, steps=3)
    page.mouse.up()

    after = page.locator("#a").evaluate("viewer => [viewer.view.x, viewer.view.y]")
    moved = np.subtract(before, after) * scale(page)
    assert moved == pytest.approx([24, 12], abs=0.01)
    assert len(set(transforms(page))) == 1


def test_keys_and_buttons_zoom_reset_and_fit(visit):
    page = visit(markup())
    fitted = scale(page)
    assert fitted == 3, "whole multiples above 100%, or pixels would be uneven"
    press(page, "0")
    assert scale(page) == 1
    assert page.locator("#a output").inner_text() == "100%"
    first = page.locator("#a .stage .picture >> nth=0")
    assert first.bounding_box()["width"] == WIDTH
    assert first.evaluate("img => getComputedStyle(img).imageRendering") == "auto"
    press(page, "+")
    assert first.evaluate("img => getComputedStyle(img).imageRendering") == "pixelated"
    page.locator("#a #fit").click()
    assert scale(page) == fitted
    press(page, "+", "+", "+")
    page.locator("#a #actual").click()
    assert scale(page) == 1
    page.locator("#a #zoom-in").click()
    page.locator("#a #zoom-out").click()
    assert scale(page) == 1


def test_arrow_keys_move_and_stop_at_the_edge(visit):
    page = visit(markup())
    press(page, *"++++", "ArrowRight")
    x = page.locator("#a").evaluate("viewer => viewer.view.x")
    assert x > WIDTH / 2
    press(page, *["Shift+ArrowRight"] * 20)
    edge = page.locator("#a").evaluate("v => v.view.x + v.view.frameWidth / 2 / v.view.scale")
    assert edge == pytest.approx(WIDTH)


def touch(session, kind, *points):
    places = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def test_fingers_pinch_move_and_swipe(visit):
    page = visit(markup(), width=360, has_touch=True)
    assert page.locator("#a .frame").count() == 2, "a phone begins with two pictures"
    page.locator("#a .frame").first.scroll_into_view_if_needed()
    fitted = scale(page)
    fingers = page.context.new_cdp_session(page)
    x, y = middle(page)
    touch(fingers, "touchStart", (x - 20, y), (x + 20, y))
    for spread in (30, 45, 60):
        touch(fingers, "touchMove", (x - spread, y), (x + spread, y))
    touch(fingers, "touchEnd")
    page.wait_for_function("s => document.querySelector('#a').view.scale > 2 * s", arg=fitted)
    assert len(set(transforms(page))) == 1

    before = page.locator("#a").evaluate("viewer => viewer.view.x")
    touch(fingers, "touchStart", (x, y))
    for right in (10, 20, 30):
        touch(fingers, "touchMove", (x - right, y))
    touch(fingers, "touchEnd")
    page.wait_for_function("x => document.querySelector('#a').view.x > x", arg=before)

    choose_mode(page, "blink")
    page.locator("#a #fit").click()
    x, y = middle(page)
    touch(fingers, "touchStart", (x + 60, y))
    for right in (40, 10, -60):
        touch(fingers, "touchMove", (x + right, y))
    touch(fingers, "touchEnd")
    page.wait_for_selector("#a .layer.top img[alt='Diff-ICMH']")
    page.touchscreen.tap(*middle(page))
    page.wait_for_selector("#a .layer.top img[alt='Original']")
