"""Small viewers to test with, and what is on the page of them."""

import base64
import io

import numpy as np
from PIL import Image

from difficmh_core.ui.viewer.markup import Fact, Figure, viewer_markup

HEIGHT, WIDTH = 60, 90
MODES = ("side", "slider", "blink", "difference")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 60"><path d="M0 0H9V9Z"/></svg>'
FACTS = (
    Fact(
        name="PSNR", value="24.10", unit="dB", is_higher_better=True, help="Pixels.", is_best=True
    ),
    Fact(name="LPIPS", value="0.210", is_higher_better=False, help="Eyes."),
)


def png(pixels) -> str:
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def ramp(height=HEIGHT, width=WIDTH):
    return np.linspace(20, 200, height * width * 3).reshape(height, width, 3).round()


def some_figures() -> list[Figure]:
    """Three figures: the second differs from the first by 40 levels in one half, by 0 in one."""
    original, changed = ramp(), ramp()
    changed[:, : WIDTH // 2, 1] += 40
    return [
        Figure(key="original", label="Original", source=png(original), overlay=SVG),
        Figure(key="ours", label="Diff-ICMH", source=png(changed), facts=FACTS, overlay=SVG),
        Figure(key="copy", label="Copy", source=png(original), facts=FACTS, note="Too large."),
    ]


def markup(figures=None, viewer_id="a", size=(HEIGHT, WIDTH)) -> str:
    return viewer_markup(
        some_figures() if figures is None else figures, size=size, viewer_id=viewer_id
    )


def transforms(page, viewer_id="a") -> list[str]:
    layers = page.locator(f"#{viewer_id} .stage .layer")
    return layers.evaluate_all("layers => layers.map(layer => getComputedStyle(layer).transform)")


def scale(page, viewer_id="a") -> float:
    return page.locator(f"#{viewer_id}").evaluate("viewer => viewer.view.scale")


def choose_mode(page, mode, viewer_id="a"):
    page.locator(f"#{viewer_id} #mode-{mode}").check(force=True)


def press(page, *keys):
    page.locator("#a .stage").focus()
    for key in keys:
        page.keyboard.press(key)


def middle(page, selector="#a .frame >> nth=0"):
    box = page.locator(selector).bounding_box()
    return round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)


def on_top(page) -> list[str]:
    return page.locator("#a .layer.top .picture").evaluate_all("all => all.map(img => img.alt)")
