"""The page is there before its model, says so, and says why where it will not come."""

import threading

import pytest

from difficmh_core.config.profiles import TINY
from difficmh_core.errors import CheckpointError
from difficmh_core.models.deferred import DeferredCodec
from tests.e2e.actions import decoded, encode


@pytest.fixture
def open_with(visit, cache_dir, pictures):
    """Open a page around a codec that is being loaded."""
    from difficmh_core.ui.page import build_page

    pages = []

    def opened(load):
        page = build_page(DeferredCodec(TINY, load), read=pictures.read)
        page.launch(prevent_thread_lock=True, quiet=True)
        pages.append(page)
        return visit(url=page.demo.local_url)

    yield opened
    for page in pages:
        page.demo.close()


def test_a_line_says_that_the_model_is_loading_until_it_is_there(open_with, codec, photos):
    may_load = threading.Event()

    def load():
        may_load.wait(60)
        return codec

    page = open_with(load)
    page.wait_for_selector("#loading:has-text('Loading the model')")
    may_load.set()
    page.wait_for_selector("#loading", state="hidden")
    encode(page, photos["private"])
    decoded(page)


def test_the_line_says_why_the_model_cannot_be_loaded(open_with):
    def load():
        raise CheckpointError("The weights are damaged. Get them again.")

    page = open_with(load)
    page.wait_for_selector("#loading:has-text('could not be loaded')")
    assert "The weights are damaged. Get them again." in page.inner_text("#loading")
