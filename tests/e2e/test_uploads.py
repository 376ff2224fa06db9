"""What is no photograph is refused with a message, and changes nothing that was there."""

import base64

import pytest
from PIL import Image

from tests.e2e.actions import decoded, download, encode, until_measured, until_told

INPUT = "#photo input[type=file]"
CLEAR = "#photo button[aria-label*='lear'], #photo button[aria-label*='emove']"
DROP = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type: "image/jpeg"}));
  const target = document.querySelector("#photo .image-frame")
    ?? document.querySelector("#photo .upload-container button");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(
      new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
  }
}"""


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """Files that are no photograph, with what the page says of each."""
    folder = tmp_path_factory.mktemp("bad")
    text, empty, huge = (folder / name for name in ("words.jpg", "empty.jpg", "huge.png"))
    text.write_text("not a picture")
    empty.write_bytes(b"")
    Image.new("1", (30_000, 30_000)).save(huge)
    return {text: "words.jpg' is not an image", empty: "is empty", huge: "30,000 x 30,000"}


def before_nothing(page, photos):
    return None


def before_upload(page, photos):
    encode(page, photos["wide"])
    decoded(page)
    until_measured(page)


def before_example(page, photos):
    page.click("#examples button.gallery-item >> nth=0")
    page.wait_for_selector("#facts .file")
    decoded(page)
    until_measured(page)


def before_clearing(page, photos):
    before_example(page, photos)
    page.click(CLEAR)
    page.wait_for_selector("#dicmh-file", state="hidden")
    page.wait_for_selector(INPUT, state="attached")


BEFORE = [before_nothing, before_upload, before_example, before_clearing]


def shown(page):
    """Return what a visitor sees, and could download."""
    until_told(page)
    has_file = page.is_visible("#dicmh-file")
    names = ("#dicmh-file", "#picture-file") if has_file else ()
    return {
        "facts": page.inner_text("#facts"),
        "status": page.inner_text("#status"),
        "photo": page.eval_on_selector_all("#photo img", "images => images.map(i => i.src)"),
        "files": [download(page, name).read_bytes() for name in names],
        "result": page.eval_on_selector_all(
            "#pictures .prose", "all => all.map(a => a.innerHTML)"
        ),
    }


def told(page):
    """Return the message, and close it."""
    toast = page.wait_for_selector(".toast-body")
    words = toast.inner_text()
    page.click(".toast-close")
    page.wait_for_selector(".toast-body", state="detached")
    return words


@pytest.mark.parametrize("before", BEFORE, ids=lambda before: before.__name__)
def test_what_is_no_photograph_is_refused_and_changes_nothing(visit, photos, bad, before, capsys):
    page = visit()
    before(page, photos)
    was = shown(page)
    for path, words in bad.items():
        page.set_input_files(INPUT, path)
        assert words in told(page)
        assert shown(page) == was
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("before", [before_nothing, before_upload, before_clearing])
def test_a_dropped_file_that_is_no_photograph_is_refused_likewise(visit, photos, before):
    page = visit()
    before(page, photos)
    was = shown(page)
    page.evaluate(DROP, [base64.b64encode(b"not a picture").decode(), "words.jpg"])
    assert "words.jpg' is not an image" in told(page)
    assert shown(page) == was
