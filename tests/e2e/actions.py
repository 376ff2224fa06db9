"""What a visitor does on the page, and waits for."""

from pathlib import Path
from weakref import WeakKeyDictionary

_STREAMS = WeakKeyDictionary()
"""For each page, the streams that tell it what comes of its events, as long as they are open."""


def follow(page):
    """Note the streams of a page, for :func:`until_told`."""
    streams = _STREAMS[page] = set()
    page.on("request", lambda asked: streams.add(asked) if "/queue/data" in asked.url else None)
    for ended in ("requestfinished", "requestfailed"):
        page.on(ended, lambda asked: streams.discard(asked))


def until_told(page):
    """Wait until the page has been told all that comes of its events: its streams have ended."""
    for _ in range(500):
        page.evaluate("() => new Promise(requestAnimationFrame)")
        if not _STREAMS[page]:
            return
        page.wait_for_timeout(20)
    raise TimeoutError("the page is still told of its events")


def encode(page, photo):
    page.set_input_files("#photo input[type=file]", photo)
    page.wait_for_selector("#facts .file")
    page.wait_for_selector("#compress-decode", state="visible")


def file_size(page) -> str:
    return page.inner_text("#facts .size strong")


def decoded(page, prefix="compress", status="#status"):
    """Wait for the picture, which comes by itself."""
    page.wait_for_selector(f"{status} .result")
    page.wait_for_selector(f"#{prefix}-decode:not([disabled])")


def set_auto(page, *, on, prefix="compress"):
    page.set_checked(f"#{prefix}-auto input", on)


def download(page, selector) -> Path:
    with page.expect_download() as started:
        page.click(selector)
    return started.value.path()


def choose_preset(page, prefix, name):
    page.click(f"#{prefix}-preset label:has-text('{name}')")


def open_tab(page, name):
    """Open a tab, from Gradio's menu of those that do not fit where needed."""
    tab = page.get_by_role("tab", name=name, exact=True)
    if tab.count() and tab.first.is_visible():
        tab.first.click()
        return
    page.locator(".overflow-menu > button").click()
    page.locator(".overflow-dropdown button", has_text=name).click()
