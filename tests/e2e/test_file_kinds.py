"""Every kind of picture that is read can be chosen and dropped, also what no browser shows."""

import base64
from pathlib import Path

import pytest

from tests.e2e.actions import decoded, until_told

PICTURES = Path(__file__).parents[1] / "pictures"
KINDS = {
    "heic-8.heic": "HEIC",
    "jxl-lossy.jxl": "JPEG XL",
    "avif-turned.avif": "AVIF",
    "tiff-rows.tiff": "TIFF",
    "jpeg-2000.jp2": "JPEG 2000",
    "pgm.pgm": "PPM",
    "bmp.bmp": "BMP",
    "gif-frames.gif": "GIF",
    "webp-lossy.webp": "WebP",
}
CHOOSE = "#photo input[type=file]"
DROP = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name));
  const target = document.querySelector("#photo .upload-container button")
    ?? document.querySelector("#photo button");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(
      new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
  }
}"""


def choose(page, path):
    page.set_input_files(CHOOSE, path)


def drop(page, path):
    page.evaluate(DROP, [base64.b64encode(path.read_bytes()).decode(), path.name])


@pytest.mark.parametrize(
    ("name", "bring"), [*((name, choose) for name in KINDS), ("heic-8.heic", drop)]
)
def test_the_page_takes_and_shows_every_kind(visit, name, bring):
    page = visit()
    bring(page, PICTURES / name)
    decoded(page)
    assert KINDS[name] in page.inner_text("#facts .comparisons")
    shown = page.locator("#photo img").first
    assert shown.evaluate("image => image.complete && image.naturalWidth") > 0
    assert page.locator(".toast-body").count() == 0


def test_the_dialog_lists_them(visit):
    page = visit()
    with page.expect_file_chooser():
        page.click("#photo .upload-container button")
    accepted = page.get_attribute(CHOOSE, "accept").split(",")
    assert {"image/*", *(Path(name).suffix for name in KINDS)} <= set(accepted)


@pytest.mark.parametrize("bring", [choose, drop])
def test_what_is_no_picture_is_refused_in_the_servers_words(visit, tmp_path, bring):
    words = tmp_path / "words.txt"
    words.write_text("not a picture")
    page = visit()
    bring(page, words)
    page.wait_for_selector(".toast-body:has-text('is not an image')")
    assert "Invalid file type" not in page.inner_text("body")
    until_told(page)
