"""A large photo: shrunk unless its owner wants all of it, with a bar that can be stopped."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difficmh_core.config.stages import Stage
from difficmh_core.workload import Progress
from tests.e2e.actions import decoded, encode, until_told

UPLOADS = "difficmh_core.ui.runtime.uploads"
CHOICE = "#photo-size"


@pytest.fixture
def is_large(monkeypatch):
    """What is large and what is offered, in small."""
    monkeypatch.setattr(f"{UPLOADS}.LARGE_PIXELS", 20_000)
    monkeypatch.setattr(f"{UPLOADS}.OFFERED_PIXELS", 10_000)


@pytest.fixture
def large(tmp_path) -> Path:
    """200 x 150 px, turned by a note in its metadata; no result of it is kept from before."""
    path = tmp_path / "large.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = np.random.default_rng().integers(0, 256, (200, 150, 3), np.uint8)
    Image.fromarray(noise).save(path, exif=exif)
    return path


@pytest.fixture
def slow(codec, monkeypatch):
    """Encodings that take ten seconds, in a hundred parts."""
    plain, parts = codec.encode_parts, []

    def encode_parts(image, **asked):
        for part in range(100):
            parts.append(part)
            time.sleep(0.1)
            yield Progress(stage=Stage.AUTOENCODER, share=(part + 1) / 100)
        return (yield from plain(image, **asked))

    monkeypatch.setattr(codec, "encode_parts", encode_parts)
    return parts


@pytest.mark.usefixtures("is_large")
def test_a_large_photo_is_shrunk_and_its_size_is_one_click_away(visit, large):
    page = visit()
    encode(page, large)
    decoded(page)
    small, whole = page.locator(f"{CHOICE} label").all()
    assert small.locator("input").is_checked()
    assert "115 x 87 px): about" in small.inner_text()
    assert "200 x 150 px): about" in whole.inner_text()
    assert "Shrunk from 200 x 150 to 115 x 87 px." in page.inner_text("#facts")
    whole.click()
    page.wait_for_selector("#facts:not(:has-text('Shrunk'))")
    page.wait_for_selector("#facts .file")
    decoded(page)
    assert "Shrunk" not in page.inner_text("#facts")
    assert whole.locator("input").is_checked()
    small.click()
    page.wait_for_selector("#facts:has-text('Shrunk')")
    decoded(page)


def test_a_small_photo_has_no_choice(visit, photos):
    page = visit()
    encode(page, photos["wide"])
    assert not page.locator(CHOICE).is_visible()


def test_encoding_has_a_bar_and_ends_when_it_is_stopped(visit, large, slow):
    page = visit()
    page.set_input_files("#photo input[type=file]", large)
    page.wait_for_selector("#compress-progress progress[value]")
    first = float(page.get_attribute("#compress-progress progress", "value"))
    page.wait_for_function(
        "first => document.querySelector('#compress-progress progress')?.value > first + 0.02",
        arg=first,
    )
    assert "s left" in page.inner_text("#compress-progress")
    page.click("#compress-stop")
    page.wait_for_selector("#status:has-text('Stopped')")
    until_told(page)
    n_parts = len(slow)
    assert n_parts < 95
    page.wait_for_timeout(500)
    assert len(slow) == n_parts
    assert not page.locator("#dicmh-file").is_visible()
