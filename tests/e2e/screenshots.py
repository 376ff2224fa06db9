"""Pictures of the page for the README: ``python -m tests.e2e.screenshots [FOLDER]``.

With a folder, every tab is taken there at three widths, light and dark, to be looked at.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.e2e.actions import open_tab
from tests.e2e.program import ROOT, running_program

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (1440, 768, 360)
TABS = ("Compress", "Compare", "Study", "Decode a file", "About")
FOR_README = {"Compress": "page_compress", "Compare": "page_compare", "Study": "page_study"}
WAIT_MS = 600_000


def main():
    """Start the page, visit every tab, and write the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    schemes, widths = (("light", "dark"), WIDTHS) if folder else (("light",), WIDTHS[:1])
    with (
        TemporaryDirectory() as served,
        running_program(Path(served)) as program,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for scheme in schemes:
            for width in widths:
                _take(browser, program.url, scheme, width, folder)
        browser.close()


def _take(browser, url, scheme, width, folder):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(url + ("?__theme=dark" if scheme == "dark" else ""))
    page.wait_for_selector("#examples button")
    _shoot(page, folder, f"start-{scheme}-{width}")
    page.locator("#examples button.gallery-item").nth(1).click()
    page.wait_for_selector("#status .result")
    for tab in TABS:
        open_tab(page, tab)
        if tab == "Compare":
            page.click("#compare-start")
            page.wait_for_selector("#compare-progress .message")
        if tab == "Study":
            page.click("#study-question label:has-text('Quality')")
            page.wait_for_selector("#study-qualities")
            page.click("#study-start")
            page.wait_for_selector("#study-progress .message")
        # Pictures below the fold load when they come into view, which a long shot does not do.
        page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        page.evaluate("window.scrollTo(0, 0)")
        page.wait_for_timeout(1500)
        _shoot(page, folder, f"{tab.split()[0].lower()}-{scheme}-{width}")
        if folder is None and tab in FOR_README:
            path = ROOT / "docs" / f"{FOR_README[tab]}.jpg"
            page.screenshot(path=path, full_page=True, type="jpeg", quality=88)
    context.close()


def _shoot(page, folder, name):
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
