"""What a visitor does on the page, and waits for."""

from pathlib import Path


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
    page.get_by_role("tab", name=name, exact=True).click()
