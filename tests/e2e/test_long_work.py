"""Measuring on the page: it is stopped within a step, and can be started again at once."""

import pytest
from PIL import Image

from tests.e2e.actions import decoded, encode, open_tab, until_told


@pytest.fixture
def page(visit, gate, tmp_path):
    """A page with a photograph that nothing has been kept of; decodings wait after a step."""
    photo = tmp_path / "noise.png"
    Image.effect_noise((150, 100), 50).convert("RGB").save(photo)
    page = visit()
    encode(page, photo)
    decoded(page)
    gate.close_after(1)
    return page


@pytest.fixture
def studying(page, gate):
    """The same while the second seed of a study is being decoded."""
    open_tab(page, "Study")
    page.click("#study-question label:has-text('Uncertainty')")
    page.wait_for_selector("#study-seeds", state="visible")
    page.click("#study-start")
    page.wait_for_selector("#study-progress:has-text('1 of 4')")
    gate.let_one_go()
    page.wait_for_selector("#study-progress:has-text('2 of 4')")
    return page


def is_running(page) -> bool:
    return page.is_disabled("#study-start") and page.is_enabled("#study-stop")


def test_stop_ends_a_study_within_a_step_and_what_was_measured_stays(studying, gate, until_idle):
    page = studying
    assert is_running(page)
    page.click("#study-stop")
    page.wait_for_selector("#study-progress:has-text('Stopped')")
    gate.open()
    until_idle()
    assert gate.n_steps <= 4  # two of each seed
    until_told(page)
    assert "Stopped" in page.inner_text("#study-progress")
    assert page.locator("#study-table tbody tr").count() == 1
    assert page.is_enabled("#study-start")
    assert page.is_disabled("#study-stop")


def test_a_study_that_was_stopped_starts_again_at_once(studying, gate):
    page = studying
    page.click("#study-stop")
    page.click("#study-start:not([disabled])")  # while the step is under way
    gate.let_one_go()
    page.wait_for_selector("#study-progress:has-text('3 of 4')")
    assert is_running(page)
    gate.open()
    page.wait_for_selector("#study-progress:has-text('Done')")
    page.wait_for_selector("#study-start:not([disabled])")
    assert page.is_disabled("#study-stop")


def test_stop_ends_a_comparison_before_its_next_codec(page, gate, until_idle):
    open_tab(page, "Compare")
    page.click("#compare-start")
    page.wait_for_selector("#compare-progress:has-text('1 of')")  # ours
    page.click("#compare-stop")
    page.wait_for_selector("#compare-progress:has-text('Stopped')")
    gate.open()
    until_idle()
    until_told(page)
    assert "Stopped" in page.inner_text("#compare-progress")
    assert page.locator("#compare-table tbody tr").count() == 0
    assert page.is_enabled("#compare-start")
